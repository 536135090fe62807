"""Hands messages down to the gateway, and takes up what of the inbox was left over.

The gateway's form is RockBLOCK's: POST imei, username, password, data (hex); it answers
"OK,number" or "FAILED,code,reason". What fails is tried again, ever more seldom. A message may go
twice when the answer is lost: the device takes an acknowledgement or a command once.

Example:
    >>> with running(shore): ...          # does nothing without --satellite-gateway
"""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator

import httpx
from sqlalchemy.exc import DBAPIError

from server.clock import now_ms
from server.db import satellite
from server.db.satellite import Outgoing
from server.satellite.intake import read_new
from server.shore import Shore

LOG = logging.getLogger("seadrift.satellite")

ROUND_S = 2.0
USER, PASSWORD = "SEADRIFT_GATEWAY_USER", "SEADRIFT_GATEWAY_PASSWORD"


@contextlib.contextmanager
def running(shore: Shore, round_s: float = ROUND_S) -> Iterator[None]:
    """A thread that does the rounds meanwhile."""
    if not shore.settings.satellite_gateway:
        yield
        return
    ended = threading.Event()

    def rounds() -> None:
        with httpx.Client(timeout=20, follow_redirects=False) as client:
            while not ended.wait(round_s):
                try:
                    read_new(shore)
                    hand_over(shore, client)
                except (DBAPIError, OSError) as error:
                    LOG.error("satellite: %s", error)

    thread = threading.Thread(target=rounds, name="satellite gateway", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


def hand_over(shore: Shore, client: httpx.Client) -> int:
    """Post what is due; how many the gateway took."""
    with shore.database.write() as connection:
        due = satellite.due(connection, now_ms())
    taken = 0
    for item in due:
        reason = _posted(client, shore.settings.satellite_gateway, item)
        if reason:
            LOG.warning("message down %d: %s", item.id, reason)
        taken += not reason
        with shore.database.write() as connection:
            satellite.went(connection, item, reason, now_ms())
    return taken


def _posted(client: httpx.Client, url: str, item: Outgoing) -> str:
    """Why the gateway did not take it, or ""."""
    form = {
        "imei": item.imei,
        "username": os.environ.get(USER, ""),
        "password": os.environ.get(PASSWORD, ""),
        "data": item.data.hex(),
    }
    try:
        answer = client.post(url, data=form)
    except httpx.HTTPError as error:
        return f"the gateway does not answer: {type(error).__name__}"
    said = answer.text[:200].strip()
    return "" if answer.status_code == 200 and said.startswith("OK") else f"gateway: {said}"

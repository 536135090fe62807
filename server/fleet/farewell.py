"""An instrument that is wanted no more: nothing of it is taken, and one thing is still said to it.

A wipe that waits for a revoked device goes out with the refusal of its next hello, so that whoever
has it and lets it on the network loses its keys. Nothing else is said, and nothing is taken.

Example:
    >>> revoke(connection, shore.release_key, "d7b1c2", wipe=True, user_id=1, now_ms=now)
    True
"""

import cbor2
from sqlalchemy import Connection

from server.db import commands, fleet, keys
from server.db.fleet import DeviceInfo
from server.intake.batch import ReplayedError, Stores
from wire.ack import Ack, encode_ack
from wire.signing import PrivateKey

WIPE = "wipe"


def revoke(
    connection: Connection,
    release_key: PrivateKey,
    device_id: str,
    *,
    wipe: bool,
    user_id: int,
    now_ms: int,
) -> bool:
    """Take nothing more of this device; with `wipe` its keys are to be destroyed too. False when
    there is no such device."""
    device = fleet.device(connection, device_id)
    if device is None:
        return False
    keys.revoke(connection, device_id, now_ms)
    if wipe and not commands.waiting(connection, device.pk, only=WIPE):
        commands.add(connection, release_key, device, WIPE, None, user_id=user_id, now_ms=now_ms)
    return True


def last_words(stores: Stores, device: DeviceInfo, counter: int, now_ms: int) -> bytes | None:
    """The answer to a revoked device's hello while a wipe waits for it: that, and nothing held.
    None when there is nothing to say. Raises ReplayedError."""
    with stores.database.read() as connection:
        if not commands.waiting(connection, device.pk, only=WIPE):
            return None
    with stores.database.write() as connection:
        if not fleet.raise_counter(connection, device.pk, counter, now_ms, device.carrier):
            raise ReplayedError(f"counter {counter} was used before")
        orders = commands.waiting(connection, device.pk, only=WIPE)
        commands.handed(connection, device.pk, [number for number, _ in orders], now_ms)
    answer = {
        "ack": encode_ack(Ack(epoch=0, upto=0)),
        "time_ms": now_ms,
        "assignment": None,
        "commands": [payload for _, payload in orders],
    }
    return cbor2.dumps(answer)

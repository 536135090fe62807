"""Requests and answers over MQTT 5: the topics, and what an HTTP header or status is called there.

A device asks on `seadrift/v1/DEVICE/up/KIND` and is answered on `seadrift/v1/DEVICE/down/answer`
with the correlation data of its request. Bodies are those of HTTPS. A request is signed like any
other (`wire.signing`), with method MQTT, its topic as path and the headers as user properties.

Example:
    >>> read_request(request_topic("d7", "hello"))
    ('d7', 'hello')
"""

from collections.abc import Iterable

ROOT = "seadrift/v1"
METHOD = "MQTT"
KINDS = ("ping", "hello", "ingest", "release", "certificate")
ALL_REQUESTS = f"{ROOT}/+/up/#"
STATUS = "Seadrift-Status"
"""User property of an answer: the status that HTTP would give it."""
RETRY_AFTER = "Retry-After"
CHUNK_MAX = 64 * 1024
"""Most bytes of a release in one answer."""


def request_topic(device: str, kind: str) -> str:
    return f"{ROOT}/{device}/up/{kind}"


def answer_topic(device: str) -> str:
    return f"{ROOT}/{device}/down/answer"


def read_request(topic: str) -> tuple[str, str] | None:
    """Device and kind of a request's topic; None for any other topic."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[:2] != ROOT.split("/") or parts[3] != "up" or not parts[2]:
        return None
    return parts[2], parts[4]


def headers(properties: Iterable[tuple[str, str]]) -> dict[str, str]:
    """User properties as headers; of one that comes twice the first counts."""
    found: dict[str, str] = {}
    for name, value in properties:
        found.setdefault(name, value)
    return found

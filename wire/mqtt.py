"""Requests and answers over MQTT 5: where a broker is, the topics, and what stands for a header.

A device asks on `seadrift/v1/DEVICE/up/KIND` and is answered on `seadrift/v1/DEVICE/down/answer`
with the correlation data of its request. Bodies are those of HTTPS. A request is signed like any
other (`wire.signing`), with method MQTT, its topic as path and the headers as user properties.

Example:
    >>> read_request(request_topic("d7", "hello"))
    ('d7', 'hello')
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

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


class AddressError(ValueError):
    """A broker's address that cannot be used; the message says what to write."""


@dataclass(frozen=True)
class Address:
    """Where a broker listens; without `tls` it is on this machine."""

    host: str
    port: int
    tls: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def read_address(url: str) -> Address:
    """mqtts://HOST[:8883] anywhere, mqtt://HOST[:1883] on this machine. Raises AddressError."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{url}: {error}") from error
    if parts.scheme not in ("mqtts", "mqtt") or not host or parts.path.strip("/"):
        raise AddressError(f"expected mqtts://HOST or mqtts://HOST:PORT, got '{url}'")
    if parts.query or parts.fragment or parts.username:
        raise AddressError(f"expected scheme, host and port alone, got '{url}'")
    tls = parts.scheme == "mqtts"
    if not tls and not _is_loopback(host):
        raise AddressError(
            f"{url}: without TLS anyone on the way could read what is sent, and pretend to be the"
            " broker: use mqtts, or a broker on this machine"
        )
    return Address(host, port or (8883 if tls else 1883), tls)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

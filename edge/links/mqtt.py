"""The carrier over an MQTT 5 broker: the same signed requests as over HTTPS, on topics.

A broker's own acknowledgement proves nothing: it may lose what it took. Each request blocks until
the shore's answer with this request's correlation data is here, or raises LinkError. Enrolment
stays with HTTPS: the claim is made there, and the certificate for the broker comes from there.

Example:
    >>> link = open_mqtt(config, identity)
    >>> link.send(batch)
    Ack(epoch=7, upto=20, sack=(), rej=())
"""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import cbor2

from edge.config import Config
from edge.identity import Identity, IdentityError
from edge.links import Carriage, Enrolled, HelloReply, LinkError, NotSeadriftError
from edge.links.answers import read_ack, read_hello, refusal
from edge.links.broker import Broker, Line, Reply
from wire.ack import Ack
from wire.codec import BATCH_MAX
from wire.mqtt import CHUNK_MAX, METHOD, Address, answer_topic, read_address, request_topic

CHUNK_FIRST = 4 * 1024
"""A download begins with pieces of so many bytes, for slow links, and doubles them."""


def open_mqtt(config: Config, identity: Identity) -> "MqttLink":
    """The link that [mqtt] describes; it connects when it is used."""
    ca = config.resolve(config.mqtt.ca) if config.mqtt.ca else None
    address = read_address(config.mqtt.url)
    return MqttLink(address, identity, timeout_s=config.link.timeout_s, ca=ca)


class MqttLink:
    """One shore behind one broker. Not for several threads at once."""

    def __init__(
        self, address: Address, identity: Identity, *, timeout_s: float, ca: Path | None = None
    ) -> None:
        self.url = address.url
        self._address = address
        self._ca = ca
        self._identity = identity
        self._timeout_s = timeout_s
        self._line: Line | None = None

    @property
    def carriage(self) -> Carriage:
        return Carriage("mqtt", BATCH_MAX, fetches=True)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def ping(self) -> str:
        reply = self._ask("ping", b"")
        try:
            data = json.loads(reply.body)
            service, api, version = data["service"], data["api"], str(data["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise NotSeadriftError(f"{self.url}: what answers is not a Seadrift shore") from error
        if service != "seadrift" or api != 1:
            raise LinkError(f"{self.url}: {service} speaks api {api}, this device api 1")
        return version

    def enrol(self, claim: str, name: str, board: str, software: str) -> Enrolled:
        raise LinkError(
            f"{self.url}: a claim is made over HTTPS: set [shore] url; the broker lets nobody in"
            " without the certificate that comes with it"
        )

    def hello(
        self, epoch: int, next_seq: int, software: str, release: str | None, deploy_seq: int
    ) -> HelloReply:
        said = {
            "epoch": epoch,
            "next_seq": next_seq,
            "software": software,
            "release": release,
            "deploy_seq": deploy_seq,
        }
        return read_hello(self.url, self._ask("hello", cbor2.dumps(said, canonical=True)).body)

    def send(self, batch: bytes) -> Ack:
        return read_ack(self.url, self._ask("ingest", batch).body)

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        length = CHUNK_FIRST
        while True:
            wanted = {"release": release, "offset": offset, "length": length}
            piece = self._ask("release", cbor2.dumps(wanted, canonical=True)).body
            if piece:
                yield piece
            if len(piece) < length:
                return
            offset += len(piece)
            length = min(2 * length, CHUNK_MAX)

    def certificate(self) -> str:
        """A new certificate for this device's key, with its authority's, PEM."""
        return self._ask("certificate", b"").body.decode("ascii", "replace")

    def _ask(self, kind: str, body: bytes) -> Reply:
        """One request and its answer with status 200. Raises LinkError for any other; after that
        the connection is not used again unless the shore itself answered."""
        device = self._device()
        topic = request_topic(device, kind)
        headers = self._identity.sign(METHOD, topic, body)
        line = self._open(device)
        try:
            reply = line.request(topic, body, headers)
        except LinkError:
            self.close()
            raise
        if reply.status == 200:
            return reply
        raise refusal(
            self.url, reply.status, reply.body, retry_after=reply.retry_after
        ) or NotSeadriftError(f"{self.url}: an answer with status {reply.status} makes no sense")

    def _open(self, device: str) -> Line:
        if self._line is None or not self._line.alive:
            self.close()
            broker = Broker(self._address, self._tls() if self._address.tls else None)
            topic = answer_topic(device)
            self._line = Line(broker, device, topic, timeout_s=self._timeout_s)
        return self._line

    def _tls(self) -> ssl.SSLContext:
        try:
            return self._identity.tls(self._ca)
        except (IdentityError, OSError) as error:
            raise LinkError(f"{self.url}: {error}") from error

    def _device(self) -> str:
        if self._identity.enrolment is None:
            raise LinkError(
                f"{self.url}: not enrolled: the first claim goes over HTTPS, set [shore] url"
            )
        return self._identity.enrolment.device_id

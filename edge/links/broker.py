"""One connection to an MQTT 5 broker, driven by hand: no thread, nothing queued out of sight.

It is made for a visit and thrown away when anything goes wrong; who wants another makes another, so
paho never reconnects or sends again by itself. At most one request is under way. The session
outlives the connection on the broker's side (`SESSION_S`), with its subscription.

Example:
    >>> line = Line(Broker(address, context), "d7", answer_topic("d7"), timeout_s=30)
    >>> line.request(request_topic("d7", "hello"), body, headers)
    Reply(status=200, body=b'...', retry_after='')
"""

import fcntl
import re
import secrets
import socket
import ssl
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.links import LinkError, RefusedError
from wire.mqtt import RETRY_AFTER, STATUS, Address, headers

SESSION_S = 7 * 86400
"""How long the broker keeps the session of a device that is away."""
KEEPALIVE_S = 900
"""A longer silence ends the connection on the broker's side; the next request makes another."""
PACKET_MAX = 4 * 1024 * 1024
"""Largest packet that is taken from the broker, in bytes."""
OVERHEAD_MAX = 1024
"""Bytes of a request beside its body, at most."""
_NO_SUBSCRIBER = 0x10
_NOISE = (
    r"failed to receive on socket: |sslv3 alert |\[SSL[^]]*\] |\[Errno -?\d+\] | \(_ssl\.c:\d+\)"
)


@dataclass(frozen=True)
class Broker:
    """Where it is, and the TLS with which it is spoken to."""

    address: Address
    context: ssl.SSLContext | None


@dataclass(frozen=True)
class Reply:
    """The shore's answer: what HTTP would call status, body and Retry-After."""

    status: int
    body: bytes
    retry_after: str


class _Client(Client):
    """paho's client over a connection that is made here, so that none is left half open."""

    def __init__(self, broker: Broker, client_id: str, timeout_s: float) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._broker = broker
        self._timeout_s = timeout_s

    def _create_socket_connection(self) -> socket.socket:
        address = (self._broker.address.host, self._broker.address.port)
        plain = socket.create_connection(address, self._timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request waits for no other
        if self._broker.context is None:
            return plain
        try:
            return self._broker.context.wrap_socket(plain, server_hostname=address[0])
        except BaseException:
            plain.close()
            raise


class Line:
    """An open connection. Not for several threads. Every method raises LinkError. `resumed`: the
    broker still had the session."""

    def __init__(self, broker: Broker, client_id: str, topic: str, *, timeout_s: float) -> None:
        self._url = broker.address.url
        self._timeout_s = timeout_s
        self._connected: ReasonCode | None = None
        self._subscribed: ReasonCode | None = None
        self._taken: ReasonCode | None = None
        self._lost = ""
        self._wanted = b""
        self._reply: Reply | None = None
        self._packet_max = PACKET_MAX
        self.resumed = False
        self._client = self._make(broker, client_id)
        try:
            self._dial(broker)
            if not self.resumed:
                self._subscribe(topic)
        except LinkError:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as can be told without sending."""
        return not self._lost and self._turn(0.0)

    def request(self, topic: str, body: bytes, sent: Mapping[str, str]) -> Reply:
        """Publish and wait for the shore's answer to exactly this request."""
        if len(body) + OVERHEAD_MAX > self._packet_max:
            raise RefusedError(
                413,
                "too_large",
                f"{len(body)} bytes; the broker takes packets of at most {self._packet_max}",
            )
        self._wanted, self._reply, self._taken = secrets.token_bytes(12), None, None
        said = properties(PacketTypes.PUBLISH)
        said.CorrelationData = self._wanted
        said.MessageExpiryInterval = max(1, int(self._timeout_s))
        said.UserProperty = list(sent.items())
        self._client.publish(topic, body, qos=1, properties=said)
        self._until(lambda: self._reply is not None or self._refused_by_broker, "the shore")
        reply: Reply | None = self._reply
        if reply is None:
            raise LinkError(f"{self._url}: {self._why_not_taken(topic)}")
        return reply

    def close(self) -> None:
        """Say goodbye if that can be said at once; the session stays."""
        self._client.disconnect()
        self._turn(0.0)
        opened = self._client.socket()
        if opened is not None:
            opened.close()
        self._client.on_connect = self._client.on_subscribe = self._client.on_publish = None
        self._client.on_message = self._client.on_disconnect = self._client.on_log = None

    def _make(self, broker: Broker, client_id: str) -> Client:
        client = _Client(broker, client_id, self._timeout_s)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        return client

    def _dial(self, broker: Broker) -> None:
        wishes = properties(PacketTypes.CONNECT)
        wishes.SessionExpiryInterval = SESSION_S
        wishes.MaximumPacketSize = PACKET_MAX
        try:
            self._client.connect(
                broker.address.host,
                broker.address.port,
                KEEPALIVE_S,
                clean_start=False,
                properties=wishes,
            )
        except (OSError, ValueError) as error:
            raise LinkError(f"{self._url}: {_reason(error)}") from error
        self._until(lambda: self._connected is not None, "the broker")
        code = self._connected
        if code is not None and code.is_failure:
            raise LinkError(f"{self._url}: the broker refused: {code}")

    def _subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, options=SubscribeOptions(qos=1))
        self._until(lambda: self._subscribed is not None, "the broker")
        if self._subscribed is not None and self._subscribed.is_failure:
            raise LinkError(f"{self._url}: {topic} may not be read: {self._subscribed}")

    @property
    def _refused_by_broker(self) -> bool:
        return self._taken is not None and (
            self._taken.is_failure or self._taken.value == _NO_SUBSCRIBER
        )

    def _why_not_taken(self, topic: str) -> str:
        if self._taken is not None and self._taken.value == _NO_SUBSCRIBER:
            return "the broker is there, but no shore listens behind it just now"
        return f"the broker refused {topic}: {self._taken}"

    def _until(self, done: Callable[[], bool], who: str) -> None:
        """Work until `done`; a silence of `timeout_s` ends it. Bytes that still leave this machine
        are no silence: a slow link takes minutes for a batch."""
        quiet_since, unsent = time.monotonic(), -1
        while not done():
            left_s = quiet_since + self._timeout_s - time.monotonic()
            if left_s <= 0:
                self._lost = f"no answer of {who} in {self._timeout_s:g} s"
            if self._lost or not self._turn(min(left_s, 1.0)):
                raise LinkError(f"{self._url}: {self._lost or 'connection lost'}")
            now_unsent = self._unsent()
            if now_unsent != unsent:
                quiet_since, unsent = time.monotonic(), now_unsent

    def _turn(self, wait_s: float) -> bool:
        """Read and write what there is; False when the connection is gone."""
        try:
            code = self._client.loop(max(wait_s, 0.0))
        except (OSError, ValueError) as error:
            self._lost = _reason(error)
            return False
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS and not self._lost:
            self._lost = "connection lost"
        return not self._lost

    def _unsent(self) -> int:
        """Bytes written that the other side's machine has not confirmed."""
        opened = self._client.socket()
        if opened is None:
            return 0
        try:
            left = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return 0
        return int.from_bytes(left, sys.byteorder)

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        said: Properties | None,
    ) -> None:
        self._connected, self.resumed = code, flags.session_present
        self._packet_max = getattr(said, "MaximumPacketSize", PACKET_MAX)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _said: Any
    ) -> None:
        self._subscribed = codes[0]

    def _on_publish(
        self, _client: Client, _data: Any, _mid: int, code: ReasonCode, _said: Any
    ) -> None:
        self._taken = code

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        """Keep the answer to this request; an answer to an earlier one has no use: the next hello
        says all that the shore holds."""
        if getattr(message.properties, "CorrelationData", None) != self._wanted:
            return
        said = headers(getattr(message.properties, "UserProperty", []))
        status = said.get(STATUS, "")
        if status.isascii() and status.isdigit() and len(status) == 3:
            self._reply = Reply(int(status), bytes(message.payload), said.get(RETRY_AFTER, ""))

    def _on_log(self, _client: Client, _data: Any, level: int, text: str) -> None:
        """paho says here alone why a connection was lost: a revoked certificate, for one."""
        if level == LogLevel.MQTT_LOG_ERR:
            self._lost = self._lost or f"the broker ended the connection: {_plain(text)}"

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _said: Any
    ) -> None:
        self._lost = self._lost or f"the broker ended the connection ({code})"


def properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it without types


def _plain(text: str) -> str:
    """A library's message without its own names and line numbers."""
    return re.sub(_NOISE, "", text)


def _reason(error: Exception) -> str:
    """What went wrong, in words a person knows."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return error.strerror
    return _plain(str(error)) or type(error).__name__

"""A worker of the shore behind a broker: takes requests in turn with the other workers, answers.

The broker's delivery is acknowledged after the database has committed and the answer is on its way.
What a killed worker had taken from the broker is asked for again by the devices, which keep their
records until the shore's own answer. Nothing that arrives ends the worker.

Example:
    >>> Worker(shore, read_address("mqtts://127.0.0.1:8884"), threads=4).run(stopped)
"""

import logging
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from server.clock import now_ms
from server.mqtt import desk
from server.mqtt.trust import worker_context
from server.shore import Shore
from wire.mqtt import (
    ALL_REQUESTS,
    RETRY_AFTER,
    STATUS,
    Address,
    answer_topic,
    headers,
    read_request,
)

LOG = logging.getLogger("seadrift.mqtt")
IN_FLIGHT = 16
"""Requests that the broker hands to one worker before it has acknowledged the first."""
KEEPALIVE_S = 30
ANSWER_KEPT_S = 120
"""How long the broker keeps an answer for a device that has gone: its next hello says the same."""
PACKET_MAX = 1024 * 1024
LEAVE_S = 10.0
"""Longest time for finishing what was begun."""
QUIET_S = 0.2


class Worker:
    """One connection to the broker and a few threads that do the work."""

    def __init__(self, shore: Shore, address: Address, *, threads: int) -> None:
        self._shore = shore
        self._address = address
        self._topic = f"$share/{shore.authority.group}/{ALL_REQUESTS}"
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="mqtt")
        self._connection = 0
        self._client = self._make()
        self._left = threading.Event()
        self._taken, self._done, self._taken_s = 0, 0, 0.0
        self._counting = threading.Lock()
        self._failing = ""
        self.ready = threading.Event()
        self.answered = 0

    def run(self, stopped: threading.Event) -> None:
        """Work until `stopped`; a broker that is away is tried again for ever."""
        wishes = properties(PacketTypes.CONNECT)
        wishes.ReceiveMaximum = IN_FLIGHT
        wishes.MaximumPacketSize = PACKET_MAX
        host, port = self._address.host, self._address.port
        self._client.connect_async(host, port, KEEPALIVE_S, clean_start=True, properties=wishes)
        self._client.loop_start()
        stopped.wait()
        self._leave()

    def _leave(self) -> None:
        """Take nothing more, finish what the broker had given out, say goodbye: who asked need not
        ask again."""
        deadline = time.monotonic() + LEAVE_S
        if self.ready.is_set():
            self._client.unsubscribe(self._topic)
            self._left.wait(LEAVE_S)
            while self._busy() and time.monotonic() < deadline:
                time.sleep(0.02)
        self._pool.shutdown(wait=True)
        self._client.disconnect()
        self._client.loop_stop()

    def _busy(self) -> bool:
        """Whether requests are under way, or the latest came so lately that another may follow."""
        return self._taken > self._done or time.monotonic() - self._taken_s < QUIET_S

    def _make(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        if self._address.tls:
            client.tls_set_context(worker_context(self._shore.authority))
        client.reconnect_delay_set(1, 30)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_unsubscribe = self._on_unsubscribe
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_socket_open = _hurry
        return client

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _said: Any
    ) -> None:
        self._connection += 1
        if code.is_failure:
            LOG.warning("the broker refused this worker: %s", code)
            return
        client.subscribe(self._topic, options=SubscribeOptions(qos=1))

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        why = str(sys.exc_info()[1])
        if why != self._failing:
            LOG.warning("%s: no connection: %s; trying again", self._address.url, why)
        self._failing = why

    def _on_unsubscribe(self, *_said: Any) -> None:
        self._left.set()

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _said: Any
    ) -> None:
        if codes[0].is_failure:
            LOG.error("the broker does not let this worker read requests: %s", codes[0])
            return
        self._failing = ""
        LOG.info("taking requests")
        self.ready.set()

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _said: Any
    ) -> None:
        self.ready.clear()
        if code.is_failure:
            LOG.warning("the broker is gone (%s); trying again", code)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._taken, self._taken_s = self._taken + 1, time.monotonic()
        try:
            self._pool.submit(self._work, message, self._connection)
        except RuntimeError:  # on its way out: another worker or another try takes it
            LOG.debug("a request came after the end")

    def _work(self, message: MQTTMessage, connection: int) -> None:
        """Answer, then acknowledge: on another connection the number means another message."""
        try:
            self._answer(message)
        except Exception:
            LOG.exception("a request on %s", message.topic[:200])
        if connection == self._connection:
            self._client.ack(message.mid, message.qos)
        with self._counting:
            self._done += 1

    def _answer(self, message: MQTTMessage) -> None:
        asked = read_request(message.topic)
        correlation = getattr(message.properties, "CorrelationData", None)
        if asked is None or correlation is None:
            LOG.warning("not a request on %s, %d bytes", message.topic[:200], len(message.payload))
            return
        said = headers(getattr(message.properties, "UserProperty", []))
        body = bytes(message.payload)
        answer = desk.answer(self._shore, message.topic, said, body, now_ms())
        reply = properties(PacketTypes.PUBLISH)
        reply.CorrelationData = correlation
        reply.MessageExpiryInterval = ANSWER_KEPT_S
        reply.UserProperty = [(STATUS, str(answer.status)), (RETRY_AFTER, answer.retry_after)]
        self._client.publish(answer_topic(asked[0]), answer.body, qos=1, properties=reply)
        self.answered += 1


def _hurry(_client: Client, _data: Any, opened: Any) -> None:
    """An answer does not wait for the next one to share its packet."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it without types

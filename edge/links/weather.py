"""What a bad network does to the bytes of one connection, one direction at a time.

Example:
    >>> way = Way(network, random.Random(1), upwards=True)
    >>> await way.carry(reader, writer)
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Protocol

SEGMENT = 1400
"""Bytes that are delayed, lost or cut together: what one packet carries."""
WINDOW = 256
"""Segments on the way at a time."""


@dataclass(frozen=True)
class Weather:
    """Nothing set: a good network. Offsets count a connection's bytes in one direction; what each
    key does is told in `edge.links.bad_network`."""

    up: bool = True
    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    loss: float = 0.0
    retransmit_s: float = 0.2
    reset: float = 0.0
    reset_up: int | None = None
    reset_down: int | None = None
    truncate: int | None = None
    duplicate: float = 0.0
    silent: bool = False
    answer: bytes = b""
    inject: tuple[int, bytes] | None = None


@dataclass
class Count:
    """What happened so far. Bytes are those that were passed on."""

    connections: int = 0
    up_bytes: int = 0
    down_bytes: int = 0
    resets: int = 0
    lost: int = 0
    duplicates: int = 0
    lies: int = 0


class Network(Protocol):
    """What a direction looks up while it carries."""

    @property
    def weather(self) -> Weather: ...

    @property
    def count(self) -> Count: ...


class ResetError(Exception):
    """The connection ends here, without a goodbye."""


@dataclass
class Way:
    """One direction of one connection. `passed`: bytes so far; `said`: those bytes, where the
    weather may say them twice."""

    network: Network
    draw: random.Random
    upwards: bool
    passed: int = 0
    said: bytearray = field(default_factory=bytearray)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All of it, until it ends. Segments are delayed side by side, not one after the other.

        Raises ResetError when the weather ends the connection, OSError when a side does."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WINDOW)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._deliver(waiting, writer))
            due_s, data = 0.0, b"."
            while data:
                data = await reader.read(SEGMENT)
                due_s = self._due(due_s, len(data))
                await waiting.put((due_s, data))

    def _due(self, before_s: float, size: int) -> float:
        """When a segment arrives: never before the one in front of it."""
        weather = self.network.weather
        extra_s = weather.delay_s + weather.jitter_s * self.draw.random()
        while size and self.draw.random() < weather.loss:
            self.network.count.lost += 1
            extra_s += weather.retransmit_s
        due_s = max(before_s, asyncio.get_running_loop().time() + extra_s)
        return due_s + (size / weather.bytes_per_s if weather.bytes_per_s else 0.0)

    async def _deliver(
        self, waiting: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            due_s, data = await waiting.get()
            if due_s > now_s():
                await asyncio.sleep(due_s - now_s())
            while self.network.weather.silent:
                await asyncio.sleep(0.05)
            if not data:
                writer.write_eof()
                return
            data, ends = self._cut(data)
            writer.write(data)
            await writer.drain()
            self._counted(data)
            if ends:
                raise ResetError

    def _cut(self, data: bytes) -> tuple[bytes, bool]:
        """What of the segment goes on, and whether the connection ends after it."""
        weather = self.network.weather
        if weather.inject is not None and not self.upwards:
            place = weather.inject[0] - self.passed
            if 0 <= place < len(data):
                data = data[:place] + weather.inject[1] + data[place:]
        if weather.reset and self.draw.random() < weather.reset:
            return data[: len(data) // 2], True
        last = weather.reset_up if self.upwards else _first(weather.reset_down, weather.truncate)
        if last is None or self.passed + len(data) < last:
            return data, False
        return data[: max(0, last - self.passed)], True

    def _counted(self, data: bytes) -> None:
        self.passed += len(data)
        if self.upwards:
            self.network.count.up_bytes += len(data)
            if self.network.weather.duplicate:
                self.said += data
        else:
            self.network.count.down_bytes += len(data)


def _first(*offsets: int | None) -> int | None:
    return min((offset for offset in offsets if offset is not None), default=None)

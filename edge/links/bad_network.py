"""The network as it is at sea, between a device and its shore: a forwarder that fails on order.

One loopback port is forwarded to `target`, byte by byte, through `weather`, which may be changed at
any time, also under connections that are open. What a stream can show of a bad network is here:

    delay_s, jitter_s   later, each way; order is kept, as TCP keeps it
    bytes_per_s         slower, each way
    loss                share of segments that are lost: TCP sends them again, `retransmit_s` later
    reset               chance that a segment ends in a reset instead, in the middle of a body
    reset_up, reset_down    a reset exactly after so many bytes of a connection, that way
    truncate            a clean end after so many bytes of an answer
    duplicate           chance that a connection's bytes reach the shore a second time, later
    silent              half-open: taken, and never answered
    up = False          refused
    answer              said to every request, while nothing reaches the shore: a captive portal
    inject              bytes put into the answers at an offset

With `proxy=True` it is an HTTP proxy: a client says CONNECT first, and is forwarded to `target`
whatever it named (`asked` remembers what). The same seed gives the same weather.

Example:
    >>> with BadNetwork(("127.0.0.1", 8765), Weather(loss=0.3, delay_s=0.5), seed=1) as network:
    ...     url = f"http://127.0.0.1:{network.port}"
    ...     network.weather = Weather(reset_up=70_000)  # from now on
    ...     network.drop()                              # what is open ends here
    ...     network.count.resets
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from types import TracebackType

from edge.links.weather import Count, ResetError, Way, Weather

__all__ = ["BadNetwork", "Count", "Weather"]

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into a reset."""


class BadNetwork:
    """Forwards until closed. `weather`, `target` and `drop` are for any thread."""

    def __init__(
        self,
        target: tuple[str, int],
        weather: Weather | None = None,
        *,
        seed: int = 0,
        proxy: bool = False,
    ) -> None:
        self.target = target
        self.weather = weather or Weather()
        self.count = Count()
        self.asked: list[str] = []
        self._seed, self._proxy = seed, proxy
        self._open: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="bad network", daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Reset what is open; returns once it is."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def __enter__(self) -> "BadNetwork":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._taken, sock=self._listener)
        async with server:
            await self._ended.wait()
            server.close()
            while self._open:
                await self._drop()

    async def _drop(self) -> None:
        dropped = set(self._open)
        for task in dropped:
            task.cancel()
        if dropped:
            await asyncio.wait(dropped)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.count.connections += 1
        draw = random.Random(f"{self._seed}/{self.count.connections}")
        try:
            await self._serve(reader, writer, draw)
        except (ResetError, asyncio.CancelledError):
            self._reset(writer)
        except OSError:
            pass  # a side went away by itself
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self.count.resets += 1
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, draw: random.Random
    ) -> None:
        if not self.weather.up:
            raise ResetError
        if self.weather.answer:
            await self._lie(reader, writer)
            return
        if self._proxy and not await self._connect(reader, writer):
            return
        up = Way(self, draw, upwards=True)
        far_reader, far = await asyncio.open_connection(*self.target)
        try:
            await self._forward(up, (reader, writer), (far_reader, far), draw)
        finally:
            far.transport.abort()
            if up.said and draw.random() < self.weather.duplicate:
                await self._again(bytes(up.said))

    async def _forward(self, up: Way, near: "_Ends", far: "_Ends", draw: random.Random) -> None:
        """Both directions, until the answers end or either side breaks."""
        down, reset = Way(self, draw, upwards=False), False
        try:
            async with asyncio.TaskGroup() as both:
                going = both.create_task(up.carry(near[0], far[1]))
                await down.carry(far[0], near[1])
                going.cancel()
        except* ResetError:
            reset = self.weather.truncate is None
        except* OSError:
            pass  # a side went away by itself
        if reset:
            raise ResetError

    async def _again(self, said: bytes) -> None:
        """The shore hears all of it once more; nobody hears what it answers."""
        self.count.duplicates += 1
        reader, writer = await asyncio.open_connection(*self.target)
        try:
            writer.write(said)
            writer.write_eof()
            await reader.read()
        finally:
            writer.transport.abort()

    async def _lie(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A portal's answer, whatever was asked."""
        await _head(reader)
        self.count.lies += 1
        writer.write(self.weather.answer)
        writer.write_eof()
        while await reader.read(65536):
            pass

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """A proxy's greeting; whether the tunnel is open."""
        line = (await _head(reader)).split(b"\r\n", 1)[0].decode("latin-1")
        self.asked.append(line)
        opened = line.startswith("CONNECT ")
        status = b"200 Connection established" if opened else b"405 Method Not Allowed"
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
        await writer.drain()
        return opened


_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A request's head. Raises OSError when none comes."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError("no request") from error

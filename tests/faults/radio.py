"""A radio link between two network namespaces: the kernel's own TCP over packets that get lost,
late, twice or out of order, slowly.

Not every kernel has netem, so two TUN devices do its work: what one side sends comes out of a
file here, and goes into the other side's when, and if, the air lets it. Needs root.

Example:
    >>> with Radio(Air(loss=0.3, delay_s=1.5), target=("127.0.0.1", 8765)) as radio:
    ...     subprocess.run([*radio.prefix, *agent(config)])   # the shore is at radio.url
"""

import contextlib
import fcntl
import heapq
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from types import TracebackType

SET_INTERFACE = 0x400454CA
TUN_WITHOUT_HEADER = 0x1001
MTU = 576
PORT = 8765


@dataclass(frozen=True)
class Air:
    """What happens to a packet, each way. Jitter reorders; `bytes_per_s` 0 is as fast as may be."""

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    duplicate: float = 0.0
    bytes_per_s: float = 0.0
    queue_bytes: int = 16_000


def can_radio() -> bool:
    """Whether this machine lets us have namespaces and TUN devices."""
    tools = shutil.which("ip") is not None and os.access("/dev/net/tun", os.W_OK)
    if os.geteuid() != 0 or not tools:
        return False
    name = f"seadrift-trial-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return made.returncode == 0


class Radio:
    """Both ends, until closed. `prefix` puts a command to sea, from where the shore is at `url`."""

    def __init__(self, air: Air, target: tuple[str, int], seed: int = 1) -> None:
        self._air = air
        self._draw = random.Random(seed)
        own = os.getpid() % 65536  # names and addresses of its own: others may run beside it
        self._name = f"seadrift-{own}"
        self._devices = f"sdshore{own}", f"sdsea{own}"
        network = f"10.{96 + (own >> 14)}.{own >> 6 & 255}"
        self._ashore, self._at_sea = (f"{network}.{4 * (own & 63) + end}" for end in (1, 2))
        self.prefix = ["ip", "netns", "exec", self._name]
        self.url = f"http://{self._ashore}:{PORT}"
        self.sent = self.lost = self.doubled = 0
        self._ended = threading.Event()
        self._ends = self._open()
        self._gate = _Gate((self._ashore, PORT), target)
        self._thread = threading.Thread(target=self._carry, name="radio", daemon=True)
        self._thread.start()

    def _open(self) -> tuple[int, int]:
        _ip("netns", "add", self._name)
        here, there = self._devices
        ashore, at_sea = _tun(here), _tun(there)
        _ip("link", "set", there, "netns", self._name)
        for where, device, near in (
            ([], here, self._ashore),
            (["-n", self._name], there, self._at_sea),
        ):
            _ip(*where, "addr", "add", f"{near}/30", "dev", device)
            _ip(*where, "link", "set", device, "mtu", str(MTU), "up")
        _ip("-n", self._name, "link", "set", "lo", "up")
        return ashore, at_sea

    def _carry(self) -> None:
        """Packets from either end to the other, each at its time."""
        due: list[tuple[float, int, int, bytes]] = []
        free_s = dict.fromkeys(self._ends, 0.0)
        while not self._ended.is_set():
            wait_s = min(0.2, max(0.0, due[0][0] - time.monotonic())) if due else 0.2
            for end in select.select(self._ends, [], [], wait_s)[0]:
                packet, other = os.read(end, 2048), self._ends[end == self._ends[0]]
                for at_s in self._times(len(packet), other, free_s):
                    heapq.heappush(due, (at_s, self.sent, other, packet))
            while due and due[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(due)
                with contextlib.suppress(OSError):
                    os.write(end, packet)

    def _times(self, length: int, end: int, free_s: dict[int, float]) -> list[float]:
        """When a packet arrives: never, once or twice."""
        air, now_s = self._air, time.monotonic()
        self.sent += 1
        begin_s = max(now_s, free_s[end])
        full = air.bytes_per_s and (begin_s - now_s) * air.bytes_per_s > air.queue_bytes
        if full or self._draw.random() < air.loss:
            self.lost += 1
            return []
        if air.bytes_per_s:
            free_s[end] = begin_s = begin_s + length / air.bytes_per_s
        copies = 1 + (self._draw.random() < air.duplicate)
        self.doubled += copies - 1
        late = [air.delay_s + self._draw.uniform(0, air.jitter_s) for _ in range(copies)]
        return [begin_s + one for one in late]

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._gate.close()
        for end in self._ends:
            os.close(end)
        _ip("netns", "del", self._name)

    def __enter__(self) -> "Radio":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Gate:
    """The shore listens on loopback alone: its gate to the radio, both ways, byte by byte."""

    def __init__(self, at: tuple[str, int], target: tuple[str, int]) -> None:
        self._target = target
        self._listening = socket.create_server(at)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _tun(name: str) -> int:
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(handle, SET_INTERFACE, struct.pack("16sH", name.encode(), TUN_WITHOUT_HEADER))
    return handle


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)

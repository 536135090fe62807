"""The gateway's side of a simulated modem: pushes messages to a shore by HTTP, keeps those down.

As the real ones do: each message up is posted as a form (`imei`, `momsn`, `transmit_time`, a rough
position, `data` in hex) until the shore answers 200; posts may come twice and out of order.
Messages down are posted to it (`imei`, `data`; it answers "OK,number") and wait for the modem.

Example:
    >>> with SimulatedGateway("http://127.0.0.1:8765/v1/satellite/SECRET") as gateway:
    ...     SimulatedModem(gateway, "300234010753370").start()
"""

import http.server
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

import httpx

log = logging.getLogger("seadrift.gateway")

MT_MAX = 270
BODY_MAX = 4096


@dataclass(frozen=True)
class PushFaults:
    """How often a push comes `twice`, is kept back behind `later` ones, or its answer is `lost`."""

    twice: float = 0.0
    later: float = 0.0
    lost: float = 0.0


class SimulatedGateway:
    """`push` is the shore's address, "" for one that keeps messages in `arrived` only. `listen`
    is (host, port) for messages down, port 0 for any; None: `send` alone takes them."""

    def __init__(
        self,
        push: str = "",
        listen: tuple[str, int] | None = None,
        faults: PushFaults | None = None,
        seed: int = 0,
        retry_s: float = 1.0,
    ) -> None:
        self._push_url, self._faults, self._retry_s = push, faults or PushFaults(), retry_s
        self._random = random.Random(seed)
        self._guard = threading.Lock()
        self._down: dict[str, deque[tuple[int, bytes]]] = {}
        self._up: deque[dict[str, str]] = deque()
        self._number = 0
        self._ended = threading.Event()
        self.arrived: list[tuple[str, int, bytes]] = []
        self.on_down: Callable[[str], None] = lambda imei: None
        """Called with the IMEI when a message down has come: rings the modem."""
        self._pusher = threading.Thread(target=self._push_all, name="gateway push", daemon=True)
        self._server = None if listen is None else _server(self, listen)

    def __enter__(self) -> "SimulatedGateway":
        if self._push_url:
            self._pusher.start()
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        if self._push_url:
            self._pusher.join(10)

    @property
    def url(self) -> str:
        """Where messages down are posted."""
        if self._server is None:
            return ""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/rockblock/MT"

    # --- the modem's side ---------------------------------------------------------------------

    def deliver(self, imei: str, momsn: int, data: bytes) -> None:
        with self._guard:
            self.arrived.append((imei, momsn, data))
            form = {
                "imei": imei,
                "serial": imei[-5:],
                "momsn": str(momsn),
                "transmit_time": time.strftime("%y-%m-%d %H:%M:%S", time.gmtime()),
                "iridium_latitude": "48.1000",
                "iridium_longitude": "-4.5000",
                "iridium_cep": "8",
                "data": data.hex(),
            }
            place = len(self._up)
            if self._random.random() < self._faults.later:
                place = self._random.randint(0, place)
            self._up.insert(place, form)
            if self._random.random() < self._faults.twice:
                self._up.append(form)

    def fetch(self, imei: str) -> tuple[int, bytes] | None:
        with self._guard:
            queue = self._down.get(imei)
            return queue.popleft() if queue else None

    def waiting(self, imei: str) -> int:
        with self._guard:
            return len(self._down.get(imei, ()))

    # --- the shore's side ---------------------------------------------------------------------

    def send(self, imei: str, data: bytes) -> int:
        """Queue a message down; its number. Raises ValueError for one that is too long."""
        if not 1 <= len(data) <= MT_MAX:
            raise ValueError(f"message of {len(data)} bytes: expected 1 to {MT_MAX}")
        with self._guard:
            self._number += 1
            self._down.setdefault(imei, deque()).append((self._number & 0xFFFF, data))
            number = self._number
        self.on_down(imei)
        return number

    def idle(self) -> bool:
        """Whether everything was pushed."""
        with self._guard:
            return not self._up

    def _push_all(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._ended.is_set():
                with self._guard:
                    form = self._up[0] if self._up else None
                if form is None:
                    self._ended.wait(0.02)
                elif self._pushed(client, form):
                    with self._guard:
                        self._up.remove(form)
                else:
                    self._ended.wait(self._retry_s)

    def _pushed(self, client: httpx.Client, form: dict[str, str]) -> bool:
        try:
            status = client.post(self._push_url, data=form).status_code
        except httpx.HTTPError as error:
            log.warning("push of message %s: %s", form["momsn"], error)
            return False
        if status != 200:
            log.warning("push of message %s: status %d", form["momsn"], status)
        return status == 200 and self._random.random() >= self._faults.lost


def _server(gateway: SimulatedGateway, listen: tuple[str, int]) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(BODY_MAX, int(self.headers.get("Content-Length") or 0))
            text = self.rfile.read(length).decode("latin1") or urlsplit(self.path).query
            said = {name: values[0] for name, values in parse_qs(text).items()}
            try:
                answer = f"OK,{gateway.send(said['imei'], bytes.fromhex(said['data']))}"
            except (KeyError, ValueError) as error:
                answer = f"FAILED,16,{error}"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

    return http.server.ThreadingHTTPServer(listen, Handler)

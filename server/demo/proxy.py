"""A link that can be cut: a TCP forwarder between an instrument and the shore.

Cutting drops every open connection where it stands, in the middle of a request if it comes so, and
refuses new ones until the link is restored, as a ship's modem does.

Example:
    >>> with Link(("127.0.0.1", 8765)) as link:
    ...     url = f"http://127.0.0.1:{link.port}"
    ...     link.cut()
    ...     link.restore()
"""

import contextlib
import selectors
import socket
import threading
from types import TracebackType

CHUNK = 65536


class Link:
    """Forwards one loopback port to `target` until closed. Thread-safe."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.cuts = 0
        self._up = True
        self._closed = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._serving: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, name="link", daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drops what is open and refuses what comes."""
        with self._lock:
            self._up = False
            self.cuts += 1
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        with self._lock:
            self._up = True

    def retarget(self, target: tuple[str, int]) -> None:
        """Forwards later connections elsewhere (a shore that was started again)."""
        with self._lock:
            self._target = target

    def close(self) -> None:
        self._closed = True
        self.cut()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(timeout=5)
        for thread in self._serving:
            thread.join(timeout=5)

    def __enter__(self) -> "Link":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(near,), daemon=True)
            thread.start()
            self._serving = [t for t in self._serving if t.is_alive()] + [thread]

    def _serve(self, near: socket.socket) -> None:
        with self._lock:
            up, target = self._up, self._target
            if up:
                self._open.add(near)
        with near:
            if not up:
                return
            with contextlib.suppress(OSError):
                self._pump(near, socket.create_connection(target, timeout=5))

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        with far, selectors.DefaultSelector() as ready:
            with self._lock:
                self._open.add(far)
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            try:
                while self._up:
                    for key, _ in ready.select(timeout=0.5):
                        source = key.fileobj
                        data = source.recv(CHUNK) if isinstance(source, socket.socket) else b""
                        if not data:
                            return
                        key.data.sendall(data)
            except OSError:
                return
            finally:
                with self._lock:
                    self._open -= {near, far}

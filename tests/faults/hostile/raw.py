"""HTTP written by hand, so that it can be wrong in every way a client library would mend.

Example:
    >>> Wire(port).ask(b"GET /v1/ping HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n")
    200
"""

import contextlib
import re
import socket

NONE = 0
"""The shore hung up without an answer: that is an answer to nonsense."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Wire:
    """One connection, opened anew when the shore has closed it. Keeps what was answered."""

    def __init__(self, port: int, timeout_s: float = 30.0) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self.answer = b""

    def ask(self, request: bytes, *, last: bool = False) -> int:
        """The status of the answer; `last`: nothing follows, so that the shore waits for no more.

        Raises TimeoutError for a shore that does neither answer nor hang up."""
        for fresh in (False, True):
            try:
                return self._ask(request, last)
            except (ConnectionError, BrokenPipeError):
                self.close()
                if fresh:
                    return NONE
        raise AssertionError("unreachable")

    def _ask(self, request: bytes, last: bool) -> int:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout_s)
        with contextlib.suppress(OSError):  # it may have answered and hung up before the end
            self._socket.sendall(request)
            if last:
                self._socket.shutdown(socket.SHUT_WR)
        status = self._read(self._socket, bare=request.startswith(b"HEAD "))
        if last or b"connection: close" in self.answer[:2000].lower():
            self.close()
        return status

    def _read(self, open_socket: socket.socket, bare: bool) -> int:
        """Read one answer; `bare`: its length is said and its body is not sent."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = open_socket.recv(65536)
            if not piece:
                if head:
                    break
                raise ConnectionResetError
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        while not bare and length is not None and len(body) < int(length[1]):
            piece = open_socket.recv(65536)
            if not piece:
                break
            body += piece
        if length is None:
            self.close()
        self.answer = head + b"\r\n\r\n" + body
        return int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else NONE

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def written(method: str, path: str, headers: dict[str, str | bytes], body: bytes = b"") -> bytes:
    """A request as bytes, whatever is in it; Host and Content-Length unless they are given."""
    lower = {name.lower() for name in headers}
    given = dict(headers)
    if "host" not in lower:
        given["Host"] = "127.0.0.1"
    if (
        "content-length" not in lower
        and "transfer-encoding" not in lower
        and (body or method != "GET")
    ):
        given["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1".encode("utf-8", "surrogateescape")]
    for name, value in given.items():
        raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        lines.append(name.encode() + b": " + raw)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body

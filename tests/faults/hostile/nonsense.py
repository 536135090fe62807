"""Bytes that are not quite HTTP, and paths that would climb out of where they belong.

Example:
    >>> nonsense(random.Random(1))
    b'POST /api/login HTTP/1.1\\r\\n...'
"""

import random

from tests.faults.hostile.values import flipped

CLIMBS = [
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..\\",
    "..%5c",
    "%252e%252e/",
    "....//",
    "%00",
    "/./",
]


def climbing(chance: random.Random) -> tuple[str, bool]:
    """A path that would leave its folder, and whether a good answer means that it did."""
    climb = "".join(chance.choices(CLIMBS, k=chance.randrange(1, 8)))
    start = chance.choice(
        ["/static/x/", "/static/", "/api/", "/v1/releases/", "/", "//", "/objects/"]
    )
    end = chance.choice(["etc/passwd", "seadrift.db", "keys/release.key", "%ff%fe", "x" * 9000, ""])
    opens = not (start + climb + end).strip("/.%2e").startswith(("login", "static"))
    path = (start + climb + end).replace(" ", "%20")
    return path, opens and end != ""


def nonsense(chance: random.Random) -> bytes:
    """Bytes that are not quite HTTP: two lengths, bad chunks, a second request inside."""
    hidden = b"GET /api/users HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    host = b"Host: 127.0.0.1\r\n"
    post = b"POST /api/login HTTP/1.1\r\n" + host
    forms = [
        post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        post + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello" + hidden,
        post + b"Transfer-Encoding: xchunked\r\n\r\n" + hidden,
        post + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        post + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-1\r\n\r\n",
        post + b"Content-Length: -1\r\n\r\n" + hidden,
        post + b"Content-Length: 10\r\n\r\nabc",
        post + b"Content-Length: \xd9\xa3\r\n\r\nabc",
        post + b"X: " + b"a" * chance.choice([10, 70_000]) + b"\r\n\r\n",
        post + b"".join(b"X%d: y\r\n" % i for i in range(chance.choice([50, 3000]))) + b"\r\n",
        b"GET / HTTP/9.9\r\n" + host + b"\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"\r\n",
        b"GET * HTTP/1.1\r\n" + host + b"\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/1.1\r\n" + host + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00" + chance.randbytes(80),
        chance.randbytes(chance.randrange(1, 300)) + b"\r\n\r\n",
    ]
    form = chance.choice(forms)
    return flipped(chance, form) if chance.random() < 0.3 else form

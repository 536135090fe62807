"""CBOR of any bytes as lines that a person can read, as far as it goes. Pure.

The link's decoder takes a record or refuses it; here the part before the damage is of interest, so
items are walked one by one and the walk ends with the place and the reason.

Source: RFC 8949, section 3 (heads, major types, indefinite lengths).

Example:
    >>> lines, problem = walk(bytes.fromhex("a16161fb"))
    >>> lines[1].name, problem
    ('a', 'byte 3: the item is cut short')
"""

import struct
from dataclasses import dataclass, field

LINES_MAX = 1500
DEPTH_MAX = 24
SHOWN_MAX = 120
_INDEFINITE = 31
_SIMPLE = {20: "false", 21: "true", 22: "null", 23: "undefined"}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


@dataclass(frozen=True)
class Line:
    """One item. `at` is its byte offset, `path` the keys that lead to it, `kind` its CBOR type."""

    at: int
    path: tuple[str, ...]
    kind: str
    text: str

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""


class _StoppedError(Exception):
    """The walk ends here."""


@dataclass
class _Walk:
    data: bytes
    at: int = 0
    lines: list[Line] = field(default_factory=list)

    def take(self, n: int) -> bytes:
        if n > len(self.data) - self.at:
            raise _StoppedError("the item is cut short")
        self.at += n
        return self.data[self.at - n : self.at]

    def head(self) -> tuple[int, int, int]:
        """(major type, additional information, argument); -1 for an indefinite length."""
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info, info
        if info < 28:
            return major, info, int.from_bytes(self.take(1 << (info - 24)), "big")
        if info == _INDEFINITE and major in (2, 3, 4, 5, 7):
            return major, info, -1
        raise _StoppedError(f"a head of 0x{first:02x} means nothing")

    def add(self, at: int, path: tuple[str, ...], kind: str, text: str) -> None:
        if len(self.lines) >= LINES_MAX:
            raise _StoppedError(f"more than {LINES_MAX} items; the rest is not shown")
        self.lines.append(Line(at, path, kind, text))

    def item(self, path: tuple[str, ...]) -> bool:
        """Read one item; False when it was the end of an indefinite one."""
        if len(path) > DEPTH_MAX:
            raise _StoppedError(f"more than {DEPTH_MAX} levels deep")
        at = self.at
        major, info, argument = self.head()
        if major in (0, 1):
            self.add(at, path, "int", str(argument if major == 0 else -1 - argument))
        elif major in (2, 3):
            content = self.string(major, argument)
            self.add(at, path, "bytes" if major == 2 else "text", shown(content, major))
        elif major in (4, 5):
            self.several(at, path, major, argument)
        elif major == 6:
            self.add(at, path, "tag", str(argument))
            return self.item((*path, "tagged"))
        elif argument == -1:
            return False
        else:
            self.add(at, path, *_simple(info, argument))
        return True

    def string(self, major: int, length: int) -> bytes:
        if length >= 0:
            return self.take(length)
        parts = []
        while self.data[self.at : self.at + 1] != b"\xff":
            kind, _, size = self.head()
            if kind != major or size < 0:
                raise _StoppedError("a part of a string is of another kind")
            parts.append(self.take(size))
        self.take(1)
        return b"".join(parts)

    def several(self, at: int, path: tuple[str, ...], major: int, length: int) -> None:
        size = "of unknown length" if length < 0 else f"of {length}"
        self.add(at, path, "list" if major == 4 else "map", size)
        n = 0
        while n != length:
            name = str(n) if major == 4 else self.key()
            if name is None or not self.item((*path, name)):
                break
            n += 1

    def key(self) -> str | None:
        """The next key of a map as text; None at the end of an indefinite one."""
        inner = _Walk(self.data, self.at)
        more = inner.item(())
        self.at = inner.at
        return (inner.lines[0].text if inner.lines[0].kind != "map" else "map") if more else None


def walk(data: bytes) -> tuple[list[Line], str | None]:
    """The items of `data` in order, and why the walk ended before the end of the bytes, if so."""
    walker = _Walk(data)
    try:
        if not walker.item(()):
            return walker.lines, "byte 0: an end without a beginning"
    except _StoppedError as stopped:
        return walker.lines, f"byte {walker.at}: {stopped}"
    left = len(data) - walker.at
    return walker.lines, f"byte {walker.at}: {left} bytes follow the item" if left else None


def _simple(info: int, argument: int) -> tuple[str, str]:
    if info in _FLOATS:
        layout, size = _FLOATS[info]
        return "float", repr(struct.unpack(layout, argument.to_bytes(size, "big"))[0])
    return "simple", _SIMPLE.get(argument, f"simple({argument})")


def shown(content: bytes, major: int) -> str:
    """A string for a line: text as it is, bytes as hex, the beginning of a long one."""
    if major == 3:
        text = content.decode("utf-8", "replace")
        return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}… ({len(text)} characters)"
    text = content[: SHOWN_MAX // 4].hex(" ", 4)
    return text if len(content) <= SHOWN_MAX // 4 else f"{text} … ({len(content)} bytes)"


def hexdump(data: bytes, most: int = 2048) -> str:
    """Offset, 16 bytes and their ASCII a line, of the first `most` bytes."""
    rows = []
    for at in range(0, min(len(data), most), 16):
        row = data[at : min(at + 16, most)]
        letters = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        rows.append(f"{at:06x}  {row.hex(' '):<47}  {letters}")
    if len(data) > most:
        rows.append(f"… {len(data) - most} bytes more")
    return "\n".join(rows)

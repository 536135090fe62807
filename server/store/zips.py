"""A zip that is written once from beginning to end, fast: tens of thousands of small members.

Pictures are stored as they are (they are packed already), tables are packed. ZIP64 is used where
the zip or the number of its members asks for it, so EcoTaxa and every other reader take it.

Invariant: a member's length and checksum are known before its header is written, so the zip can be
read from either end.

Source: APPNOTE.TXT, .ZIP File Format Specification, PKWARE, sections 4.3 to 4.5.

Example:
    >>> with path.open("wb") as stream:
    ...     archive = ZipWriter(stream)
    ...     archive.add("images/1.png", data)
    ...     archive.add("ecotaxa_a.tsv", table, pack=True)
    ...     archive.finish()
"""

import struct
import zlib
from collections.abc import Sequence
from typing import IO

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_UTF8 = 0x800
_DAY = 1 << 5 | 1
"""The first of January 1980: the same project gives the same bytes."""
_SMALL, _MOST32, _MOST16 = 20, 0xFFFFFFFF, 0xFFFF
_ZIP64 = 45
_DEFLATE, _LEVEL = 8, 3


class ZipWriter:
    """`stream` is at the place where the zip begins."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._entries: list[bytes] = []
        self._offset = 0

    def add(self, name: str, data: bytes, *, pack: bool = False) -> None:
        """Write a member of less than 4 GiB. Raises OSError."""
        self.add_all([(name, data)], pack=pack)

    def add_all(self, members: Sequence[tuple[str, bytes]], *, pack: bool = False) -> None:
        """Write members in one go. Raises OSError."""
        pieces = []
        for name, data in members:
            if len(data) >= _MOST32:
                raise ValueError(f"{name}: {len(data)} bytes are too many for one member")
            encoded = name.encode()
            held = _deflated(data) if pack else data
            sizes = len(held), len(data), len(encoded)
            said = (_UTF8, _DEFLATE if pack else 0, 0, _DAY, zlib.crc32(data), *sizes)
            pieces += [_LOCAL.pack(b"PK\x03\x04", _SMALL, *said, 0), encoded, held]
            self._entries.append(self._entry(said, encoded))
            self._offset += _LOCAL.size + len(encoded) + len(held)
        self._stream.write(b"".join(pieces))

    def _entry(self, said: tuple[int, ...], name: bytes) -> bytes:
        """What the list of members says of one."""
        offset, extra = self._offset, b""
        if offset >= _MOST32:
            extra = struct.pack("<HHQ", 1, 8, offset)
            offset = _MOST32
        version = _ZIP64 if extra else _SMALL
        made = 3 << 8 | version
        rest = len(extra), 0, 0, 0, 0o100600 << 16, offset
        return _ENTRY.pack(b"PK\x01\x02", made, version, *said, *rest) + name + extra

    def finish(self) -> None:
        """Write the list of members. Raises OSError."""
        listed = b"".join(self._entries)
        count, start = len(self._entries), self._offset
        end = b""
        if count >= _MOST16 or start + len(listed) >= _MOST32:
            at = start + len(listed)
            end = _END64.pack(
                b"PK\x06\x06", _END64.size - 12, 3 << 8 | _ZIP64, _ZIP64, 0, 0, count, count,
                len(listed), start,
            ) + _LOCATOR.pack(b"PK\x06\x07", 0, at, 1)  # fmt: skip
        few = min(count, _MOST16)
        size, start = min(len(listed), _MOST32), min(start, _MOST32)
        end += _END.pack(b"PK\x05\x06", 0, 0, few, few, size, start, 0)
        self._stream.write(listed + end)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()

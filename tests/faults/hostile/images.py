"""PNGs that are wrong, each in its own way, some with all their checksums right.

Example:
    >>> bad_png(random.Random(1), good_png)
    b'\\x89PNG...'
"""

import random
import struct
import zlib
from functools import cache

from tests.faults.hostile.values import flipped

_HEAD = 8


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, place = [], _HEAD
    while place + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, place)
        found.append((png[place + 4 : place + 8], png[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def bad_png(chance: random.Random, good: bytes) -> bytes:
    """A picture that is no picture, or a strange one."""
    if chance.random() < 0.3:
        return flipped(chance, good)
    parts = chunks(good)
    how = chance.randrange(8)
    place = chance.randrange(len(parts))
    if how == 0:
        parts[place] = (parts[place][0], flipped(chance, parts[place][1]))
    elif how == 1:
        name = chance.choice(
            [b"zTXt", b"iTXt", b"iCCP", b"acTL", b"fdAT", b"PLTE", b"tRNS", b"\0\0\0\0"]
        )
        parts.insert(place, (name, b"k\0\0" + packed(chance.choice([10, 5_000_000]))))
    elif how == 2:
        parts = [(n, bomb(chance) if n == b"IDAT" else d) for n, d in parts]
    elif how == 3:
        parts = [(n, strange_header(chance) if n == b"IHDR" else d) for n, d in parts]
    elif how == 4:
        chance.shuffle(parts)
    elif how == 5:
        parts *= 2
    elif how == 6:
        parts = [(n, d + chance.randbytes(20) if n == b"IDAT" else d) for n, d in parts]
    else:
        parts += [(b"IDAT", b"")] * chance.choice([1, 3000])
    trailing = chance.randbytes(30) if chance.random() < 0.1 else b""
    return good[:_HEAD] + b"".join(chunk(n, d) for n, d in parts) + trailing


def bomb(chance: random.Random) -> bytes:
    """Pixels that unpack to far more than they are."""
    return packed(chance.choice([1_000, 1_000_000, 60_000_000]))


@cache
def packed(size: int) -> bytes:
    """So many zeros, packed."""
    return zlib.compress(bytes(size), 9)


def strange_header(chance: random.Random) -> bytes:
    """A header that claims what the pixels are not."""
    sides = [0, 1, 16, 12, 4096, 65_535, 2**31 - 1, 2**32 - 1]
    small = [chance.randrange(256) for _ in range(5)]
    return struct.pack(">IIBBBBB", chance.choice(sides), chance.choice(sides), *small)

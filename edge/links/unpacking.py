"""An answer's bytes, unpacked with a bound: a bomb costs no more than it may have.

Example:
    >>> unpacked([gzip.compress(b"hello")], "gzip", most=100)
    b'hello'
"""

import zlib
from collections.abc import Iterable

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(pieces: Iterable[bytes], packing: str, most: int) -> bytes:
    """The content of at most `most` bytes. `packing` is the answer's Content-Encoding: nothing or
    gzip, the only one that was asked for. Raises ValueError for more, for another or for damage."""
    if packing not in ("", "identity", "gzip"):
        raise ValueError(f"the answer is packed as {packing[:40]!r}, which was not asked for")
    out = bytearray()
    unpacker = zlib.decompressobj(_GZIP) if packing == "gzip" else None
    for piece in pieces:
        if unpacker is None:
            out += piece
        else:
            try:
                out += unpacker.decompress(piece, most + 1 - len(out))
            except zlib.error as error:
                raise ValueError(f"the answer cannot be unpacked: {error}") from error
        if len(out) > most or (unpacker is not None and unpacker.unconsumed_tail):
            raise ValueError(f"answer of more than {most} bytes")
    if unpacker is not None and out and not unpacker.eof:
        raise ValueError("the answer ends in the middle")
    return bytes(out)

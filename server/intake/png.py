"""Whether bytes are a PNG that is safe to keep and to send to a browser, without decoding pixels.

A vignette comes from a machine that may be broken or hostile. Every chunk's length and CRC is
checked, and the image data is inflated with a bound taken from the header, so a bomb costs no more
than its claimed size.

Source: Portable Network Graphics (PNG) Specification, 3rd edition, W3C.

Example:
    >>> check_png(data, width=40, height=30)
"""

import struct
import zlib
from collections.abc import Iterator

SIDE_MAX = 4096
PIXELS_MAX = 4 << 20
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples per pixel
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


class PngError(ValueError):
    """Not a PNG, or not the one that was announced; the message says what was expected."""


def check_png(data: bytes, width: int, height: int) -> None:
    """Raises PngError unless `data` is one whole PNG of `width` x `height` pixels within the
    limits."""
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX):
        raise PngError(f"image of {width} x {height} pixels: expected 1 to {SIDE_MAX} a side")
    if not data.startswith(_SIGNATURE):
        raise PngError("image: not a PNG")
    expected, body, ended = 0, zlib.decompressobj(), False
    inflated = 0
    for number, (name, content) in enumerate(_chunks(data)):
        if ended:
            raise PngError("PNG: bytes follow its end")
        if (number == 0) != (name == b"IHDR"):
            raise PngError("PNG: expected IHDR first and once")
        if name == b"IHDR":
            expected = _raw_size(content, width, height)
        elif name == b"IDAT":
            inflated += _inflate(body, content, expected - inflated)
        ended = name == b"IEND"
    if not ended:
        raise PngError("PNG: cut short, there is no IEND")
    if inflated != expected or not body.eof:
        raise PngError(f"PNG: {inflated} bytes of pixels, expected {expected}")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of each chunk."""
    place = len(_SIGNATURE)
    while place < len(data):
        if place + 12 > len(data):
            raise PngError("PNG: cut short in a chunk's header")
        (length,) = struct.unpack_from(">I", data, place)
        name = data[place + 4 : place + 8]
        end = place + 8 + length
        if end + 4 > len(data):
            raise PngError(f"PNG: chunk {name!r} is cut short")
        (crc,) = struct.unpack_from(">I", data, end)
        if crc != zlib.crc32(data[place + 4 : end]):
            raise PngError(f"PNG: chunk {name!r} is damaged (CRC)")
        yield name, data[place + 8 : end]
        place = end + 4


def _raw_size(header: bytes, width: int, height: int) -> int:
    """Bytes of the unpacked image: a filter byte and the samples of each row."""
    if len(header) != 13:
        raise PngError("PNG: IHDR is not 13 bytes long")
    found_width, found_height, depth, colour, packing, filters, interlace = struct.unpack(
        ">IIBBBBB", header
    )
    if (found_width, found_height) != (width, height):
        raise PngError(
            f"PNG: {found_width} x {found_height} pixels, the record says {width} x {height}"
        )
    if depth not in _DEPTHS.get(colour, ()) or packing or filters or interlace:
        raise PngError("PNG: an unusual kind; expected plain, not interlaced")
    row_bits: int = width * depth * _SAMPLES[colour]
    return height * (1 + (row_bits + 7) // 8)


def _inflate(body: "zlib._Decompress", content: bytes, room: int) -> int:
    """Bytes that `content` inflates to. Raises PngError when they are more than `room`."""
    try:
        out = body.decompress(content, room + 1)
    except zlib.error as error:
        raise PngError(f"PNG: image data: {error}") from error
    if len(out) > room or body.unconsumed_tail:
        raise PngError("PNG: image data is longer than its header says")
    return len(out)

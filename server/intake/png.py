"""Whether bytes are a PNG that is safe to keep and to send to a browser, without decoding pixels.

A vignette comes from a machine that may be broken or hostile. Taken is the plain kind that a camera
needs (grey or colour, 8 bits, whole rows) made of the chunks that carry pixels, scale and words.
Every chunk's length and CRC is checked; the image data is inflated with a bound taken from the
header, so a bomb costs no more than its claimed size, and each row must begin with a filter that
exists. Nothing may hide behind the end of the pixels or of the file.

Source: Portable Network Graphics (PNG) Specification, 3rd edition, W3C.

Example:
    >>> check_png(data, width=40, height=30)
"""

import struct
from collections.abc import Iterator

from isal import isal_zlib  # zlib's ways at twice its speed: half of what a vignette costs

SIDE_MAX = 4096
PIXELS_MAX = 4 << 20
CHUNKS_MAX = 10_000
"""An encoder with pieces of 1 kB needs fewer for the largest vignette of a record."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3}  # colour type -> samples per pixel
_BESIDE = {b"pHYs", b"tEXt", b"tIME", b"gAMA", b"sBIT", b"sRGB", b"cHRM"}
"""Chunks that may stand beside the pixels: none of them is packed, so none can be a bomb."""
_FILTERS = 5


class PngError(ValueError):
    """Not a PNG, or not the one that was announced; the message says what was expected."""


def check_png(data: bytes, width: int, height: int) -> None:
    """Raises PngError unless `data` is one whole PNG of `width` x `height` pixels within the
    limits."""
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX):
        raise PngError(f"image of {width} x {height} pixels: expected 1 to {SIDE_MAX} a side")
    if not data.startswith(_SIGNATURE):
        raise PngError("image: not a PNG")
    names: list[bytes] = []
    pieces: list[bytes] = []
    row = 0
    for name, content in _chunks(data):
        _check_order(names, name)
        names.append(name)
        if name == b"IHDR":
            row = _row_bytes(content, width, height)
        elif name == b"IDAT":
            pieces.append(content)
    if not names or names[-1] != b"IEND":
        raise PngError("PNG: cut short, there is no IEND")
    _check_pixels(b"".join(pieces), row, height)


def _check_order(before: list[bytes], name: bytes) -> None:
    """Raises PngError for a chunk that has no business there."""
    if before and before[-1] == b"IEND":
        raise PngError("PNG: bytes follow its end")
    if (not before) != (name == b"IHDR"):
        raise PngError("PNG: expected IHDR first and once")
    if name not in (b"IHDR", b"IDAT", b"IEND") and name not in _BESIDE:
        raise PngError(f"PNG: chunk {name!r} is not taken")
    if name == b"IDAT" and b"IDAT" in before and before[-1] != b"IDAT":
        raise PngError("PNG: the image data is in several places")
    if len(before) >= CHUNKS_MAX:
        raise PngError(f"PNG: more than {CHUNKS_MAX} chunks")


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
        if crc != isal_zlib.crc32(data[place + 4 : end]):
            raise PngError(f"PNG: chunk {name!r} is damaged (CRC)")
        yield name, data[place + 8 : end]
        place = end + 4


def _row_bytes(header: bytes, width: int, height: int) -> int:
    """Bytes of an unpacked row: a filter's number and the samples."""
    if len(header) != 13:
        raise PngError("PNG: IHDR is not 13 bytes long")
    found_width, found_height, depth, colour, packing, filters, interlace = struct.unpack(
        ">IIBBBBB", header
    )
    if (found_width, found_height) != (width, height):
        raise PngError(
            f"PNG: {found_width} x {found_height} pixels, the record says {width} x {height}"
        )
    if depth != 8 or colour not in _SAMPLES or packing or filters or interlace:
        raise PngError("PNG: an unusual kind; expected 8 bits, grey or colour, not interlaced")
    return 1 + width * _SAMPLES[colour]


def _check_pixels(packed: bytes, row: int, height: int) -> None:
    """Raises PngError unless the image data is whole rows, all of them, and nothing after them."""
    room = row * height
    unpacker = isal_zlib.decompressobj()
    try:
        pixels = unpacker.decompress(packed, room + 1)
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub calls the class an instance
        raise PngError(f"PNG: image data: {error}") from error
    if len(pixels) > room or unpacker.unconsumed_tail:
        raise PngError("PNG: image data is longer than its header says")
    if len(pixels) != room or not unpacker.eof:
        raise PngError(f"PNG: {len(pixels)} bytes of pixels, expected {room}")
    if unpacker.unused_data:
        raise PngError("PNG: bytes follow the pixels")
    if max(pixels[::row]) >= _FILTERS:
        raise PngError("PNG: a row has a filter that does not exist")

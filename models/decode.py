"""A picture's bytes to 8-bit grey, refusing what would be misread.

Everything is checked from the header before a pixel is decoded: a file of a few kilobytes may claim
to hold gigabytes, and a 16-bit picture must not be rescaled in silence (its grey levels would mean
something else in every frame). The instrument's sources and the shore's training both read through
here, so that both see the same grey.

Example::

    grey = decode(path.read_bytes())        # uint8 [H, W], or UnreadableError with one sentence
"""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 64_000_000
MAX_BYTES = 512 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")

_EIGHT_BIT_MODES = ("L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "La", "RGBa")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"RIFF", b"BM")
_PNG_DEPTH_AT = 24
_TIFF_BITS_PER_SAMPLE = 258


class UnreadableError(ValueError):
    """The picture cannot be used; the message is one sentence for a person."""


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a PNG, JPEG, TIFF, WebP or BMP to ``uint8 [H, W]``; colour becomes luminance.

    Raises UnreadableError if the bytes are empty, truncated or no such picture, if it is not 8 bits
    deep, holds several pictures, or has more than ``max_pixels`` pixels.
    """
    if not data:
        raise UnreadableError("the file is empty")
    try:
        with warnings.catch_warnings():
            # Our own limit below is lower than the one that Pillow warns at.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_header(picture, data, max_pixels)
            return np.array(picture.convert("L"), np.uint8)
    except UnreadableError:
        raise
    except UnidentifiedImageError:
        if data.startswith(_MAGIC):
            raise UnreadableError(
                f"damaged or cut short in its header ({len(data)} bytes)"
            ) from None
        raise UnreadableError(
            f"not a picture: expected {', '.join(FORMATS)}; the file begins {data[:8]!r}"
        ) from None
    except Image.DecompressionBombError:
        raise UnreadableError(
            f"the header claims a picture far above the limit of {_mega(max_pixels)}"
        ) from None
    except Exception as error:  # decoders raise whatever they like on hostile bytes
        what = str(error).strip() or type(error).__name__
        raise UnreadableError(f"damaged or cut short ({len(data)} bytes): {what}") from error


def _check_header(picture: Image.Image, data: bytes, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise UnreadableError(
            f"{width} x {height} pixels is above the limit of {_mega(max_pixels)}"
        )
    depth = _bits_per_channel(picture, data)
    if depth != 8:
        raise UnreadableError(
            f"{depth} bits per channel, expected 8: convert it with a fixed scale first, "
            "the same for all frames"
        )
    count = getattr(picture, "n_frames", 1)
    if count != 1:
        raise UnreadableError(f"holds {count} pictures, expected one")


def _bits_per_channel(picture: Image.Image, data: bytes) -> int:
    """The depth as the file states it: Pillow shows a 16-bit colour PNG as if it had 8."""
    if picture.format == "PNG":
        depth = data[_PNG_DEPTH_AT]
        return 8 if picture.mode == "P" else depth  # a palette of few colours has 8-bit colours
    if picture.format == "TIFF":
        tags = getattr(picture, "tag_v2", {})
        stated = tags.get(_TIFF_BITS_PER_SAMPLE, 1)
        return int(max(stated) if isinstance(stated, tuple) else stated)
    if picture.mode in _EIGHT_BIT_MODES:
        return 8
    return {"1": 1, "I": 32, "F": 32}.get(picture.mode, 16)


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:.0f} million pixels"


def is_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture of a kind we read."""
    last = name.rsplit("/", 1)[-1]
    return last.lower().endswith(SUFFIXES) and not last.startswith(".")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which numbers count as numbers: ``frame_2`` comes before ``frame_10``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts)

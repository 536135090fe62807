"""A picture that a person hands in: whether it is one, of a kind and size that is shown.

A plain PNG, what nearly all vignettes are, is checked without decoding it; all else is decoded.

Example:
    >>> check_picture(b"GIF89a...")
    PictureKind(format='GIF', width=640, height=480)
"""

import io
import struct
import threading
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from server.intake.png import PngError, check_png
from server.store.packs import LENGTH_MAX

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
PIXELS_MOST = 64_000_000
_ONE_BY_ONE = threading.Lock()
"""What is warned of is the process's, not a thread's."""
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


class PictureError(ValueError):
    """Not a picture that can be shown; the message says why."""


class PictureKind(NamedTuple):
    """`format` is Pillow's name of it, one of FORMATS."""

    format: str
    width: int
    height: int


def check_picture(data: bytes) -> PictureKind:
    """What the picture is, after reading every pixel. Raises PictureError."""
    if len(data) > LENGTH_MAX:
        raise PictureError(f"{len(data)} bytes, more than {LENGTH_MAX}")
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        try:
            check_png(data, width, height)
            return PictureKind("PNG", width, height)
        except PngError:
            pass  # of another kind than an instrument's, or damaged
    return _decode(data)


def _decode(data: bytes) -> PictureKind:
    try:
        with _ONE_BY_ONE, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is wrong with it we say ourselves
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > PIXELS_MOST:
                    raise PictureError(f"{width} x {height} pixels, more than {PIXELS_MOST}")
                picture.load()
                kind = "JPEG" if picture.format == "MPO" else str(picture.format)
                return PictureKind(kind, width, height)
    except UnidentifiedImageError:
        raise PictureError(f"expected one of {', '.join(FORMATS)}, found something else") from None
    except PictureError:
        raise
    except Exception as error:  # decoders raise of all kinds on damaged input
        raise PictureError(f"damaged: {error}") from error


def as_png(data: bytes) -> bytes:
    """The picture as a PNG, for a browser that does not show its format. Raises PictureError."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > PIXELS_MOST:
                raise PictureError(f"more than {PIXELS_MOST} pixels")
            out = io.BytesIO()
            _shown(picture).save(out, "PNG")
            return out.getvalue()
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(f"damaged: {error}") from error


def _shown(picture: Image.Image) -> Image.Image:
    """In a mode that PNG has; 16 and 32 bits are stretched to what a screen shows."""
    if picture.mode.startswith(("I", "F")):
        grey = np.asarray(picture, dtype=np.float64)
        low, high = float(np.nanmin(grey)), float(np.nanmax(grey))
        scale = 255.0 / (high - low) if high > low else 0.0
        return Image.fromarray(np.nan_to_num((grey - low) * scale).astype(np.uint8))
    return picture if picture.mode in _PNG_MODES else picture.convert("RGB")

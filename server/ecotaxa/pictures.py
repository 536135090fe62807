"""A picture that a person hands in: whether it is one, of a kind and size that is shown.

Example:
    >>> check_picture(b"GIF89a...")
    ('GIF', 640, 480)
"""

import io
import warnings

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
PIXELS_MOST = 64_000_000


class PictureError(ValueError):
    """Not a picture that can be shown; the message says why."""


def check_picture(data: bytes) -> tuple[str, int, int]:
    """(format, width, height), after reading every pixel. Raises PictureError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is wrong with it we say ourselves
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > PIXELS_MOST:
                    raise PictureError(f"{width} x {height} pixels, more than {PIXELS_MOST}")
                picture.load()
                return str(picture.format), width, height
    except UnidentifiedImageError:
        raise PictureError(f"expected one of {', '.join(FORMATS)}, found something else") from None
    except PictureError:
        raise
    except Exception as error:  # decoders raise of all kinds on damaged input
        raise PictureError(f"damaged: {error}") from error

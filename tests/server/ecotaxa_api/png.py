"""A small picture."""

import io

from PIL import Image


def png(width: int, height: int) -> bytes:
    """A grey picture of this size, as a PNG."""
    stream = io.BytesIO()
    Image.new("L", (width, height), 128).save(stream, "PNG")
    return stream.getvalue()

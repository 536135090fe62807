"""Pictures good and bad: what is read is right, what is not says why in one sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from edge.sources import UnreadableError, decode

GREY = np.random.default_rng(0).integers(0, 256, (37, 53), np.uint8)


def encoded(picture: Image.Image, form: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **how)  # type: ignore[arg-type]  # how differs by format
    return file.getvalue()


PNG = encoded(Image.fromarray(GREY), "PNG")


def png_that_claims(width: int, height: int, depth: int = 8) -> bytes:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("form", "how"), [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True})]
)
def test_lossless_grey_is_read_exactly(form: str, how: dict[str, object]) -> None:
    got = decode(encoded(Image.fromarray(GREY), form, **how))
    assert got.dtype == np.uint8
    # WebP has no grey: through its colours a level may move by one.
    assert np.abs(got.astype(int) - GREY).max() <= (1 if form == "WEBP" else 0)


def test_jpeg_is_read() -> None:
    smooth = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(48, axis=0)
    got = decode(encoded(Image.fromarray(smooth), "JPEG", quality=95))
    assert np.abs(got.astype(int) - smooth).max() < 6


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_colour_becomes_luminance(mode: str) -> None:
    got = decode(encoded(Image.fromarray(GREY).convert(mode), "PNG"))
    np.testing.assert_array_equal(got, GREY)
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    assert (decode(encoded(red, "PNG")) == 76).all()


DEEP = Image.fromarray(GREY.astype(np.uint16) * 256)
FLOAT = Image.fromarray(GREY.astype(np.float32))
FLAT = Image.fromarray(GREY > 128)


@pytest.mark.parametrize(
    ("picture", "form", "bits"),
    [
        (DEEP, "PNG", 16),
        (DEEP, "TIFF", 16),
        (FLOAT, "TIFF", 32),
        (FLAT, "PNG", 1),
        (FLAT, "TIFF", 1),
        (FLAT, "BMP", 1),
    ],
)
def test_other_depths_are_refused_not_rescaled(picture: Image.Image, form: str, bits: int) -> None:
    with pytest.raises(UnreadableError, match=f"{bits} bits per channel, expected 8"):
        decode(encoded(picture, form))


def test_16_bit_colour_png_is_refused_though_pillow_would_cut_it() -> None:
    deep = bytearray(png_that_claims(4, 4, depth=16))
    with pytest.raises(UnreadableError, match="16 bits per channel, expected 8"):
        decode(bytes(deep))


@pytest.mark.parametrize("kept", [9, 30, 60, len(PNG) // 2, len(PNG) - 30])
def test_a_truncated_file_is_told(kept: int) -> None:
    with pytest.raises(UnreadableError, match=r"cut short|not a picture"):
        decode(PNG[:kept])


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "BMP", "WEBP"])
def test_half_of_any_format_is_told(form: str) -> None:
    data = encoded(Image.fromarray(GREY), form)
    with pytest.raises(UnreadableError):
        decode(data[: len(data) // 2])


def test_an_empty_file_is_told() -> None:
    with pytest.raises(UnreadableError, match="empty"):
        decode(b"")


@pytest.mark.parametrize("data", [b"sample,depth\n1,20\n", b"%PDF-1.7", b"GIF89a" + b"\0" * 60])
def test_another_kind_of_file_is_told(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="not a picture: expected PNG, JPEG"):
        decode(data)


@pytest.mark.parametrize("side", [8_001, 13_000, 50_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    bomb = png_that_claims(side, side)
    assert len(bomb) < 200
    with pytest.raises(UnreadableError, match=r"limit of 64 million pixels|damaged"):
        decode(bomb)


def test_the_limit_is_the_callers() -> None:
    with pytest.raises(UnreadableError, match="53 x 37 pixels is above the limit"):
        decode(PNG, max_pixels=1000)


def test_several_pictures_in_a_file_are_refused() -> None:
    pages = [Image.fromarray(GREY)] * 3
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(UnreadableError, match="holds 3 pictures"):
        decode(data)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(PNG)))
def test_no_bytes_crash_the_decoder(noise: bytes, where: int) -> None:
    for data in (noise, PNG[:where] + noise + PNG[where + len(noise) :]):
        try:
            picture: NDArray[np.uint8] = decode(data)
        except UnreadableError as error:
            said = str(error)
            assert said
        else:
            assert picture.ndim == 2

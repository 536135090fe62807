"""What a machine with a good key may send all the same: bombs, tags, collisions, bad pictures."""

import io
import random
import time
import zlib
from collections.abc import Callable

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.png import encode
from models import factory
from models.bundle import Bundle, BundleError
from server.intake.items import PIXELS_MAX, read_items
from server.intake.png import PngError, check_png
from server.simulated import make_record, make_vignette
from tests.faults.hostile.images import bad_png, chunk, chunks
from tests.faults.hostile.values import flipped
from wire.codec import CodecError, encode_record, loads

Change = Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]]
GOOD = encode(np.arange(16 * 12, dtype=np.uint8).reshape(12, 16))


def rebuilt(change: Change) -> bytes:
    return GOOD[:8] + b"".join(chunk(name, data) for name, data in change(chunks(GOOD)))


def pillow(mode: str, **how: object) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (16, 12)).save(stream, "png", **how)
    return stream.getvalue()


@pytest.mark.parametrize("data", [GOOD, pillow("L"), pillow("RGB"), pillow("L", dpi=(90, 90))])
def test_plain_pictures_are_taken(data: bytes) -> None:
    check_png(data, 16, 12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: [*c[:1], (b"zTXt", b"k\0\0x"), *c[1:]], "not taken"),
        (lambda c: [*c[:1], (b"iCCP", b"k\0\0x"), *c[1:]], "not taken"),
        (lambda c: [*c[:1], (b"PLTE", b"abc"), *c[1:]], "not taken"),
        (lambda c: [c[0], *c], "first and once"),
        (lambda c: c[1:], "first and once"),
        (lambda c: c[:-1], "no IEND"),
        (lambda c: [*c, c[-1]], "follow its end"),
        (lambda c: [c[0], (b"IDAT", c[1][1] + b"hidden"), c[2]], "follow the pixels"),
        (lambda c: [c[0], c[1], (b"tEXt", b"a\0b"), (b"IDAT", b""), c[2]], "several places"),
        (lambda c: [c[0], (b"IDAT", zlib.compress(bytes(10**7))), c[2]], "longer than"),
        (lambda c: [c[0], (b"IDAT", zlib.compress(bytes(17 * 11))), c[2]], "expected 204"),
        (lambda c: [c[0], (b"IDAT", zlib.compress(b"\x05" * 17 * 12)), c[2]], "filter"),
        (lambda c: [c[0], *[(b"IDAT", b"")] * 20_000, *c[1:]], "chunks"),
    ],
)
def test_a_picture_that_hides_something_is_refused(change: Change, words: str) -> None:
    with pytest.raises(PngError, match=words):
        check_png(rebuilt(change), 16, 12)


@pytest.mark.parametrize("mode", ["P", "1", "LA", "RGBA", "I;16"])
def test_unusual_kinds_are_refused(mode: str) -> None:
    with pytest.raises(PngError, match="unusual kind"):
        check_png(pillow(mode), 16, 12)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_taken_is_a_picture_to_others_too(seed: int) -> None:
    data = bad_png(random.Random(seed), GOOD)
    try:
        check_png(data, 16, 12)
    except PngError:
        return
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.size == (16, 12)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 9), st.data())
def test_damaged_pixels_are_refused_as_zlib_would(level: int, data: st.DataObject) -> None:
    rows = np.insert(np.random.default_rng(level).integers(0, 9, (12, 16), np.uint8), 0, 0, axis=1)
    packed = bytearray(zlib.compress(rows.tobytes(), level))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] = data.draw(st.integers(0, 255))
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(packed, rows.size + 1)
        sound = unpacker.eof and len(found) == rows.size and max(found[::17]) < 5
    except zlib.error:
        sound = False
    picture = rebuilt(lambda c: [c[0], (b"IDAT", bytes(packed)), c[2]])
    if sound:
        check_png(picture, 16, 12)
    else:
        with pytest.raises(PngError):
            check_png(picture, 16, 12)


def test_a_batch_of_bombs_costs_no_more_than_its_bound() -> None:
    grey = encode(np.zeros((2048, 2048), np.uint8))
    vignettes = [make_vignette(n, width=2048, height=2048, data=grey) for n in range(1, 13)]
    items = read_items([encode_record(make_record(n, v)) for n, v in enumerate(vignettes, 1)])
    taken = [item for item in items if item.refused is None]
    assert len(taken) == PIXELS_MAX // 2048**2
    assert {item.refused.code for item in items if item.refused} == {"too_big"}
    assert all(item.key is not None for item in items), "each can be named in the answer"


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("c5821a3b9aca0003"),
        bytes.fromhex("c4821a3b9aca0003"),
        bytes.fromhex("d82363612a62"),
        bytes.fromhex("d81c81d81d00"),
        b"\x81" * 1000 + b"\0",
        b"\x9f" * 1000,
        b"\x5b\x7f" + b"\xff" * 7,
        b"\x9b\x7f" + b"\xff" * 7,
        cbor2.dumps({i * (2**61 - 1): 0 for i in range(50)}),
    ],
    ids=["bigfloat", "decimal", "pattern", "cycle", "deep", "endless", "bytes", "list", "collide"],
)
def test_cbor_that_would_cost_more_than_it_weighs_is_refused(data: bytes) -> None:
    began_s = time.process_time()
    with pytest.raises(CodecError):
        loads(data, text_keys=True)
    assert time.process_time() - began_s < 5


def test_a_bundle_that_was_tampered_with_is_refused_and_nothing_in_it_runs() -> None:
    good, chance = factory.path().read_bytes(), random.Random(5)
    for _ in range(60):
        bad = flipped(chance, good)
        if bad != good:
            with pytest.raises(BundleError):
                Bundle.load(bad)

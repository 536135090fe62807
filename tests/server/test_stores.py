"""Packs, bundles, PNG checks, ranges: small parts, hard input."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from server.api.ranges import ranged
from server.intake.png import PngError, check_png
from server.simulated import make_vignette
from server.store import bundles
from server.store.folder_packs import FolderPacks
from server.store.packs import PackError, Place
from server.taxonomy.starter import read_starter


def test_what_is_appended_is_read_back_and_packs_roll(tmp_path: Path) -> None:
    packs = FolderPacks(tmp_path, roll_bytes=1000)
    items = [bytes([i]) * (i * 7) for i in range(60)]
    places = [place for i in range(0, 60, 6) for place in packs.append(items[i : i + 6])]
    assert len({place.pack for place in places}) > 3
    packs.close()
    fresh = FolderPacks(tmp_path, roll_bytes=1000)
    assert [fresh.read(place) for place in places] == items
    [another] = fresh.append([b"next"])
    assert another.pack not in {place.pack for place in places}  # a pack has one writer
    fresh.close()


@pytest.mark.parametrize(
    "change",
    [
        {"pack": "missing.pack"},
        {"pack": "../seadrift.db"},
        {"offset": 10_000},
        {"length": 10_000},
        {"length": 1 << 40},
    ],
)
def test_a_wrong_place_is_an_error_of_its_own(tmp_path: Path, change: dict[str, object]) -> None:
    packs = FolderPacks(tmp_path, roll_bytes=1000)
    [place] = packs.append([b"abc"])
    with pytest.raises(PackError):
        packs.read(Place(**{**place.__dict__, **change}))  # type: ignore[arg-type] # on purpose
    packs.close()


def test_a_pack_that_cannot_grow_is_left_and_the_next_one_begun(tmp_path: Path) -> None:
    packs = FolderPacks(tmp_path, roll_bytes=1 << 20)
    [first] = packs.append([b"abc"])
    packs.close()  # as after a failed write: the length is not known any more
    [second] = packs.append([b"def"])
    assert first.pack != second.pack
    assert (packs.read(first), packs.read(second)) == (b"abc", b"def")
    packs.close()


def test_a_bundle_is_kept_under_its_id_alone(tmp_path: Path) -> None:
    name = bundles.save(tmp_path, "a" * 64, b"data")
    assert bundles.load(tmp_path, name) == b"data"
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(ValueError, match="64 hex"):
        bundles.save(tmp_path, "../evil", b"data")


@pytest.mark.parametrize("mode", ["RGBA", "P", "1", "LA", "I;16"])
def test_a_png_of_a_kind_that_no_instrument_writes_is_refused(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (33, 7)).save(stream, "png")
    with pytest.raises(PngError, match="unusual kind"):
        check_png(stream.getvalue(), 33, 7)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_png_of_every_plain_kind_passes(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (33, 7)).save(stream, "png")
    check_png(stream.getvalue(), 33, 7)
    with pytest.raises(PngError, match="33 x 7"):
        check_png(stream.getvalue(), 7, 33)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_png_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    good = make_vignette(1).data
    place = data.draw(st.integers(0, len(good) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != good[place]))
    with pytest.raises(PngError):
        check_png(good[:place] + bytes([value]) + good[place + 1 :], 16, 12)


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_break_the_png_check(junk: bytes, with_signature: bool) -> None:
    with pytest.raises(PngError):
        check_png((b"\x89PNG\r\n\x1a\n" if with_signature else b"") + junk, 16, 12)


@pytest.mark.parametrize("cut", range(8, 60, 4))
def test_a_png_cut_short_or_with_a_tail_is_refused(cut: int) -> None:
    good = make_vignette(1).data
    with pytest.raises(PngError):
        check_png(good[:cut], 16, 12)
    with pytest.raises(PngError):
        check_png(good + good[:cut], 16, 12)


@pytest.mark.parametrize(
    ("header", "status", "content"),
    [
        (None, 200, b"0123456789"),
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=-99", 206, b"0123456789"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-", 416, b""),
        ("bytes=5-4", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_ranges_as_the_rfc_says(header: str | None, status: int, content: bytes) -> None:
    answer = ranged(b"0123456789", header, etag="x")
    assert (answer.status_code, bytes(answer.body)) == (status, content)


def test_the_starter_taxonomy_is_a_tree_with_unique_names() -> None:
    lines = list(read_starter())
    names = [line.name for line in lines]
    assert len(set(names)) == len(names)
    for place, line in enumerate(lines):
        assert line.parent is None or line.parent in names[:place]
        assert not set(line.aliases) & set(names)
    shipped = {"Copepoda", "Calanidae", "nauplius", "diatom chain", "faecal pellet", "unidentified"}
    assert shipped <= set(names)

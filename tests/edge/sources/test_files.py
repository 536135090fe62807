"""Folders and zips as sources: order, indices, restarts, and bad files among good ones."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.frames import BadFrame, Frame
from edge.sources import FolderSource, SourceError, ZipSource, open_source, quarantine
from edge.sources.files import is_picture, natural


def png(level: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 9), level, np.uint8))[1].tobytes()


FILES = {
    "frame_1.png": png(1),
    "frame_2.png": png(2),
    "frame_3.png": png(3)[:40],  # cut short
    "frame_10.png": png(10),
    "later/frame_1.PNG": png(11),
    "later/empty.jpg": b"",
    "notes.txt": b"calm sea",
    ".hidden.png": png(0),
    "__MACOSX/._frame_1.png": b"resource fork",
}
ORDER = ["frame_1.png", "frame_2.png", "frame_3.png", "frame_10.png", "later/empty.jpg",
         "later/frame_1.PNG"]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "cast" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "cast"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "cast.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in reversed(FILES.items()):
            file.writestr(name, data)
    return path


@pytest.fixture(params=["folder", "archive"])
def place(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_pictures_come_in_the_order_a_person_expects(place: Path) -> None:
    with open_source(place) as source:
        assert source.names == ORDER
        assert source.ignored == 3
        assert len(source) == 6
        items = list(source)
    assert [item.name for item in items] == ORDER
    assert [item.index for item in items] == list(range(6))
    levels = [int(item.grey[0, 0]) for item in items if isinstance(item, Frame)]
    assert levels == [1, 2, 10, 11]


def test_a_bad_file_is_one_bad_frame_with_a_reason_and_the_rest_goes_on(place: Path) -> None:
    with open_source(place) as source:
        bad = [item for item in source if isinstance(item, BadFrame)]
    assert [(item.name, item.index) for item in bad] == [("frame_3.png", 2), ("later/empty.jpg", 4)]
    assert "cut short" in bad[0].reason
    assert "empty" in bad[1].reason


def test_a_restart_gives_the_same_frames_from_there_on(place: Path) -> None:
    with open_source(place) as whole, open_source(place, start=3) as rest:
        expected, got = list(whole)[3:], list(rest)
        assert len(rest) == 3
    assert [(item.name, item.index) for item in got] == [(i.name, i.index) for i in expected]


def test_a_single_picture_is_a_source(folder: Path) -> None:
    (frame,) = open_source(folder / "frame_10.png")
    assert isinstance(frame, Frame)
    assert (frame.name, frame.index, frame.grey.shape) == ("frame_10.png", 0, (8, 9))


def test_the_zip_is_not_unpacked(archive: Path) -> None:
    before = sorted(archive.parent.iterdir())
    with open_source(archive) as source:
        list(source)
    assert sorted(archive.parent.iterdir()) == before


def test_a_file_that_disappears_is_a_bad_frame(folder: Path) -> None:
    source = FolderSource(folder)
    (folder / "frame_2.png").unlink()
    items = list(source)
    assert isinstance(items[1], BadFrame)
    assert "cannot be read" in items[1].reason
    assert len(items) == 6


def test_a_pipe_is_a_bad_frame_and_nobody_waits_for_it(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "zz_pipe.png")
    found = list(FolderSource(folder))
    assert isinstance(found[-1], BadFrame)
    assert found[-1].reason == "not a regular file"
    assert quarantine(found[-1], FolderSource(folder), tmp_path / "quarantine")


def test_a_damaged_member_of_a_zip_is_a_bad_frame(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    where = data.find(FILES["frame_10.png"])
    data[where + 45] ^= 0xFF
    archive.write_bytes(data)
    with ZipSource(archive) as source:
        items = list(source)
    assert isinstance(items[3], BadFrame)
    assert "CRC" in items[3].reason
    assert isinstance(items[5], Frame)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("missing", None, "no such file or folder"),
        ("broken.zip", b"PK\3\4 but no more", "not a zip, or cut short"),
        ("readings.csv", b"1,2\n", "expected a folder, a zip or a picture"),
    ],
)
def test_what_is_no_source_is_told(
    tmp_path: Path, name: str, data: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SourceError, match=said) as told:
        open_source(path)
    assert name in str(told.value)


def test_bad_frames_are_copied_aside_with_the_reason_and_the_original_stays(
    place: Path, tmp_path: Path
) -> None:
    aside = tmp_path / "aside"
    with open_source(place) as source:
        bad = [item for item in source if isinstance(item, BadFrame)]
        reasons = [quarantine(item, source, aside) for item in bad]
    assert reasons[0].name == "000002_frame_3.png.reason.txt"
    assert bad[0].reason in reasons[0].read_text()
    assert (aside / "000002_frame_3.png").read_bytes() == FILES["frame_3.png"]
    assert (aside / "000004_later_empty.jpg").read_bytes() == b""
    if place.is_dir():
        assert (place / "frame_3.png").read_bytes() == FILES["frame_3.png"]


def test_a_name_cannot_lead_out_of_the_quarantine(tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.png", b"no picture")
    with ZipSource(archive) as source:
        (bad,) = source
        assert isinstance(bad, BadFrame)
        reason = quarantine(bad, source, tmp_path / "deep" / "aside")
    assert reason.parent == tmp_path / "deep" / "aside"
    assert not list(tmp_path.glob("evil.png*"))


def test_a_file_that_has_gone_still_has_its_reason_kept(folder: Path, tmp_path: Path) -> None:
    source = FolderSource(folder)
    (folder / "frame_2.png").unlink()
    bad = list(source)[1]
    assert isinstance(bad, BadFrame)
    text = quarantine(bad, source, tmp_path / "aside").read_text()
    assert "cannot be read" in text
    assert "no copy could be made" in text


def test_natural_order() -> None:
    names = ["b2", "a10", "a9", "a", "10", "9", "a1b10", "a1b9"]
    assert sorted(names, key=natural) == ["9", "10", "a", "a1b9", "a1b10", "a9", "a10", "b2"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.TIFF", True),
        ("d/x.webp", True),
        ("x.jpeg", True),
        ("d/._x.png", False),
        ("x.gif", False),
    ],
)
def test_pictures_are_told_by_their_names(name: str, expected: bool) -> None:
    assert is_picture(name) is expected

"""``cast.csv``: time and place of each frame, from a folder and from a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.frames import Frame
from edge.sources import SourceError, open_source
from edge.sources.cast import Moment, read_cast

TABLE = """frame,index,utc_ms,lat_deg,lon_deg,depth_m,temperature_c,operator
a.png,0,1777890030000,43.5,-7.25,12.5,14.0,Ann
b.png,1,,,,20,,
"""


def write(folder: Path, table: str) -> Path:
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(folder / name), np.zeros((4, 4), np.uint8))
    (folder / "cast.csv").write_text(table, encoding="utf-8")
    return folder


def moments(path: Path) -> list[tuple[object, ...]]:
    with open_source(path) as source:
        frames = [item for item in source if isinstance(item, Frame)]
        assert source.ignored == 0
    return [(f.utc_ms, f.lat_deg, f.lon_deg, f.depth_m, f.temperature_c) for f in frames]


EXPECTED = [
    (1777890030000, 43.5, -7.25, 12.5, 14.0),
    (None, None, None, 20.0, None),
    (None, None, None, None, None),
]


def test_frames_of_a_folder_know_their_place(tmp_path: Path) -> None:
    folder = write(tmp_path / "cast", TABLE)
    assert moments(folder) == EXPECTED
    assert open_source(folder).has_place


def test_frames_of_a_zip_know_their_place(tmp_path: Path) -> None:
    folder = write(tmp_path / "cast", TABLE)
    archive = tmp_path / "cast.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    assert moments(archive) == EXPECTED


def test_another_table_of_that_name_is_left_alone(tmp_path: Path) -> None:
    folder = write(tmp_path / "cast", "depth,salinity\n1,38\n")
    assert moments(folder) == [EXPECTED[2]] * 3
    assert not open_source(folder).has_place


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.png,0,0,91,0,0,0,", "line 2, lat_deg: expected a number from -90 to 90, not '91'"),
        ("a.png,0,0,0,east,0,0,", "line 2, lon_deg: .* not 'east'"),
        ("a.png,0,0,0,0,nan,0,", "line 2, depth_m"),
        ("a.png,0,1e99,0,0,0,0,", "line 2, utc_ms"),
    ],
)
def test_a_place_that_cannot_be_is_told_by_line_and_column(
    tmp_path: Path, row: str, said: str
) -> None:
    folder = write(tmp_path / "cast", TABLE.splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(SourceError, match=said) as told:
        open_source(folder)
    assert "cast.csv" in str(told.value)


def test_text_that_is_no_text_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "cast", "")
    (folder / "cast.csv").write_bytes(b"frame\n\xff\xfe\n")
    with pytest.raises(SourceError, match="not UTF-8"):
        open_source(folder)


def test_an_empty_table_knows_nothing() -> None:
    assert read_cast(b"") == {}
    assert read_cast(b"frame\na.png\n") == {"a.png": Moment()}

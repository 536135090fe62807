"""What the user says about a run: both ways of writing it, and each way of getting it wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.ecotaxa import Metadata, MetadataError, read_metadata

TOML = """
[sample]
id = "bay_07"
ship = "Tara"
[acquisition]
instrument = "PlanktoScope"
[object]
lat = 43.68
lon = 7.31
date = 2026-05-04
time = "10:20:30Z"
depth_min = 0
depth_max = 20.5
"""
EXPECTED = Metadata(
    sample={"id": "bay_07", "ship": "Tara"},
    acq={"instrument": "PlanktoScope"},
    object={
        "lat": 43.68,
        "lon": 7.31,
        "date": "20260504",
        "time": "102030",
        "depth_min": 0.0,
        "depth_max": 20.5,
    },
)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_tables(tmp_path: Path) -> None:
    assert read_metadata(written(tmp_path, "m.toml", TOML)) == EXPECTED


def test_flat_json_as_a_planktoscope_writes_it(tmp_path: Path) -> None:
    flat = {"sample_id": "bay_07", "sample_ship": "Tara", "acq_instrument": "PlanktoScope"}
    flat |= {f"object_{key}": value for key, value in EXPECTED.object.items()}
    text = "\ufeff" + json.dumps(flat)
    assert read_metadata(written(tmp_path, "m.json", text)) == EXPECTED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sampel]\nid = 'x'", r"\[sampel\]: expected one of sample"),
        ("station = 'x'", "station: expected a table"),
        ("[sample]\nShip = 'x'", "sample_Ship: expected a lower-case name"),
        ("[sample]\nnote = 'x'\nnote = 'y'", "m.toml"),
        ("sample_id = 'a'\n[sample]\nid = 'b'", "sample_id: given twice"),
        ("[sample]\nids = [1, 2]", "sample_ids: expected a text or a number, not list"),
        ("[sample]\nfrozen = true", "sample_frozen: expected a text or a number, not bool"),
        ("[acq]\ngain = inf", "acq_gain: inf is not a finite number"),
        (f"[sample]\nnote = '{'x' * 251}'", "sample_note: 251 characters"),
        ("[object]\nlat = 91", "object_lat: 91.0 is not between -90 and 90"),
        ("[object]\nlat = nan", "object_lat"),
        ("[object]\nlon = 'east'", "object_lon: expected a number, not 'east'"),
        ("[object]\ndate = '04/05/2026'", "object_date: expected YYYYMMDD"),
        ("[object]\ntime = '25:00'", "object_time: expected HHMMSS"),
        ("[object]\nid = 'o1'", "object_id: this is set for each object"),
        ("[object]\nannotation_status = 'validated'", "object_annotation_status: this is set"),
        ("[sample\nid = 1", "m.toml"),
    ],
)
def test_a_mistake_is_told_by_file_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MetadataError, match=said) as told:
        read_metadata(written(tmp_path, "m.toml", text))
    assert "m.toml" in str(told.value)


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match="No such file"):
        read_metadata(tmp_path / "none.toml")
    (tmp_path / "m.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(MetadataError, match="not UTF-8"):
        read_metadata(tmp_path / "m.json")
    with pytest.raises(MetadataError, match="expected tables"):
        read_metadata(written(tmp_path, "list.json", "[1]"))

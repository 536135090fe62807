"""A configuration is read whole or refused with one sentence that names file, table and key."""

from pathlib import Path

import pytest

from edge.config import TABLES, Config, keys, load
from edge.tables import ConfigError

GOOD = """
[device]
name = "north"
data = "data"

[source]
kind = "simulator"

[acquisition]
project = "cast"
sample = "s1"
acquisition = "a1"
process = "p1"
instrument = "simulator"
pixel_um = 10.0
"""


def read(folder: Path, text: str) -> Config:
    path = folder / "instrument.toml"
    path.write_text(text)
    return load(path)


def test_defaults_and_relative_paths(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    assert config.data == tmp_path / "data"
    assert (config.outbox.max_mb, config.link.batch_kb) == (512, 192)
    assert (config.segment.pixel_um, config.segment.field) == (10.0, "dark")
    assert config.shore.url == ""


def test_absolute_paths_stay(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD.replace('data = "data"', 'data = "/var/lib/x"'))
    assert config.data == Path("/var/lib/x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "north"', 'nmae = "north"', r"\[device\] nmae: no such key; did you mean name\?"),
        ("[acquisition]", "[aquisition]", r"aquisition: no such key; did you mean acquisition\?"),
        ("pixel_um = 10.0", "", r"\[acquisition\] pixel_um: missing"),
        ("pixel_um = 10.0", 'pixel_um = "ten"', r"pixel_um: expected a number, got 'ten'"),
        ("pixel_um = 10.0", "pixel_um = nan", r"pixel_um: expected a number, got nan"),
        ("pixel_um = 10.0", "pixel_um = -1", r"pixel_um: expected 0.01 to 1000.0, got -1"),
        ('"simulator"\n\n', '"camera"\n\n', r'kind: expected one of "simulator", "folder", "zip"'),
        ('kind = "simulator"', 'kind = "folder"', r"\[source\] path: missing \(kind is folder\)"),
        ('name = "north"', 'name = " "', r"\[device\] name: expected text, got nothing"),
        ("[device]", "[outbox]\nmax_mb = 1.5\n[device]", r"max_mb: expected a whole number"),
        ("[device]", "[outbox]\nmax_mb = true\n[device]", r"max_mb: expected a whole number"),
        ("[device]", "[outbox]\nmax_mb = 4\n[device]", r"reserve_mb: expected at most half"),
        ("[device]", "[link]\nbatch_kb = 4000\n[device]", r"batch_kb: expected 8 to 240"),
        ("[device]", "[segment]\nesd_min = 3\n[device]", r"esd_min: no such key; .*esd_min_um\?"),
        ("[device]", "[segment]\npixel_um = 3.0\n[device]", r"\[segment\] pixel_um: no such key"),
        ("[device]", '[segment]\nborder = "cut"\n[device]', r"\[segment\] border must be one of"),
        (
            "[device]",
            '[shore]\nurl = "http://sea.example"\n[device]',
            r"\[shore\] url: .* plain http",
        ),
        ("[device]", "segment = 3\n[device]", r"\[segment\]: expected a table, got 3"),
        ("[device]", "[device", r"not TOML"),
        (
            'kind = "simulator"',
            'kind = "simulator"\nsimulator = {densty = 3}',
            r"\[source.simulator\] densty: no such",
        ),
    ],
)
def test_one_clear_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    text = str(caught.value)
    assert text.startswith(str(tmp_path / "instrument.toml"))
    assert "\n" not in text.strip()


def test_a_claim_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="claim: give it or claim_file, not both"):
        read(tmp_path, GOOD + '[shore]\nclaim = "a"\nclaim_file = "b"\n')


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "bytes.toml")


def test_every_table_has_keys() -> None:
    for table in TABLES:
        assert keys(table)
    assert "pixel_um" not in keys("segment")

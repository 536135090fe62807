"""`seadrift evaluate --table`: what is missing is named before hours are spent."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from models import factory
from server.cli import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("ndsb", "spc", "zooscan", "flowcam"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("readme.txt", "no image here")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what to make: --table"),
        (["--table", "--minutes", "0"], "--minutes 0.0: expected above 0"),
        (["--table", "--network", "a", "--networks", "b"], "not both"),
    ],
)
def test_a_wrong_command_line_is_told(
    data: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--data", str(data), *words]) == 2
    assert message in capsys.readouterr().err


def test_missing_sets_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--table", "--data", str(tmp_path), "--only", "spc"]) == 2
    assert f"{tmp_path}: no spc.zip in it" in capsys.readouterr().err


@pytest.mark.parametrize("spoil", ["empty", "no zip", "results"])
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    data: Path, spoil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    expected = "zooscan.zip: no image in a class folder"
    if spoil == "no zip":
        (data / "zooscan.zip").write_bytes(b"not a zip")
        expected = "zooscan.zip: neither a folder nor a zip"
    if spoil == "results":
        out.mkdir()
        (out / "results.json").write_text("[1]")
        expected = "results.json: not results of format 1"
    words = ["--table", "--data", str(data), "--only", "zooscan", "--out", str(out)]
    words += ["--build", str(tmp_path / "build"), "--network", str(factory.path())]
    assert main(["evaluate", *words]) == 3
    assert expected in capsys.readouterr().err
    assert not (out / "README.md").exists()


def test_a_network_that_cannot_be_trained_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The training of a set without two classes fails in its own process; the table says so."""
    with zipfile.ZipFile(tmp_path / "zooscan.zip", "w") as archive:
        archive.writestr("only/1.png", b"damaged")
    words = ["--table", "--data", str(tmp_path), "--only", "zooscan", "--minutes", "0.1"]
    words += ["--out", str(tmp_path / "out"), "--build", str(tmp_path / "build")]
    assert main(["evaluate", *words]) == 3
    told = capfd.readouterr().err
    assert "training the network of zooscan failed (exit code 2)" in told

"""`seadrift taxa` beside a running shore: import, search, export of a version, merge."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.cli import main
from server.settings import Settings
from server.shore import Shore
from tests.server.taxa.test_checklists import ECOTAXA


def run(
    capsys: pytest.CaptureFixture[str], settings: Settings, *words: str | Path
) -> tuple[int, str, str]:
    given: Sequence[str] = ["taxa", *map(str, words), "--data", str(settings.data)]
    code = main(given)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_tree_from_the_command_line(
    capsys: pytest.CaptureFixture[str], shore: Shore, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "taxoexport.tsv"
    file.write_text(ECOTAXA)
    code, out, _ = run(capsys, settings, "import", file, "--check")
    assert (code, "nothing was written" in out) == (0, True)
    code, out, _ = run(capsys, settings, "import", file, "--json")
    told = json.loads(out)
    assert (code, told["written"]["added"], told["errors"]) == (0, 4, 0)
    code, out, _ = run(capsys, settings, "search", "egg<cala", "--json")
    assert [one["display_name"] for one in json.loads(out)] == ["egg<Calanoida"]
    code, out, _ = run(capsys, settings, "merge", "egg<Calanoida", "egg<Copepoda")
    assert (code, "0 objects moved" in out) == (0, True)
    table = tmp_path / "taxon.txt"
    code, _, err = run(
        capsys, settings, "export", "--out", table, "--version", str(told["version"])
    )
    assert (code, f"version {told['version']}" in err) == (0, True)
    lines = table.read_text().splitlines()
    assert lines[0].startswith("taxonID\tscientificNameID")
    assert any("egg<Calanoida" in line and "\taccepted\t" in line for line in lines)
    code, out, _ = run(capsys, settings, "export", "--json")
    merged = [
        one for one in json.loads(out)["taxa"] if one["display_name"].endswith("(Deprecated)")
    ]
    assert {"egg", "Eucopepoda", "Oldest"} == {one["name"] for one in merged}


def test_what_cannot_be_done_is_one_sentence(
    capsys: pytest.CaptureFixture[str], shore: Shore, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "bad.tsv"
    file.write_text("id\tparent_id\tname\ttaxotype\nx\t\tA\tP\n")
    code, out, err = run(capsys, settings, "import", file)
    assert code == 3
    assert "bad.tsv line 2, id 'x': expected a whole number above 0; correct it" in err
    assert "1 errors, nothing was written" in out
    tries = {
        ("merge", "Copepodos", "Calanus"): "there is no taxon 'Copepodos'",
        ("merge", "Copepoda", "Calanus"): "which is under it: move that one first",
        ("export", "--version", "999999"): "the tree has versions 0 to",
        ("export", "--at", "soon"): "expected a moment as 2026-05-01T12:00",
        ("import", str(tmp_path / "none")): "No such file",
    }
    for words, message in tries.items():
        code, _, err = run(capsys, settings, *words)
        assert code == 3
        assert message in err
        assert "Traceback" not in err

"""The how-to page is tried as it stands; an odd project goes to EcoTaxa within its limits."""

import re
import shlex
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.cli import main
from server.clock import now_ms
from server.db.imported import Batch, Item, Parents, Picture
from server.db.importer import Importer, new_epoch
from server.ecotaxa.backup import write_backup
from server.ecotaxa.check import check_upload
from server.ecotaxa.load import load
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import open_upload
from server.jobs.worker import run_waiting
from server.shore import Shore
from tests.server.ecotaxa.uploads import HEAD, picture, table, zipped
from wire.ecotaxa import Column, check_columns

PAGE = Path(__file__).parents[3] / "docs/how-to/from-ecotaxa.md"


def test_the_page_is_true(
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = (
        {"object_annotation_person_name": "J. Smith", "object_annotation_person_email": ""},
        {"object_id": "o2", "object_annotation_category": "dead<Copepoda"},
        {"object_id": "o3", "object_annotation_category": "newly found"},
    )
    files = {"s1/ecotaxa_s1.tsv": table(*rows), "s1/a.png": picture()}
    zipped(tmp_path / "plankton.zip", files)
    monkeypatch.chdir(tmp_path)
    said = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("seadrift "):
                code = main(shlex.split(line)[1:])
            else:
                code = subprocess.run(["bash", "-ec", line], check=False).returncode
            shown = capsys.readouterr()
            said.append((line, code, shown.out + shown.err))
    assert [code for _, code, _ in said] == [0, 1, 0, 0, 0, 0, 0], said
    texts = [text for _, _, text in said]
    assert "3 objects in 1 table, 1 images; 0 errors" in texts[0]
    assert "which taxon is 'dead<Copepoda'?" in texts[1]
    assert "who is 'J. Smith'?" in texts[1]
    assert "3 objects new" in texts[3]
    assert "back.zip: 3 objects, 3 images, 1 samples" in texts[4]
    assert "3 objects new" in texts[6]


def odd_batch() -> Batch:
    """Whatever EcoTaxa would refuse."""
    columns = [(f"text{n}", "t") for n in range(21)] + [("n one", "f"), ("N ONE", "f")]
    values = ["x" * 300, "two\nlines", *("z",) * 19, float("inf"), 2.5]
    ship = {f"told{n}": "x" for n in range(61)}
    items = [
        Item((sample, "a", "p"), "o", values, [], *(43.5, 7.5, 1.0), utc_ms=1_790_000_000_123)
        for sample in ("s", "t")
    ]
    for item in items:
        item.pictures = [Picture("dir/a b.png", 0, "PNG", 9, 7, lambda: picture(1))]
        item.status, item.utc_source = "D", "table"
    told = Parents(ship, "uvp6", {f"px{n}": "1" for n in range(31)}, {})
    places = {item.places: told for item in items}
    return Batch(tuple(columns), items, places, frozenset())


@pytest.mark.databases
def test_an_odd_project_is_mended_and_said(
    shore: Shore, client: httpx.Client, project: int, tmp_path: Path
) -> None:
    importer = Importer(project, 1, new_epoch(), "none", False, {}, {}, now_ms())
    load(shore, [odd_batch()], lambda _: importer, project, tmp_path)
    path = tmp_path / "odd.zip"
    mended = write_backup(shore.database, shore.packs, project, path).mended
    for says in (
        "object_text0: text above 250 characters was cut",
        "object_text1: line breaks, tabs and spaces at the ends were made plain",
        "object_text20: EcoTaxa takes 20 text columns",
        "object_n_one: a number that is not finite was left out",
        "sample_told60: EcoTaxa takes 60 sample_ columns",
        "acq_px29: EcoTaxa takes 30 acq_ columns",
        "acq_id: one id in several samples was made unique",
        "object_id: one id of several objects was made unique",
        "object_annotation_status: EcoTaxa wants status and taxon together, or none",
        "object_time: a fraction of a second was cut",
    ):
        assert any(sentence.startswith(says) for sentence in mended), (says, mended)
    with zipfile.ZipFile(path) as archive:
        tables = [archive.read(n).decode() for n in archive.namelist() if "/ecotaxa_" in n]
    assert len(tables) == 2
    for text in tables:
        names, kinds, *rows = (line.split("\t") for line in text.splitlines())
        columns = [Column(n, k[1]) for n, k in zip(names, kinds, strict=True)]
        check_columns(columns)
        assert all(len(cell) <= 250 for row in rows for cell in row)
        assert names.count("object_n_one") == names.count("object_n_one_2") == 1
        assert rows[0][0].endswith("/a b.png")
    problems = Problems()
    with open_upload(path, problems) as upload:
        check_upload(upload, problems, pictures=True)
    assert problems.lines() == []


@pytest.mark.databases
def test_uvp6_and_formats_that_browsers_do_not_show(
    shore: Shore, client: httpx.Client, project: int, tmp_path: Path
) -> None:
    rows = ({"img_file_name": "sub/v.tif"}, {"img_file_name": "sub/w.bmp", "img_rank": "1"})
    inner = zipped(
        tmp_path / "inner.zip",
        {
            "ecotaxa_cast.tsv": table(*rows, head=HEAD),
            "sub/v.tif": picture(1, "TIFF"),
            "sub/w.bmp": picture(2, "BMP"),
        },
    )
    outer = zipped(tmp_path / "outer.zip", {"cast_Images.zip": inner.read_bytes()})
    client.put("/api/files/u.zip", content=outer.read_bytes())
    asked = client.post(f"/api/projects/{project}/imports", json={"file": "u.zip"}).json()
    assert run_waiting(shore) == 1
    job = client.get(f"/api/projects/{project}/imports/{asked['job_id']}").json()
    assert (job["state"], job["result"]["images"]) == ("finished", 2)
    [shown] = client.get(f"/api/projects/{project}/objects").json()["objects"]
    image = f"/api/objects/{shown['objid']}/image"
    for rank, format_ in ((0, "TIFF"), (1, "BMP")):
        shown = client.get(f"{image}?rank={rank}")
        assert shown.headers["content-type"] == "image/png"
        assert shown.content.startswith(b"\x89PNG")
        kept = client.get(f"{image}?rank={rank}&original=true")
        assert kept.content == picture(rank + 1, format_)

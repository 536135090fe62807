"""Uploads made to harm: each is refused with a message that says what to do, and nothing of it is
kept."""

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from server.db.tables import Base, Job
from server.ecotaxa.backup import write_backup
from server.jobs.worker import run_waiting
from server.shore import Shore
from tests.server.ecotaxa.uploads import HEAD, picture, table, zipped

pytestmark = pytest.mark.databases
Make = Callable[[Path], Path]


def of(**files: bytes | str) -> Make:
    """A zip of these files; a name's "__" is a dot, and the good picture a.png is added."""
    named = {name.replace("__", "."): data for name, data in files.items()}
    return lambda path: zipped(path, {"a.png": picture(), **named})


def row(**cells: str) -> Make:
    """A good table but for these cells."""
    return of(ecotaxa_a__tsv=table(cells))


def climbing(path: Path) -> Path:
    return zipped(path, {"ecotaxa_a.tsv": table({}), "a.png": picture(), "../../evil.png": b"x"})


def linked(path: Path) -> Path:
    link = zipfile.ZipInfo("a.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ecotaxa_a.tsv", table({}))
        archive.writestr(link, "/etc/passwd")
    return path


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ecotaxa_a.tsv", table({}))
        archive.writestr("a.png", bytes(30 << 20))
    return path


def overlapping(path: Path) -> Path:
    """Every member is the same bytes, as in bombs without a nested zip."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ecotaxa_a.tsv", table({}))
        archive.writestr("a.png", bytes(100_000))
        for n in range(50):
            info = zipfile.ZipInfo(f"x{n}.png")
            archive.writestr(info, b"")
            info.header_offset = archive.infolist()[1].header_offset
            info.file_size = info.compress_size = 100_000
    return path


def declared_10_gb(path: Path) -> Path:
    of(ecotaxa_a__tsv=table({}))(path)
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"ecotaxa_a.tsv"))
    struct.pack_into("<I", data, place + 24, 0xFFFFFFFE)
    path.write_bytes(data)
    return path


def cut(path: Path) -> Path:
    of(ecotaxa_a__tsv=table({}))(path)
    path.write_bytes(path.read_bytes()[:-60])
    return path


def wrong_checksum(path: Path) -> Path:
    of(ecotaxa_a__tsv=table({}))(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"o1\t")] = ord("x")
    path.write_bytes(data)
    return path


def twice(path: Path) -> Path:
    """The second name is made that of the first after it was written."""
    zipped(path, {"ecotaxa_a.tsv": table({}), "ecotaxa_b.tsv": table({}), "a.png": picture()})
    path.write_bytes(path.read_bytes().replace(b"ecotaxa_b", b"ecotaxa_a"))
    return path


def nested_thrice(path: Path) -> Path:
    data = b"x"
    for name in ("c_Images.zip", "b_Images.zip", "a_Images.zip"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(name, data)
        data = stream.getvalue()
    path.write_bytes(data)
    return path


def damaged(data: bytes) -> bytes:
    return data[: len(data) // 2]


NO_KINDS = "\n".join(line for n, line in enumerate(table({}).split("\n")) if n != 1)
TOO_MANY = table({}, head={**HEAD, **{f"object_n{n}": "f" for n in range(501)}})
HOSTILE: dict[str, tuple[Make, str]] = {
    "climbs out": (climbing, "points out of the zip.*pack the zip again"),
    "a link": (linked, "a link, which may point anywhere"),
    "a bomb": (bomb, "looks like a bomb"),
    "members that overlap": (overlapping, "share bytes, as in a bomb"),
    "10 GB declared": (declared_10_gb, "more than 2147483648"),
    "cut off": (cut, "not a zip that can be read"),
    "wrong checksum": (wrong_checksum, "checksum"),
    "one name twice": (twice, "there twice"),
    "a zip in a zip in a zip": (nested_thrice, "a zip in a zip in a zip"),
    "no zip": (lambda path: path.write_bytes(b"MZ" * 99) and path, "not a zip"),
    "empty": (lambda path: zipped(path, {}), "nothing to import among 0 files"),
    "no types": (of(ecotaxa_a__tsv=NO_KINDS), "line 2.*no row of types"),
    "UTF-16": (of(ecotaxa_a__tsv=table({}).encode("utf-16")), "save the table as UTF-8"),
    "Latin-1": (of(ecotaxa_a__tsv=table({"object_note": "é"}).encode("latin-1")), "line 3.*UTF-8"),
    "NUL": (row(object_note="a\0b"), "line 3.*a NUL byte"),
    "no number": (row(object_area="big"), "line 3, object_area 'big': expected a number"),
    "no latitude": (row(object_lat="91"), "object_lat '91': expected -90 to 90"),
    "no longitude": (row(object_lon="-181"), "object_lon '-181'"),
    "no date": (row(object_date="20261301"), "object_date '20261301': expected a date"),
    "no time": (row(object_time="256100"), "object_time '256100': expected a time"),
    "no status": (row(object_annotation_status="sure"), "no status of EcoTaxa's"),
    "infinite depth": (row(object_depth_min="inf"), "object_depth_min 'inf': expected a finite"),
    "no rank": (row(img_rank="1.5"), "img_rank '1.5': expected a whole number"),
    "long id": (row(object_id="x" * 251), "object_id .*251 characters.*shorten it"),
    "no image": (row(img_file_name="none.png"), "img_file_name 'none.png': no such file"),
    "an image above": (row(img_file_name="../../a.png"), "no such file"),
    "damaged image": (of(ecotaxa_a__tsv=table({}), a__png=damaged(picture(3))), "damaged|else"),
    "text as image": (of(ecotaxa_a__tsv=table({}), a__png=b"hello"), "expected one of PNG"),
    "svg": (of(ecotaxa_a__tsv=table({}), a__png=b"<svg onload='x'/>"), "expected one of PNG"),
    "status without taxon": (row(object_annotation_category=""), "validated as what"),
    "501 numbers": (of(ecotaxa_a__tsv=TOO_MANY), "the project has 500 columns for numbers"),
    "backup of nonsense": (
        of(ecotaxa_a__tsv=table({}), **{"seadrift/project__json": "[]"}),
        "seadrift/project.json: cannot be used.*without the folder seadrift/",
    ),
}


def row_counts(shore: Shore) -> dict[str, int]:
    with shore.database.read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(found)).scalar_one()
            for name, found in Base.metadata.tables.items()
            if name not in (Job.__tablename__, "audit")
        }


def refused(client: httpx.Client, shore: Shore, project: int, path: Path) -> str:
    """The errors of an import that is asked for by command of the API."""
    assert client.put("/api/files/x.zip", content=path.read_bytes()).status_code == 201
    asked = client.post(f"/api/projects/{project}/imports", json={"file": "x.zip"}).json()
    assert run_waiting(shore) == 1
    job = client.get(f"/api/projects/{project}/imports/{asked['job_id']}").json()
    assert job["state"] == "ended by an error", job
    assert not any("made a mistake" in error for error in job["errors"])
    return "\n".join(job["errors"])


def test_hostile_uploads_are_refused_whole(
    client: httpx.Client, shore: Shore, project: int, tmp_path: Path
) -> None:
    before, wrong = row_counts(shore), {}
    for name, (make, says) in HOSTILE.items():
        text = refused(client, shore, project, make(tmp_path / "x.zip"))
        if not re.search(says, text):
            wrong[name] = text
        assert row_counts(shore) == before, name
    assert wrong == {}


def changed(path: Path, name: str, change: Callable[[Any], Any]) -> Path:
    """The backup with the first line (or the whole) of a file beside its tables changed."""
    with zipfile.ZipFile(path) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    [which] = [one for one in files if re.fullmatch(name, one)]
    lines = files[which].decode()
    if which.endswith(".json"):
        files[which] = json.dumps(change(json.loads(lines))).encode()
    else:
        first, rest = lines.split("\n", 1)
        files[which] = f"{json.dumps(change(json.loads(first)))}\n{rest}".encode()
    return zipped(path.with_name("changed.zip"), files)


def put(place: int, value: Any, at: int | None = None) -> Callable[[Any], Any]:
    """Set a part of a line, or a field of that part."""

    def change(row: Any) -> Any:
        if at is None:
            row[place] = value
        else:
            row[place][at] = value
        return row

    return change


def test_a_backup_that_was_tampered_with_is_refused_whole(
    client: httpx.Client, shore: Shore, project: int, tmp_path: Path
) -> None:
    good = row()(tmp_path / "x.zip")
    client.put("/api/files/x.zip", content=good.read_bytes())
    client.post(f"/api/projects/{project}/imports", json={"file": "x.zip"})
    assert run_waiting(shore) == 1
    backup = tmp_path / "backup.zip"
    write_backup(shore.database, shore.packs, project, backup)
    before = row_counts(shore)
    objects, told = r"seadrift/objects_.*\.jsonl", r"seadrift/project\.json"
    for name, change, says in (
        (objects, put(2, 2**63, 1), "none of a backup's"),
        (objects, put(2, "x" * 251, 0), "none of a backup's"),
        (objects, put(2, "Q", 18), "none of a backup's"),
        (objects, put(2, 999, 19), "names what the backup does not tell of"),
        (objects, put(3, "not base64!", 3), "none of a backup's"),
        (objects, put(6, {"area": "many"}), "none of a backup's"),
        (objects, put(7, 5), "none of a backup's"),
        (objects, lambda row: row[:5], "none of a backup's"),
        (objects, put(2, "a\0b", 0), "none of a backup's"),
        (objects, put(2, "\ud800", 0), "none of a backup's"),
        (r"seadrift/actions\.jsonl", put(1, 999), "a person who is not told of"),
        (r"seadrift/actions\.jsonl", put(5, 999), "turns one that is not before it"),
        (told, lambda whole: {**whole, "seadrift": 9}, "version 9, this program knows 1"),
        (told, lambda whole: {**whole, "object": []}, "object: other fields"),
        (told, lambda whole: {**whole, "people": []}, "a person who is not told of"),
        (told, lambda whole: {**whole, "settings": "\0"}, "cannot be used"),
    ):
        text = refused(client, shore, project, changed(backup, name, change))
        assert re.search(says, text), f"{name}: {text}"
        assert row_counts(shore) == before, says


def test_a_row_that_was_changed_since_counts_and_its_history_does_not(
    client: httpx.Client, shore: Shore, project: int, tmp_path: Path
) -> None:
    good = of(ecotaxa_a__tsv=table({}, {"object_id": "o2"}))(tmp_path / "x.zip")
    client.put("/api/files/x.zip", content=good.read_bytes())
    client.post(f"/api/projects/{project}/imports", json={"file": "x.zip"})
    run_waiting(shore)
    backup = tmp_path / "backup.zip"
    write_backup(shore.database, shore.packs, project, backup)
    with zipfile.ZipFile(backup) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    [name] = [one for one in files if "ecotaxa_" in one]
    files[name] = files[name].replace(b"fine", b"finer", 1)
    edited = zipped(tmp_path / "edited.zip", files)
    other = client.post("/api/projects", json={"title": "other"}).json()["project_id"]
    client.put("/api/files/y.zip", content=edited.read_bytes())
    asked = client.post(f"/api/projects/{other}/imports", json={"file": "y.zip"}).json()
    run_waiting(shore)
    job = client.get(f"/api/projects/{other}/imports/{asked['job_id']}").json()
    assert (job["state"], job["result"]["new"]) == ("finished", 2)
    assert any("changed since the backup was written" in w for w in job["result"]["warnings"])

"""A backup is whole or none; what it restores equals the shore row by row and image by image."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from models.bundle import Bundle
from server.backup import folder as layout
from server.backup.folder import BackupError, Manifest, newest, whole
from server.backup.make import Made, back_up
from server.backup.restore import restore
from server.bench.fill import fill
from server.bench.postgres import Postgres
from server.bench.swift import Swift
from server.cli import main
from server.db import snapshot
from server.db.tables import Base
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from server.store.opened import open_packs
from server.store.packs import Packs, Place


def say(_line: str) -> None:
    pass


def backed_up(shore: Shore, out: Path) -> Made:
    return back_up(shore.settings, shore.packs, out, say)


@pytest.fixture
def empty(
    tmp_path: Path, settings: Settings, database_kind: str, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Where a backup is restored to."""
    if database_kind == "sqlite":
        yield Settings(data=tmp_path / "restored")
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"r{os.urandom(6).hex()}"
    yield Settings(data=tmp_path / "restored", database=postgres.create(name))
    postgres.drop(name)


def rows(settings: Settings) -> dict[str, list[Any]]:
    """Every row of every table."""
    engine = create_engine(settings.database_url)
    found = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            order = list(table.primary_key)
            found[table.name] = connection.execute(select(table).order_by(*order)).all()
    engine.dispose()
    return found


def images(settings: Settings) -> list[bytes]:
    """Every vignette that the database names."""
    found, packs = rows(settings), open_packs(settings)
    names = {row.id: row.name for row in found["packs"]}
    data = [packs.read(Place(names[r.pack_id], r.offset, r.length)) for r in found["images"]]
    packs.close()
    return data


def assert_equal(first: Settings, second: Settings) -> None:
    one, other = rows(first), rows(second)
    assert one.keys() == other.keys()
    for name, content in one.items():
        assert content == other[name], name
    assert images(first) == images(second)


def send(device: SimulatedDevice, bundle: Bundle, first: int, count: int) -> None:
    numbers = range(first, first + count)
    records = [make_record(2 * n, make_object(bundle, n)) for n in numbers]
    records += [make_record(2 * n + 1, make_vignette(2 * n)) for n in numbers]
    device.ingest(records)


@pytest.mark.databases
def test_a_restored_shore_equals_its_source_and_goes_on(
    shore: Shore, device: SimulatedDevice, bundle: Bundle, empty: Settings, tmp_path: Path
) -> None:
    fill(shore, 300, say)
    send(device, bundle, 1, 8)
    made = backed_up(shore, tmp_path / "backup")
    assert made.missing == ()
    restore(tmp_path / "backup", None, empty, say)
    assert_equal(shore.settings, empty)
    for key in ("release.key", "authority.pem", "link.key"):
        assert (empty.keys / key).read_bytes() == (shore.settings.keys / key).read_bytes()
        assert (empty.keys / key).stat().st_mode & 0o077 == 0
    again = open_shore(empty, Admin())
    fill_one = again.packs.append([b"\x89PNG more"])
    assert again.packs.read(fill_one[0]) == b"\x89PNG more"
    again.close()


def test_vignettes_are_copied_once_and_earlier_backups_stay_whole(
    shore: Shore, device: SimulatedDevice, bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "backup"
    send(device, bundle, 1, 5)
    before = rows(shore.settings), images(shore.settings)
    first = backed_up(shore, out)
    send(device, bundle, 6, 5)
    second = backed_up(shore, out)
    grown = second.vignette_bytes - first.vignette_bytes
    assert grown > 0
    [lines] = (out / "packs").glob("*.pieces")
    lengths = [json.loads(line)["length"] for line in lines.read_text().splitlines()]
    assert lengths == [first.vignette_bytes, grown]
    old = Settings(data=tmp_path / "old")
    restore(out, first.folder.name, old, say)
    assert (rows(old), images(old)) == before
    new = Settings(data=tmp_path / "new")
    restore(out, None, new, say)
    assert_equal(shore.settings, new)


def dies_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed at its n-th call that makes something durable;
    whether it died."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            left = step

            def counted(call: Callable[..., Any]) -> Callable[..., Any]:
                def run(*given: Any, **named: Any) -> Any:
                    nonlocal left
                    left -= 1
                    if left < 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return call(*given, **named)

                return run

            for name in ("fsync", "fdatasync", "replace", "pwrite", "unlink"):
                setattr(os, name, counted(getattr(os, name)))
            snapshot.restore_postgresql = counted(snapshot.restore_postgresql)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.faults
def test_a_backup_killed_at_any_step_leaves_the_earlier_one_whole_and_a_rerun_completes(
    shore: Shore, device: SimulatedDevice, bundle: Bundle, tmp_path: Path
) -> None:
    out, settings = tmp_path / "backup", shore.settings
    send(device, bundle, 1, 3)
    earlier = rows(settings), images(settings)
    first = backed_up(shore, out).folder.name
    send(device, bundle, 4, 3)
    deaths = 0
    kept = tmp_path / "kept"
    shutil.copytree(out, kept)
    while True:
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        died = dies_at(deaths, lambda: back_up(settings, open_packs(settings), out, say))
        if not died:
            break
        deaths += 1
        assert first in {path.name for path in whole(out)}
        if deaths % 5 == 1:
            old = Settings(data=tmp_path / f"old{deaths}")
            restore(out, first, old, say)
            assert (rows(old), images(old)) == earlier
            backed_up(shore, out)
            new = Settings(data=tmp_path / f"new{deaths}")
            restore(out, None, new, say)
            assert_equal(settings, new)
    assert deaths > 15


@pytest.mark.faults
def test_a_restore_killed_at_any_step_is_refused_by_serve_and_completed_by_a_rerun(
    shore: Shore, device: SimulatedDevice, bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "backup"
    send(device, bundle, 1, 3)
    backed_up(shore, out)
    deaths = 0
    while True:
        target = Settings(data=tmp_path / f"restored{deaths}")
        if not dies_at(deaths, lambda there=target: restore(out, None, there, say)):  # type: ignore[misc] # the default binds it
            break
        deaths += 1
        if target.restoring.exists():
            with pytest.raises(OSError, match="half restored"):
                open_shore(target, Admin())
        if target.restoring.exists() or not (target.data / "seadrift.db").exists():
            restore(out, None, target, say)
        if deaths % 4 == 1:
            assert_equal(shore.settings, target)
    assert deaths > 15


def test_a_spoilt_byte_is_found_and_named(
    shore: Shore, device: SimulatedDevice, bundle: Bundle, tmp_path: Path
) -> None:
    out = tmp_path / "backup"
    send(device, bundle, 1, 3)
    made = backed_up(shore, out)
    [pack] = (out / "packs").glob("*.pack")
    for path in (pack, made.folder / "files/keys/release.key", made.folder / "database"):
        good = path.read_bytes()
        path.write_bytes(good[:20] + bytes([good[20] ^ 1]) + good[21:])
        target = Settings(data=tmp_path / f"restored-{path.name}")
        with pytest.raises(BackupError, match=path.name):
            restore(out, None, target, say)
        path.write_bytes(good)
        restore(out, None, target, say)
        assert_equal(shore.settings, target)


def test_vignettes_that_the_shore_lacks_are_told_and_the_rest_is_backed_up(
    shore: Shore, device: SimulatedDevice, bundle: Bundle, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    send(device, bundle, 1, 3)
    [pack] = shore.settings.packs.iterdir()
    pack.unlink()
    out = tmp_path / "backup"
    given = ["backup", "--data", str(shore.settings.data), "--out", str(out), "--json"]
    assert main(given) == 1
    said = json.loads(capsys.readouterr().out)
    assert pack.name in said["missing"][0]
    assert Manifest.read(newest(out) / "manifest").missing == tuple(said["missing"])


def test_commands_say_what_is_in_the_way(
    shore: Shore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "backup")
    assert main(["restore", "--from", out, "--data", str(tmp_path / "new")]) == 3
    assert "no whole backup here" in capsys.readouterr().err
    assert main(["backup", "--data", str(shore.settings.data), "--out", out]) == 0
    assert main(["restore", "--from", out, "--data", str(shore.settings.data)]) == 3
    assert "is not empty" in capsys.readouterr().err
    with layout.alone(Path(out)):
        assert main(["backup", "--data", str(shore.settings.data), "--out", out]) == 3
    assert "at work there" in capsys.readouterr().err
    wrong = ["--database", "postgresql+psycopg://nobody@127.0.0.1:1/none"]
    assert main(["restore", "--from", out, "--data", str(tmp_path / "new"), *wrong]) == 3
    assert "cannot be restored into postgresql" in capsys.readouterr().err


@pytest.mark.databases
def test_a_shore_in_a_bucket_is_backed_up_and_restored_into_another(
    settings: Settings, swift: Swift, empty: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    prefix = os.urandom(4).hex()
    here, there = (
        replace(one, packs_url=f"s3://packs/{prefix}-{i}", packs_endpoint=swift.endpoint)
        for i, one in enumerate((settings, empty))
    )
    shore = open_shore(here, Admin())
    fill(shore, 200, say)
    backed_up(shore, tmp_path / "backup")
    shore.close()
    restore(tmp_path / "backup", None, there, say)
    assert_equal(here, there)
    in_folder: Packs = open_packs(there)
    in_folder.close()

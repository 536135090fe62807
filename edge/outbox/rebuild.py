"""A damaged outbox file: moved aside whole, and what can still be read is carried over.

Cards lie about fsync, so this will happen. Records keep the names under which they were made: the
shore recognises one that it holds already. New records get a new epoch, since seqs that were given
after the damaged page was written may be lost, and a name must never mean two things.

Example:
    >>> rebuild(Path("data/outbox"), "database disk image is malformed")
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from edge.files import sync_folder
from edge.outbox.database import FILE, prepare
from edge.outbox.queue import LAST
from edge.outbox.rows import store
from wire.checked import FieldError, read
from wire.codec import CodecError, decode_record
from wire.records import Gap, Record, as_map

QUARANTINE = "damaged"
READY = f"{FILE}.ready"
DAMAGE = "damage"
"""The fact that holds the gap record until it is among the records."""


def rebuild(folder: Path, reason: str) -> None:
    """Make a new file from the damaged one and put it in its place. A power cut at any moment
    leaves the damaged file, to be rebuilt again, or a new one that `finish` puts in its place.

    Raises apsw.Error or OSError when there is no room for it; nothing has changed then."""
    for leftover in folder.glob(f"{FILE}.new*"):
        leftover.unlink()
    fresh = folder / f"{FILE}.new"
    connection = apsw.Connection(str(fresh))
    try:
        prepare(connection)
        kept = _carry_over(folder / FILE, connection)
        damage = Gap(
            kind="outbox",
            count=max(0, _rows_expected(folder / FILE) - kept),
            bytes=0,
            reason=f"outbox damaged ({reason[-200:]}); {kept} records carried over",
            ranges=(),
        )
        connection.execute(
            "INSERT OR REPLACE INTO fact VALUES (?, ?)", (DAMAGE, json.dumps(as_map(damage)))
        )
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    os.replace(fresh, folder / READY)
    sync_folder(folder)
    finish(folder)


def finish(folder: Path) -> None:
    """Put a rebuilt file in its place, if one is ready: the damaged one goes aside with its log."""
    if not (folder / READY).exists():
        return
    aside = folder / f"{QUARANTINE}-{1 + len(list(folder.glob(f'{QUARANTINE}-*')))}"
    aside.mkdir()
    for name in (f"{FILE}-wal", f"{FILE}-shm", FILE):
        with contextlib.suppress(FileNotFoundError):
            os.replace(folder / name, aside / name)
    sync_folder(folder)
    os.replace(folder / READY, folder / FILE)
    sync_folder(folder)


def damage_in(text: str | None) -> Gap | None:
    """What a rebuilt file has to tell the shore, from its fact."""
    return read(Gap, json.loads(text)) if text else None


def _carry_over(damaged: Path, fresh: Any) -> int:
    kept = 0
    cursor = None
    with fresh:
        for row in _readable(damaged, "record"):
            record = _sound(row)
            if record is None:
                continue
            kept += store(fresh, [record], [row["bytes"]], _priority(row))
            if record.kind in ("frame", "badframe"):
                cursor = max(cursor or 0, int(record.body.get("frame_index", -1)) + 1)
        for row in _readable(damaged, "dead"):
            values = tuple(row[k] for k in ("epoch", "seq", "kind", "code", "detail", "bytes"))
            fresh.execute("INSERT OR IGNORE INTO dead VALUES (?, ?, ?, ?, ?, ?)", values)
        for row in _readable(damaged, "blob"):
            marks = ", ".join("?" * len(row))
            fresh.execute(f"INSERT OR IGNORE INTO blob VALUES ({marks})", tuple(row.values()))  # noqa: S608
        facts = {row["name"]: row["value"] for row in _readable(damaged, "fact")}
        facts = {k: v for k, v in facts.items() if k not in ("epoch", "next_seq")}
        if cursor is not None and int(facts.get("cursor", 0)) < cursor:
            facts["cursor"] = str(cursor)
        for item in facts.items():
            fresh.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", item)
    return kept


def _sound(row: dict[str, Any]) -> Record | None:
    """The row's record when its bytes are whole and carry the row's name."""
    try:
        record = decode_record(row["bytes"])
    except (CodecError, FieldError, TypeError):
        return None
    return record if record.key == (row["epoch"], row["seq"]) else None


def _priority(row: dict[str, Any]) -> int:
    """What the shore wanted sooner, it still does."""
    found = row.get("priority")
    return found if isinstance(found, int) and 0 <= found <= LAST else LAST


def _readable(damaged: Path, table: str) -> Iterator[dict[str, Any]]:
    """Every row that can be had: one at a time by row id, from both ends towards the damage."""
    for direction in ("ASC", "DESC"):
        try:
            connection = apsw.Connection(str(damaged), flags=apsw.SQLITE_OPEN_READWRITE)
        except apsw.Error:
            return
        try:
            key = "name" if table == "fact" else "rowid"
            rows = connection.execute(f"SELECT * FROM {table} ORDER BY {key} {direction}")  # noqa: S608 - names above
            names = [column[0] for column in rows.get_description()]
            for row in rows:
                yield dict(zip(names, row, strict=True))
            return
        except (apsw.Error, UnicodeDecodeError):
            continue  # the damage: go on from the other end
        finally:
            connection.close()


def _rows_expected(damaged: Path) -> int:
    """How many records the damaged file says that it held; 0 when it cannot say."""
    with contextlib.suppress(apsw.Error):
        connection = apsw.Connection(str(damaged), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            return int(connection.execute("SELECT COUNT(*) FROM record").get or 0)
        finally:
            connection.close()
    return 0

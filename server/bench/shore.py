"""`make bench-shore`: what EcoTaxa's users do, in figures, on a shore of ten million objects.

Everything is of this run but the rows "elsewhere", which are EcoTaxa's as it was measured on a like
machine before, with 41,000 objects. PostgreSQL is a private server, started here; the plans of the
page queries go to a folder.

Example:
    $ seadrift bench shore --objects 10000000 --out build/bench/shore.json
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from models.figures import Row, missing, table
from server.bench import prediction, taxa
from server.bench.fill import Everything, fill
from server.bench.postgres import Postgres, private_postgres, programs
from server.bench.shore_pages import (
    FEW,
    MANY,
    Asked,
    Times,
    measured,
    recall,
    write_plans,
)
from server.bench.shore_report import page
from server.bench.shore_work import work
from server.db import embeddings
from server.jobs.worker import run_waiting
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from server.similar.index import Similar

SMALL = 100_000
PAGE_MS, FREE_MS, GROWTH, NEAR_SMALL_MS, NEAR_LARGE_MS, RECALL = 15.0, 40.0, 2.0, 10.0, 40.0, 0.95
PAGE, FREE = "page of 100 objects with 17 fields", "page, filtered on a free column, few fit"
Say = Callable[[str], None]
ELSEWHERE = (
    ("import of 20,000 objects with images", 334.0, "objects/s"),
    ("backup of them with images", 18.1, "s"),
    (f"{PAGE}, 41,000 objects", 42.0, "ms"),
    ("page, filtered on a free column, 41,000 objects", 184.0, "ms"),
    ("classify 1,000 objects", 151.0, "ms"),
    ("random forest: learn 6,770 x 50, predict 13,230, written back", 25.6, "s"),
    ("100 nearest of 20,000", 65.0, "ms"),
)
"""EcoTaxa on two cores, one web worker, fsync on; means where there were two runs."""


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="seadrift-bench-") as folder:
        rows = measure(
            Path(folder), args.objects, args.plans, lambda line: print(line, file=sys.stderr)
        )
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    if args.page is not None:
        args.page.write_text(page(rows), encoding="utf-8")
    print(table(rows))
    return 0


def measure(folder: Path, objects: int, plans: Path | None, say: Say) -> list[Row]:
    """All rows; PostgreSQL's say so where it is missing."""
    rows = [
        Row("processors", os.cpu_count() or 1, ""),
        Row("load of the machine before", os.getloadavg()[0], ""),
        *(Row(f"elsewhere, EcoTaxa: {name}", value, unit) for name, value, unit in ELSEWHERE),
    ]
    say("SQLite: import, backup, classification")
    rows += work(folder / "work", None, "SQLite")
    rows += prediction.measure(folder / "prediction", None)
    found, _ = at_size(folder / "small", None, SMALL, None, say)
    rows += found
    if programs() is None:
        return [*rows, missing("PostgreSQL", "not installed (apt install postgresql)")]
    with private_postgres(folder.parent) as server:  # whose user must reach it
        rows += _postgres(folder, server, objects, plans, say)
    return rows + taxa.measure(folder, 100_000)


def _postgres(
    folder: Path, server: Postgres, objects: int, plans: Path | None, say: Say
) -> list[Row]:
    say("PostgreSQL: import, backup, classification")
    rows = work(folder / "work-pg", server.create("work"), "PostgreSQL")
    rows += prediction.measure(folder / "prediction-pg", server)
    small, few = at_size(folder / "small-pg", server.create("small"), SMALL, plans, say)
    server.drop("small")
    large, many = at_size(folder / "large-pg", server.create("large"), objects, plans, say)
    growth = [
        Row(
            f"PostgreSQL: {name}, growth from {SMALL:,} to {objects:,}",
            (ratio := many[name].median / few[name].median), "times",
            f"<= {GROWTH:g}" if name == PAGE else None, ratio <= GROWTH if name == PAGE else None,
        )
        for name in many
    ]  # fmt: skip
    return rows + small + large + growth


def at_size(
    folder: Path, database: str | None, objects: int, plans: Path | None, say: Say
) -> tuple[list[Row], dict[str, Times]]:
    """Fill a shore and measure it: its rows, and milliseconds by kind of page."""
    settings, password = Settings(folder, database=database), secrets.token_urlsafe(12)
    shore = open_shore(settings, Admin(password=password))
    try:
        filled = fill(shore, objects, say)
        return measure_filled(shore, filled, objects, password, plans, say)
    finally:
        shore.close()


def measure_filled(
    shore: Shore, filled: Everything, objects: int, password: str, plans: Path | None, say: Say
) -> tuple[list[Row], dict[str, Times]]:
    kind = "PostgreSQL" if shore.settings.database else "SQLite"
    name = f"{kind}, {objects:,} objects"
    with Asked.of(shore.settings, password) as asked:
        say(f"{name}: pages")
        scanned = asked.timed(asked.page(filled.large, FEW), 3).median
        asked.page(filled.large, MANY)(asked.client)
        run_waiting(shore)  # the index that the filter asked for
        times = measured(asked, filled)
        say(f"{name}: similar objects")
        near = _similar(asked, shore, filled, name)
    if plans is not None:
        write_plans(shore, filled, plans / f"{kind.lower()}-{objects}", name)
    rows = []
    for what, took in times.items():
        rows.append(Row(f"{name}: {what}", took.median, "ms", *_target(what, took.median)))
        rows.append(Row(f"{name}: {what}, least", took.least, "ms"))
    rows.append(Row(f"{name}: page, filtered on a free column before its index", scanned, "ms"))
    return rows + near, times


def _target(what: str, ms: float) -> tuple[str | None, bool | None]:
    limit = {PAGE: PAGE_MS, FREE: FREE_MS}.get(what)
    return (None, None) if limit is None else (f"< {limit:g} ms", ms < limit)


def _similar(asked: Asked, shore: Shore, filled: Everything, name: str) -> list[Row]:
    wide = filled.wide
    with shore.database.read() as connection:
        like = embeddings.of_object(connection, wide.first_objid)
    assert like is not None
    rows = Similar(shore.database, shore.settings.similar).refresh(like)
    step = max(1, wide.objects // 20)
    objids = [wide.first_objid + i - i % 50 for i in range(0, wide.objects, step)][:20]
    took = [asked.timed(asked.similar(objid), 5) for objid in objids]
    ms = statistics.median(one.median for one in took)
    limit = NEAR_SMALL_MS if wide.objects <= 20_000 else NEAR_LARGE_MS
    share = recall(asked, shore, wide, objids)
    what = f"{name}: 100 nearest of {rows:,}"
    return [
        Row(what, ms, "ms", f"< {limit:g} ms", ms < limit),
        Row(f"{what}, least", min(one.least for one in took), "ms"),
        Row(f"{what}, recall", share, "", f">= {RECALL:g}", share >= RECALL),
    ]

"""`make bench-intake`: what the shore takes in a second, and how soon a person sees it.

Every figure is of this run: the disk's own rate, a plain loop of INSERTs of the very rows that the
intake wrote, the intake alone, and the intake over HTTP from a process that stands for the
instruments. An object is its record and its vignette's record, with a PNG of about 4 kB and 85
measures, acknowledged after the commit.

Example:
    $ python -m server.bench.intake --out build/bench/intake.json
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from models.figures import Row, missing, table
from server.bench.alone import take_alone
from server.bench.latency import sensor_to_page_s
from server.bench.limits import flushes_per_s
from server.bench.postgres import Postgres, private_postgres, programs
from server.bench.served import Rate, measure_rate, processor_s, served

Say = Callable[[str], None]
DEVICES = 8
SQLITE, POSTGRES, SOON_S = 4000.0, 6000.0, 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the shore's intake.")
    parser.add_argument("--out", type=Path, help="also write the rows as JSON")
    parser.add_argument("--objects", type=int, default=24_000, help="a run's objects (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work (a new temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="seadrift-bench-") as folder:
        rows = measure(Path(folder), args.objects, lambda line: print(line, file=sys.stderr))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    print(table(rows))
    return 0


def measure(folder: Path, objects: int, say: Say) -> list[Row]:
    """All rows. Needs the factory bundle; PostgreSQL's rows say so where it is missing."""
    say("waiting for the disk")
    rows = [
        Row("processors", os.cpu_count() or 1, ""),
        Row("load of the machine before", os.getloadavg()[0], ""),
        Row("disk: flushes of 4 kB", flushes_per_s(folder, 4096), "/s"),
        Row("disk: flushes of 200 kB, a batch's vignettes", flushes_per_s(folder, 200_000), "/s"),
    ]
    rows += _sqlite(folder, objects, say)
    if programs() is None:
        rows.append(missing("PostgreSQL", "not installed (apt install postgresql)"))
        return rows
    with private_postgres() as server:
        rows += _postgres(folder, server, objects, say)
    return rows


def _sqlite(folder: Path, objects: int, say: Say) -> list[Row]:
    say("SQLite: intake alone")
    alone = take_alone(folder / "alone", objects // 2, None)
    say("SQLite: over HTTP")
    with served(folder / "http", None, workers=1) as shore:
        http = measure_rate(shore, objects, DEVICES)
        say("from the sensor to the page")
        soon = statistics.median(sensor_to_page_s(shore, folder, frames=20))
    return [
        *_alone_rows("SQLite", alone),
        *_rate_rows("SQLite: over HTTP, one process", http, SQLITE),
        Row("sensor to review page, median", soon, "s", f"< {SOON_S:g} s", soon < SOON_S),
    ]


def _postgres(folder: Path, server: Postgres, objects: int, say: Say) -> list[Row]:
    say("PostgreSQL: intake alone")
    rows = _alone_rows("PostgreSQL", take_alone(folder / "alone-pg", objects // 2, server))
    for workers, name, target in ((1, "one process", None), (2, "two processes", POSTGRES)):
        say(f"PostgreSQL: over HTTP, {name}")
        url = server.create(f"http{workers}")
        before = processor_s(server.process.pid)
        with served(folder / f"http-pg{workers}", url, workers) as shore:
            rate = measure_rate(shore, objects, DEVICES)
            used = processor_s(server.process.pid) - before
        full = f"PostgreSQL: over HTTP, {name}"
        rows += _rate_rows(full, rate, target)
        rows.append(Row(f"{full}: processor, PostgreSQL", used / objects * 1e6, "us/object"))
    return rows


def _alone_rows(name: str, rates: tuple[float, float]) -> list[Row]:
    ours, plain = rates
    return [
        Row(f"{name}: plain INSERT loop of the same rows", plain, "objects/s"),
        Row(f"{name}: intake alone, one thread", ours, "objects/s"),
    ]


def _rate_rows(name: str, rate: Rate, target: float | None) -> list[Row]:
    row = Row(name, rate.objects_per_s, "objects/s")
    if target is not None:
        holds = rate.objects_per_s >= target
        row = replace(row, target=f">= {target:,.0f} objects/s", holds=holds)
    return [
        row,
        Row(f"{name}: processor, shore", rate.shore_us, "us/object"),
        Row(f"{name}: processor, instruments", rate.sender_us, "us/object"),
    ]


if __name__ == "__main__":
    sys.exit(main())

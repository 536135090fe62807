"""What a search among a hundred thousand taxa costs, letter by letter, on both databases.

The tree is made up: families, genera, species, eggs and nauplii below them, synonyms, and a project
that has a list of its own and objects of some hundred taxa. It is taken in as a checklist is, and
that is timed too.

Example:
    $ python -m server.bench.taxa --taxa 100000
"""

import argparse
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Connection, insert, select

from models.figures import Row, missing, table
from server.bench.postgres import private_postgres, programs
from server.clock import now_ms
from server.db import taxa_lists, taxa_search
from server.db.bulk import insert_rows
from server.db.engine import Database
from server.db.tables import Count, Project, Taxon, User
from server.db.taxa_log import By
from server.ecotaxa.problems import Problems
from server.taxonomy.importing import import_checklist

TARGET_MS = 20.0
ROUNDS = 3
_SYLLABLES = "ca la nus oi tho na me tri dia pseu do para eu chae ta lim aci co pe sal pa"
_BELOW = ("egg", "nauplius", "part", "dead", "cluster")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the search of taxa.")
    parser.add_argument("--out", type=Path, help="also write the rows as JSON")
    parser.add_argument("--taxa", type=int, default=100_000, help="(%(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seadrift-bench-") as folder:
        rows = measure(Path(folder), args.taxa)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    print(table(rows))
    return 0


def measure(folder: Path, taxa: int) -> list[Row]:
    """The rows of both databases; PostgreSQL's say so where it is missing."""
    rows = _on("SQLite", f"sqlite:///{folder}/taxa.db", folder, taxa)
    if programs() is None:
        return [*rows, missing("PostgreSQL: search of taxa", "PostgreSQL is not installed")]
    with private_postgres() as server:
        return rows + _on("PostgreSQL", server.create("taxa"), folder, taxa)


def _on(name: str, url: str, folder: Path, taxa: int) -> list[Row]:
    database = Database.open(url, lock=folder / "write.lock")
    try:
        data = "\n".join(checklist(taxa)).encode()
        began = time.perf_counter()
        outcome = import_checklist(database, "made-up.tsv", data, By(None, "bench"), now_ms())
        taken_s = time.perf_counter() - began
        if outcome.written is None:
            raise RuntimeError("; ".join(Problems.lines(outcome.problems)[:3]))
        with database.write() as connection:
            project = used_project(connection)
        with database.read() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("ANALYZE")
            times = search_ms(connection, project)
    finally:
        database.close()
    median, most = statistics.median(times), max(times)
    what = f"{name}: search as one types, {taxa:,} taxa"
    return [
        Row(f"{name}: a checklist taken in", outcome.entries / taken_s, "entries/s"),
        Row(f"{what}, median", median, "ms", f"< {TARGET_MS:g} ms", median < TARGET_MS),
        Row(f"{what}, 95 of 100", statistics.quantiles(times, n=20)[-1], "ms"),
        Row(f"{what}, slowest", most, "ms"),
    ]


def checklist(taxa: int) -> Iterator[str]:
    """A Darwin Core table of so many taxa and a fifth as many synonyms."""
    draw = random.Random(7)
    yield "taxonID\tparentNameUsageID\tacceptedNameUsageID\tscientificName\ttaxonRank\tkind"
    yield "1\t\t\tAnimalia\tKingdom\tP"
    numbers = itertools.count(2)
    seen: set[str] = set()
    at = family = genus = 1
    while at < taxa:
        at = next(numbers)
        if at % 400 == 2:
            family = at
            yield f"{at}\t1\t\t{_name(draw, seen)}idae\tFamily\tP"
        elif at % 20 == 3:
            genus = at
            yield f"{at}\t{family}\t\t{_name(draw, seen)}us\tGenus\tP"
        elif at % 5 == 4:
            yield f"{at}\t{genus}\t\t{_BELOW[at // 5 % len(_BELOW)]} {at}\t\tM"
        else:
            name = f"{_name(draw, seen)} {_name(draw, seen).casefold()}"
            yield f"{at}\t{genus}\t\t{name}\tSpecies\tP"
        if at % 5 == 0:
            yield f"s{at}\t\t{at}\t{_name(draw, seen)} {_name(draw, seen)}\t\t"
        if at % 50 == 3:
            at = next(numbers)
            yield f"{at}\t{genus}\t\tegg\t\tM"


def _name(draw: random.Random, seen: set[str]) -> str:
    while True:
        name = "".join(draw.choices(_SYLLABLES.split(), k=draw.randint(2, 5))).capitalize()
        if name not in seen:
            seen.add(name)
            return name


def used_project(connection: Connection) -> int:
    """A project with a list of 40 taxa and objects of 400, in every shard and status."""
    person = {"email": "bench@localhost", "name": "", "role": "viewer", "password_hash": ""}
    values = {**person, "active": True, "created_ms": 1}
    user = connection.execute(insert(User).values(values).returning(User.id)).scalar_one()
    new = {"title": "bench", "created_by": user, "created_ms": 1}
    project = connection.execute(insert(Project).values(new).returning(Project.id)).scalar_one()
    some = list(connection.execute(select(Taxon.id).order_by(Taxon.id)).scalars())
    used = random.Random(3).sample(some, 400)
    rows = [
        (project, taxon, status, shard, taxon % 97)
        for taxon in used
        for status in "PV"
        for shard in range(16)
    ]
    columns = ("project_id", "taxon_id", "status", "shard", "n")
    insert_rows(connection, Count, columns, rows)
    taxa_lists.set_list(connection, project, used[:40])
    return project


def search_ms(connection: Connection, project: int) -> list[float]:
    """Milliseconds of each search, with and without a project: names of the tree letter by letter,
    from one letter on; two words; and with a parent."""
    names = list(connection.execute(select(Taxon.name).order_by(Taxon.id).limit(2000)).scalars())
    whole = [*names[3:2000:190], "calanus oi", "egg<cala", "ca ca", "nauplius<oitho", "egg", "ep"]
    typed = [name[:n] for name in whole for n in range(1, len(name) + 1)]
    found = []
    for text, where in itertools.product(typed, (project, None)):
        tries = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            taxa_search.search(connection, text, where, 20)
            tries.append((time.perf_counter() - began) * 1000)
        found.append(statistics.median(tries))
    return found


if __name__ == "__main__":
    sys.exit(main())

"""Plants the starter taxonomy into an empty database.

`starter.tsv` has one taxon a line: name, parent (empty: a root), AphiaID (empty unless certain),
rank, kind, and other names of it, separated by ";". Parents come before their children.

Example:
    >>> plant(connection, now_ms=now)
    74
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from server.db import taxa

FILE = Path(__file__).with_name("starter.tsv")


@dataclass(frozen=True)
class Line:
    name: str
    parent: str | None
    aphia_id: int | None
    rank: str | None
    kind: str
    aliases: tuple[str, ...]


def read_starter() -> Iterator[Line]:
    """The lines of `starter.tsv`."""
    with FILE.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            aliases = tuple(a.strip() for a in (row["aliases"] or "").split(";") if a.strip())
            aphia = int(row["aphia_id"]) if row["aphia_id"] else None
            rank = row["rank"] or None
            yield Line(row["name"], row["parent"] or None, aphia, rank, row["kind"], aliases)


def plant(connection: Connection, now_ms: int) -> int:
    """Add every taxon and alias; how many taxa. Raises KeyError for a parent that comes too
    late."""
    ids: dict[str, int] = {}
    for line in read_starter():
        parent_id = None if line.parent is None else ids[line.parent]
        ids[line.name] = taxa.add(
            connection,
            line.name,
            parent_id,
            now_ms,
            line.aphia_id,
            rank=line.rank,
            kind=line.kind,
        )
        for alias in line.aliases:
            taxa.add_alias(connection, alias, ids[line.name], now_ms)
    return len(ids)

"""What was changed in the tree of taxa, by whom: append-only, and one after the other.

Invariant: a version is the number of a change, and changes are committed in the order of their
numbers, so "the tree at version 120" is the same for ever. On PostgreSQL whoever changes the tree
waits for those who name taxa in rows that are not committed yet (`hold`), and they for him; a name
that was looked up is thus never that of a taxon merged meanwhile. SQLite has one writer anyway.

Example:
    >>> alone(connection)
    >>> log(connection, By(2, "ann@sea.org"), [(7, "rename", {"name": "eg"}, {"name": "egg"})], now)
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select

from server.db.bulk import insert_rows
from server.db.driver import run
from server.db.tables import TaxonChange
from server.taxonomy.tree import Change, Tree, replay

TREE_LOCK, ADD_LOCK = 7_120_001, 7_120_002
"""Numbers of PostgreSQL's advisory locks: of the tree, and of adding to it under the first."""
_CAUSE_MOST = 250
Entry: TypeAlias = tuple[int, str, Mapping[str, Any], Mapping[str, Any]]
"""(taxon, kind, fields before, fields after)"""


@dataclass(frozen=True)
class By:
    """Who changes the tree, and what for: a file, a merge."""

    user_id: int | None
    who: str
    cause: str = ""


SHORE = By(None, "the shore")


def hold(connection: Connection) -> None:
    """Keep taxa from being merged until the transaction ends."""
    if connection.dialect.name == "postgresql":
        run(connection, "SELECT pg_advisory_xact_lock_shared(%s)", (TREE_LOCK,))


def alone(connection: Connection) -> None:
    """Be the only one who changes the tree or names its taxa, until the transaction ends."""
    _lock(connection, TREE_LOCK)


def adding(connection: Connection) -> None:
    """Be the only one who adds taxa, while others look them up."""
    _lock(connection, ADD_LOCK)


def _lock(connection: Connection, number: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")


def log(connection: Connection, by: By, entries: Sequence[Entry], now_ms: int) -> None:
    """Append the changes, in this order."""
    columns = ("taxon_id", "kind", "before", "after", "user_id", "who", "cause", "made_ms")
    who, cause = by.who[:_CAUSE_MOST], by.cause[:_CAUSE_MOST]
    rows = [
        (taxon, kind, _said(before), _said(after), by.user_id, who, cause, now_ms)
        for taxon, kind, before, after in entries
    ]
    insert_rows(connection, TaxonChange, columns, rows)


def _said(fields: Mapping[str, Any]) -> str:
    return json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":"))


def version(connection: Connection) -> int:
    """The present version of the tree: the number of its last change, 0 before the first."""
    return int(connection.execute(select(func.max(TaxonChange.id))).scalar() or 0)


def version_at(connection: Connection, moment_ms: int) -> int:
    """The version that the tree had at a moment."""
    query = select(func.max(TaxonChange.id)).where(TaxonChange.made_ms <= moment_ms)
    return int(connection.execute(query).scalar() or 0)


def changes(connection: Connection, until: int | None = None) -> Iterator[Change]:
    """Every change up to a version, in order."""
    query = select(
        TaxonChange.id,
        TaxonChange.taxon_id,
        TaxonChange.kind,
        TaxonChange.before,
        TaxonChange.after,
    ).order_by(TaxonChange.id)
    if until is not None:
        query = query.where(TaxonChange.id <= until)
    for number, taxon, kind, before, after in connection.execute(query):
        yield Change(number, taxon, kind, json.loads(before), json.loads(after))


def tree_at(connection: Connection, version: int | None = None) -> Tree:
    """The tree as it was at a version, built from its changes; the present one if none is given."""
    return replay(changes(connection, version))


def history(
    connection: Connection, taxon_ids: Iterable[int] | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Changes of these taxa, or of all, newest first; older than the version `before` if given."""
    query = select(TaxonChange).order_by(TaxonChange.id.desc()).limit(limit)
    if taxon_ids is not None:
        query = query.where(TaxonChange.taxon_id.in_(list(taxon_ids)))
    if before is not None:
        query = query.where(TaxonChange.id < before)
    return [
        {
            "version": row.id,
            "taxon_id": row.taxon_id,
            "kind": row.kind,
            "before": json.loads(row.before),
            "after": json.loads(row.after),
            "who": row.who,
            "cause": row.cause,
            "at_ms": row.made_ms,
        }
        for row in connection.execute(query)
    ]


def changed_ms(connection: Connection) -> int | None:
    """When the tree was last changed."""
    return connection.execute(select(func.max(TaxonChange.made_ms))).scalar()

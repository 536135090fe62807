"""What follows from the names and parents of taxa, kept beside them: paths, display names, words.

Invariant: after `refresh` of what changed, every taxon's path is the names above it, its display
name follows EcoTaxa's rule, and its words are those of its name and its synonyms; a merged taxon
has no words, since its name is a synonym of the one that it became.

Example:
    >>> refresh(connection, moved=[7], keys={"egg"}, named=[7])
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, bindparam, delete, literal, select, update
from sqlalchemy.orm import aliased

from server.db.bulk import insert_rows
from server.db.dialect import chunks
from server.db.tables import Taxon, TaxonSynonym, TaxonWord
from server.taxonomy.names import CHAIN_MOST, Homonym, shown_names, words

WORD_COLUMNS = ("taxon_id", "synonym_id", "word", "leading")
_TEXTS = 400


def refresh(
    connection: Connection, moved: Iterable[int], keys: Iterable[str], named: Iterable[int]
) -> None:
    """`moved` have another name or parent, `keys` are folded names that one taxon more or fewer
    bears, `named` have other words."""
    below = _paths(connection, sorted(set(moved)))
    _display_names(connection, {*keys, *below})
    index(connection, sorted(set(named)))


def _paths(connection: Connection, tops: Sequence[int]) -> set[str]:
    """Write the paths of these taxa and of all below them. The folded names of those so near that
    a homonym of theirs may show one of `tops`."""
    near: set[str] = set()
    for top in tops:
        parent = aliased(Taxon)
        query = select(parent.path).join(Taxon, Taxon.parent_id == parent.id)
        above = connection.execute(query.where(Taxon.id == top)).scalar()
        known: dict[int | None, str] = {}
        changed = []
        for row in connection.execute(_subtree(top)):
            over = above if row.depth == 0 else known[row.parent_id]
            known[row.id] = row.name if over is None else f"{over}>{row.name}"
            if known[row.id] != row.path:
                changed.append({"at": row.id, "p": known[row.id]})
            if row.depth < CHAIN_MOST:
                near.add(row.name_key)
        _update(connection, "path", changed)
    return near


def _subtree(top: int) -> Any:
    """A taxon and all below it, parents before their children."""
    start = select(Taxon.id, literal(0).label("depth")).where(Taxon.id == top)
    tree = start.cte("below", recursive=True)
    child = aliased(Taxon)
    tree = tree.union_all(
        select(child.id, tree.c.depth + 1).join(tree, child.parent_id == tree.c.id)
    )
    return (
        select(Taxon.id, Taxon.parent_id, Taxon.name, Taxon.name_key, Taxon.path, tree.c.depth)
        .join(tree, tree.c.id == Taxon.id)
        .order_by(tree.c.depth, Taxon.id)
    )


def _update(connection: Connection, column: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        statement = update(Taxon).where(Taxon.id == bindparam("at"))
        connection.execute(statement.values({column: bindparam("p")}), rows)


def _display_names(connection: Connection, keys: set[str]) -> None:
    for some in _texts(sorted(keys)):
        rows = connection.execute(_chains(), {"keys": some}).all()
        wanted = shown_names(
            Homonym(row[0], [n for n in row[3:] if n is not None], row[1] == "D") for row in rows
        )
        _update(
            connection,
            "display_name",
            [{"at": r[0], "p": wanted[r[0]]} for r in rows if r[2] != wanted[r[0]]],
        )


def _texts(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[i : i + _TEXTS] for i in range(0, len(items), _TEXTS))


@cache
def _chains() -> Any:
    """(taxon, status, display name, its name, its parent's, ...) of those of the folded names
    `keys`."""
    above = [aliased(Taxon) for _ in range(CHAIN_MOST - 1)]
    query = select(
        Taxon.id, Taxon.status, Taxon.display_name, Taxon.name, *(one.name for one in above)
    )
    query = query.outerjoin(above[0], above[0].id == Taxon.parent_id)
    for lower, upper in pairwise(above):
        query = query.outerjoin(upper, upper.id == lower.parent_id)
    return query.where(Taxon.name_key.in_(bindparam("keys", expanding=True)))


def index(connection: Connection, taxon_ids: Sequence[int]) -> None:
    """Write the words of these taxa anew."""
    for some in chunks(taxon_ids):
        connection.execute(delete(TaxonWord).where(TaxonWord.taxon_id.in_(some)))
        own = select(Taxon.id, literal(0), Taxon.name).where(
            Taxon.id.in_(some), Taxon.rename_to.is_(None)
        )
        others = (
            select(TaxonSynonym.taxon_id, TaxonSynonym.id, TaxonSynonym.name)
            .join(Taxon, Taxon.id == TaxonSynonym.taxon_id)
            .where(TaxonSynonym.taxon_id.in_(some), Taxon.rename_to.is_(None))
        )
        rows = [*connection.execute(own), *connection.execute(others)]
        add_words(connection, [(taxon, synonym, name) for taxon, synonym, name in rows])


def add_words(connection: Connection, names: Iterable[tuple[int, int, str]]) -> None:
    """Enter the words of (taxon, synonym or 0, name) that have none yet."""
    rows = []
    for taxon_id, synonym_id, name in names:
        seen: dict[str, int] = {}
        for n, word in enumerate(words(name)):
            seen.setdefault(word, 0 if n == 0 and synonym_id == 0 else 1)
        rows += [(taxon_id, synonym_id, word, leading) for word, leading in seen.items()]
    insert_rows(connection, TaxonWord, WORD_COLUMNS, rows)

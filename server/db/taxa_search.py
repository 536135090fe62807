"""Taxa found as one types: prefixes of any of their words, and "egg<cop" as display names have it.

A word table with an index answers, so that a hundred thousand taxa cost as much as a hundred: the
range of a prefix is read from its beginning and no further than CANDIDATES; what the project lists
or has is looked through besides, so that none of it is missed. The project's own list comes first,
then names that begin with what was typed, then those that it uses most.

Example:
    >>> [found.info.display_name for found in search(connection, "egg<cop", project_id=1, limit=9)]
    ['egg<Copepoda', 'egg<Calanus']
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select
from sqlalchemy.orm import aliased

from server.db.tables import Count, ProjectTaxon, Taxon, TaxonSynonym, TaxonWord
from server.db.taxa_read import TaxonInfo
from server.taxonomy.names import fold, words

CANDIDATES = 120
_LAST = "\U0010ffff"
_WORDS_MOST = 8
_NOWHERE = 10**9
Key = tuple[int, int]
"""(taxon, synonym by which it was found, or 0)"""


@dataclass(frozen=True)
class Found:
    """`uses` counts objects (of the project); `synonym` is the other name that fits, if its own
    does not; `place` is that in the project's own list, from 0."""

    info: TaxonInfo
    uses: int
    synonym: str | None
    place: int | None
    kind: str
    status: str
    aphia_id: int | None


def search(connection: Connection, text: str, project_id: int | None, limit: int) -> list[Found]:
    """The taxa that fit, best first; nothing typed: the project's list and what it uses most."""
    parts = [words(part)[:_WORDS_MOST] for part in text.split("<")]
    listed = _listed(connection, project_id)
    if not text.strip():
        keys: list[Key] = [(taxon, 0) for taxon in listed]
        keys += [(taxon, 0) for taxon in _most_used(connection, project_id, limit)]
        keys += [(taxon, 0) for taxon in _first(connection, limit)] if len(keys) < limit else []
    elif not parts[0]:
        return []
    else:
        keys = _matching(connection, parts, project_id, limit)
    return _ranked(connection, keys, text, project_id, listed)[:limit]


def _matching(
    connection: Connection, parts: list[list[str]], project_id: int | None, limit: int
) -> list[Key]:
    """Taxa that have every word of the first part, under taxa that have those of the next: those
    that the project lists or has, then the first that begin so, then those with it inside."""
    typed, upper = parts[0], [part for part in parts[1:] if part]
    found: list[Key] = []
    if project_id is not None:
        found += _keys(connection, typed, TaxonWord.taxon_id.in_(_own(project_id)), upper)
    for leading in (0, 1):
        if len(found) < limit or leading == 0:
            found += _keys(connection, typed, TaxonWord.leading == leading, upper)
    if upper and len(found) < limit:
        found += _under(connection, typed, upper)
    return list(dict.fromkeys(found))


def _own(project_id: int) -> Any:
    """The taxa that the project lists, or has objects of."""
    used = select(Count.taxon_id).where(Count.project_id == project_id)
    return used.union(select(ProjectTaxon.taxon_id).where(ProjectTaxon.project_id == project_id))


def _keys(
    connection: Connection,
    typed: Sequence[str],
    where: ColumnElement[bool],
    upper: Sequence[Sequence[str]],
) -> list[Key]:
    """At most CANDIDATES names with these words whose parents, one above the other, have those of
    `upper`; the longest word leads."""
    first, *others = sorted(typed, key=len, reverse=True)
    query = select(TaxonWord.taxon_id, TaxonWord.synonym_id).where(
        _begins(TaxonWord.word, first), where
    )
    for other in others:
        word = aliased(TaxonWord)
        same = word.taxon_id == TaxonWord.taxon_id, word.synonym_id == TaxonWord.synonym_id
        query = query.join(word, and_(*same, _begins(word.word, other)))
    lower: Any = TaxonWord.taxon_id
    for part in upper:
        child = aliased(Taxon)
        query = query.join(child, child.id == lower)
        for asked in part:
            word = aliased(TaxonWord)
            query = query.join(
                word,
                and_(
                    word.taxon_id == child.parent_id,
                    _begins(word.word, asked),
                ),
            )
        lower = child.parent_id
    query = query.order_by(TaxonWord.word).limit(CANDIDATES)
    return [(taxon, synonym) for taxon, synonym in connection.execute(query)]


def _under(
    connection: Connection, typed: Sequence[str], upper: Sequence[Sequence[str]]
) -> list[Key]:
    """Names with these words anywhere below taxa whose names have those of `upper`."""
    keys = [key for n in (0, 1) for key in _keys(connection, typed, TaxonWord.leading == n, ())]
    query = select(Taxon.id, Taxon.path).where(Taxon.id.in_({taxon for taxon, _ in keys}))
    paths = {taxon: path.split(">")[-2::-1] for taxon, path in connection.execute(query)}
    return [key for key in keys if _passes(paths[key[0]], upper)]


def _passes(above: Sequence[str], upper: Sequence[Sequence[str]]) -> bool:
    """Whether the names above a taxon, nearest first, have these words in this order."""
    names = iter(words(name) for name in above)
    return all(any(_has(name, part) for name in names) for part in upper)


def _has(name: Sequence[str], typed: Sequence[str]) -> bool:
    return all(any(word.startswith(asked) for word in name) for asked in typed)


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    return and_(column >= prefix, column < prefix + _LAST)


def _listed(connection: Connection, project_id: int | None) -> dict[int, int]:
    """The project's own taxa and their places."""
    query = select(ProjectTaxon.taxon_id, ProjectTaxon.place)
    query = query.where(ProjectTaxon.project_id == project_id).order_by(ProjectTaxon.place)
    return {} if project_id is None else dict(connection.execute(query).all())


def _most_used(connection: Connection, project_id: int | None, limit: int) -> list[int]:
    n = func.sum(Count.n)
    query = select(Count.taxon_id).where(Count.taxon_id > 0).group_by(Count.taxon_id).having(n > 0)
    if project_id is not None:
        query = query.where(Count.project_id == project_id)
    return list(connection.execute(query.order_by(n.desc()).limit(limit)).scalars())


def _first(connection: Connection, limit: int) -> list[int]:
    query = select(Taxon.id).where(Taxon.rename_to.is_(None)).order_by(Taxon.id).limit(limit)
    return list(connection.execute(query).scalars())


def uses(
    connection: Connection, taxon_ids: Iterable[int], project_id: int | None
) -> dict[int, int]:
    """How many objects (of the project) each taxon has."""
    query = select(Count.taxon_id, func.sum(Count.n)).group_by(Count.taxon_id)
    if project_id is not None:
        query = query.where(Count.project_id == project_id)
    query = query.where(Count.taxon_id.in_(sorted(set(taxon_ids))))
    return {taxon: int(n) for taxon, n in connection.execute(query)}


def _ranked(
    connection: Connection,
    keys: Sequence[Key],
    text: str,
    project_id: int | None,
    listed: dict[int, int],
) -> list[Found]:
    by_name: dict[int, int] = {}
    for taxon, synonym in keys:
        by_name[taxon] = min(synonym, by_name.get(taxon, synonym))
    numbers = uses(connection, by_name, project_id)
    names = _synonyms(connection, [n for n in by_name.values() if n])
    found = [
        Found(
            TaxonInfo(row[0], row[1], row[2], row[3]),
            numbers.get(row[0], 0),
            names.get(by_name[row[0]]),
            listed.get(row[0]),
            *row[4:],
        )
        for row in connection.execute(_rows(by_name))
    ]
    whole = fold(text)
    return sorted(found, key=lambda one: _rank(one, whole))


def _synonyms(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    query = select(TaxonSynonym.id, TaxonSynonym.name).where(TaxonSynonym.id.in_(numbers))
    return dict(connection.execute(query).all()) if numbers else {}


def _rows(taxon_ids: Iterable[int]) -> Any:
    columns = (Taxon.id, Taxon.name, Taxon.display_name, Taxon.path)
    return select(*columns, Taxon.kind, Taxon.status, Taxon.aphia_id).where(
        Taxon.id.in_(sorted(taxon_ids)), Taxon.rename_to.is_(None)
    )


def _rank(one: Found, whole: str) -> tuple[Any, ...]:
    """Listed ones; then the very name; own names before synonyms; beginnings before the rest."""
    typed = whole.partition("<")[0]
    name, shown = one.info.name.casefold(), one.info.display_name.casefold()
    return (
        one.place if one.place is not None else _NOWHERE,
        name != typed,
        one.synonym is not None,
        not shown.startswith(whole),
        not name.startswith(typed),
        -one.uses,
        name.count(" "),
        shown,
        one.info.taxon_id,
    )

"""Whom and which taxon the words of a table mean, as far as that is certain.

People are known by address, then by name where one person alone has it. Taxa are known as
everywhere (`server.db.taxa_resolve`), but a bare name that several have is not guessed at: the
place in the tree decides, where the table tells it, else a person.

Example:
    >>> people(connection, [("J. Smith", "j@sea.test"), ("nobody", "")])
    {('J. Smith', 'j@sea.test'): 3}
"""

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, func, select

from server.db import taxa
from server.db.dialect import CHUNK
from server.db.imported import Person
from server.db.tables import Taxon, TaxonAlias, User
from server.db.users import folded

_IN_BRACKETS = re.compile(r"(.+) \((.+)\)")


def people(connection: Connection, wanted: Iterable[Person]) -> dict[Person, int]:
    """The users that are meant; whoever is not known is left out."""
    rows = connection.execute(select(User.id, User.email, User.name).order_by(User.id)).all()
    by_email = {row.email: row.id for row in rows}
    by_name: dict[str, list[int]] = {}
    for row in rows:
        by_name.setdefault(" ".join(row.name.split()).casefold(), []).append(row.id)
    found = {}
    for name, email in wanted:
        same = by_name.get(" ".join(name.split()).casefold(), []) if name else []
        user_id = by_email.get(folded(email)) if email else None
        if user_id is None and len(same) == 1:
            user_id = same[0]
        if user_id is not None:
            found[name, email] = user_id
    return found


def taxa_by_name(connection: Connection, wanted: Mapping[str, str]) -> dict[str, int]:
    """The taxa that names mean, each given with its place in the tree ("" if not known)."""
    spelt = {name: _in_brackets(name) for name in wanted}
    known = taxa.known(connection, set(spelt.values()))
    unsure = _homonyms(connection, {taxa.fold(name) for name in spelt.values()})
    found = {}
    for name, place in wanted.items():
        taxon_id = known.get(spelt[name])
        if taxa.fold(spelt[name]) in unsure:
            taxon_id = _by_path(connection, place)
        if taxon_id is not None:
            found[name] = taxon_id
    return found


def taxa_by_number(connection: Connection, numbers: Iterable[int]) -> dict[int, int]:
    """The taxa that have these numbers of EcoTaxa's."""
    return dict(taxa.by_ecotaxa_id(connection, sorted(set(numbers))))


def _in_brackets(name: str) -> str:
    """ "egg (Copepoda)", as older tables have it, is "egg<Copepoda"."""
    found = _IN_BRACKETS.fullmatch(name)
    return f"{found[1]}<{found[2]}" if found else name


def _homonyms(connection: Connection, keys: set[str]) -> set[str]:
    """Bare names that several taxa have, and that no alias decides."""
    found: set[str] = set()
    listed = sorted(keys)
    for start in range(0, len(listed), CHUNK):
        some = listed[start : start + CHUNK]
        query = (
            select(Taxon.name_key)
            .where(Taxon.name_key.in_(some), Taxon.rename_to.is_(None))
            .group_by(Taxon.name_key)
            .having(func.count() > 1)
        )
        aliases = select(TaxonAlias.key).where(TaxonAlias.key.in_(some))
        found.update(connection.execute(query).scalars())
        found.difference_update(connection.execute(aliases).scalars())
    return found


def _by_path(connection: Connection, path: str) -> int | None:
    """The taxon whose path from the root this is."""
    if not path:
        return None
    query = select(Taxon.id).where(Taxon.path == path, Taxon.rename_to.is_(None))
    return connection.execute(query.limit(1)).scalar()


def make_taxon(connection: Connection, name: str, place: str, now_ms: int) -> int:
    """The taxon at this place in the tree ("Biota>Copepoda>egg"), its parents made where they are
    new; under "not placed" where no place is known."""
    names = [part for part in place.split(">") if part.strip()]
    if not names:
        return taxa.resolve(connection, [name], now_ms)[name]
    parent: int | None = None
    for part in names:
        key = taxa.fold(part)
        here = Taxon.parent_id.is_(None) if parent is None else Taxon.parent_id == parent
        query = select(Taxon.id).where(Taxon.name_key == key, here, Taxon.rename_to.is_(None))
        found = connection.execute(query).scalar()
        parent = found or taxa.add(connection, part, parent, now_ms, status="N")
    assert parent is not None
    return parent

"""Which taxon a name means: a release's class name, or a category in a table that is imported.

An alias decides first, then "name<parent" as it is shown, then the name itself (of several taxa
the oldest in use), then what a taxon was or is called besides. A name that nothing knows is not
lost: it becomes a taxon under "not placed", for a person to move.

Example:
    >>> resolve(connection, {"Copepoda", "Snow"}, now_ms=now)
    {'Copepoda': 4, 'Snow': 61}
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, case, func, literal, select

from server.db.hot import Among, Hot
from server.db.tables import Taxon, TaxonAlias, TaxonSynonym
from server.db.taxa_add import add
from server.db.taxa_log import By, adding, hold
from server.taxonomy.names import DEPRECATED, chain_of, fold

UNPLACED = "not placed"
INTAKE = By(None, "the shore", "a name that no taxon has")
_DEEPEST = 8
"""Names in a chain that is looked up."""


def resolve(
    connection: Connection, names: Iterable[str], now_ms: int, by: By = INTAKE
) -> dict[str, int]:
    """The taxon that each class name means, made under "not placed" where none is known. None of
    them is merged before the transaction ends."""
    wanted = {name: _key(name) for name in set(names)}
    if not wanted:
        return {}
    hold(connection)
    found = _known(connection, set(wanted.values()))
    if len(found) < len(set(wanted.values())):
        adding(connection)
        found = _known(connection, set(wanted.values()))
    for name in sorted(wanted):
        key = wanted[name]
        if key not in found:
            place = _unplaced(connection, now_ms)
            found[key] = add(connection, name, place, now_ms, status="N", by=by)
    return {name: found[key] for name, key in wanted.items()}


def known(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The taxon that each name means; names that nothing knows are left out."""
    wanted = {name: _key(name) for name in set(names)}
    found = _known(connection, set(wanted.values()))
    return {name: found[key] for name, key in wanted.items() if key in found}


def _key(name: str) -> str:
    """The form under which a name is looked up; EcoTaxa writes behind one that it is deprecated."""
    return fold(name).removesuffix(DEPRECATED.casefold())


def _known(connection: Connection, keys: set[str]) -> dict[str, int]:
    """Taxon by folded name."""
    listed = sorted(keys)
    found: dict[str, int] = {}
    aliases: dict[str, int] = {}
    for alias, key, taxon in _BY_KEY.run(connection, keys=listed):
        (aliases if alias else found)[key] = taxon
    chained = [key for key in listed if "<" in key]
    if chained:
        found.update(_by_chain(connection, chained))
    found.update(aliases)
    missing = keys - found.keys()
    if missing:
        found.update(_BY_SYNONYM.pairs(connection, keys=sorted(missing)))
    return found


_PRESENT = func.coalesce(
    func.min(case((Taxon.rename_to.is_(None), Taxon.id))), func.min(Taxon.rename_to)
)
_BY_KEY = Hot(
    select(literal(0), Taxon.name_key, _PRESENT)
    .where(Among(Taxon.name_key, "keys"))
    .group_by(Taxon.name_key)
    .union_all(
        select(literal(1), TaxonAlias.key, TaxonAlias.taxon_id).where(Among(TaxonAlias.key, "keys"))
    )
)
_BY_SYNONYM = Hot(
    select(TaxonSynonym.name_key, func.min(TaxonSynonym.taxon_id))
    .where(Among(TaxonSynonym.name_key, "keys"))
    .group_by(TaxonSynonym.name_key)
)
_HOMONYMS = Hot(
    select(
        Taxon.id,
        Taxon.name_key,
        Taxon.parent_id,
        Taxon.display_name,
        func.coalesce(Taxon.rename_to, Taxon.id),
    )
    .where(Among(Taxon.name_key, "keys"))
    .order_by(Taxon.rename_to.is_not(None), Taxon.id)
)
_ABOVE = Hot(select(Taxon.id, Taxon.name_key, Taxon.parent_id).where(Among(Taxon.id, "ids")))


def _by_chain(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Taxa by "name<parent<...": as one is shown, or any whose names from it upwards are these."""
    chains = {key: chain_of(key) for key in keys}
    firsts = sorted({chain[0] for chain in chains.values()})
    rows = _HOMONYMS.run(connection, keys=firsts).all()
    shown: dict[str, int] = {}
    for _, _, _, display_name, taxon in rows:
        shown.setdefault(fold(display_name.removesuffix(DEPRECATED)), taxon)
    found = {key: shown[key] for key in keys if key in shown}
    if len(found) < len(keys):
        upwards = _upwards(connection, rows)
        for key in keys:
            chain = chains[key]
            fits = (taxon for names, taxon in upwards if names[: len(chain)] == chain)
            match = next(fits, None)
            if key not in found and match is not None:
                found[key] = match
    return found


def _upwards(
    connection: Connection, rows: Sequence[Sequence[object]]
) -> list[tuple[tuple[str, ...], int]]:
    """The folded names from each of these taxa upwards, and what it means."""
    above: dict[object, tuple[str, object]] = {row[0]: (str(row[1]), row[2]) for row in rows}
    for _ in range(_DEEPEST):
        wanted = {parent for _, parent in above.values() if parent is not None} - above.keys()
        if not wanted:
            break
        for taxon, key, parent in _ABOVE.run(connection, ids=sorted(map(str, wanted), key=int)):
            above[taxon] = (key, parent)
    found = []
    for row in rows:
        names: list[str] = []
        at: object = row[0]
        while at in above and len(names) < _DEEPEST:
            key, at = above[at]
            names.append(key)
        found.append((tuple(names), int(str(row[4]))))
    return found


def _unplaced(connection: Connection, now_ms: int) -> int:
    query = select(Taxon.id).where(Taxon.name_key == fold(UNPLACED), Taxon.parent_id.is_(None))
    found = connection.execute(query).scalar()
    return found if found is not None else add(connection, UNPLACED, None, now_ms)

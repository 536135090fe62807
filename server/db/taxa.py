"""The tree of taxa: names, paths, and which taxon a release's class name means.

A class name that no taxon or alias knows is not lost: it becomes a taxon under "not placed", for a
person to move. Names that occur twice are told apart by their parent in `display_name`, as EcoTaxa:
"egg<Copepoda".

Example:
    >>> resolve(connection, {"Copepoda", "Snow"}, now_ms=now)
    {'Copepoda': 4, 'Snow': 61}
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from server.db.dialect import insert_new
from server.db.hot import Among, Hot
from server.db.tables import Count, Taxon, TaxonAlias

UNPLACED = "not placed"


@dataclass(frozen=True)
class TaxonInfo:
    taxon_id: int
    name: str
    display_name: str
    path: str


class TaxonExistsError(ValueError):
    """The parent has a child of this name."""


def fold(name: str) -> str:
    """The form under which names are compared: "Faecal_pellet " is "faecal pellet"."""
    return " ".join(name.replace("_", " ").split()).casefold()


def by_id(connection: Connection, taxon_ids: Iterable[int]) -> dict[int, TaxonInfo]:
    columns = (Taxon.id, Taxon.name, Taxon.display_name, Taxon.path)
    query = select(*columns).where(Taxon.id.in_(sorted(set(taxon_ids))))
    return {row[0]: TaxonInfo(row[0], row[1], row[2], row[3]) for row in connection.execute(query)}


def add(
    connection: Connection,
    name: str,
    parent_id: int | None,
    now_ms: int,
    aphia_id: int | None = None,
) -> int:
    """A new taxon's id. Raises TaxonExistsError, or LookupError when there is no such parent."""
    clean, key = " ".join(name.replace("_", " ").split()), fold(name)
    parent = by_id(connection, [parent_id]).get(parent_id) if parent_id is not None else None
    if parent_id is not None and parent is None:
        raise LookupError(f"there is no taxon {parent_id}")
    twins = connection.execute(select(Taxon.id, Taxon.parent_id).where(Taxon.name_key == key)).all()
    if any(twin.parent_id == parent_id for twin in twins):
        raise TaxonExistsError(
            f"'{clean}' is there already under {parent.name if parent else 'the root'}"
        )
    values = {
        "parent_id": parent_id,
        "name": clean,
        "name_key": key,
        "display_name": clean,
        "path": f"{parent.path}>{clean}" if parent else clean,
        "aphia_id": aphia_id,
        "created_ms": now_ms,
    }
    taxon_id = int(
        connection.execute(insert(Taxon).values(values).returning(Taxon.id)).scalar_one()
    )
    if twins:
        _tell_apart(connection, key)
    return taxon_id


def _tell_apart(connection: Connection, key: str) -> None:
    parent = select(Taxon.id, Taxon.name).subquery()
    query = (
        select(Taxon.id, Taxon.name, parent.c.name)
        .outerjoin(parent, parent.c.id == Taxon.parent_id)
        .where(Taxon.name_key == key)
    )
    for taxon_id, name, parent_name in connection.execute(query).all():
        shown = f"{name}<{parent_name}" if parent_name else name
        connection.execute(
            update(Taxon).where(Taxon.id == taxon_id).values(display_name=shown[:250])
        )


def add_alias(connection: Connection, alias: str, taxon_id: int) -> None:
    insert_new(connection, TaxonAlias, [{"key": fold(alias), "taxon_id": taxon_id}], ("key",))


def resolve(connection: Connection, names: Iterable[str], now_ms: int) -> dict[str, int]:
    """The taxon that each class name means, made under "not placed" where none is known."""
    wanted = {name: fold(name) for name in set(names)}
    known = _known(connection, sorted(set(wanted.values())))
    for name in sorted(wanted):
        key = wanted[name]
        if key not in known:
            known[key] = add(connection, name, _unplaced(connection, now_ms), now_ms)
    return {name: known[key] for name, key in wanted.items()}


def _known(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Taxon by folded name. An alias decides first, then "name<parent"; of several taxa of a bare
    name the oldest is meant."""
    found: dict[str, int] = _BY_KEY.pairs(connection, keys=list(keys))
    children = [key.partition("<")[0] for key in keys if "<" in key]
    if children:
        shown = _BY_SHOWN_NAME.run(connection, keys=children)
        found.update({fold(name): taxon for name, taxon in shown if "<" in name})
    found.update(_BY_ALIAS.pairs(connection, keys=list(keys)))
    return found


_BY_KEY = Hot(
    select(Taxon.name_key, func.min(Taxon.id))
    .where(Among(Taxon.name_key, "keys"))
    .group_by(Taxon.name_key)
)
_BY_SHOWN_NAME = Hot(select(Taxon.display_name, Taxon.id).where(Among(Taxon.name_key, "keys")))
_BY_ALIAS = Hot(select(TaxonAlias.key, TaxonAlias.taxon_id).where(Among(TaxonAlias.key, "keys")))


def _unplaced(connection: Connection, now_ms: int) -> int:
    query = select(Taxon.id).where(Taxon.name_key == fold(UNPLACED), Taxon.parent_id.is_(None))
    found = connection.execute(query).scalar()
    return found if found is not None else add(connection, UNPLACED, None, now_ms)


def search(
    connection: Connection, text: str, project_id: int | None, limit: int
) -> list[tuple[TaxonInfo, int]]:
    """Taxa whose name has a word that begins with `text`, and how many objects (of the project)
    they have: names beginning with it first, then the most used."""
    key = fold(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    uses = select(Count.taxon_id, func.sum(Count.n).label("n")).group_by(Count.taxon_id)
    if project_id is not None:
        uses = uses.where(Count.project_id == project_id)
    used = uses.subquery()
    n = func.coalesce(used.c.n, 0)
    starts = Taxon.name_key.like(f"{key}%", escape="\\")
    query = (
        select(Taxon.id, Taxon.name, Taxon.display_name, Taxon.path, n)
        .outerjoin(used, used.c.taxon_id == Taxon.id)
        .where(starts | Taxon.name_key.like(f"% {key}%", escape="\\"))
        .order_by(starts.desc(), n.desc(), Taxon.name_key, Taxon.id)
        .limit(limit)
    )
    return [(TaxonInfo(i, a, d, p), int(k)) for i, a, d, p, k in connection.execute(query)]


def is_empty(connection: Connection) -> bool:
    return connection.execute(select(Taxon.id).limit(1)).first() is None

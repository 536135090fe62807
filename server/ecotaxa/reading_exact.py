"""Items of a shore's own backup, made exact by what stands beside their rows.

Example:
    >>> columns, names = own_columns(beside, free)
    >>> restore(items, names, beside.places)
"""

from collections.abc import Iterable, Mapping, Sequence

from server.db.imported import ExactPlace, Item, Names
from server.ecotaxa.beside_reading import Beside
from wire.ecotaxa import Column


def own_columns(
    beside: Beside, free: Sequence[Column]
) -> tuple[list[Column | None], list[tuple[str, str]]]:
    """The free columns and their (name, kind) as the project had them: with the names that it gave
    them, without the shore's own, and with those that no table has room for (None)."""
    of_table = {column.name: column for column in free}
    known = {told.column: told for told in beside.told.columns}
    columns: list[Column | None] = []
    names: list[tuple[str, str]] = []
    for told in beside.told.columns:
        columns.append(of_table.get(told.column or ""))
        names.append((told.name, told.kind))
    taken = {name for name, _ in names}
    for column in free:  # that a person has added since
        plain = column.name.partition("_")[2]
        ours = column.name in known or column.name in beside.told.own_columns
        if not ours and plain not in taken:
            columns.append(column)
            names.append((plain, column.kind))
    return columns, names


def restore(
    items: Iterable[Item],
    names: Sequence[tuple[str, str]],
    places: Mapping[Names, ExactPlace],
) -> None:
    """Give items the values, pictures' names and places that they had."""
    at = {name: (number, kind) for number, (name, kind) in enumerate(names)}
    for item in items:
        place = places.get(item.places)
        if place is not None:
            item.places = place.names
        exact = item.exact
        if exact is None:
            continue
        item.orig_id = exact.body[0]
        if exact.free:
            values = list(item.values)
            for name, value in exact.free.items():
                if name in at:
                    number, kind = at[name]
                    values[number] = _value(value, kind)
            item.values = values
        _name_pictures(item)


def _value(text: str | None, kind: str) -> float | str | None:
    if kind == "t" or text is None:
        return text
    return float(text) if text else None


def _name_pictures(item: Item) -> None:
    """The names that the pictures came with, by rank; of several of a rank in their order."""
    assert item.exact is not None
    told: dict[int, list[str]] = {}
    for rank, _, file_name in item.exact.images:
        told.setdefault(rank, []).append(file_name)
    pictures = []
    for picture in item.pictures:
        names = told.get(picture.rank)
        pictures.append(picture._replace(file_name=names.pop(0)) if names else picture)
    item.pictures = pictures

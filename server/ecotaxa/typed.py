"""A column of texts as values, all at once: what most cells are is done for the whole column.

A text that many rows share (a date, a position, a taxon) is read once. Both passes of an import
read through here, so what was checked is what is taken.

Example:
    >>> typed(Column("object_area", "f"), ["1.5", "", "big"])
    ([1.5, None, None], {2: CellError("expected a number", ...)})
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from server.ecotaxa import values
from server.ecotaxa.values import CellError
from wire.ecotaxa import FIXED, Column

RANK_MOST = 10_000
NUMBER_MOST = 2**31 - 1
"""Largest number of a taxon."""
_READ: dict[str, Callable[[str], Any]] = {
    "object_date": values.date,
    "object_time": values.time,
    "object_annotation_date": values.date,
    "object_annotation_time": values.time,
    "object_lat": lambda text: values.degrees(text, 90),
    "object_lon": lambda text: values.degrees(text, 180),
    "object_depth_min": values.finite,
    "object_depth_max": values.finite,
    "img_rank": lambda text: values.whole(text, RANK_MOST),
    "object_annotation_category_id": lambda text: values.whole(text, NUMBER_MOST),
    "object_annotation_status": values.status,
}
"""How the text of a fixed column is read; the others are text."""


def typed(column: Column, texts: Sequence[str]) -> tuple[Sequence[Any], dict[int, CellError]]:
    """The values, None where nothing stands, and what is wrong by place in the column."""
    read = _READ.get(column.name)
    if read is None and (column.kind == "t" or column.name in FIXED):
        return [text or None for text in texts], {}
    if read is None:
        found = _numbers(texts)
        if found is not None:
            return found, {}
    return _one_by_one(read or values.number, texts)


def _numbers(texts: Sequence[str]) -> list[float | None] | None:
    """Numbers, if all of them are plain ones; else each has to be looked at."""
    try:
        found: list[float] = list(map(float, texts))
    except ValueError:
        return None
    if not all(map(math.isfinite, found)) or "_" in "\t".join(texts):
        return None
    return list(found)


def _one_by_one(
    read: Callable[[str], Any], texts: Sequence[str]
) -> tuple[Sequence[Any], dict[int, CellError]]:
    known: dict[str, Any] = {}
    wrong: dict[str, CellError] = {}
    for text in set(texts):
        try:
            known[text] = None if values.nothing(text) else read(text)
        except CellError as error:
            known[text], wrong[text] = None, error
    found = [known[text] for text in texts]
    bad = {at: wrong[text] for at, text in enumerate(texts) if text in wrong} if wrong else {}
    return found, bad

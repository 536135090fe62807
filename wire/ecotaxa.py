"""EcoTaxa's table: its columns, and its limits, so that a person learns of them from us first.

Sources: EcoTaxa's back end (cb44b190, June 2026) and what it answered to zips made to fail. It
finds tables named ``ecotaxa*.tsv`` in lower case only; it keeps 20 text and 500 numeric free
columns for an object, 60 for a sample, 30 for an acquisition, 30 for a process; a text longer than
250 characters ends the import in a database error; it stores an infinite number as such.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

TEXT_LIMIT = 250
OBJECT_TEXT_LIMIT = 20
OBJECT_NUMBER_LIMIT = 500
PARENT_LIMITS = {"sample": 60, "acq": 30, "process": 30}
PREFIXES = ("img", "object", "acq", "process", "sample")

_ANNOTATION = ("status", "category", "category_id", "date", "time", "person_name", "person_email")
FIXED = frozenset(
    (
        *("img_file_name", "img_rank", "sample_id", "acq_id", "acq_instrument", "process_id"),
        *(
            f"object_{name}"
            for name in ("id", "lat", "lon", "date", "time", "link", "depth_min", "depth_max")
        ),
        *(f"object_annotation_{part}" for part in (*_ANNOTATION, "hierarchy")),
    )
)
"""Columns with a meaning of their own; all others are a project's free columns."""
_NAME = re.compile(r"[a-z]+_[^\sA-Z]+")


class EcotaxaError(ValueError):
    """EcoTaxa would refuse this; the message names the column (and the object, for a value)."""


@dataclass(frozen=True)
class Column:
    """A column of the table; ``kind`` is "t" (text) or "f" (number)."""

    name: str
    kind: str

    @property
    def prefix(self) -> str:
        return self.name.partition("_")[0]


def check_columns(columns: Sequence[Column]) -> None:
    """Raise EcotaxaError for a layout that EcoTaxa would refuse."""
    for name, count in Counter(column.name for column in columns).items():
        if count > 1:
            raise EcotaxaError(f"column {name}: given {count} times")
    for column in columns:
        if column.prefix not in PREFIXES or not _NAME.fullmatch(column.name):
            raise EcotaxaError(
                f"column {column.name}: expected a lower-case name that begins with one of "
                + ", ".join(f"{prefix}_" for prefix in PREFIXES)
            )
    names = {column.name for column in columns}
    for needed in ("img_file_name", "object_id"):
        if needed not in names:
            raise EcotaxaError(f"column {needed}: missing")
    check_limits(columns)
    if ("object_annotation_category" in names) != ("object_annotation_status" in names):
        raise EcotaxaError(
            "columns object_annotation_category and object_annotation_status go together"
        )


def check_limits(columns: Sequence[Column]) -> None:
    """Raise EcotaxaError for more columns than EcoTaxa has places for."""
    _check_parents(columns, {column.name for column in columns})
    _check_free_object_columns(columns)


def _check_parents(columns: Sequence[Column], names: set[str]) -> None:
    for prefix, limit in PARENT_LIMITS.items():
        free = [c.name for c in columns if c.prefix == prefix and c.name != f"{prefix}_id"]
        if free and f"{prefix}_id" not in names:
            raise EcotaxaError(f"column {prefix}_id: needed, since there is {free[0]}")
        if len(free) > limit:
            raise EcotaxaError(
                f"column {free[limit]}: EcoTaxa takes {limit} {prefix}_ columns, "
                f"this is number {limit + 1}"
            )


def _check_free_object_columns(columns: Sequence[Column]) -> None:
    free = [c for c in columns if c.prefix == "object" and c.name not in FIXED]
    for kind, word, limit in (
        ("t", "text", OBJECT_TEXT_LIMIT),
        ("f", "numeric", OBJECT_NUMBER_LIMIT),
    ):
        same = [c.name for c in free if c.kind == kind]
        if len(same) > limit:
            raise EcotaxaError(
                f"column {same[limit]}: EcoTaxa takes {limit} {word} object_ columns, "
                f"this is number {limit + 1}"
            )


def cell(column: Column, value: object, objid: str) -> str:
    """A value as it stands in the table; None is an empty cell. Raises EcotaxaError."""
    if value is None:
        return ""
    if column.kind == "f":
        number = float(str(value))
        if not math.isfinite(number):
            raise EcotaxaError(f"column {column.name}, object {objid}: {value} is not finite")
        return str(value)
    text = str(value)
    if len(text) > TEXT_LIMIT:
        raise EcotaxaError(
            f"column {column.name}, object {objid}: {len(text)} characters, EcoTaxa takes "
            f"{TEXT_LIMIT}"
        )
    if any(ord(letter) < 32 for letter in text):
        raise EcotaxaError(
            f"column {column.name}, object {objid}: a tab, line break or control character "
            "cannot stand in a table"
        )
    return text

"""What an import brings, whoever read it: batches of objects with names, values and pictures.

Readers (EcoTaxa's tables here, folders of pictures and other instruments' files elsewhere) make
this; `server.ecotaxa.load` has it written. Everything in it has been checked: ids have at most 250
characters, positions are positions, pictures are pictures.

Example:
    >>> item = Item(("cast1", "a1", "p1"), "o1", (12.5,), [picture])
    >>> Batch((("area", "f"),), [item], {}, frozenset())
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

Names: TypeAlias = tuple[str, str, str]
"""(sample, acquisition, process) by their own ids; "" for what a table does not tell."""
Person: TypeAlias = tuple[str, str]
"""(name, email), either of which may be ""."""
TaxonKey: TypeAlias = tuple[str, int | None]
"""A taxon by its name, by EcoTaxa's number, or by both; "" and None for what is not told."""


class Picture(NamedTuple):
    """`read` gives the bytes, which are kept as they are; `format` is Pillow's name of theirs."""

    file_name: str
    rank: int
    format: str
    width: int
    height: int
    read: Callable[[], bytes]


@dataclass(slots=True)
class Item:
    """One object. `values` stand in the order of the batch's columns, None where nothing stands;
    `utc_source` is one of `server.db.clocks.SOURCES`. `said_ms` is when `person` said it; `score`
    that of a prediction, None if it has none."""

    places: Names
    orig_id: str
    values: Sequence[float | str | None]
    pictures: list[Picture]
    lat_deg: float | None = None
    lon_deg: float | None = None
    depth_m: float | None = None
    depth_max_m: float | None = None
    utc_ms: int | None = None
    utc_source: str = "unknown"
    link: str | None = None
    status: str = "U"
    taxon: TaxonKey | None = None
    score: float | None = None
    person: Person | None = None
    said_ms: int | None = None


@dataclass(frozen=True)
class Parents:
    """What a table tells of a sample, an acquisition and a process, as texts by name."""

    sample: Mapping[str, str] = field(default_factory=dict)
    instrument: str = ""
    acquisition: Mapping[str, str] = field(default_factory=dict)
    process: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Some objects. `columns` are (name, "f" or "t") of their free columns; `given` names the fixed
    columns (`object_lat`, ...) that are told at all: an update leaves the others alone."""

    columns: tuple[tuple[str, str], ...]
    items: list[Item]
    parents: Mapping[Names, Parents]
    given: frozenset[str]

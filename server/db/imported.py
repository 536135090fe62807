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
from typing import Any, NamedTuple, TypeAlias

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


class ExactEvent(NamedTuple):
    """An event as it was; taxa, actions, releases and trainings by the numbers of the shore that it
    comes from, `previous` the place of an earlier one of the object's."""

    action: int | None
    release: int | None
    training: int | None
    old_status: str
    old_taxon: int | None
    new_status: str
    new_taxon: int | None
    score: float
    applied: bool
    previous: int | None
    created_ms: int


class Exact(NamedTuple):
    """An object exactly as another shore had it (`server.db.export` names the columns of `body`,
    `values`, `measured`, `kept` and of each of `replaced`); numbers of taxa, releases and so on are
    that shore's. `free` are free columns by name that the table does not hold as they are; `event`
    the place of the present one in `events`; `images` are [rank, format, file name]."""

    digest: str
    body: list[Any]
    values: list[Any]
    measured: list[Any] | None
    kept: list[Any]
    free: Mapping[str, str | None]
    event: int | None
    events: Sequence[ExactEvent]
    replaced: Sequence[list[Any]]
    images: Sequence[list[Any]]


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
    key: str = ""
    """What tells it from others of its sample in this import, where the id does not."""
    exact: Exact | None = None


@dataclass(frozen=True)
class ExactPlace:
    """A sample, an acquisition and a process exactly as another shore had them: columns by name.
    `names` are their ids; `origin` the sample's id and its instrument's, by which it is known on
    the shore that it comes from."""

    names: Names
    origin: tuple[str, str | None]
    sample: Mapping[str, Any]
    acquisition: Mapping[str, Any]
    process: Mapping[str, Any]


@dataclass(frozen=True)
class Parents:
    """What a table tells of a sample, an acquisition and a process, as texts by name."""

    sample: Mapping[str, str] = field(default_factory=dict)
    instrument: str = ""
    acquisition: Mapping[str, str] = field(default_factory=dict)
    process: Mapping[str, str] = field(default_factory=dict)
    exact: ExactPlace | None = None


@dataclass(frozen=True)
class Batch:
    """Some objects. `columns` are (name, "f" or "t") of their free columns; `given` names the fixed
    columns (`object_lat`, ...) that are told at all: an update leaves the others alone."""

    columns: tuple[tuple[str, str], ...]
    items: list[Item]
    parents: Mapping[Names, Parents]
    given: frozenset[str]

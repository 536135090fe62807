"""Rows of new objects in the making, table by table, and the order in which they are written.

Example:
    >>> rows = Rows()
    >>> rows.objects.append((17, 1, 0, 7, 1, ...))
    >>> rows.write(connection, columns=("n001",))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

from server.db.bulk import insert_rows
from server.db.tables import (
    Event,
    ExactValues,
    Image,
    Object,
    ObjectFree,
    ObjectValues,
    Replaced,
)
from server.store.packs import Place

OBJECT = (
    "objid", "project_id", "device_id", "epoch", "seq",
    "sample_id", "acquisition_id", "process_id", "orig_id",
    "frame_index", "index_in_frame", "bx", "by", "width", "height", "esd_um", "border",
    "boot", "mono_ms", "utc_ms", "utc_source", "lat_deg", "lon_deg", "depth_m", "depth_max_m",
    "temperature_c", "status", "taxon_id", "pred_taxon_id", "score", "release_no", "shuffle",
    "received_ms", "event_id",
)  # fmt: skip
VALUES = ("objid", "release_no", "frame", "measures_version", "brief", "top")
EXACT = ("objid", "release_no", "measures_version", "measures", "embedding", "shape")
IMAGE = (
    "objid", "device_id", "epoch", "object_seq", "rank", "width", "height", "format", "file_name",
    "pack_id", "offset", "length",
)  # fmt: skip
EVENT = (
    "id", "objid", "action_id", "release_no", "training_id", "old_status", "old_taxon_id",
    "new_status", "new_taxon_id", "score", "applied", "previous_id", "created_ms",
)  # fmt: skip
REPLACED = ("objid", "training_id", "event_id", "pred_taxon_id", "score", "release_no", "top")
Row = tuple[Any, ...]


class StoredPicture(NamedTuple):
    """A picture whose bytes lie in a pack; `place` is None for one that its object has already."""

    file_name: str
    rank: int
    format: str
    width: int
    height: int
    place: Place | None


@dataclass
class Rows:
    """`states` are (taxon, status) of the objects, for the counts."""

    objects: list[Row] = field(default_factory=list)
    values: list[Row] = field(default_factory=list)
    exact: list[Row] = field(default_factory=list)
    frees: list[Row] = field(default_factory=list)
    images: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    replaced: list[Row] = field(default_factory=list)
    states: list[tuple[int | None, str]] = field(default_factory=list)

    def write(self, connection: Connection, columns: tuple[str, ...]) -> None:
        """`columns` are the places of the free columns."""
        free = ("objid", "project_id", "sunpos", "link", *columns)
        for table, names, rows in (
            (Object, OBJECT, self.objects),
            (ObjectValues, VALUES, self.values),
            (ExactValues, EXACT, self.exact),
            (ObjectFree, free, self.frees),
            (Image, IMAGE, self.images),
            (Event, EVENT, self.events),
            (Replaced, REPLACED, self.replaced),
        ):
            insert_rows(connection, table, names, rows)


def image_rows(
    objid: int,
    source: tuple[int, int, int],
    pictures: Sequence[StoredPicture],
    packs: Mapping[str, int],
    taken: set[int],
) -> list[Row]:
    """Rows of an object's pictures; one whose rank is taken has the next that is free."""
    rows: list[Row] = []
    for picture in pictures:
        place, rank = picture.place, picture.rank
        if place is None:
            continue
        while rank in taken:
            rank += 1
        taken.add(rank)
        size = picture.width, picture.height
        kept = packs[place.pack], place.offset, place.length
        rows.append((objid, *source, rank, *size, picture.format, picture.file_name, *kept))
    return rows

"""What a batch brings, with names already turned into rows: what the writers here are given."""

from dataclasses import dataclass
from typing import NamedTuple

from server.db.hierarchy import PlaceIds
from wire.records import ObjectBody, Record


@dataclass(frozen=True)
class Source:
    """Whose records these are."""

    device_id: int
    project_id: int
    epoch: int


@dataclass(frozen=True)
class Incoming:
    """One object record with its names already turned into rows."""

    record: Record
    body: ObjectBody
    place: PlaceIds
    utc_ms: int | None
    utc_source: str
    taxon_id: int | None
    release_no: int | None
    top: tuple[tuple[int, float], ...]

    @property
    def seq(self) -> int:
        return self.record.seq

    @property
    def region(self) -> tuple[int, ...]:
        """What it is about: two records of the same region tell of the same object."""
        body = self.body
        return (
            self.place.acquisition_id,
            body.frame_index,
            body.index_in_frame,
            body.bx,
            body.by,
            body.width,
            body.height,
            body.utc_ms or 0,
        )


class Teller(NamedTuple):
    """The object that a record tells of, and the release that it names. `news`: made by this very
    batch. `again`: the record is a sighting of an object that another record made."""

    objid: int
    release_no: int | None
    news: bool = False
    again: bool = False

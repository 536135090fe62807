"""What a batch brings, with names already turned into rows: what the writers here are given."""

from dataclasses import dataclass

from server.db.hierarchy import PlaceIds
from wire.records import ObjectBody


@dataclass(frozen=True)
class Source:
    """Whose records these are."""

    device_id: int
    project_id: int
    epoch: int


@dataclass(frozen=True)
class Incoming:
    """One object record with its names already turned into rows."""

    seq: int
    body: ObjectBody
    place: PlaceIds
    taxon_id: int | None
    release_no: int | None
    top: tuple[tuple[int, float], ...]

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

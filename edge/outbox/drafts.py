"""What goes into the outbox: drafts, which become records when they are given their names.

Example:
    >>> name([Draft(an_object), Draft(a_vignette, about=0)], epoch=7, first=5, boot=1, clock=clock)
    [Record(epoch=7, seq=5, kind="object", ...), Record(epoch=7, seq=6, kind="vignette", ...)]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edge.clock import Clock
from wire.codec import RECORD_MAX, encode_record
from wire.records import KIND_OF, PRIORITY, Body, Record, Vignette, as_map


class RecordTooLargeError(ValueError):
    """A record larger than the link carries; make it smaller before it is committed."""


@dataclass(frozen=True)
class Whole:
    """The file of which a record has a smaller image, or none: a vignette in all its pixels, a
    frame. `kind` and sizes as in `wire.tus.BlobMeta`."""

    kind: str
    data: bytes
    name: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Draft:
    """A record to be. `about` is the place in the same commit of the object a vignette shows;
    `whole` is kept as a blob beside it."""

    body: Body
    about: int | None = None
    whole: Whole | None = None


def name(
    drafts: Sequence[Draft],
    epoch: int,
    first: int,
    boot: int,
    clock: Clock,
    priorities: Mapping[str, int] | None = None,
) -> list[Record]:
    """The drafts as records: seqs from `first` on, vignettes pointing at their object's seq.
    `priorities` of kinds stand for the usual ones."""
    wanted = {**PRIORITY, **(priorities or {})}
    mono_ms, utc_ms = clock.mono_ms(), clock.utc_ms()
    records = []
    for place, draft in enumerate(drafts):
        body = draft.body
        if draft.about is not None:
            if not isinstance(body, Vignette):
                raise TypeError(f"Draft.about: only a vignette shows an object, not {body!r}")
            body = replace(body, object_seq=first + draft.about)
        kind = KIND_OF[type(body)]
        records.append(
            Record(epoch, first + place, kind, wanted[kind], boot, mono_ms, utc_ms, as_map(body))
        )
    return records


def encode(record: Record) -> bytes:
    """The record for the link. Raises RecordTooLargeError."""
    blob = encode_record(record)
    if len(blob) > RECORD_MAX:
        raise RecordTooLargeError(
            f"{record.kind} record: expected at most {RECORD_MAX} bytes, got {len(blob)}"
        )
    return blob

"""Good records of one epoch into rows: contexts first, then frames, objects, vignettes, the rest.

Invariant: called inside the batch's transaction; raises nothing for data that passed `check`.
Vignettes' bytes lie flushed in a pack before their rows are written.

Example:
    >>> apply(connection, source, records, places, now_ms=now)
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from server.db import (
    clocks,
    commands,
    fleet,
    frames,
    health,
    hierarchy,
    images,
    intake,
    ledger,
    releases,
    summaries,
    taxa,
)
from server.db.hierarchy import PlaceIds
from server.db.incoming import Incoming, Source
from server.store.packs import Place
from wire.records import (
    Answer,
    BadFrame,
    Body,
    Clock,
    Context,
    Deployment,
    FrameSummary,
    Gap,
    Health,
    ObjectBody,
    Record,
    Summary,
    Vignette,
)

B = TypeVar("B")
Pairs = Sequence[tuple[Record, Body]]


def apply(
    connection: Connection,
    source: Source,
    records: Pairs,
    stored: Mapping[int, Place],
    now_ms: int,
) -> int:
    """Write the records; `stored` gives the place of each vignette by seq. How many seqs the device
    gave up, as its gap records say."""
    contexts = _of(records, Context)
    done = _of(records, FrameSummary)
    objects = _of(records, ObjectBody)
    bodies: list[Any] = [body for _, body in (*contexts, *done, *objects)]
    names = {(body.sample, body.acquisition, body.process) for body in bodies}
    places = hierarchy.places(connection, source.project_id, source.device_id, names, now_ms)
    for _, context in contexts:
        hierarchy.complete(connection, _place(places, context), context)
    known = clocks.readings(connection, source, (*done, *objects))
    seen = [(r, b, _place(places, b), clocks.date(r, b, known)) for r, b in done]
    frames.add_frames(connection, source, seen)
    incoming = _incoming(connection, objects, places, known, now_ms)
    tellers = intake.add_objects(connection, source, incoming, now_ms)
    vignettes = [(body, stored[record.seq]) for record, body in _of(records, Vignette)]
    images.add_vignettes(connection, source, vignettes, tellers, now_ms)
    clocks.add_readings(connection, source, [body for _, body in _of(records, Clock)])
    bad = [(record.seq, body) for record, body in _of(records, BadFrame)]
    frames.add_bad_frames(connection, source, bad, now_ms)
    reports = _of(records, Health)
    for record, report in reports:
        fleet.set_health(connection, source.device_id, source.epoch, record.seq, report)
    health.add(connection, source.device_id, source.epoch, reports, now_ms)
    steps = [(record.seq, body) for record, body in _of(records, Deployment)]
    fleet.add_steps(connection, source.device_id, source.epoch, steps, now_ms)
    summaries.add(connection, source, _of(records, Summary), now_ms)
    answers = [body for _, body in _of(records, Answer)]
    commands.answered(connection, source.device_id, answers, now_ms)
    gaps = [
        (first, last, gap.kind, gap.reason)
        for _, gap in _of(records, Gap)
        for first, last in gap.ranges
    ]
    return ledger.add_gaps(connection, source.device_id, source.epoch, gaps, now_ms)


def _of(records: Pairs, kind: type[B]) -> list[tuple[Record, B]]:
    return [(record, body) for record, body in records if isinstance(body, kind)]


def _place(places: Mapping[hierarchy.Names, PlaceIds], body: Any) -> PlaceIds:
    return places[body.sample, body.acquisition, body.process]


def _incoming(
    connection: Connection,
    objects: Sequence[tuple[Record, ObjectBody]],
    places: Mapping[hierarchy.Names, PlaceIds],
    known: clocks.Readings,
    now_ms: int,
) -> list[Incoming]:
    """Object records with taxa, releases and dates as rows have them."""
    names = {body.taxon for _, body in objects if body.taxon is not None}
    names |= {taxon for _, body in objects for taxon, _ in body.top}
    taxon_ids = taxa.resolve(connection, names, now_ms)
    named = {body.release for _, body in objects if body.release is not None}
    numbers = releases.number(connection, named, now_ms)
    return [
        Incoming(
            record,
            body,
            _place(places, body),
            *clocks.date(record, body, known),
            taxon_id=None if body.taxon is None else taxon_ids[body.taxon],
            release_no=None if body.release is None else numbers[body.release],
            top=tuple((taxon_ids[taxon], score) for taxon, score in body.top),
        )
        for record, body in objects
    ]

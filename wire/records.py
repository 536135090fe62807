"""The records that a device sends: an envelope that names each one for ever, and typed bodies.

Invariant: `(device, epoch, seq)` names a record and never means two things. The device draws
`epoch` anew whenever its outbox is made, and gives `seq` inside the insert transaction, so identity
never depends on a clock. Every body stands alone (it repeats its sample, acquisition and process),
so the shore can take records in any order.

Example:
    >>> body = Health(uptime_s=3.0, pending=0, pending_bytes=0, disk_free_mb=900.0, release="ab12")
    >>> Record(epoch=7, seq=1, kind="health", priority=0, boot=1, mono_ms=3000, utc_ms=None,
    ...        body=as_map(body)).key
    (7, 1)
"""

from dataclasses import dataclass, field, fields
from typing import Any

from wire.checked import FieldError, read, unknown

PRIORITY: dict[str, int] = {
    "health": 0,
    "clock": 0,
    "deployment": 0,
    "answer": 0,
    "gap": 0,
    "context": 0,
    "badframe": 0,
    "frame": 1,
    "summary": 1,
    "object": 2,
    "vignette": 4,
}
"""P0 health and events, P1 summaries, P2 records, P3/P4 wanted/other vignettes, P5 frames."""


@dataclass(frozen=True)
class Record:
    """One record in its envelope. `utc_ms` is None while the device's clock is not trusted;
    `mono_ms` counts from boot number `boot`, so the shore can date the record later."""

    epoch: int
    seq: int
    kind: str
    priority: int
    boot: int
    mono_ms: int
    utc_ms: int | None
    body: dict[str, Any]

    @property
    def key(self) -> tuple[int, int]:
        return self.epoch, self.seq


@dataclass(frozen=True)
class Context:
    """What EcoTaxa keeps above the object, sent whenever it changes."""

    project: str
    sample: str
    acquisition: str
    process: str
    instrument: str
    pixel_um: float
    optical_field: str  # "dark" or "bright"
    software: str
    release: str
    measures_version: int
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FrameSummary:
    """One frame done. `objects` counts the object records that its transaction wrote."""

    frame: str
    frame_index: int
    sample: str
    acquisition: str
    process: str
    width: int
    height: int
    objects: int
    specks: int
    dropped: int
    brightness: float
    ms: dict[str, float]
    utc_ms: int | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    depth_m: float | None = None
    temperature_c: float | None = None


@dataclass(frozen=True)
class ObjectBody:
    """One measured, classified object.

    `measures` is float32 little-endian in the order of `models.measures.MEASURES` at
    `measures_version`; `embedding` is uint16 little-endian (256 times the mean activation); `shape`
    is float32 little-endian [4]. Each is empty when it travels with the vignette instead; `brief`
    then has the measures that an operator filters and counts by, shortened (`wire.brief`). `top`
    holds (taxon, score), best first; it is empty, and `taxon` None, when the object was not
    classified."""

    frame: str
    frame_index: int
    index_in_frame: int
    sample: str
    acquisition: str
    process: str
    bx: int
    by: int
    width: int
    height: int
    esd_um: float
    border: bool
    measures_version: int
    measures: bytes
    embedding: bytes
    shape: bytes
    release: str | None
    taxon: str | None
    score: float | None
    top: tuple[tuple[str, float], ...]
    utc_ms: int | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    depth_m: float | None = None
    temperature_c: float | None = None
    brief: bytes = b""


@dataclass(frozen=True)
class Vignette:
    """The image of the object recorded as `object_seq` of the same epoch, with all that was
    measured on it, exactly: fields as in `ObjectBody`, empty when the object record has them."""

    object_seq: int
    rank: int
    format: str  # "png"
    width: int
    height: int
    data: bytes
    measures_version: int = 0
    measures: bytes = b""
    embedding: bytes = b""
    shape: bytes = b""


@dataclass(frozen=True)
class BadFrame:
    """A frame that could not be used; the device keeps the file in its quarantine."""

    frame: str
    frame_index: int
    reason: str


@dataclass(frozen=True)
class Health:
    uptime_s: float
    pending: int
    pending_bytes: int
    disk_free_mb: float
    release: str | None
    frames: int = 0
    objects: int = 0
    bad_frames: int = 0
    dead: int = 0
    ms_per_frame: float | None = None
    energy_j_per_frame: float | None = None
    temperature_c: float | None = None
    board: str | None = None
    slots: dict[str, str] = field(default_factory=dict)
    carrier: str | None = None
    held: str | None = None
    """The carrier in use, and the budget that holds records back."""


@dataclass(frozen=True)
class Deployment:
    """A step of taking a release. `state` is one of DEPLOYMENT_STATES."""

    deploy_seq: int
    release: str
    state: str
    reason: str = ""
    ms_per_object: float | None = None


DEPLOYMENT_STATES = ("fetching", "verified", "trial", "committed", "rolled_back", "refused")


@dataclass(frozen=True)
class Gap:
    """Records that the device had to give up, counted; seq ranges are inclusive."""

    kind: str
    count: int
    bytes: int
    reason: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Clock:
    """That `mono_ms` of boot number `boot` was `utc_ms`, and who said so: "shore", "system",
    "network". With it the shore dates the records of that boot that carry no date."""

    boot: int
    mono_ms: int
    utc_ms: int
    source: str


@dataclass(frozen=True)
class Summary:
    """Counts per taxon and depth bin as one message of at most 340 bytes (`wire.summary`)."""

    data: bytes


@dataclass(frozen=True)
class Answer:
    """What became of the shore's command `number` (`wire.commands`)."""

    number: int
    ok: bool
    text: str = ""


Body = (
    Context
    | FrameSummary
    | ObjectBody
    | Vignette
    | BadFrame
    | Health
    | Deployment
    | Gap
    | Clock
    | Summary
    | Answer
)

BODIES: dict[str, type[Any]] = {
    "context": Context,
    "frame": FrameSummary,
    "object": ObjectBody,
    "vignette": Vignette,
    "badframe": BadFrame,
    "health": Health,
    "deployment": Deployment,
    "gap": Gap,
    "clock": Clock,
    "summary": Summary,
    "answer": Answer,
}
KIND_OF: dict[type[Any], str] = {cls: kind for kind, cls in BODIES.items()}


def as_map(body: Body) -> dict[str, Any]:
    """The body as a map of CBOR types; fields at None are left out to save bytes."""
    items = ((f.name, getattr(body, f.name)) for f in fields(body))
    return {name: value for name, value in items if value is not None}


def read_body(record: Record) -> Body:
    """The record's typed body. Raises FieldError for an unknown kind or a wrong field."""
    cls = BODIES.get(record.kind)
    if cls is None:
        known = ", ".join(sorted(BODIES))
        raise FieldError(f"Record.kind: expected one of {known}, got '{record.kind}'")
    body: Body = read(cls, record.body)
    return body


def unknown_fields(record: Record) -> tuple[str, ...]:
    """What the record's body says that this version has no field for; its bytes should be kept."""
    cls = BODIES.get(record.kind)
    return () if cls is None else unknown(cls, record.body)

"""What was seen: sample, acquisition, process, object, its values, its images, and what people
said.

Words and levels are EcoTaxa's. Samples belong to a project and a device, so two instruments that
call their acquisition "1" never meet. Device 0 (NO_DEVICE) is none: what was imported from a table.
`free` is JSON {name: text}, the free columns of a level that has few rows; an object's are in
`server.db.tables.free`.
"""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import (
    Base,
    Big,
    Dated,
    Id,
    MaybeBig,
    MaybeMillis,
    Millis,
    Name,
    clockless,
)

NO_DEVICE = 0
"""What came from no instrument of this shore's."""


class Sample(Base):
    __tablename__ = "samples"
    __table_args__ = (UniqueConstraint("project_id", "device_id", "orig_id"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    device_id: Mapped[int] = mapped_column(index=True)
    orig_id: Mapped[Name]
    free: Mapped[str] = mapped_column(server_default="{}")
    created_ms: Mapped[Millis]


class Acquisition(Base):
    """`pixel_um` and the rest stay None until the device's context record is in."""

    __tablename__ = "acquisitions"
    __table_args__ = (UniqueConstraint("sample_id", "orig_id"),)

    id: Mapped[Id]
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id"))
    orig_id: Mapped[Name]
    instrument: Mapped[str | None] = mapped_column(String(250))
    pixel_um: Mapped[float | None]
    optical_field: Mapped[str | None] = mapped_column(String(16))
    free: Mapped[str] = mapped_column(server_default="{}")
    created_ms: Mapped[Millis]


class Process(Base):
    """How frames became objects. `settings` is JSON as the device sent it."""

    __tablename__ = "processes"
    __table_args__ = (UniqueConstraint("acquisition_id", "orig_id"),)

    id: Mapped[Id]
    acquisition_id: Mapped[int] = mapped_column(ForeignKey("acquisitions.id"))
    orig_id: Mapped[Name]
    software: Mapped[str | None] = mapped_column(String(250))
    measures_version: Mapped[int | None]
    settings: Mapped[str | None]
    free: Mapped[str] = mapped_column(server_default="{}")
    created_ms: Mapped[Millis]


class Object(Base):
    """One object and its present state: a view of the events, kept in the same transaction.

    `status` is U, P, D, V or X. `pred_*` and `score` are the latest prediction (0 when there is
    none, so that both databases sort alike). `event_id` is the event whose outcome is the present
    state. `boot` and `mono_ms` are the device's own, as sent; `utc_source` says where `utc_ms` is
    from (`server.db.clocks`). `depth_m` is EcoTaxa's depth_min, `depth_max_m` None when it is the
    same. An imported object has device 0, and a number that its import drew and a running one as
    epoch and seq.

    The rows that this one names are found or made in its own transaction and never deleted; asking
    the database to look each up again would double the cost of an intake on PostgreSQL. So what
    comes by the thousand has no foreign keys, and `server.db.sound` asks the same question at once.
    """

    __tablename__ = "objects"
    __table_args__ = (
        UniqueConstraint("device_id", "epoch", "seq"),
        Index("ix_objects_review", "project_id", "taxon_id", "status", "score", "objid"),
        Index("ix_objects_status", "project_id", "status", "score", "objid"),
        Index("ix_objects_project", "project_id", "objid"),
        Index("ix_objects_place", "acquisition_id", "frame_index", "index_in_frame"),
        clockless("objects"),
    )

    objid: Mapped[Id]
    project_id: Mapped[int]
    sample_id: Mapped[int] = mapped_column(index=True)
    acquisition_id: Mapped[int]
    process_id: Mapped[int]
    device_id: Mapped[int]
    epoch: Mapped[Big]
    seq: Mapped[Big]
    orig_id: Mapped[Name]
    frame_index: Mapped[Big]
    index_in_frame: Mapped[int]
    bx: Mapped[int]
    by: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    esd_um: Mapped[float]
    border: Mapped[bool]
    boot: Mapped[Big]
    mono_ms: Mapped[Big]
    utc_ms: Mapped[MaybeMillis]
    utc_source: Mapped[Dated]
    lat_deg: Mapped[float | None]
    lon_deg: Mapped[float | None]
    depth_m: Mapped[float | None]
    depth_max_m: Mapped[float | None]
    temperature_c: Mapped[float | None]
    status: Mapped[str] = mapped_column(String(1))
    taxon_id: Mapped[int | None]
    pred_taxon_id: Mapped[int | None]
    score: Mapped[float]
    release_no: Mapped[int | None]
    event_id: Mapped[MaybeBig]
    shuffle: Mapped[Big]
    received_ms: Mapped[Millis]


class Sighting(Base):
    """A record that told again of an object that is known: an outbox made anew, or a later release
    (`release_no`) that saw the same frame again."""

    __tablename__ = "sightings"

    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    epoch: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    objid: Mapped[Big] = mapped_column(ForeignKey("objects.objid"), index=True)
    release_no: Mapped[int | None]


class Pack(Base):
    """One append-only file of vignettes (see `server.store.packs`)."""

    __tablename__ = "packs"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    created_ms: Mapped[Millis]


class Image(Base):
    """Where a vignette lies. `objid` is None while its object's record has not come yet. `format`
    is Pillow's name of it; `file_name` what an imported one was called, "" for a device's."""

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("device_id", "epoch", "object_seq", "rank"),
        Index("ix_images_objid", "objid", "rank"),
    )

    id: Mapped[Id]
    objid: Mapped[MaybeBig]
    device_id: Mapped[int]
    epoch: Mapped[Big]
    object_seq: Mapped[Big]
    rank: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    format: Mapped[str] = mapped_column(String(8), server_default="PNG")
    file_name: Mapped[Name] = mapped_column(server_default="")
    pack_id: Mapped[int]
    offset: Mapped[Big]
    length: Mapped[int]


class Count(Base):
    """Objects by project, taxon (0: none) and status, kept with every change; the count is the sum
    over the shards."""

    __tablename__ = "counts"
    __table_args__ = (Index("ix_counts_taxon_id", "taxon_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    taxon_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(1), primary_key=True)
    shard: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[Big]


class ProjectRelease(Base):
    """That a project has objects which this release predicted: nobody need search for them."""

    __tablename__ = "project_releases"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    release_no: Mapped[int] = mapped_column(ForeignKey("releases.no"), primary_key=True)


class Action(Base):
    """One thing that a person did to many objects. `kind` is an action of the review page, "import"
    (what a table said that they had done), "undo" or "redo"; the latter name the action that they
    turned (`target_id`). `undone` marks a person's action that is not in force; rows are never
    deleted."""

    __tablename__ = "actions"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_actions_mine", "project_id", "user_id", "id"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(80))
    request_hash: Mapped[bytes]
    taxon_id: Mapped[int | None] = mapped_column(ForeignKey("taxa.id"))
    target_id: Mapped[MaybeBig] = mapped_column(ForeignKey("actions.id"))
    undone: Mapped[bool]
    changed: Mapped[int]
    created_ms: Mapped[Millis]


class Event(Base):
    """One change, or one later prediction, of one object: append-only, so the history is all of it.

    `action_id` is None for a prediction, which is a release's or a training's; `applied` is False
    for a prediction that met a person's word. `previous_id` is the event whose outcome it replaced.
    There are more of them than of objects, and as little do they look up what they name.
    """

    __tablename__ = "events"

    id: Mapped[Id]
    objid: Mapped[Big] = mapped_column(index=True)
    action_id: Mapped[MaybeBig] = mapped_column(index=True)
    release_no: Mapped[int | None]
    training_id: Mapped[int | None]
    old_status: Mapped[str] = mapped_column(String(1))
    old_taxon_id: Mapped[int | None]
    new_status: Mapped[str] = mapped_column(String(1))
    new_taxon_id: Mapped[int | None]
    score: Mapped[float]
    applied: Mapped[bool]
    previous_id: Mapped[MaybeBig]
    created_ms: Mapped[Millis]

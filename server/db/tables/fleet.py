"""Instruments, releases and who runs what."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Blob, Hash, Id, MaybeBig, MaybeMillis, Millis, Name


class Claim(Base):
    """A one-time invitation for an instrument. Only its SHA-256 is kept. `successor_of`: the device
    that the same instrument was before."""

    __tablename__ = "claims"

    id: Mapped[Id]
    token_hash: Mapped[Hash] = mapped_column(unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    name: Mapped[Name]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_ms: Mapped[Millis]
    expires_ms: Mapped[Millis]
    used_ms: Mapped[MaybeMillis]
    successor_of: Mapped[int | None] = mapped_column(
        ForeignKey("devices.id", use_alter=True, name="fk_claims_successor_of")
    )


class Device(Base):
    """An enrolled instrument. `name_id` is what it calls itself on the link; `counter` the highest
    signed request that was accepted; `health` the latest health record as JSON.

    `next_key` is announced by the device and takes the place of `public_key` with the first request
    that it signs. `predecessor_id` is the device that the same instrument was before.
    """

    __tablename__ = "devices"

    id: Mapped[Id]
    device_id: Mapped[str] = mapped_column(String(40), unique=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), unique=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    name: Mapped[Name]
    board: Mapped[Name]
    software: Mapped[Name]
    public_key: Mapped[bytes] = mapped_column(index=True)
    next_key: Mapped[bytes | None]
    status: Mapped[str] = mapped_column(String(16))
    revoked_ms: Mapped[MaybeMillis]
    predecessor_id: Mapped[int | None] = mapped_column(ForeignKey("devices.id"))
    counter: Mapped[Big]
    enrolled_ms: Mapped[Millis]
    last_seen_ms: Mapped[Millis]
    https_ms: Mapped[MaybeMillis]
    mqtt_ms: Mapped[MaybeMillis]
    release: Mapped[str | None] = mapped_column(String(64))
    epoch: Mapped[MaybeBig]
    health: Mapped[str | None]
    health_epoch: Mapped[MaybeBig]
    health_seq: Mapped[MaybeBig]


class Release(Base):
    """A model bundle by its id. One that a device named but the shore does not hold has no `file`.

    `network` is the SHA-256 of the network in it: embeddings are comparable only within one.
    `signature` is None until someone signed it; only then it can be assigned.
    """

    __tablename__ = "releases"

    no: Mapped[Id]
    release_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[Name]
    file: Mapped[str | None] = mapped_column(String(120))
    network: Mapped[str | None] = mapped_column(String(64))
    classes: Mapped[str]
    figures: Mapped[str]
    parent_no: Mapped[int | None] = mapped_column(ForeignKey("releases.no"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    signature: Mapped[bytes | None]
    created_ms: Mapped[Millis]


class Assignment(Base):
    """What one device shall run from then on; `payload` is the signed assignment as sent."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("device_id", "deploy_seq"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    deploy_seq: Mapped[int]
    release_no: Mapped[int] = mapped_column(ForeignKey("releases.no"))
    payload: Mapped[Blob]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issued_ms: Mapped[Millis]


class DeploymentStep(Base):
    """What a device reported about taking an assignment; append-only."""

    __tablename__ = "deployment_steps"

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), index=True)
    epoch: Mapped[Big]
    seq: Mapped[Big]
    deploy_seq: Mapped[int]
    release: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str]
    ms_per_object: Mapped[float | None]
    received_ms: Mapped[Millis]

"""Work that takes longer than a request: what is asked, how far it is, what came of it."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Id, MaybeMillis, Millis


class Job(Base):
    """`state` is EcoTaxa's letter: P pending, R running, A asking a person, E ended by an error, F
    finished. `params`, `question`, `reply`, `result` are JSON objects, `errors` a JSON list of
    sentences. `worker` runs it and says so at `beat_ms`; one that is silent has lost it.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_waiting", "state", "id"),)

    id: Mapped[Id]
    type: Mapped[str] = mapped_column(String(24))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[str] = mapped_column(String(1))
    params: Mapped[str]
    question: Mapped[str] = mapped_column(server_default="{}")
    reply: Mapped[str] = mapped_column(server_default="{}")
    result: Mapped[str] = mapped_column(server_default="{}")
    errors: Mapped[str] = mapped_column(server_default="[]")
    progress: Mapped[int] = mapped_column(server_default="0")
    message: Mapped[str] = mapped_column(server_default="")
    tries: Mapped[int] = mapped_column(server_default="0")
    worker: Mapped[str] = mapped_column(String(80), server_default="")
    beat_ms: Mapped[MaybeMillis]
    created_ms: Mapped[Millis]
    started_ms: Mapped[MaybeMillis]
    ended_ms: Mapped[MaybeMillis]


class Training(Base):
    """A classifier that was taught on shore and predicted a project's objects: `params` JSON of
    what was asked, `report` JSON of how well it does on objects that it had not seen. `undone_ms`
    is when its predictions were taken back."""

    __tablename__ = "trainings"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(24))
    params: Mapped[str]
    report: Mapped[str]
    created_ms: Mapped[Millis]
    undone_ms: Mapped[MaybeMillis]


class Replaced(Base):
    """The prediction of an object that a training's replaced, by the event that did it: as
    `objects` and `object_values` had it, so that it can be given back whole."""

    __tablename__ = "replaced"

    training_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    objid: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[Big]
    pred_taxon_id: Mapped[int | None]
    score: Mapped[float]
    release_no: Mapped[int | None]
    top: Mapped[str]

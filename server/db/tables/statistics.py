"""What is counted by day, so that nobody need count millions of events: kept in the transaction of
the change itself. A day is a UTC one, as days since 1970."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, MaybeMillis


class CountDay(Base):
    """By how much a project's objects of a status became more on a day, whatever changed them; the
    sum over the shards (see `server.db.counts`)."""

    __tablename__ = "count_days"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(1), primary_key=True)
    shard: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[Big]


class WorkDay(Base):
    """How a person worked in a project on a day. `objects` changed by `actions`; an undo takes off.
    In `sessions` of work, between whose actions are at most five minutes, `active_ms` went by, in
    which `timed` objects were changed. `last_ms` is the latest action."""

    __tablename__ = "work_days"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    actions: Mapped[int]
    objects: Mapped[Big]
    timed: Mapped[Big]
    sessions: Mapped[int]
    active_ms: Mapped[Big]
    last_ms: Mapped[MaybeMillis]


class WorkTaxon(Base):
    """What a person said on a day in a project: how many objects they gave this taxon (0: none) and
    status. What they undid is taken off on the day of the undo."""

    __tablename__ = "work_taxa"
    __table_args__ = (Index("ix_work_taxa_taxon", "project_id", "taxon_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    taxon_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(1), primary_key=True)
    n: Mapped[Big]

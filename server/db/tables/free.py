"""A project's free columns of objects: a table with room for numbers and texts, and their names.

Names are a project's own, as in EcoTaxa: `object_area` is in n003 here and in n017 there. So one
table holds those of all projects, a number is compared and indexed as a number, and a new column
needs no change of the tables. An instrument's measures are put here too, soon after they came
(`server.db.spreading`), so that everybody who asks for `area` finds it, whoever measured it.
"""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import BIG, Base, Big, Id, Name

NUMBERS, TEXTS = 500, 100
"""Columns for numbers and for texts that a project has at most; EcoTaxa has 500 and 20."""
NUMBER_COLUMNS = tuple(f"n{i:03}" for i in range(1, NUMBERS + 1))
TEXT_COLUMNS = tuple(f"t{i:03}" for i in range(1, TEXTS + 1))


class ObjectFree(Base):
    """The free columns of one object; `sunpos` is D, N, U or A as EcoTaxa names day, night,
    dusk and dawn, "" not known; `link` its object_link."""

    __table__ = Table(
        "object_free",
        Base.metadata,
        Column("objid", BIG, primary_key=True, autoincrement=False),
        Column("project_id", Integer, nullable=False),
        Column("sunpos", String(1)),
        Column("link", Text),
        *(Column(name, Float) for name in NUMBER_COLUMNS),
        *(Column(name, Text) for name in TEXT_COLUMNS),
        Index("ix_object_free_project", "project_id", "objid"),
    )


class ProjectColumn(Base):
    """That a project's free column `name` (without its prefix) of objects lies in `place`, a column
    of `object_free`; `rank` is the order in which they came."""

    __tablename__ = "project_columns"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    name: Mapped[Name] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(String(4))
    rank: Mapped[int]


class FreeWaiting(Base):
    """Objects `first` to `last` whose measures have come and are not in their free columns yet:
    those of a batch have one number after the other."""

    __tablename__ = "free_waiting"

    id: Mapped[Id]
    first: Mapped[Big]
    last: Mapped[Big]

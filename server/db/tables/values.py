"""What was measured on objects: in brief with their records, exactly with whichever has it."""

from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Big, Blob, Name


class ObjectValues(Base):
    """The wide part of an object's record, read only when it is looked at. `release_no` is that of
    the record that came first; `brief` is as sent (`models.brief`), and `top` JSON
    [[taxon_id, score], ...], best first: both of the latest prediction."""

    __tablename__ = "object_values"

    objid: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    release_no: Mapped[int | None]
    frame: Mapped[Name]
    measures_version: Mapped[int]
    brief: Mapped[Blob]
    top: Mapped[str]


class ExactValues(Base):
    """Everything that was measured on an object, exactly, from whichever record brought it.

    `measures` float32 [K] and `shape` float32 [4], `embedding` uint16 [C], all little-endian as
    sent; `release_no` is the release whose network made the embedding.
    """

    __tablename__ = "exact_values"

    objid: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    release_no: Mapped[int | None]
    measures_version: Mapped[int]
    measures: Mapped[Blob]
    embedding: Mapped[Blob]
    shape: Mapped[Blob]


class WaitingValues(Base):
    """Exact values whose object's record has not come yet."""

    __tablename__ = "waiting_values"

    device_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    object_seq: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    measures_version: Mapped[int]
    measures: Mapped[Blob]
    embedding: Mapped[Blob]
    shape: Mapped[Blob]

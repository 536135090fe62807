"""Column kinds shared by all tables, chosen so that SQLite and PostgreSQL agree.

An SQLite rowid alias must be declared INTEGER, while PostgreSQL needs BIGINT for fifty million
objects; `Id` says both.
"""

from typing import Annotated

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, mapped_column

BIG = BigInteger().with_variant(Integer, "sqlite")

Id = Annotated[int, mapped_column(BIG, primary_key=True)]
"""A generated int64 primary key."""
Big = Annotated[int, mapped_column(BIG)]
MaybeBig = Annotated[int | None, mapped_column(BIG)]
Millis = Annotated[int, mapped_column(BIG)]
"""Milliseconds since 1970, UTC."""
MaybeMillis = Annotated[int | None, mapped_column(BIG)]
Name = Annotated[str, mapped_column(String(250))]
"""EcoTaxa's text columns hold 250 characters: nothing longer is kept in one."""
Hash = Annotated[bytes, mapped_column(LargeBinary(32))]
"""A SHA-256."""
Blob = Annotated[bytes, mapped_column(LargeBinary)]
Dated = Annotated[str, mapped_column(String(8))]
"""Where a date is from, one of `server.db.clocks.SOURCES`."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the shore."""

    metadata = MetaData(naming_convention=NAMES)


CLOCKLESS = "utc_source IN ('unknown', 'filled')"
"""Rows that a clock record dates; said the same way in the index and in the statement."""


def clockless(table: str) -> Index:
    """The index that finds the rows of one boot that a clock record dates; empty for a device whose
    clock was always known."""
    return Index(
        f"ix_{table}_clockless",
        "device_id",
        "epoch",
        "boot",
        "mono_ms",
        sqlite_where=text(CLOCKLESS),
        postgresql_where=text(CLOCKLESS),
    )

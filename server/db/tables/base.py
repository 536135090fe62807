"""Column kinds shared by all tables, chosen so that SQLite and PostgreSQL agree.

An SQLite rowid alias must be declared INTEGER, while PostgreSQL needs BIGINT for fifty million
objects; `Id` says both.
"""

from typing import Annotated

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, String
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

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of the shore."""

    metadata = MetaData(naming_convention=NAMES)

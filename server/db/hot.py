"""Statements that every batch needs: said once in SQLAlchemy's words, compiled once a database.

SQLAlchemy builds and looks up a statement each time it is run, which costs more than running it.
Rows come as the driver gives them, without SQLAlchemy's conversions.

Example:
    >>> KNOWN = Hot(select(LedgerEntry.seq).where(LedgerEntry.epoch == bindparam("epoch"),
    ...                                           Among(LedgerEntry.seq, "seqs")))
    >>> KNOWN.run(connection, epoch=7, seqs=[1, 2]).all()
    [(1,)]
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    String,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType


class Among(ColumnElement[bool]):
    """That a column's value is in the list given as the parameter `name`: whole numbers, or
    texts."""

    inherit_cache = False
    type: Any = NullType()  # Boolean would be compared with 1

    def __init__(self, column: Any, name: str) -> None:
        self.column, self.name = column, name


@compiles(Among)
def _among(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(element.column, **kw)
    text = isinstance(element.column.type, String)
    listed: Any = ARRAY(String if text else BigInteger)
    form = "{} = ANY({})"
    if compiler.dialect.name == "sqlite":
        listed = _Listed()
        form = "{} IN (SELECT value FROM json_each({}))"
    return form.format(column, compiler.process(bindparam(element.name, type_=listed), **kw))


class _Listed(BigInteger):
    """A list as SQLite takes it."""


@dataclass(frozen=True)
class _Compiled:
    """The statement's text, the names of its parameters where they go by place, what is fixed, and
    which are lists that SQLite takes as JSON."""

    text: str
    places: list[str] | None
    fixed: dict[str, Any]
    lists: set[str]


class Hot:
    """One statement; its parameters are named."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, **values: Any) -> CursorResult[*tuple[Any, ...]]:
        """Run it once. Raises SQLAlchemy's errors."""
        name = connection.dialect.name
        compiled = self._compiled.get(name) or self._compile(connection.dialect)
        given: Any = {**compiled.fixed, **values}
        for listed in compiled.lists:
            given[listed] = json.dumps(given[listed])
        if compiled.places is not None:
            given = tuple([given[place] for place in compiled.places])
        return connection.exec_driver_sql(compiled.text, given)

    def pairs(self, connection: Connection, **values: Any) -> dict[Any, Any]:
        """The first column to the second."""
        return {key: value for key, value in self.run(connection, **values)}  # noqa: C416 # rows

    def _compile(self, dialect: Dialect) -> _Compiled:
        found = self._statement.compile(dialect=dialect)
        fixed = {n: bind.value for n, bind in found.binds.items() if not bind.required}
        lists = {n for n, bind in found.binds.items() if isinstance(bind.type, _Listed)}
        compiled = _Compiled(found.string, found.positiontup, fixed, lists)
        self._compiled[dialect.name] = compiled
        return compiled

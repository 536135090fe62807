"""Statements that every batch needs: said once in SQLAlchemy's words, compiled once a database.

SQLAlchemy builds and looks up a statement each time it is run, which costs more than running it.
So the driver runs it (`server.db.driver`), and rows come as the driver gives them.

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
    Dialect,
    String,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

from server.db import driver
from server.db.driver import Rows


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


def each(columns: tuple[Any, ...], here: Any, key: Any, name: str) -> "Hot":
    """The `columns` of the rows `here` whose `key` is in the list `name` of whole numbers, each of
    them looked up in the index.

    While PostgreSQL has not counted a table that fills, it takes the list for a filter and reads
    all that is `here` for every batch: the first minutes of an instrument then cost the square of
    its records. OFFSET 0 keeps it from merging the two."""
    listed = func.unnest(bindparam(name, type_=ARRAY(BigInteger)))
    asked = listed.table_valued(column("key", BigInteger)).render_derived("asked")
    zero: Any = literal_column("0")
    found = select(*columns).where(here, key == asked.c.key).offset(zero).lateral("found")
    one_by_one = select(*found.c).select_from(asked).join(found, true())
    return Hot(select(*columns).where(here, Among(key, name)), one_by_one)


@dataclass(frozen=True)
class _Compiled:
    """The statement's text, the names of its parameters where they go by place, what is fixed, and
    which are lists that SQLite takes as JSON."""

    text: str
    places: list[str] | None
    fixed: dict[str, Any]
    lists: set[str]


class Hot:
    """One statement; its parameters are named. `postgresql` is said there instead, if given."""

    def __init__(self, statement: Any, postgresql: Any = None) -> None:
        self._statement = statement
        self._postgresql = statement if postgresql is None else postgresql
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, **values: Any) -> Rows:
        """Run it once. Raises SQLAlchemy's errors."""
        name = connection.dialect.name
        compiled = self._compiled.get(name) or self._compile(connection.dialect)
        given: Any = {**compiled.fixed, **values}
        for listed in compiled.lists:
            given[listed] = json.dumps(given[listed])
        if compiled.places is not None:
            given = tuple([given[place] for place in compiled.places])
        return driver.run(connection, compiled.text, given)

    def pairs(self, connection: Connection, **values: Any) -> dict[Any, Any]:
        """The first column to the second."""
        return {key: value for key, value in self.run(connection, **values)}  # noqa: C416 # rows

    def _compile(self, dialect: Dialect) -> _Compiled:
        statement = self._postgresql if dialect.name == "postgresql" else self._statement
        found = statement.compile(dialect=dialect)
        fixed = {n: bind.value for n, bind in found.binds.items() if not bind.required}
        lists = {n for n, bind in found.binds.items() if isinstance(bind.type, _Listed)}
        compiled = _Compiled(found.string, found.positiontup, fixed, lists)
        self._compiled[dialect.name] = compiled
        return compiled

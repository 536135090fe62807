"""The plans of the statements that a piece of work runs: what a benchmark keeps for people to read.

Example:
    >>> plans_of(connection, lambda: objects.page(connection, 1, Filter(), ...))[0].splitlines()[0]
    'SELECT objects.objid FROM objects WHERE ...'
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event


def plans_of(connection: Connection, work: Callable[[], object]) -> list[str]:
    """Each statement and, below it, its plan: EXPLAIN (ANALYZE, BUFFERS) of PostgreSQL, or EXPLAIN
    QUERY PLAN of SQLite. The work runs once for the statements and each of them again."""
    ran: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, given: Any, _x: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith("SELECT") and not many:
            ran.append((statement, given))

    event.listen(connection, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    postgres = connection.dialect.name == "postgresql"
    words = "EXPLAIN (ANALYZE, BUFFERS)" if postgres else "EXPLAIN QUERY PLAN"
    found = []
    for statement, given in ran:
        rows = connection.exec_driver_sql(f"{words} {statement}", given)
        lines = [str(row[-1]) for row in rows]
        found.append("\n".join((" ".join(statement.split()), "", *lines)))
    return found

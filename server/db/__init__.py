"""All SQL of the shore. Everything else calls functions of this package with a connection.

Invariant: no statement outside this package, and none in it that only one of SQLite and PostgreSQL
understands (the few dialect switches are in `server.db.engine` and `server.db.dialect`).

Example:
    >>> with database.write() as connection:
    ...     projects.create(connection, title="Baltic 2026", user_id=1, now_ms=now)
"""

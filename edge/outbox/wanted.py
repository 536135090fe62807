"""Records that the shore wants sooner than their kind: their place in the queue, nothing else.

Every function runs inside the caller's transaction.

Example:
    >>> prefer(database, {(7, 120)})
    {(7, 120)}
"""

from collections.abc import Iterable, Mapping

from edge.outbox.database import Database

WANTED = 3
"""The priority of a vignette that was asked for."""


def prefer(database: Database, objects: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Put the vignettes of these objects (epoch, seq) before the others; the objects found."""
    found = set()
    for epoch, seq in objects:
        database.execute(
            "UPDATE record SET priority = MIN(priority, ?) WHERE epoch = ? AND about = ?",
            (WANTED, epoch, seq),
        )
        if database.connection.changes():
            found.add((epoch, seq))
    return found


def reorder(database: Database, priorities: Mapping[str, int]) -> None:
    """Give waiting records of these kinds their new priority."""
    for kind, priority in priorities.items():
        database.execute(
            "UPDATE record SET priority = ? WHERE kind = ? AND priority != ?",
            (priority, kind, priority),
        )

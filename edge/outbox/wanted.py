"""Records that the shore wants sooner than their kind: their place in the queue, nothing else.

Example:
    >>> prefer(database, {(7, 120)})
    {(7, 120)}
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from wire.checked import FieldError
from wire.codec import CodecError, decode_record

WANTED = 3
"""The priority of a vignette that was asked for."""
AHEAD = 4096
"""A vignette lies at most so many records behind its object: they are committed together."""


class Store(Protocol):
    """What is asked of a database."""

    def execute(self, sql: str, values: tuple[Any, ...] = ()) -> Any: ...


def prefer(store: Store, objects: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Put the vignettes of these objects (epoch, seq) before the others; the objects found.

    Runs inside the caller's transaction."""
    found = set()
    for epoch, seq in objects:
        rows = store.execute(
            "SELECT id, bytes FROM record WHERE epoch = ? AND seq > ? AND seq <= ?"
            " AND kind = 'vignette' ORDER BY seq",
            (epoch, seq, seq + AHEAD),
        )
        for row, blob in list(rows):
            shown = _shows(blob)
            if shown == seq:
                store.execute(
                    "UPDATE record SET priority = MIN(priority, ?) WHERE id = ?", (WANTED, row)
                )
                found.add((epoch, seq))
            elif shown is not None and shown > seq:
                break
    return found


def reorder(store: Store, priorities: Mapping[str, int]) -> None:
    """Give waiting records of these kinds their new priority."""
    for kind, priority in priorities.items():
        store.execute(
            "UPDATE record SET priority = ? WHERE kind = ? AND priority != ?",
            (priority, kind, priority),
        )


def _shows(blob: bytes) -> int | None:
    try:
        seq = decode_record(blob).body.get("object_seq")
    except (CodecError, FieldError):
        return None
    return seq if isinstance(seq, int) else None

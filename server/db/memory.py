"""Keys of rows that never change or go, remembered by a process so that a batch need not ask.

What a transaction found or made is remembered only once it is committed: a key that was rolled back
must not be given to another batch.

Example:
    >>> number = recall(connection, "release", release_id)
    >>> if number is None:
    ...     learn(connection, "release", release_id, find_or_make(release_id))
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

_MOST = 10_000
_KEPT, _NEW = "seadrift_memory", "seadrift_learnt"
Memory = dict[tuple[str, Hashable], Any]


@contextmanager
def remembering(connection: Connection, memory: Memory) -> Iterator[None]:
    """Around a transaction: what it learns goes into `memory` if the block does not raise."""
    learnt: Memory = {}
    connection.info[_KEPT], connection.info[_NEW] = memory, learnt
    yield
    if len(memory) + len(learnt) > _MOST:
        memory.clear()
    memory.update(learnt)


def forget(connection: Connection, *_: Any) -> None:
    """A savepoint was undone: what was learnt since may be gone with it."""
    connection.info.get(_NEW, {}).clear()


def recall(connection: Connection, kind: str, key: Hashable) -> Any:
    """What was committed earlier, or None; in a write transaction."""
    memory: Memory = connection.info[_KEPT]
    return memory.get((kind, key))


def learn(connection: Connection, kind: str, key: Hashable, value: Any) -> None:
    """Remember it with the commit."""
    connection.info[_NEW][kind, key] = value

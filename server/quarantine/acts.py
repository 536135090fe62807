"""What a person does with entries: repair one, replay or discard one or many, each with its trace.

Example:
    >>> many(lambda entry: discard(database, entry, actor, "a test", now), [1, 2])
    Done(done=2, refused=())
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from server.db import quarantine
from server.db.engine import Database
from server.quarantine.actor import Actor
from server.quarantine.repair import RepairError, repaired
from server.quarantine.replay import NoEntryError, RefusedReplayError


@dataclass(frozen=True)
class Done:
    """What became of many: how many were done, and (id, why not) of the others."""

    done: int
    refused: tuple[tuple[int, str], ...]


class SettledError(ValueError):
    """The entry was taken in before; it cannot be changed any more."""


def repair(
    database: Database, entry_id: int, by: Actor, text: str | None, drop: Sequence[str], now_ms: int
) -> None:
    """Keep repaired bytes beside the original ones. Raises NoEntryError, RepairError,
    SettledError."""
    with database.write() as connection:
        kept = quarantine.get(connection, entry_id, lock=True)
        if kept is None:
            raise NoEntryError(entry_id)
        _refuse_replayed(kept.state)
        data = repaired(kept, text, drop)
        if data == (kept.data if kept.repaired is None else kept.repaired):
            raise RepairError("nothing was changed: replay it as it is")
        said = f"without {', '.join(drop)}" if drop else "edited"
        quarantine.add_event(connection, entry_id, "repair", by.who, said, now_ms, data)
        by.note(connection, "repair", entry_id, said, now_ms)


def discard(database: Database, entry_id: int, by: Actor, reason: str, now_ms: int) -> None:
    """Decide that an entry is not wanted; its bytes stay. Raises NoEntryError, SettledError."""
    with database.write() as connection:
        kept = quarantine.get(connection, entry_id, lock=True)
        if kept is None:
            raise NoEntryError(entry_id)
        _refuse_replayed(kept.state)
        if kept.state != "discarded":
            quarantine.add_event(connection, entry_id, "discard", by.who, reason, now_ms)
            by.note(connection, "discard", entry_id, reason, now_ms)


def _refuse_replayed(state: str) -> None:
    if state == "replayed":
        raise SettledError("it was taken in before")


def many(act: Callable[[int], object], ids: Iterable[int]) -> Done:
    """Do `act` with each entry, each in its own transaction; one that is refused stops no other."""
    done, refused = 0, []
    for entry_id in ids:
        try:
            act(entry_id)
            done += 1
        except NoEntryError:
            refused.append((entry_id, "there is no such entry"))
        except (RefusedReplayError, SettledError) as error:
            refused.append((entry_id, str(error)))
    return Done(done, tuple(refused))

"""What a device needs, said in words and in order; and asked of the database in few queries."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from server.clock import now_ms
from server.fleet.attention import level, needs
from server.fleet.states import details, states
from server.shore import Shore
from server.simulated import SimulatedDevice, make_record
from wire.records import Gap, Health

NOW = 10**12
ROW: dict[str, Any] = {
    "status": "active", "last_seen_ms": NOW - 5000, "deployment": None, "dead": 0, "gaps": 0,
    "quarantine": 0, "pending": 5, "pending_day_ago": 5, "clock_trusted": True, "health": None,
}  # fmt: skip
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("changes", "words", "expected"),
    [
        ({}, [], "well"),
        ({"last_seen_ms": NOW - HOUR}, ["quiet for 60 min"], "late"),
        ({"last_seen_ms": NOW - 50 * HOUR}, ["silent for 2 d"], "silent"),
        ({"last_seen_ms": 0}, ["never seen"], "new"),
        ({"clock_trusted": False}, ["its clock is not trusted"], "well"),
        ({"clock_trusted": None}, [], "well"),
        ({"gaps": 1, "dead": 2},
         ["2 records set aside on the device", "1 record given up by the device"], "trouble"),
        ({"pending": 900, "pending_day_ago": 300},
         ["falls behind: 900 records wait, 300 a day ago"], "trouble"),
        ({"pending": 90, "pending_day_ago": 3}, [], "well"),
        ({"quarantine": 1}, ["1 entry in the quarantine"], "trouble"),
        ({"health": {"disk_free_mb": 20.4}}, ["its disk is nearly full: 20 MB free"], "trouble"),
        ({"deployment": {"state": "refused", "release_name": "r2", "reason": "slow"}},
         ["release r2 was refused: slow"], "trouble"),
        ({"status": "revoked", "gaps": 4, "quarantine": 2}, ["2 entries in the quarantine"],
         "revoked"),
    ],
)  # fmt: skip
def test_needs(changes: dict[str, Any], words: list[str], expected: str) -> None:
    row = {**ROW, **changes}
    found = needs(row, NOW)
    assert [need.words for need in found] == words
    assert level(row, found) == expected


@pytest.mark.databases
def test_the_worst_comes_first_in_as_many_queries_for_one_as_for_many(
    shore: Shore, enrol: Callable[[str], SimulatedDevice]
) -> None:
    names = [f"d{n:02d}" for n in range(12)]
    devices = [enrol(name) for name in names]
    devices[4].ingest([make_record(1, Gap("object", 2, 9, "full", ((2, 3),)))])
    devices[7].ingest([make_record(1, Health(1.0, 0, 0, 9000.0, None, dead=1))])
    asked: list[str] = []

    def count(*args: Any) -> None:
        asked.append(str(args[2]))

    event.listen(shore.database.engine, "before_cursor_execute", count)
    with shore.database.read() as connection:
        rows = states(connection, now_ms())
        queries = len(asked)
        found = details(connection, devices[4].device_id, now_ms())
        nobody = details(connection, "d-nobody", now_ms())
    event.remove(shore.database.engine, "before_cursor_execute", count)
    assert [row["name"] for row in rows[:3]] == ["d07", "d04", "d00"]
    assert queries <= 8
    assert found is not None
    assert found["gap_days"][0]["n"] == 2
    assert nobody is None

"""The promise of the whole loop: SIGKILL of either side at any moment loses and duplicates nothing.

Real processes, a real network and a real database: the stage of the demonstration, with the shore
and the instruments killed without a goodbye, twenty times, at random moments, and the link cut
besides. What counts is the reckoning between the two sides' own books.
"""

import random
import time
from pathlib import Path

import pytest

from server.demo.account import reckon
from server.demo.story import Plan, Stage
from tests.faults.laboratory import report

KILLS = 20


@pytest.mark.faults
@pytest.mark.timeout(420)
@pytest.mark.xdist_group("loop")
def test_twenty_kills_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    plan = Plan(
        folder=tmp_path / "demo", density=12, interval_s=0.05, width=1024, height=768, port=0
    )
    stage = Stage(plan)
    chance = random.Random(20)
    killed = dict.fromkeys(("shore", *stage.instruments), 0)
    try:
        for instrument in stage.instruments.values():
            instrument.start()
        for turn in range(KILLS):
            # The moment is what is random here; nothing is concluded from how long anything took.
            time.sleep(chance.uniform(0.1, 1.6))
            victim = chance.choice([stage.shore, *stage.instruments.values()])
            victim.kill()
            killed[victim.name] += 1
            if turn % 5 == 2:
                stage.link.cut()
            victim.start()
            stage.link.restore()
        before = sum(f["objects"] for f in stage.frames())
        stage.until("going on after the last kill", lambda: _objects(stage) > before)
        statuses = stage.finish()
        account = reckon(statuses, stage.frames(), stage.operator.objects(stage.project))
        print(f"\nkilled {killed}; {account}")
    finally:
        stage.close()
        stage.shore.kill()
    assert sum(killed.values()) == KILLS
    assert min(killed.values()) > 0
    assert account.frames > KILLS
    assert account.pending == 0
    report(
        "once",
        "SIGKILL of shore or instrument at a random moment, four of them with the link cut",
        times=KILLS,
        lost=account.lost,
        duplicated=account.duplicated,
    )


def _objects(stage: Stage) -> int:
    return sum(f["objects"] for f in stage.frames())

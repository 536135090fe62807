"""Two hundred instruments at once; a database that is killed while they send."""

import threading
import time
from pathlib import Path

import pytest

from server.bench import postgres
from server.demo.processes import Shore
from server.demo.story import free_port
from tests.faults.crowd import BATCHES, PASSWORD, Crowd
from tests.faults.laboratory import report

pytestmark = [pytest.mark.faults, pytest.mark.slow_faults, pytest.mark.timeout(600)]
INSTRUMENTS, KILLS = 200, 5


def test_two_hundred_instruments_at_once(tmp_path: Path) -> None:
    shore = Shore(tmp_path / "shore", free_port(0), PASSWORD)
    shore.start()
    try:
        crowd = Crowd(shore, INSTRUMENTS)
        crowd.send()
        lost, twice = crowd.books()
    finally:
        shore.kill()
    times = INSTRUMENTS * BATCHES * 2
    what = f"batches of {INSTRUMENTS} instruments at once, each sent twice, SQLite"
    report("many", what, times=times, lost=lost, duplicated=twice)


def test_a_database_that_is_killed_while_they_send(tmp_path: Path) -> None:
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.private_postgres() as server:
        shore = Shore(tmp_path / "shore", free_port(0), PASSWORD)
        shore.start("--database", server.create("crowd"))
        try:
            crowd = Crowd(shore, INSTRUMENTS)
            running = [server]
            ended = threading.Event()

            def kill() -> None:
                for _ in range(KILLS):
                    time.sleep(1.0)  # what is being written just then is what is random here
                    running[-1].kill()
                    running.append(postgres.start(programs, server.folder))
                ended.set()

            killer = threading.Thread(target=kill)
            killer.start()
            crowd.send()
            killer.join()
            assert ended.is_set()
            lost, twice = crowd.books()
        finally:
            shore.kill()
            if len(running) > 1:
                running[-1].kill()
    what = f"PostgreSQL killed while {INSTRUMENTS} instruments send"
    report("servers", what, times=KILLS, lost=lost, duplicated=twice)
    what = f"batches of {INSTRUMENTS} instruments at once, each sent twice, PostgreSQL killed too"
    report("many", what, times=INSTRUMENTS * BATCHES * 2, lost=lost, duplicated=twice)

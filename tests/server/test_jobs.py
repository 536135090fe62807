"""Jobs: one worker at a time does each, none is lost with its worker, a person can answer."""

import threading
from typing import Any

import pytest

from server.clock import now_ms
from server.db import jobs
from server.db.jobs import SILENT_MS, TRIES, JobInfo, JobLostError
from server.jobs import kinds
from server.jobs.context import JobContext, JobFailedError
from server.jobs.worker import job_folder, run_one, run_waiting
from server.shore import Shore

pytestmark = pytest.mark.databases


@pytest.fixture(autouse=True)
def own_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds of jobs that tests need."""

    def double(job: JobContext) -> dict[str, Any]:
        job.progress(10, "began")
        return {"twice": 2 * job.params["n"]}

    def who(job: JobContext) -> dict[str, Any]:
        if "name" not in job.reply:
            job.ask({"missing": ["J. Smith"]})
        return {"name": job.reply["name"]}

    def refuse(_job: JobContext) -> dict[str, Any]:
        raise JobFailedError(["line 3: expected a number", "line 9: no such file"])

    def err(_job: JobContext) -> dict[str, Any]:
        raise ZeroDivisionError("a mistake")

    for kind in (double, who, refuse, err):
        monkeypatch.setitem(kinds.KINDS, kind.__name__, kind)


def add(shore: Shore, kind: str, **params: Any) -> int:
    with shore.database.write() as connection:
        return jobs.add(
            connection, kind, project_id=None, user_id=1, params=params, now_ms=now_ms()
        )


def get(shore: Shore, job_id: int) -> JobInfo:
    with shore.database.read() as connection:
        found = jobs.get(connection, job_id)
    assert found is not None
    return found


def test_jobs_are_done_in_their_order_and_say_what_came_of_them(shore: Shore) -> None:
    first, second = add(shore, "double", n=4), add(shore, "double", n=5)
    assert run_one(shore, "w")
    assert (get(shore, first).state, get(shore, second).state) == ("F", "P")
    assert run_waiting(shore) == 1
    assert [get(shore, n).result for n in (first, second)] == [{"twice": 8}, {"twice": 10}]
    assert not run_one(shore, "w")


def test_a_job_that_asks_goes_on_with_the_answer(shore: Shore) -> None:
    job_id = add(shore, "who")
    run_waiting(shore)
    asked = get(shore, job_id)
    assert (asked.state, asked.question) == ("A", {"missing": ["J. Smith"]})
    assert run_waiting(shore) == 0
    with shore.database.write() as connection:
        assert jobs.answer(connection, job_id, {"name": "Jo"})
        assert not jobs.answer(connection, job_id, {"name": "another"})
    run_waiting(shore)
    assert get(shore, job_id).result == {"name": "Jo"}


def test_errors_are_told_and_a_mistake_of_ours_ends_one_job_alone(shore: Shore) -> None:
    refused, failed, fine = add(shore, "refuse"), add(shore, "err"), add(shore, "double", n=1)
    assert run_waiting(shore) == 3
    assert get(shore, refused).errors == ["line 3: expected a number", "line 9: no such file"]
    assert get(shore, failed).state == "E"
    assert "ZeroDivisionError" not in " ".join(get(shore, failed).errors)
    log = job_folder(shore.settings.jobs, failed) / "log.txt"
    assert "ZeroDivisionError: a mistake" in log.read_text()
    assert get(shore, fine).state == "F"


def test_a_dead_worker_loses_its_job_and_a_job_that_kills_is_given_up(shore: Shore) -> None:
    job_id, now = add(shore, "double", n=1), now_ms()
    for attempt in range(TRIES):
        with shore.database.write() as connection:
            later = now + attempt * (SILENT_MS + 1)
            assert jobs.claim(connection, f"w{attempt}", later)
            assert jobs.claim(connection, "greedy", later) is None
    with shore.database.write() as connection:
        with pytest.raises(JobLostError):
            jobs.finish(connection, job_id, "w0", {}, now)
        assert jobs.claim(connection, "w9", now + 9 * SILENT_MS) is None
    found = get(shore, job_id)
    assert (found.state, found.errors) == ("E", [f"given up: its worker died {TRIES} times"])
    with shore.database.write() as connection:
        assert jobs.restart(connection, job_id)
    run_waiting(shore)
    assert get(shore, job_id).state == "F"


def test_several_workers_do_each_job_once(shore: Shore) -> None:
    wanted = [add(shore, "double", n=n) for n in range(24)]
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(run_waiting(shore))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [get(shore, n).result["twice"] for n in wanted] == [2 * n for n in range(24)]
    assert [get(shore, n).tries for n in wanted] == [1] * 24


def test_what_a_worker_says_of_a_job_that_was_removed_is_not_believed(shore: Shore) -> None:
    job_id = add(shore, "double", n=1)
    with shore.database.write() as connection:
        assert jobs.claim(connection, "w", now_ms())
        jobs.remove(connection, job_id)
        with pytest.raises(JobLostError):
            jobs.beat(connection, job_id, "w", 50, "half", now_ms())

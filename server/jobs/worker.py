"""Runs jobs, one at a time: claims the oldest, does it, says what came of it.

A job's files are in `jobs/<number>/` of the data folder: `log.txt`, and what it made. While a job's
code is at work a thread says every few seconds that it lives, so a long step is not taken for
death.

Example:
    >>> run_waiting(shore)   # everything that waits, here and now
    2
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.clock import now_ms
from server.db import jobs, spreading, taxa_merge
from server.db.jobs import JobInfo, JobLostError
from server.jobs.context import AskError, JobContext, JobFailedError
from server.jobs.kinds import KINDS
from server.shore import Shore

LOG = logging.getLogger("seadrift.jobs")
POLL_S = 0.25
_ALIVE_S = 10.0
_CARRY_S = 30.0


def worker_name() -> str:
    """A name that no other worker has."""
    return f"{socket.gethostname()[:40]}/{os.getpid()}/{os.urandom(4).hex()}"


def work(shore: Shore, stop: threading.Event) -> None:
    """Run jobs until `stop` is set."""
    worker, looked_s = worker_name(), -_CARRY_S
    while not stop.is_set():
        try:
            busy = run_one(shore, worker) or spread_some(shore)
            if not busy and time.monotonic() - looked_s >= _CARRY_S:
                busy = carry_some(shore)
                looked_s = looked_s if busy else time.monotonic()
        except Exception:
            LOG.exception("the worker of jobs met an error; it goes on")
            busy = False
        if not busy:
            stop.wait(POLL_S)


def spread_some(shore: Shore) -> bool:
    """Give objects that wait for it their free columns; False when none does."""
    with shore.database.read() as connection:
        if not spreading.is_behind(connection):
            return False
    with shore.database.write() as connection:
        spreading.spread(connection)
    return True


def carry_some(shore: Shore) -> bool:
    """Move objects of merged taxa: what a large merge left, and what came from whoever had looked
    the taxon up before; False when there are none."""
    with shore.database.read() as connection:
        if not taxa_merge.is_behind(connection):
            return False
    with shore.database.write() as connection:
        taxa_merge.carry(connection)
    return True


def run_waiting(shore: Shore) -> int:
    """Run every job that waits; how many there were."""
    worker, count = worker_name(), 0
    while carry_some(shore):
        pass
    while spread_some(shore):
        pass
    while run_one(shore, worker):
        count += 1
    return count


def wait_for(shore: Shore, job_id: int) -> JobInfo:
    """Run jobs until this one has ended or asks, here or by another worker. Raises
    JobLostError."""
    worker = worker_name()
    while True:
        with shore.database.read() as connection:
            info = jobs.get(connection, job_id)
        if info is None:
            raise JobLostError(f"job {job_id} was taken back")
        if info.state not in (jobs.PENDING, jobs.RUNNING):
            return info
        if not run_one(shore, worker):
            time.sleep(POLL_S)


def run_one(shore: Shore, worker: str) -> bool:
    """Claim a job and run it to its end or its question; False when none waits."""
    with shore.database.read() as connection:
        if not jobs.is_waiting(connection, now_ms()):
            return False
    with shore.database.write() as connection:
        info = jobs.claim(connection, worker, now_ms())
    if info is not None:
        run_claimed(shore, info, worker)
    return True


def run_claimed(shore: Shore, info: JobInfo, worker: str) -> None:
    """Run a job that this worker has claimed to its end or its question."""
    folder = job_folder(shore.settings.jobs, info.job_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _logged(folder / "log.txt", info) as log, _alive(shore, info, worker):
        end = _do(JobContext(shore, info, worker, folder, log))
    try:
        with shore.database.write() as connection:
            end(connection)
    except JobLostError as error:
        LOG.warning("%s: what it did is not told", error)


def job_folder(jobs_folder: Path, job_id: int) -> Path:
    return jobs_folder / str(job_id)


def _do(job: JobContext) -> Callable[[Any], None]:
    """Run the job's code; what is then to be entered of it."""
    job_id, worker = job.info.job_id, job.worker
    try:
        result = KINDS[job.info.type](job)
    except AskError as asked:
        question = asked.question
        job.log.info("asks")
        return lambda c: jobs.ask(c, job_id, worker, question, now_ms())
    except JobFailedError as failed:
        errors = failed.errors
        job.log.error("not done: %s", "; ".join(errors[:20]))
        return lambda c: jobs.fail(c, job_id, worker, errors, now_ms())
    except JobLostError as lost:
        job.log.warning("%s", lost)
        return lambda _: None
    except Exception:
        job.log.exception("a mistake of the program")
        LOG.exception("job %s (%s)", job_id, job.info.type)
        said = ["The shore made a mistake; it is in the job's log."]
        return lambda c: jobs.fail(c, job_id, worker, said, now_ms())
    job.log.info("done")
    return lambda c: jobs.finish(c, job_id, worker, result, now_ms())


@contextmanager
def _logged(path: Path, info: JobInfo) -> Iterator[logging.Logger]:
    """A log of the job's own."""
    log = logging.Logger(f"job {info.job_id}", logging.INFO)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.info("%s, try %s", info.type, info.tries)
    try:
        yield log
    finally:
        handler.close()


@contextmanager
def _alive(shore: Shore, info: JobInfo, worker: str) -> Iterator[None]:
    done = threading.Event()

    def tell() -> None:
        while not done.wait(_ALIVE_S):
            try:
                with shore.database.write() as connection:
                    jobs.touch(connection, info.job_id, worker, now_ms())
            except JobLostError:
                return
            except Exception:
                LOG.exception("job %s: could not say that it lives", info.job_id)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

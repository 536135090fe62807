"""The job table: asked for, claimed by one worker, answered, ended.

Invariant: one worker at a time runs a job. A worker that dies leaves a job whose beat grows old;
another takes it over, at most TRIES times, so a job must be able to begin again. On PostgreSQL
workers pass over what another is claiming (SKIP LOCKED); on SQLite writers take turns anyway.

Example:
    >>> job_id = add(connection, "export", project_id=1, user_id=2, params={}, now_ms=n)
    >>> claim(connection, worker="a", now_ms=n).job_id == job_id
    True
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from server.db.tables import Job

SILENT_MS = 60_000
"""A job whose worker did not say for so long that it lives is taken over."""
TRIES = 3
PENDING, RUNNING, ASKING, ERROR, FINISHED = "P", "R", "A", "E", "F"
ENDED = (ERROR, FINISHED)


@dataclass(frozen=True)
class JobInfo:
    job_id: int
    type: str
    project_id: int | None
    user_id: int
    state: str
    params: dict[str, Any]
    question: dict[str, Any]
    reply: dict[str, Any]
    result: dict[str, Any]
    errors: list[str]
    progress: int
    message: str
    tries: int
    worker: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    beat_ms: int | None


class JobLostError(RuntimeError):
    """The job is not this worker's any more: it was taken over, or taken back."""


def add(
    connection: Connection,
    type_: str,
    *,
    project_id: int | None,
    user_id: int,
    params: Mapping[str, Any],
    now_ms: int,
) -> int:
    """A new job's number; a worker finds it."""
    values = {
        "type": type_,
        "project_id": project_id,
        "user_id": user_id,
        "state": PENDING,
        "params": json.dumps(params),
        "created_ms": now_ms,
    }
    return int(connection.execute(insert(Job).values(values).returning(Job.id)).scalar_one())


def claim(connection: Connection, worker: str, now_ms: int) -> JobInfo | None:
    """The oldest job that nobody runs, now this worker's; None when there is none. One that was
    tried too often ends as an error."""
    query = select(Job.id, Job.tries).where(_free(now_ms)).order_by(Job.id).limit(1)
    row = connection.execute(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    if row.tries >= TRIES:
        said = [f"given up: its worker died {row.tries} times"]
        _set(connection, row.id, state=ERROR, errors=json.dumps(said), ended_ms=now_ms)
        return None
    _set(
        connection,
        row.id,
        state=RUNNING,
        worker=worker,
        tries=row.tries + 1,
        beat_ms=now_ms,
        started_ms=now_ms,
        message="",
        progress=0,
    )
    return get(connection, row.id)


def claim_this(connection: Connection, job_id: int, worker: str, now_ms: int) -> JobInfo | None:
    """The job, now this worker's, if it is pending; in the transaction that made it nobody else
    can have seen it."""
    changed = connection.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == PENDING)
        .values(
            state=RUNNING, worker=worker, tries=Job.tries + 1, beat_ms=now_ms, started_ms=now_ms,
            message="", progress=0,
        )
    )  # fmt: skip
    return get(connection, job_id) if changed.rowcount else None


def is_waiting(connection: Connection, now_ms: int) -> bool:
    """Whether a worker would find something: asked often, so it only reads."""
    return connection.execute(select(Job.id).where(_free(now_ms)).limit(1)).first() is not None


def _free(now_ms: int) -> Any:
    silent = and_(Job.state == RUNNING, Job.beat_ms < now_ms - SILENT_MS)
    return or_(Job.state == PENDING, silent)


def touch(connection: Connection, job_id: int, worker: str, now_ms: int) -> None:
    """Say that the worker lives. Raises JobLostError."""
    _mine(connection, job_id, worker, beat_ms=now_ms)


def beat(
    connection: Connection, job_id: int, worker: str, progress: int, message: str, now_ms: int
) -> None:
    """Say that the worker lives and how far it is, in percent. Raises JobLostError."""
    _mine(connection, job_id, worker, beat_ms=now_ms, progress=progress, message=message[:500])


def ask(
    connection: Connection, job_id: int, worker: str, question: Mapping[str, Any], now_ms: int
) -> None:
    """Leave the job until a person answers. Raises JobLostError."""
    _mine(
        connection, job_id, worker, state=ASKING, question=json.dumps(question), beat_ms=now_ms,
        tries=0,
    )  # fmt: skip


def answer(connection: Connection, job_id: int, reply: Mapping[str, Any]) -> bool:
    """Go on with the job that asks; False when it does not ask."""
    changed = connection.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == ASKING)
        .values(state=PENDING, reply=json.dumps(reply))
    )
    return bool(changed.rowcount)


def keep_result(
    connection: Connection, job_id: int, worker: str, result: Mapping[str, Any], now_ms: int
) -> None:
    """Keep the result in the transaction that makes it, before the job is ended: whoever takes the
    job over then finds it done. Raises JobLostError, which undoes that transaction."""
    _mine(connection, job_id, worker, result=json.dumps(result), beat_ms=now_ms)


def finish(
    connection: Connection, job_id: int, worker: str, result: Mapping[str, Any], now_ms: int
) -> None:
    """Raises JobLostError."""
    _mine(
        connection, job_id, worker, state=FINISHED, result=json.dumps(result), progress=100,
        message="done", ended_ms=now_ms,
    )  # fmt: skip


def fail(
    connection: Connection, job_id: int, worker: str, errors: Sequence[str], now_ms: int
) -> None:
    """Raises JobLostError."""
    _mine(connection, job_id, worker, state=ERROR, errors=json.dumps(list(errors)), ended_ms=now_ms)


def restart(connection: Connection, job_id: int) -> bool:
    """Try a job that ended by an error, or that asks, from the beginning; False when it does
    neither."""
    changed = connection.execute(
        update(Job)
        .where(Job.id == job_id, Job.state.in_((ERROR, ASKING)))
        .values(state=PENDING, tries=0, errors="[]", question="{}", reply="{}", ended_ms=None)
    )
    return bool(changed.rowcount)


def remove(connection: Connection, job_id: int) -> None:
    """Forget a job; a worker that runs it loses it."""
    connection.execute(delete(Job).where(Job.id == job_id))


def get(connection: Connection, job_id: int) -> JobInfo | None:
    row = connection.execute(select(Job).where(Job.id == job_id)).first()
    return None if row is None else _info(row)


def all_jobs(
    connection: Connection,
    *,
    user_id: int | None = None,
    project_id: int | None = None,
    type: str | None = None,
    limit: int = 200,
) -> list[JobInfo]:
    """The newest first, of a person, a project or a type if given."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if user_id is not None:
        query = query.where(Job.user_id == user_id)
    if project_id is not None:
        query = query.where(Job.project_id == project_id)
    if type is not None:
        query = query.where(Job.type == type)
    return [_info(row) for row in connection.execute(query)]


def seen_by(
    connection: Connection,
    *,
    user_id: int,
    managed: Sequence[int],
    everything: bool,
    project_id: int | None,
    limit: int,
) -> list[JobInfo]:
    """The newest first: a person's own, and those of the projects that they manage."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if not everything:
        query = query.where(or_(Job.user_id == user_id, Job.project_id.in_(managed)))
    if project_id is not None:
        query = query.where(Job.project_id == project_id)
    return [_info(row) for row in connection.execute(query)]


def _mine(connection: Connection, job_id: int, worker: str, **values: Any) -> None:
    """Set what a worker says of a job that it runs."""
    changed = connection.execute(
        update(Job)
        .where(Job.id == job_id, Job.worker == worker, Job.state == RUNNING)
        .values(values)
    )
    if not changed.rowcount:
        raise JobLostError(f"job {job_id} is not run by {worker} any more")


def _set(connection: Connection, job_id: int, **values: Any) -> None:
    connection.execute(update(Job).where(Job.id == job_id).values(values))


def _info(row: Any) -> JobInfo:
    read = json.loads
    return JobInfo(
        row.id, row.type, row.project_id, row.user_id, row.state,
        read(row.params), read(row.question), read(row.reply), read(row.result), read(row.errors),
        row.progress, row.message, row.tries, row.worker,
        row.created_ms, row.started_ms, row.ended_ms, row.beat_ms,
    )  # fmt: skip

"""What a job's code is given: the shore, what was asked, and ways to say how far it is.

A job's code is a function of this; what it returns is the result. It may be begun again after a
crash, so what it did before must not be done twice: write in one transaction, or know what is
there.

Example:
    >>> def count(job: JobContext) -> dict[str, Any]:
    ...     job.progress(50, "half of it")
    ...     return {"objects": 2}
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from server.clock import now_ms
from server.db import jobs
from server.db.jobs import JobInfo
from server.shore import Shore

_BEAT_S = 1.0


class AskError(Exception):
    """The job needs a person's answer before it can go on; not an error of its own."""

    def __init__(self, question: Mapping[str, Any]) -> None:
        super().__init__("the job asks")
        self.question = question


class JobFailedError(Exception):
    """The job cannot be done as asked; `errors` are sentences for whoever asked."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors[:3]))
        self.errors = list(errors)


@dataclass
class JobContext:
    """`folder` is the job's own, for its log and for the file that it makes."""

    shore: Shore
    info: JobInfo
    worker: str
    folder: Path
    log: logging.Logger
    _told_s: float = field(default=0.0)

    @property
    def params(self) -> dict[str, Any]:
        return self.info.params

    @property
    def reply(self) -> dict[str, Any]:
        """What a person answered to the job's question; empty before."""
        return self.info.reply

    def progress(self, percent: float, message: str) -> None:
        """Say how far it is; as often as one likes. Raises JobLostError when the job was taken
        over or taken back: whoever runs it then must stop."""
        now_s = time.monotonic()
        if now_s - self._told_s < _BEAT_S:
            return
        self._told_s = now_s
        with self.shore.database.write() as connection:
            percent = max(0, min(99, int(percent)))
            jobs.beat(connection, self.info.job_id, self.worker, percent, message, now_ms())

    def ask(self, question: Mapping[str, Any]) -> NoReturn:
        """Leave the job until somebody answers; it then begins again, with `reply`."""
        raise AskError(question)

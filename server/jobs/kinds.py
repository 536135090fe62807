"""Which code does which kind of job.

Example:
    >>> KINDS["export"](job)
"""

from collections.abc import Callable
from typing import Any

from server.jobs.context import JobContext


def _import(job: JobContext) -> dict[str, Any]:
    from server.ecotaxa.load_job import run_import

    return run_import(job)


def _export(job: JobContext) -> dict[str, Any]:
    from server.exports.job import run_job

    return run_job(job)


def _similar(job: JobContext) -> dict[str, Any]:
    from server.jobs import similar

    return similar.run(job)


KINDS: dict[str, Callable[[JobContext], dict[str, Any]]] = {
    "import": _import,
    "export": _export,
    "similar": _similar,
}
"""By the job's `type`; the code is imported when it is run, since it brings heavy libraries."""

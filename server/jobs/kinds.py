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


def _index(job: JobContext) -> dict[str, Any]:
    from server.jobs import indexes

    return indexes.run(job)


def _similar(job: JobContext) -> dict[str, Any]:
    from server.jobs import similar

    return similar.run(job)


def _predict(job: JobContext) -> dict[str, Any]:
    from server.prediction.job import run

    return run(job)


def _unpredict(job: JobContext) -> dict[str, Any]:
    from server.prediction.undo import run

    return run(job)


KINDS: dict[str, Callable[[JobContext], dict[str, Any]]] = {
    "export": _export,
    "import": _import,
    "index": _index,
    "predict": _predict,
    "similar": _similar,
    "unpredict": _unpredict,
}
"""By the job's `type`; the code is imported when it is run, since it brings heavy libraries."""

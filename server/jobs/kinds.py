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


KINDS: dict[str, Callable[[JobContext], dict[str, Any]]] = {"import": _import}
"""By the job's `type`; the code is imported when it is run, since it brings heavy libraries."""

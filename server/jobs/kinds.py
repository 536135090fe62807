"""Which code does which kind of job.

Example:
    >>> KINDS["predict"](job)
"""

import importlib
from collections.abc import Callable
from typing import Any

from server.jobs.context import JobContext

Run = Callable[[JobContext], dict[str, Any]]


def _later(module: str, name: str = "run") -> Run:
    """The function `name` of a module that is imported when the job is run: it brings heavy
    libraries."""

    def run(job: JobContext) -> dict[str, Any]:
        found: Run = getattr(importlib.import_module(module), name)
        return found(job)

    return run


KINDS: dict[str, Run] = {
    "predict": _later("server.prediction.job"),
    "unpredict": _later("server.prediction.undo"),
}
"""By the job's `type`."""

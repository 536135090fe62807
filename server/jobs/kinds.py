"""Which code does which kind of job.

Example:
    >>> KINDS["export"](job)
"""

from collections.abc import Callable
from typing import Any

from server.jobs.context import JobContext

KINDS: dict[str, Callable[[JobContext], dict[str, Any]]] = {}
"""By the job's `type`; the code is imported when it is run, since it brings heavy libraries."""

"""What a request may be told when it cannot be done: a status, a short code, one clear sentence.

Example:
    >>> raise ApiError(409, "nothing_to_undo", "You have no action left to undo in this project.")
"""

import math
from collections.abc import Mapping


class ApiError(Exception):
    """Answered as JSON `{"error": {"code", "message"}}` with `status`."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def not_found(what: str) -> ApiError:
    """404: there is no such thing, or it is not yours to see."""
    return ApiError(404, "not_found", f"{what}: there is none here with this name or number.")


def too_many(message: str, wait_s: float) -> ApiError:
    """429, and after how many seconds to try again."""
    return ApiError(429, "too_many", message, {"Retry-After": str(max(1, math.ceil(wait_s)))})

"""Bytes in parts, so that a slow link resumes where it broke off. RFC 9110, section 14: one range.

Example:
    >>> ranged(b"0123456789", "bytes=4-", etag="x").status_code
    206
"""

import re

from fastapi import Response

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_TYPE = "application/octet-stream"


def ranged(data: bytes, header: str | None, etag: str) -> Response:
    """The whole with 200, the part asked for with 206, or 416 when there is no such part. A header
    that is not one plain range is ignored, as the RFC allows."""
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{etag}"', "Cache-Control": "private"}
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return Response(data, media_type=_TYPE, headers=headers)
    first, last = _bounds(match.group(1), match.group(2), len(data))
    if first > last:
        headers["Content-Range"] = f"bytes */{len(data)}"
        return Response(b"", status_code=416, headers=headers)
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], status_code=206, media_type=_TYPE, headers=headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte; first > last when there is none."""
    if not first:
        return max(0, size - int(last)) if int(last) else size, size - 1
    return int(first), min(int(last), size - 1) if last else size - 1

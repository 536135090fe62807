"""Where and when each frame was taken: ``cast.csv`` beside the frames.

A table with a header; ``frame`` names the picture, and any of the other columns may be there::

    frame,utc_ms,lat_deg,lon_deg,depth_m,temperature_c
    frame_1.png,1777890030000,43.684,7.316,12.5,14.1

``seadrift-edge simulate`` writes one. An empty cell means that it is not known. Columns that we do
not know are left alone, and a ``cast.csv`` without a ``frame`` column is somebody else's.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

CAST_NAME = "cast.csv"

_LIMITS = {
    "utc_ms": (0.0, 4e12),
    "lat_deg": (-90.0, 90.0),
    "lon_deg": (-180.0, 180.0),
    "depth_m": (-100.0, 12_000.0),
    "temperature_c": (-10.0, 100.0),
}


class CastError(ValueError):
    """The table cannot be used; the message gives line and column."""


@dataclass(frozen=True)
class Moment:
    """What is known about one frame."""

    utc_ms: int | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    depth_m: float | None = None
    temperature_c: float | None = None


def read_cast(data: bytes) -> Mapping[str, Moment]:
    """The moments by frame name; empty for a table of another kind. Raises CastError."""
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        if "frame" not in (rows.fieldnames or ()):
            return {}
        return {row["frame"]: _moment(row, rows.line_num) for row in rows if row["frame"]}
    except UnicodeDecodeError as error:
        raise CastError(f"not UTF-8 text ({error.reason})") from error
    except csv.Error as error:
        raise CastError(str(error)) from error


def _moment(row: Mapping[str, str | None], line: int) -> Moment:
    values = {name: _number(row.get(name), name, line) for name in _LIMITS}
    utc_ms = values.pop("utc_ms")
    return Moment(None if utc_ms is None else int(utc_ms), **values)


def _number(text: str | None, name: str, line: int) -> float | None:
    if text is None or not text.strip():
        return None
    low, high = _LIMITS[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise CastError(
            f"line {line}, {name}: expected a number from {low:g} to {high:g}, not {text!r}"
        )
    return number

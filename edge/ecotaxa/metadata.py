"""What the user says about a run: ``--metadata FILE`` in TOML or JSON, with EcoTaxa's names.

Tables per level, or EcoTaxa's flat names as the PlanktoScope writes them; both mean the same::

    [sample]                            {"sample_id": "bay_07",
    id = "bay_07"                        "sample_ship": "Tara",
    ship = "Tara"                        "object_lat": 43.68}
    [object]
    lat = 43.68

Positions, dates and depths are checked here, since EcoTaxa silently cuts a time that it does not
understand.
"""

from __future__ import annotations

import datetime
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from wire.ecotaxa import TEXT_LIMIT

Value: TypeAlias = str | float | int

LEVELS = ("sample", "acq", "process", "object")
_ALIASES = {"acquisition": "acq"}
_KEY = re.compile(r"[a-z0-9][^\sA-Z]*")
_RANGES = {
    "lat": (-90.0, 90.0),
    "lon": (-180.0, 180.0),
    "depth_min": (-math.inf, 12_000.0),
    "depth_max": (-math.inf, 12_000.0),
}
_DATES = ("%Y%m%d", "%Y-%m-%d")
_TIMES = ("%H%M%S", "%H:%M:%S", "%H%M", "%H:%M")


class MetadataError(ValueError):
    """The metadata cannot be used; the message names the file, the field and what was expected."""


@dataclass(frozen=True)
class Metadata:
    """The user's fields by level, without their prefix: ``sample["id"]``, ``object["lat"]``."""

    sample: Mapping[str, Value] = field(default_factory=dict)
    acq: Mapping[str, Value] = field(default_factory=dict)
    process: Mapping[str, Value] = field(default_factory=dict)
    object: Mapping[str, Value] = field(default_factory=dict)


def read_metadata(path: Path) -> Metadata:
    """Read and check a metadata file. Raises MetadataError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MetadataError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise MetadataError(f"{path}: not UTF-8 text ({error.reason})") from error
    try:
        data = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise MetadataError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise MetadataError(f"{path}: expected tables {', '.join(LEVELS)}")
    return metadata_of(data, str(path))


def metadata_of(data: Mapping[str, object], where: str) -> Metadata:
    """Check metadata that was read from ``where``. Raises MetadataError."""
    levels: dict[str, dict[str, Value]] = {level: {} for level in LEVELS}
    for key, value in data.items():
        if isinstance(value, Mapping):
            level = _ALIASES.get(key, key)
            if level not in levels:
                raise MetadataError(f"{where}: [{key}]: expected one of {', '.join(LEVELS)}")
            for name, inner in value.items():
                _put(levels[level], level, str(name), inner, where)
        else:
            prefix, _, name = key.partition("_")
            if prefix not in levels or not name:
                raise MetadataError(
                    f"{where}: {key}: expected a table ({', '.join(LEVELS)}) or a name that "
                    f"begins with one of {', '.join(level + '_' for level in LEVELS)}"
                )
            _put(levels[prefix], prefix, name, value, where)
    return Metadata(**levels)


def _put(fields: dict[str, Value], level: str, name: str, value: object, where: str) -> None:
    what = f"{where}: {level}_{name}"
    if not _KEY.fullmatch(name):
        raise MetadataError(f"{what}: expected a lower-case name without spaces")
    if name in fields:
        raise MetadataError(f"{what}: given twice")
    if isinstance(value, datetime.date | datetime.time):
        value = value.isoformat()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MetadataError(f"{what}: expected a text or a number, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise MetadataError(f"{what}: {value} is not a finite number")
    if len(str(value)) > TEXT_LIMIT:
        raise MetadataError(f"{what}: {len(str(value))} characters, EcoTaxa takes {TEXT_LIMIT}")
    if level == "object":
        value = _object_value(name, value, what)
    fields[name] = value


def _object_value(name: str, value: Value, what: str) -> Value:
    if name in _RANGES:
        low, high = _RANGES[name]
        try:
            number = float(value)
        except ValueError:
            raise MetadataError(f"{what}: expected a number, not {value!r}") from None
        if not low <= number <= high:
            raise MetadataError(f"{what}: {number} is not between {low:g} and {high:g}")
        return number
    if name == "date":
        return _moment(str(value), _DATES, "%Y%m%d", what, "YYYYMMDD or YYYY-MM-DD")
    if name == "time":
        text = str(value).partition(".")[0].removesuffix("Z")
        return _moment(text, _TIMES, "%H%M%S", what, "HHMMSS or HH:MM:SS")
    if name == "id" or name.startswith("annotation_"):
        raise MetadataError(f"{what}: this is set for each object by the program")
    return value


def _moment(text: str, forms: tuple[str, ...], kept: str, what: str, expected: str) -> str:
    for form in forms:
        try:
            return datetime.datetime.strptime(text, form).strftime(kept)  # noqa: DTZ007 - a date
        except ValueError:
            continue
    raise MetadataError(f"{what}: expected {expected}, not {text!r}")

"""What a well-typed record may still get wrong: lengths, ranges, images. Pure.

`wire` says whether a record has the right fields. This says whether the shore can keep what is in
them: a name of EcoTaxa's 250 characters, a whole number of float32, a PNG that is one.

Example:
    >>> check(record, body)  # RefusedError: ObjectBody.esd_um: expected above 0, got -1.0
    -1.0")
"""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args

import numpy as np

from models.preprocess import SHAPE_NAMES
from server.intake.png import PngError, check_png
from wire.records import (
    BODIES,
    DEPLOYMENT_STATES,
    Answer,
    Body,
    Clock,
    Context,
    Deployment,
    FrameSummary,
    Gap,
    ObjectBody,
    Record,
    Summary,
    Vignette,
)
from wire.summary_bits import SummaryError, decode

NAME_MAX = 250
TEXT_MAX = 2000
SEQ_MAX = 2**62
WHOLE_MAX = 2**53
RANGES_MAX = 5000
VALUES_MAX = 16384
BRIEF_MAX = 256
SUMMARY_MAX = 340
"""One message of the satellite, bytes."""
SOURCE_MAX = 16
_INT32 = 2**31
_SMALL = ("width", "height", "bx", "by", "index_in_frame", "measures_version", "deploy_seq", "rank",
          "objects", "specks", "dropped")  # fmt: skip
_LONG_TEXT = ("reason", "text")
_FIELDS: dict[type[Any], list[tuple[str, str]]] = {
    kind: [(field.name, f"{kind.__name__}.{field.name}") for field in fields(kind)]
    for kind in BODIES.values()
}
"""(field, how a message calls it) of each body."""
_CONTROL = re.compile(r"[\x00-\x1f]")
_BOUNDS = {
    "lat_deg": (-90.0, 90.0),
    "lon_deg": (-180.0, 180.0),
    "depth_m": (-1e4, 12e3),
    "temperature_c": (-273.15, 1e3),
    "utc_ms": (0, WHOLE_MAX),
    "mono_ms": (0, WHOLE_MAX),
}


class RefusedError(ValueError):
    """A record that can never be taken; `code` is one of the link's rejection codes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def check(record: Record, body: Body) -> None:
    """Raises RefusedError naming the field."""
    if not 1 <= record.seq < SEQ_MAX:
        raise RefusedError("schema", f"Record.seq: expected 1 to {SEQ_MAX - 1}, got {record.seq}")
    _check_place(record)
    kind: type[Any] = type(body)
    for name, where in _FIELDS[kind]:
        _check_value(where, name, getattr(body, name))
    special = _CHECKS.get(kind)
    if special is not None:
        special(body)


def _check_place(body: Any) -> None:
    """Position and time, where a body has them."""
    for name, (low, high) in _BOUNDS.items():
        value = getattr(body, name, None)
        if value is not None and not low <= value <= high:
            raise _wrong(body, name, f"{low} to {high}")


def _wrong(body: Any, name: str, expected: str) -> RefusedError:
    value = getattr(body, name)
    shown = f"{len(value)} bytes" if isinstance(value, bytes) else repr(value)[:60]
    return RefusedError("schema", f"{type(body).__name__}.{name}: expected {expected}, got {shown}")


def _check_value(where: str, name: str, value: object) -> None:
    if isinstance(value, str):
        limit = TEXT_MAX if name in _LONG_TEXT else NAME_MAX
        if len(value) > limit:
            raise RefusedError(
                "schema", f"{where}: expected at most {limit} characters, got {len(value)}"
            )
        if "\0" in value or (name not in _LONG_TEXT and _CONTROL.search(value)):
            raise RefusedError("schema", f"{where}: control characters in {value[:60]!r}")
    elif isinstance(value, int) and not isinstance(value, bool):
        limit = _INT32 if name in _SMALL else WHOLE_MAX
        if not (-limit if name in ("bx", "by") else 0) <= value < limit:
            raise RefusedError("schema", f"{where}: expected 0 to {limit - 1}, got {value}")
    elif isinstance(value, dict):
        if len(value) > 500:
            raise RefusedError("schema", f"{where}: expected at most 500 entries, got {len(value)}")
        for key, item in value.items():
            _check_value(f"{where} key", "key", key)
            _check_value(f"{where}.{key}", "reason", item)


def _check_names(body: Any) -> None:
    for name in ("sample", "acquisition", "process"):
        if not getattr(body, name).strip():
            raise _wrong(body, name, "a name")


def _check_context(body: Context) -> None:
    _check_names(body)
    if body.optical_field not in ("dark", "bright"):
        raise _wrong(body, "optical_field", "dark or bright")
    if not 0 < body.pixel_um < 1e5:
        raise _wrong(body, "pixel_um", "above 0")
    _check_release(body, body.release)


def _check_frame(body: FrameSummary) -> None:
    _check_names(body)
    _check_place(body)


def _check_object(body: ObjectBody) -> None:
    _check_names(body)
    _check_place(body)
    if not 0 < body.esd_um < 1e8:
        raise _wrong(body, "esd_um", "above 0")
    if not (body.width > 0 and body.height > 0):
        raise _wrong(body, "width" if body.width <= 0 else "height", "above 0")
    if len(body.brief) % 2 or len(body.brief) > BRIEF_MAX:
        raise _wrong(body, "brief", f"an even number of bytes, at most {BRIEF_MAX}")
    _check_values(body)
    _check_prediction(body)


def _check_values(body: ObjectBody | Vignette) -> None:
    """What was measured exactly: all of it may be absent."""
    for name, unit in (("measures", 4), ("embedding", 2)):
        if len(getattr(body, name)) % unit or len(getattr(body, name)) > VALUES_MAX:
            raise _wrong(body, name, f"a multiple of {unit} bytes, at most {VALUES_MAX}")
    if len(body.shape) not in (0, 4 * len(SHAPE_NAMES)):
        raise _wrong(body, "shape", f"{4 * len(SHAPE_NAMES)} bytes, or none")
    for name in ("measures", "shape"):
        if not np.isfinite(np.frombuffer(getattr(body, name), "<f4")).all():
            raise _wrong(body, name, "finite numbers")


def _check_prediction(body: ObjectBody) -> None:
    if len(body.top) > 20:
        raise _wrong(body, "top", "at most 20 taxa")
    for taxon, score in body.top:
        _check_value("ObjectBody.top", "taxon", taxon)
        if not taxon.strip() or len(taxon) > NAME_MAX or not 0 <= score <= 1.0001:
            raise _wrong(body, "top", "names and scores from 0 to 1")
    if body.taxon is not None and not body.taxon.strip():
        raise _wrong(body, "taxon", "a name or nothing")
    if body.score is not None and not 0 <= body.score <= 1.0001:
        raise _wrong(body, "score", "0 to 1")
    if body.release is not None:
        _check_release(body, body.release)


def _check_release(body: Any, release: str) -> None:
    if len(release) > 64 or not release.isascii():
        raise _wrong(body, "release", "a release id of at most 64 characters")


def _check_vignette(body: Vignette) -> None:
    _check_values(body)
    if body.format != "png":
        raise _wrong(body, "format", "png")
    if not 1 <= body.object_seq < SEQ_MAX or body.rank > 100:
        raise _wrong(body, "object_seq", f"1 to {SEQ_MAX - 1}, and a rank of at most 100")
    try:
        check_png(body.data, body.width, body.height)
    except PngError as error:
        raise RefusedError("schema", f"Vignette.data: {error}") from error


def _check_clock(body: Clock) -> None:
    if not body.boot < 2**32:
        raise _wrong(body, "boot", f"below {2**32}")
    if not 0 < len(body.source) <= SOURCE_MAX:
        raise _wrong(body, "source", f"1 to {SOURCE_MAX} characters")


def _check_gap(body: Gap) -> None:
    if len(body.ranges) > RANGES_MAX:
        raise _wrong(body, "ranges", f"at most {RANGES_MAX} ranges")
    for first, last in body.ranges:
        if not 1 <= first <= last < SEQ_MAX or last - first >= 2**40:
            raise RefusedError("schema", f"Gap.ranges: expected first <= last, got {(first, last)}")


def _check_deployment(body: Deployment) -> None:
    if body.state not in DEPLOYMENT_STATES:
        raise _wrong(body, "state", f"one of {', '.join(DEPLOYMENT_STATES)}")
    _check_release(body, body.release)


def _check_summary(body: Summary) -> None:
    if not 0 < len(body.data) <= SUMMARY_MAX:
        raise _wrong(body, "data", f"1 to {SUMMARY_MAX} bytes")
    try:
        decode(body.data)
    except SummaryError as error:
        raise RefusedError("schema", f"Summary.data: {error}") from error


def _check_answer(body: Answer) -> None:
    if not 0 <= body.number < SEQ_MAX:
        raise _wrong(body, "number", "a command's number")


_CHECKS: dict[type[Any], Callable[[Any], None]] = {
    Context: _check_context,
    FrameSummary: _check_frame,
    ObjectBody: _check_object,
    Vignette: _check_vignette,
    Clock: _check_clock,
    Gap: _check_gap,
    Deployment: _check_deployment,
    Summary: _check_summary,
    Answer: _check_answer,
}
assert set(_CHECKS) <= set(get_args(Body))

"""What a well-typed record may still get wrong: lengths, ranges, images. Pure.

`wire` says whether a record has the right fields. This says whether the shore can keep what is in
them: a name of EcoTaxa's 250 characters, a whole number of float32, a PNG that is one.

Example:
    >>> check(record, body)  # RefusedError: ObjectBody.esd_um: expected above 0, got -1.0
    -1.0")
"""

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, cast, get_args, get_origin, get_type_hints

import numpy as np

from models.preprocess import SHAPE_NAMES
from server.intake.png import PngError, check_png
from wire.records import (
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
ENTRIES_MAX = 500
_INT32 = 2**31
_SMALL = ("width", "height", "bx", "by", "index_in_frame", "measures_version", "deploy_seq", "rank",
          "objects", "specks", "dropped")  # fmt: skip
_LONG_TEXT = ("reason", "text")
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


@dataclass(frozen=True)
class _Limits:
    """What the fields of a kind of body are held to: (field, how a message calls it, ...)."""

    texts: tuple[tuple[str, str, int], ...]
    numbers: tuple[tuple[str, str, float, float], ...]
    maps: tuple[tuple[str, str], ...]


@cache
def _limits(kind: Hashable) -> _Limits:
    assert isinstance(kind, type)
    texts, numbers, maps = [], [], []
    for name, hint in get_type_hints(kind).items():
        where, kinds = f"{kind.__name__}.{name}", get_args(hint) or (hint,)
        if str in kinds and get_origin(hint) is not dict:
            texts.append((name, where, TEXT_MAX if name in _LONG_TEXT else NAME_MAX))
        elif name in _BOUNDS:
            numbers.append((name, where, *_BOUNDS[name]))
        elif int in kinds:
            most = _INT32 - 1 if name in _SMALL else WHOLE_MAX
            numbers.append((name, where, -most if name in ("bx", "by") else 0, most))
        elif get_origin(hint) is dict and kind is not Record:
            maps.append((name, where))
    return _Limits(tuple(texts), tuple(numbers), tuple(maps))


def check(record: Record, body: Body) -> None:
    """Raises RefusedError naming the field."""
    if not 1 <= record.seq < SEQ_MAX:
        raise RefusedError("schema", f"Record.seq: expected 1 to {SEQ_MAX - 1}, got {record.seq}")
    _check_fields(record)
    _check_fields(body)
    special = _CHECKS.get(type(body))
    if special is not None:
        special(body)


def _check_fields(body: Any) -> None:
    limits, values = _limits(cast("Hashable", type(body))), vars(body)
    for name, where, low, high in limits.numbers:
        value = values[name]
        if value is not None and not low <= value <= high:
            raise RefusedError("schema", f"{where}: expected {low} to {high}, got {value}")
    for name, where, longest in limits.texts:
        if values[name] is not None:
            _check_text(values[name], where, longest)
    for name, where in limits.maps:
        if len(values[name]) > ENTRIES_MAX:
            count = len(values[name])
            raise RefusedError("schema", f"{where}: expected at most {ENTRIES_MAX}, got {count}")
        for key, value in values[name].items():
            _check_text(key, f"{where} key", NAME_MAX)
            if isinstance(value, str):
                _check_text(value, f"{where}.{key}", TEXT_MAX)


def _check_text(text: str, where: str, longest: int) -> None:
    if len(text) > longest:
        raise RefusedError(
            "schema", f"{where}: expected at most {longest} characters, got {len(text)}"
        )
    if "\0" in text or (longest <= NAME_MAX and _has_control(text)):
        raise RefusedError("schema", f"{where}: control characters in {text[:60]!r}")


@lru_cache(maxsize=2048)
def _has_control(name: str) -> bool:
    """Samples, taxa and releases are the same from record to record."""
    return _CONTROL.search(name) is not None


def _wrong(body: Any, name: str, expected: str) -> RefusedError:
    value = getattr(body, name)
    shown = f"{len(value)} bytes" if isinstance(value, bytes) else repr(value)[:60]
    return RefusedError("schema", f"{type(body).__name__}.{name}: expected {expected}, got {shown}")


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


def _check_object(body: ObjectBody) -> None:
    _check_names(body)
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
    if len(body.measures) % 4 or len(body.measures) > VALUES_MAX:
        raise _wrong(body, "measures", f"a multiple of 4 bytes, at most {VALUES_MAX}")
    if len(body.embedding) % 2 or len(body.embedding) > VALUES_MAX:
        raise _wrong(body, "embedding", f"a multiple of 2 bytes, at most {VALUES_MAX}")
    if len(body.shape) not in (0, 4 * len(SHAPE_NAMES)):
        raise _wrong(body, "shape", f"{4 * len(SHAPE_NAMES)} bytes, or none")
    if not np.isfinite(np.frombuffer(body.measures + body.shape, "<f4")).all():
        raise _wrong(body, "measures", "finite numbers, in measures and shape")


def _check_prediction(body: ObjectBody) -> None:
    if len(body.top) > 20:
        raise _wrong(body, "top", "at most 20 taxa")
    for taxon, score in body.top:
        _check_text(taxon, "ObjectBody.top", NAME_MAX)
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

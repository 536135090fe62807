"""Folded batches (`wire.columns`) read back: strictly, bounded, and byte for byte.

What arrives may be made by an enemy, and one byte of CBOR can become a hundred in memory. So the
form is read here item by item, each count checked before anything is made of it, and the records
are added up before they are built.

Example:
    >>> unfold(fold(records), most=2000, limit=1 << 20) == records
    True
"""

from collections.abc import Iterable, Iterator
from itertools import repeat

import numpy as np

from wire.columns import COLUMNS_MAX, GROUPS_MAX, LENGTHS

_BYTES, _LIST = 2, 4
_LENGTHS = np.frombuffer(LENGTHS, np.uint8).astype(np.int64)
_WIDTH_MAX = 1 << 20


class FoldError(ValueError):
    """Not a folded batch; the message says what was expected."""


def unfold(data: bytes, most: int, limit: int) -> list[bytes]:
    """The records of a folded batch, in order: at most `most` of them and `limit` bytes together.
    Raises FoldError."""
    source = _Source(data)
    source.count("batch", 3, 3)
    places = source.bytes("places")
    if len(places) > most:
        raise FoldError(f"batch: expected at most {most} records, got {len(places)}")
    budget = _Budget(limit)
    plain = [source.bytes("record") for _ in range(source.count("plain records", 0, most))]
    budget.spend(sum(map(len, plain)))
    sources = [iter(plain)]
    for number in range(1, 1 + source.count("groups", 0, GROUPS_MAX)):
        sources.append(_records(source, places.count(number), budget))
    source.end()
    try:
        return [next(sources[place]) for place in places]
    except (IndexError, StopIteration):
        raise FoldError("places: expected the number of a group that has a record left") from None


class _Budget:
    """How many bytes of records may still be made."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise FoldError(f"batch: unpacks to more than {self._limit} bytes")


class _Source:
    """The few kinds of CBOR items that the form has, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def head(self) -> tuple[int, int]:
        """The next item's major type and number."""
        data, at = self._data, self._at
        first = data[at] if at < len(data) else 0xFF
        low, more = first & 31, 0
        if low >= 24:
            more = 1 << low - 24
            low = int.from_bytes(data[at + 1 : at + 1 + more], "big")
        if first == 0xFF or more > 8 or at + 1 + more > len(data):
            raise FoldError("batch: cut short, or an item of another kind")
        self._at = at + 1 + more
        return first >> 5, low

    def count(self, what: str, least: int, most: int) -> int:
        """How many items the list that starts here has."""
        major, found = self.head()
        if major != _LIST or not least <= found <= most:
            raise FoldError(f"{what}: expected a list of {least} to {most}")
        return found

    def bytes(self, what: str) -> bytes:
        major, size = self.head()
        end = self._at + size
        if major != _BYTES or end > len(self._data):
            raise FoldError(f"{what}: expected a byte string")
        found = self._data[self._at : end]
        self._at = end
        return found

    def end(self) -> None:
        if self._at != len(self._data):
            raise FoldError(f"batch: {len(self._data) - self._at} bytes after its end")

    def starts_list(self) -> bool:
        return self._at < len(self._data) and self._data[self._at] >> 5 == _LIST


Told = tuple[list[bytes], int]
"""A column's tokens, one a record, and how many bytes they are together."""


def _records(source: _Source, count: int, budget: _Budget) -> Iterator[bytes]:
    """A group's records, `count` of them."""
    source.count("group", 2, 2)
    if not count:
        raise FoldError("group: expected one record at least")
    pieces = source.count("pattern", 1, COLUMNS_MAX + 1)
    pattern = [source.bytes("pattern") for _ in range(pieces)]
    budget.spend(count * sum(map(len, pattern)))
    told: list[Told] = []
    for _ in range(source.count("columns", pieces - 1, pieces - 1)):
        told.append(_column(source, count, told))
        budget.spend(told[-1][1])
    parts: list[Iterable[bytes]] = [repeat(pattern[0], count)]
    for (tokens, _), after in zip(told, pattern[1:], strict=True):
        parts += [tokens, repeat(after, count)]
    return map(b"".join, zip(*parts, strict=True))


def _column(source: _Source, count: int, earlier: list[Told]) -> Told:
    if not source.starts_list():
        major, same = source.head()
        if major or same >= len(earlier):
            raise FoldError("column: expected the number of an earlier one")
        return earlier[same]
    source.count("column", 2, 2)
    if source.starts_list():
        kinds = source.count("tokens", 1, count)
        tokens = [source.bytes("token") for _ in range(kinds)]
        return _looked_up(tokens, source.bytes("indices"), count)
    major, number = source.head()
    if major > 1 or number > _WIDTH_MAX:
        raise FoldError("column: expected a width")
    width = number + major  # CBOR's negative numbers begin with -1 = 1, 0
    return _padded(width, bool(major), source.bytes("planes"), count)


def _looked_up(tokens: list[bytes], data: bytes, count: int) -> Told:
    kind = "<u1" if len(tokens) <= 256 else "<u2"
    if len(data) != count * np.dtype(kind).itemsize:
        raise FoldError(f"column: expected {count} indices")
    which = np.frombuffer(data, kind)
    if which.max() >= len(tokens):
        raise FoldError(f"column: expected indices below {len(tokens)}")
    sizes = np.array([len(token) for token in tokens], np.int64)
    return [tokens[i] for i in which.tolist()], int(sizes[which].sum())


def _padded(width: int, steps: bool, data: bytes, count: int) -> Told:
    if not width or len(data) != width * count:
        raise FoldError(f"column: expected {count} tokens of one width")
    planes = np.frombuffer(data, np.uint8).reshape(width, count)
    if steps:
        planes = np.cumsum(planes, axis=1, dtype=np.uint8)
    rows = planes.T.tobytes()
    lengths = _LENGTHS[planes[0]]
    lengths[lengths == 0] = width
    if lengths.max() > width:
        raise FoldError("column: a token is longer than the column is wide")
    starts = np.arange(0, width * count, width)
    ends = (starts + lengths).tolist()
    return [rows[a:b] for a, b in zip(starts.tolist(), ends, strict=True)], int(lengths.sum())

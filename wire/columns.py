"""The records of a batch side by side: what they share is said once, what differs lies together.

Encoded records of one kind have the same CBOR heads and keys at the same places and differ in some
values. So a batch is told as groups of records that share a *pattern* (the bytes between values),
and a *column* for each value that differs; zstd then finds far more to take away than in records
one after the other. Bytes are only ever moved, never decoded, so a record comes back byte for byte.

The form, in CBOR: `[places, plain, groups]`. `places` has a byte a record: 0 for the next of
`plain` (records as they are), g for the next of group g. A group is `[pattern, columns]`, with one
byte string of pattern more than columns. A column holds one CBOR item ("token") a record:

- `[width, planes]`: tokens padded with zeros to `width` bytes, the first byte of each record, then
  the second, and so on; where `width` is negative each byte is the difference to the one before;
- `[tokens, indices]`: the distinct tokens, and for each record a byte or two (little-endian) that
  say which;
- a number: the same tokens as that column, an earlier one of the group.

Example:
    >>> unfold(fold(records), most=2000, limit=1 << 20) == records
    True
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray

GROUPS_MAX = 64
"""Most patterns in a batch; what has yet another one goes as it is."""
COLUMNS_MAX = 1024
"""Most values in a record that is taken apart."""
DEPTH_MAX = 16
"""Records nested deeper go as they are."""
WIDTH_MAX = 9
"""Longest token that is padded to the width of others: a number with its head."""
FEW = 4
"""A column is told by its distinct tokens when there are so many times fewer of them."""

Column = list[Any] | int


def _token_bytes(head: int) -> int:
    """Length of the scalar that starts with this byte, as far as the byte alone tells; else 0."""
    major, low = head >> 5, head & 31
    if major in (2, 3):
        return 1 + low if low < 24 else 0
    if major in (0, 1, 7):
        return 1 + {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    return 0


LENGTHS = bytes(_token_bytes(head) for head in range(256))
"""Bytes of the scalar that starts with each byte, 0 where more bytes tell."""


class _StrangeError(ValueError):
    """A record that cannot be taken apart; it goes as it is."""


class _Group:
    """Records of one pattern, and their tokens."""

    def __init__(self, pattern: list[bytes]) -> None:
        self.pattern = pattern
        self.rows: list[list[bytes]] = []

    def take(self, record: bytes) -> bool:
        """Keep the record's tokens if it has this pattern."""
        at, row = 0, []
        for piece in self.pattern[:-1]:
            at += len(piece)
            end = at + _length_at(record, at) if record.startswith(piece, at - len(piece)) else 0
            if not at < end <= len(record):
                return False
            row.append(record[at:end])
            at = end
        if record[at:] != self.pattern[-1]:
            return False
        self.rows.append(row)
        return True


def fold(records: Sequence[bytes]) -> bytes:
    """The batch in the form above. Any bytes may be among the records."""
    groups: list[_Group] = []
    plain: list[bytes] = []
    places = bytearray()
    for record in records:
        places.append(_place(record, groups, plain))
    return cbor2.dumps([bytes(places), plain, [_folded(group) for group in groups]])


def unfolded(records: Sequence[bytes]) -> bytes:
    """The same form with every record as it is."""
    return cbor2.dumps([bytes(len(records)), list(records), []])


def _place(record: bytes, groups: list[_Group], plain: list[bytes]) -> int:
    """Put the record into the group that it fits, a new one, or among the plain ones."""
    for number, group in enumerate(groups, start=1):
        if group.take(record):
            return number
    try:
        fresh = _Group(_pattern(record))
    except (_StrangeError, IndexError):
        fresh = None
    if fresh is not None and len(groups) < GROUPS_MAX and fresh.take(record):
        groups.append(fresh)
        return len(groups)
    plain.append(record)
    return 0


def _pattern(record: bytes) -> list[bytes]:
    """The bytes between the record's values: heads of maps and lists, and the maps' keys."""
    pieces: list[bytes] = []
    since = 0
    for start, end in _values(record):
        pieces.append(record[since:start])
        since = end
    if len(pieces) > COLUMNS_MAX:
        raise _StrangeError
    return [*pieces, record[since:]]


def _values(record: bytes) -> Iterator[tuple[int, int]]:
    """Where each scalar that is no key starts and ends."""
    at = 0
    open_items = [(1, False)]  # what is left to read of each level, and whether it is a map
    while open_items:
        left, is_map = open_items.pop()
        if not left:
            continue
        open_items.append((left - 1, is_map))
        if is_map:
            at += _length_at(record, at)
        major, low = record[at] >> 5, record[at] & 31
        if major in (4, 5):
            if low > 24 or len(open_items) > DEPTH_MAX:
                raise _StrangeError
            open_items.append((low if low < 24 else record[at + 1], major == 5))
            at += 1 if low < 24 else 2
            continue
        end = at + _length_at(record, at)
        yield at, end
        at = end


def _length_at(record: bytes, at: int) -> int:
    """Bytes of the scalar there; 0 where there is none."""
    head = record[at] if at < len(record) else 0xFF
    if head >> 5 in (2, 3) and 24 <= head & 31 <= 26:
        more = 1 << (head & 31) - 24
        return 1 + more + int.from_bytes(record[at + 1 : at + 1 + more], "big")
    return LENGTHS[head] if head != 0xFF else 0


def _folded(group: _Group) -> list[Any]:
    """The group's pattern, with what all its records have in common, and its columns."""
    pattern = [group.pattern[0]]
    columns: list[Column] = []
    known: dict[tuple[bytes, ...], int] = {}
    for tokens, after in zip(zip(*group.rows, strict=True), group.pattern[1:], strict=True):
        distinct = dict.fromkeys(tokens)
        if len(distinct) == 1:
            pattern[-1] += tokens[0] + after
            continue
        same = known.setdefault(tokens, len(columns))
        columns.append(_column(tokens, list(distinct)) if same == len(columns) else same)
        pattern.append(after)
    return [pattern, columns]


def _column(tokens: Sequence[bytes], distinct: list[bytes]) -> Column:
    widths = {len(token) for token in distinct}
    short = max(widths) <= WIDTH_MAX and all(LENGTHS[token[0]] for token in distinct)
    if len(distinct) * FEW > len(tokens) and (short or len(widths) == 1):
        return _planes(tokens, max(widths))
    number = {token: place for place, token in enumerate(distinct)}
    kind = "<u1" if len(distinct) <= 256 else "<u2"
    return [distinct, np.array([number[token] for token in tokens], kind).tobytes()]


def _planes(tokens: Sequence[bytes], width: int) -> Column:
    padded = b"".join([token.ljust(width, b"\0") for token in tokens])
    planes = np.frombuffer(padded, np.uint8).reshape(-1, width).T
    steps = np.diff(planes, axis=1, prepend=np.uint8(0))
    if _kinds(steps) < _kinds(planes):
        return [-width, steps.tobytes()]
    return [width, planes.tobytes()]


def _kinds(planes: NDArray[np.uint8]) -> int:
    return sum(len(np.unique(plane)) for plane in planes)

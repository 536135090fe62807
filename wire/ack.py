"""The shore's application acknowledgement, sent after its commit: the only leave to delete.

`upto` is the highest seq below which the shore holds everything of this epoch; `sack` lists further
ranges that it holds; `rej` names records that it will never take (quarantined there, with why).

Example:
    >>> Ack(epoch=7, upto=4, sack=((6, 8),)).covers(7)
    True
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cbor2

from wire.checked import read
from wire.codec import loads


@dataclass(frozen=True)
class Rejection:
    """`code` is one of: schema, too_big, hash_conflict. `retry` False means: set it aside."""

    seq: int
    code: str
    detail: str
    retry: bool = False


@dataclass(frozen=True)
class Ack:
    """`upto` is 0 when nothing is held; seqs start at 1."""

    epoch: int
    upto: int
    sack: tuple[tuple[int, int], ...] = ()
    rej: tuple[dict[str, Any], ...] = ()

    def covers(self, seq: int) -> bool:
        """Whether the shore holds `seq`."""
        return seq <= self.upto or any(first <= seq <= last for first, last in self.sack)

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        return tuple(read(Rejection, item) for item in self.rej)


def encode_ack(ack: Ack) -> bytes:
    return cbor2.dumps(asdict(ack), canonical=True)


def decode_ack(blob: bytes) -> Ack:
    """Raises CodecError or FieldError."""
    return read(Ack, loads(blob))


def ranges(seqs: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Seqs as inclusive ranges, ascending.

    >>> ranges([5, 1, 2, 3])
    ((1, 3), (5, 5))
    """
    out: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if out and seq == out[-1][1] + 1:
            out[-1] = (out[-1][0], seq)
        else:
            out.append((seq, seq))
    return tuple(out)


def watermark(upto: int, held: Sequence[int]) -> int:
    """The new `upto` once the seqs `held` are there too.

    >>> watermark(3, [4, 5, 9])
    5
    """
    for seq in sorted(held):
        if seq == upto + 1:
            upto = seq
        elif seq > upto + 1:
            break
    return upto

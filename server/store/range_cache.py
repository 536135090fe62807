"""Blocks of a bucket's packs that were fetched: a vignette's neighbours cost no further request.

An object never changes, so a block that is here is right for ever, the shorter last one too. What
was not used for longest leaves first.

Example:
    >>> cache = RangeCache(bytes_max=64 << 20)
    >>> cache.missing("ab.pack", 100, 200)          # blocks to fetch
    [0]
    >>> cache.keep("ab.pack", 0, data)
    >>> cache.take("ab.pack", 100, 200)
    b'...'
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator

BLOCK = 1 << 16
"""Some 16 vignettes of 4 kB."""
GAP = 4
"""Blocks between two wanted ones that are fetched with them: a request costs as much as 300 kB."""


class RangeCache:
    """For any thread."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0

    def missing(self, pack: str, start: int, end: int) -> list[int]:
        """The blocks of [start, end) that are not here."""
        with self._lock:
            return [block for block in blocks(start, end) if (pack, block) not in self._blocks]

    def keep(self, pack: str, block: int, data: bytes) -> None:
        """Keep what was fetched from the block's beginning: whole blocks, perhaps a shorter last
        one."""
        with self._lock:
            for offset in range(0, len(data), BLOCK):
                key, piece = (pack, block + offset // BLOCK), data[offset : offset + BLOCK]
                self._bytes -= len(self._blocks.pop(key, b""))
                self._blocks[key] = piece
                self._bytes += len(piece)
            while self._bytes > self._bytes_max:
                self._bytes -= len(self._blocks.popitem(last=False)[1])

    def take(self, pack: str, start: int, end: int) -> bytes | None:
        """The bytes of [start, end), as far as the pack went when it was fetched; None: not all
        here."""
        with self._lock:
            parts = []
            for block in blocks(start, end):
                part = self._blocks.get((pack, block))
                if part is None:
                    return None
                self._blocks.move_to_end((pack, block))
                parts.append(part)
        skipped = start - start // BLOCK * BLOCK
        return b"".join(parts)[skipped : skipped + end - start]


def blocks(start: int, end: int) -> range:
    """The blocks that [start, end) touches."""
    return range(start // BLOCK, -(-end // BLOCK)) if end > start else range(0)


def runs(wanted: Iterable[int]) -> Iterator[range]:
    """Blocks to fetch with one request each, in order: near ones together.

    Example:
        >>> list(runs([0, 1, 5, 30]))
        [range(0, 6), range(30, 31)]
    """
    begin = end = -1
    for block in sorted(set(wanted)):
        if begin >= 0 and block - end <= GAP:
            end = block + 1
            continue
        if begin >= 0:
            yield range(begin, end)
        begin, end = block, block + 1
    if begin >= 0:
        yield range(begin, end)

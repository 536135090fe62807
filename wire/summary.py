"""A dive summed up: how many of which taxon, how large, how deep; and how to make that coarser.

`wire.summary_bits` packs it into a satellite message. When it does not fit, it becomes coarser in
a fixed order (`coarser`), and says itself what was done:
1. sizes per depth bin become sizes per taxon, then are left out;
2. depth bins are merged two by two while more than MERGED_MIN are left;
3. the rarest taxa are pooled into "other" while more than POOLED_MIN are left;
4. the bins are shared out over parts, `part` of `parts`, each a message that stands alone.

Example:
    >>> summary = Summary("5f1c09aa", 10.0, frames=(12, 9), cells={(0, 1): {2: 30}, (1, 1): {2: 9}})
    >>> merged(summary).cells
    {(0, 1): {2: 39}}
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

MERGED_MIN = 10
POOLED_MIN = 8
BINS_MAX = 64
SIZES = 12
"""Size classes: class s holds ESD from SIZE_UM * 2**s µm; the first and last are open."""
SIZE_UM = 32.0
OTHER = 0
"""The taxon of what is not sure; taxon t > 0 is node t - 1 of the release's tree."""

UNSIZED = -1
"""The size class of counts whose sizes were left out."""

Sizes = Mapping[int, float]
"""Size class -> count."""
Cells = Mapping[tuple[int, int], Sizes]
"""(depth bin, taxon) -> size class -> count."""


@dataclass(frozen=True)
class Summary:
    """What was seen from `start_s` (UTC seconds, None: nobody knew the time) for `minutes`.

    `frames[b]` were imaged in depth bin b, which reaches from `(first_bin + b) * bin_m` metres on;
    one frame images `frame_ml` millilitres (0: not known). `depthless`: the depth was not known,
    all is in one bin. `clock` says who vouched for the time: 0 nobody, 1 the system, 2 a network,
    3 the shore. Below seq `oldest` nothing waits on the device, `pending` records do. `sizes`: 2
    in `cells`, 1 in `by_taxon` alone, 0 left out. `merged` times were bins merged by two, `pooled`
    taxa pooled."""

    release: str
    bin_m: float
    frames: tuple[float, ...]
    cells: Cells
    first_bin: int = 0
    depthless: bool = False
    frame_ml: float = 0.0
    start_s: int | None = None
    minutes: int = 0
    clock: int = 0
    lat_deg: float | None = None
    lon_deg: float | None = None
    pending: float = 0
    oldest: int = 0
    sizes: int = 2
    merged: int = 0
    pooled: int = 0
    part: int = 1
    parts: int = 1
    by_taxon: Mapping[int, Sizes] = field(default_factory=dict)
    """taxon -> size class -> count, when `sizes` is 1."""

    @property
    def taxa(self) -> tuple[int, ...]:
        return tuple(sorted({taxon for _, taxon in self.cells}))

    def count(self, depth_bin: int, taxon: int) -> float:
        return sum(self.cells.get((depth_bin, taxon), {}).values())

    def total(self, taxon: int) -> float:
        return sum(sum(sizes.values()) for (_, t), sizes in self.cells.items() if t == taxon)


def size_class(esd_um: float) -> int:
    """The size class of an equivalent spherical diameter."""
    if not esd_um > SIZE_UM:
        return 0
    return min(SIZES - 1, int(math.log2(min(esd_um, 1e12) / SIZE_UM)))


def coarser(summary: Summary) -> Iterator[list[Summary]]:
    """The summary, then coarser and coarser ones, at last in as many parts as there are bins."""
    yield [summary]
    yield [per_taxon(summary)]
    summary = replace(summary, sizes=0)
    yield [summary]
    while len(summary.frames) > MERGED_MIN:
        summary = merged(summary)
        yield [summary]
    while sum(taxon != OTHER for taxon in summary.taxa) > POOLED_MIN:
        summary = pooled(summary)
        yield [summary]
    for parts in range(2, len(summary.frames) + 1):
        yield shared_out(summary, parts)


def merged(summary: Summary) -> Summary:
    """Depth bins joined two by two, aligned with multiples of the doubled width."""
    odd = summary.first_bin % 2
    bins = (len(summary.frames) + odd + 1) // 2
    frames = [0.0] * bins
    for place, n in enumerate(summary.frames):
        frames[(place + odd) // 2] += n
    cells: dict[tuple[int, int], dict[int, float]] = {}
    for (place, taxon), sizes in summary.cells.items():
        _add(cells.setdefault(((place + odd) // 2, taxon), {}), sizes)
    return replace(
        summary,
        frames=tuple(frames),
        cells=cells,
        bin_m=summary.bin_m * 2,
        first_bin=summary.first_bin // 2,
        merged=summary.merged + 1,
    )


def pooled(summary: Summary) -> Summary:
    """The rarest taxon counted as "other"."""
    rarest = min((t for t in summary.taxa if t != OTHER), key=lambda t: (summary.total(t), -t))
    cells: dict[tuple[int, int], dict[int, float]] = {}
    for (place, taxon), sizes in summary.cells.items():
        _add(cells.setdefault((place, OTHER if taxon == rarest else taxon), {}), sizes)
    return replace(summary, cells=cells, pooled=summary.pooled + 1)


def shared_out(summary: Summary, parts: int) -> list[Summary]:
    """The bins over so many parts, in order, as evenly as they go."""
    bins = len(summary.frames)
    edges = [bins * i // parts for i in range(parts + 1)]
    return [
        replace(
            summary,
            part=i + 1,
            parts=parts,
            first_bin=summary.first_bin + low,
            frames=summary.frames[low:high],
            cells={
                (place - low, taxon): sizes
                for (place, taxon), sizes in summary.cells.items()
                if low <= place < high
            },
        )
        for i, (low, high) in enumerate(pairwise(edges))
    ]


def per_taxon(summary: Summary) -> Summary:
    """Sizes of each taxon over all depths."""
    by_taxon: dict[int, dict[int, float]] = {}
    for (_, taxon), sizes in summary.cells.items():
        _add(by_taxon.setdefault(taxon, {}), sizes)
    return replace(summary, sizes=1, by_taxon=by_taxon)


def sane(summary: Summary) -> Summary:
    """The nearest summary that the layout can say: within its bounds, at most BINS_MAX bins."""
    bins = min(len(summary.frames), 1 << 12)
    cells: dict[tuple[int, int], dict[int, float]] = {}
    for (place, taxon), sizes in summary.cells.items():
        if not bins:
            continue
        here = cells.setdefault((_clamp(place, bins - 1), _clamp(taxon, 4095)), {})
        _add(here, {_clamp(size, SIZES - 1): _clamp(n, 1 << 48) for size, n in sizes.items()})
    cells = {key: kept for key, sizes in cells.items() if (kept := _seen(sizes))}
    place_known = _finite(summary.lat_deg, 90) and _finite(summary.lon_deg, 180)
    found = replace(
        summary,
        release=summary.release[:8] if _is_hex(summary.release[:8]) else "0" * 8,
        bin_m=summary.bin_m if 0.01 <= summary.bin_m <= 1e4 else 10.0,
        frames=tuple(_clamp(n, 1 << 48) for n in summary.frames[:bins]),
        cells=cells,
        first_bin=_clamp(summary.first_bin, 1 << 20),
        frame_ml=summary.frame_ml if 0 < summary.frame_ml <= 1e9 else 0.0,
        start_s=None if summary.start_s is None else _clamp(summary.start_s, 2**33 - 1),
        minutes=_clamp(summary.minutes, 1 << 24),
        clock=_clamp(summary.clock, 3),
        lat_deg=summary.lat_deg if place_known else None,
        lon_deg=summary.lon_deg if place_known else None,
        pending=_clamp(summary.pending, 1 << 48),
        oldest=_clamp(summary.oldest, 1 << 62),
        sizes=2,
        merged=0,
        pooled=0,
        part=1,
        parts=1,
    )
    while len(found.frames) > BINS_MAX:
        found = merged(found)
    return found


def _seen(sizes: Sizes) -> dict[int, float]:
    return {size: n for size, n in sizes.items() if n}


def _add(into: dict[int, float], sizes: Sizes) -> None:
    for size, n in sizes.items():
        into[size] = into.get(size, 0) + n


def _clamp(number: float, most: int) -> int:
    return int(max(0, min(number, most))) if not math.isnan(number) else 0


def _finite(number: float | None, most: float) -> bool:
    return number is not None and -most <= number <= most


def _is_hex(text: str) -> bool:
    return len(text) == 8 and all(c in "0123456789abcdef" for c in text)

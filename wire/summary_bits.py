"""A summary as packed bits, at most DATA_MAX bytes a part: the table is docs/satellite-messages.md.

Counts are quantised (`wire.bits.quantised`): exact up to 16, within 4.5 % above. Depth profiles are
written taxon by taxon, as Exp-Golomb codes of the counts or of the steps from one bin to the next,
whichever is shorter. `encode` takes any summary and raises nothing.

Example:
    >>> [data] = encode(Summary("5f1c09aa", 10.0, frames=(12,), cells={(0, 1): {2: 30}}))
    >>> decode(data).total(1)
    29.34
"""

from collections.abc import Sequence
from typing import Any

from wire.bits import (
    BitReader,
    BitsError,
    BitWriter,
    dequantised,
    golomb_bits,
    quantised,
    unzigzag,
    zigzag,
)
from wire.summary import BINS_MAX, SIZES, UNSIZED, Sizes, Summary, coarser, sane

DATA_MAX = 300
"""Largest encoded summary: with name, device and authentication a message of at most 340 bytes."""
LAYOUT = 1
"""Version of the layout."""
LAT_BITS, LON_BITS = 24, 25
"""A position to 0.6 m."""
_TAXA_MAX = 4096


class SummaryError(ValueError):
    """The bytes are no summary of this layout."""


def encode(summary: Summary) -> list[bytes]:
    """The summary in parts, one if it can be, each at most DATA_MAX bytes."""
    data: list[bytes] = []
    for parts in coarser(sane(summary)):
        data = [_packed(part) for part in parts]
        if max(map(len, data)) <= DATA_MAX:
            break
    return data


def decode(data: bytes) -> Summary:
    """The summary in one part. Raises SummaryError."""
    try:
        return _unpacked(BitReader(data))
    except BitsError as error:
        raise SummaryError(f"summary: {error}") from error


def _packed(summary: Summary) -> bytes:
    out = BitWriter()
    _write_head(out, summary)
    taxa = summary.taxa
    out.golomb(len(taxa), 3)
    for before, taxon in zip((-1, *taxa), taxa, strict=False):
        out.golomb(taxon - before - 1, 1)
    bins = range(len(summary.frames))
    _write_rows(out, [[quantised(round(n)) for n in summary.frames]])
    if summary.sizes == 2:
        cells = [summary.cells.get((b, taxon), {}) for taxon in taxa for b in bins]
        for sizes in cells:
            out.put(bool(sizes), 1)
        _write_sizes(out, [sizes for sizes in cells if sizes])
        return out.bytes()
    _write_rows(out, [[quantised(round(summary.count(b, t))) for b in bins] for t in taxa])
    if summary.sizes == 1:
        _write_sizes(out, [summary.by_taxon[taxon] for taxon in taxa])
    return out.bytes()


def _write_head(out: BitWriter, summary: Summary) -> None:
    out.put(LAYOUT, 4)
    out.put(summary.sizes, 2)
    out.put(summary.merged, 4)
    out.put(summary.depthless, 1)
    out.put(summary.clock, 2)
    out.put(int(summary.release, 16), 32)
    out.golomb(summary.pooled, 2)
    out.golomb(summary.parts - 1, 0)
    if summary.parts > 1:
        out.golomb(summary.part - 1, 2)
    out.put(summary.start_s is not None, 1)
    if summary.start_s is not None:
        out.put(summary.start_s, 33)
    out.golomb(summary.minutes, 8)
    placed = summary.lat_deg is not None and summary.lon_deg is not None
    out.put(placed, 1)
    if summary.lat_deg is not None and summary.lon_deg is not None:
        out.put(_scaled(summary.lat_deg, 90, LAT_BITS), LAT_BITS)
        out.put(_scaled(summary.lon_deg, 180, LON_BITS), LON_BITS)
    out.golomb(round(summary.bin_m * 100), 10)
    out.golomb(summary.first_bin, 3)
    out.golomb(len(summary.frames), 5)
    out.golomb(quantised(round(summary.frame_ml * 1000)), 6)
    out.golomb(quantised(round(summary.pending)), 5)
    out.golomb(summary.oldest, 16)


def _unpacked(bits: BitReader) -> Summary:
    layout = bits.get(4)
    if layout != LAYOUT:
        raise SummaryError(f"summary: layout {layout}, this program knows {LAYOUT}")
    head, bins = _read_head(bits)
    count = bits.golomb(3)
    if bins > BINS_MAX or count > _TAXA_MAX:
        raise SummaryError(f"summary: {bins} depth bins and {count} taxa are too many")
    taxa, taxon = [], -1
    for _ in range(count):
        taxon += bits.golomb(1) + 1
        taxa.append(taxon)
    [frames] = _read_rows(bits, 1, bins)
    keys = [(b, taxon) for taxon in taxa for b in range(bins)]
    sizes = head["sizes"]
    by_taxon: dict[int, Sizes] = {}
    if sizes == 2:
        there = [key for key in keys if bits.get(1)]
        cells: dict[tuple[int, int], Sizes] = dict(
            zip(there, _read_sizes(bits, len(there)), strict=True)
        )
    else:
        rows = _read_rows(bits, count, bins)
        counts = [n for row in rows for n in row]
        cells = {key: {UNSIZED: n} for key, n in zip(keys, counts, strict=True) if n}
        if sizes == 1:
            by_taxon = dict(zip(taxa, _read_sizes(bits, count), strict=True))
    return Summary(frames=tuple(frames), cells=cells, by_taxon=by_taxon, **head)


def _read_head(bits: BitReader) -> tuple[dict[str, Any], int]:
    """The fields before the profiles, and the number of depth bins."""
    head: dict[str, Any] = {
        "sizes": min(2, bits.get(2)),
        "merged": bits.get(4),
        "depthless": bool(bits.get(1)),
        "clock": bits.get(2),
        "release": f"{bits.get(32):08x}",
        "pooled": bits.golomb(2),
        "parts": bits.golomb(0) + 1,
    }
    if head["parts"] != 1:
        head["part"] = bits.golomb(2) + 1
    if bits.get(1):
        head["start_s"] = bits.get(33)
    head["minutes"] = bits.golomb(8)
    if bits.get(1):
        head["lat_deg"] = _unscaled(bits.get(LAT_BITS), 90, LAT_BITS)
        head["lon_deg"] = _unscaled(bits.get(LON_BITS), 180, LON_BITS)
    head["bin_m"] = bits.golomb(10) / 100
    head["first_bin"] = bits.golomb(3)
    bins = bits.golomb(5)
    head["frame_ml"] = dequantised(bits.golomb(6)) / 1000
    head["pending"] = dequantised(bits.golomb(5))
    head["oldest"] = bits.golomb(16)
    return head, bins


def _write_rows(out: BitWriter, rows: Sequence[Sequence[int]]) -> None:
    """Each row a profile of codes over depth; 1 bit says whether as steps, 3 bits the order."""
    plain = [code for row in rows for code in row]
    steps = [zigzag(b - a) for row in rows for a, b in zip((0, *row), row, strict=False)]
    choices = [(codes, order) for codes in (plain, steps) for order in range(8)]
    codes, order = min(choices, key=lambda c: sum(golomb_bits(code, c[1]) for code in c[0]))
    out.put(codes is steps, 1)
    out.put(order, 3)
    for code in codes:
        out.golomb(code, order)


def _read_rows(bits: BitReader, rows: int, length: int) -> list[list[float]]:
    steps, order = bits.get(1), bits.get(3)
    found = []
    for _ in range(rows):
        row, code = [], 0
        for _ in range(length):
            said = bits.golomb(order)
            code = code + unzigzag(said) if steps else said
            row.append(dequantised(code))
        found.append(row)
    return found


def _write_sizes(out: BitWriter, cells: Sequence[Sizes]) -> None:
    """For each: the first size class, how many follow, and the count of each."""
    spans = []
    for sizes in cells:
        low, high = min(sizes), max(sizes)
        spans.append((low, [quantised(round(sizes.get(s, 0))) for s in range(low, high + 1)]))
    codes = [code for _, counts in spans for code in counts]
    order = min(range(8), key=lambda k: sum(golomb_bits(code, k) for code in codes))
    out.put(order, 3)
    for low, counts in spans:
        out.golomb(low, 1)
        out.golomb(len(counts) - 1, 0)
        for code in counts:
            out.golomb(code, order)


def _read_sizes(bits: BitReader, cells: int) -> list[Sizes]:
    order = bits.get(3)
    found: list[Sizes] = []
    for _ in range(cells):
        low, length = bits.golomb(1), bits.golomb(0) + 1
        if low + length > SIZES:
            raise SummaryError(f"summary: size class {low + length - 1}, expected at most {SIZES}")
        counts = [dequantised(bits.golomb(order)) for _ in range(length)]
        found.append({low + i: n for i, n in enumerate(counts) if n})
    return found


def _scaled(degrees: float, most: float, width: int) -> int:
    return min((1 << width) - 1, int((degrees + most) / (2 * most) * (1 << width)))


def _unscaled(code: int, most: float, width: int) -> float:
    return (code + 0.5) / (1 << width) * 2 * most - most

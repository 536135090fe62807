"""Any dive fits its messages, says what was made coarser, and comes back within the quantum."""

import contextlib
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.bits import QUANTUM, BitReader, BitsError, BitWriter, dequantised, quantised, zigzag
from wire.bits import unzigzag as un
from wire.codec import encode_record
from wire.records import Record
from wire.short import UP_MAX, Kind, Message, credits, seal
from wire.shorthand import pack_record
from wire.summary import OTHER, Summary, coarser, sane, size_class
from wire.summary_bits import DATA_MAX, SummaryError, decode, encode

COUNTS = st.dictionaries(st.integers(0, 11), st.integers(1, 10**6), min_size=1, max_size=4)
CELLS = st.dictionaries(st.tuples(st.integers(0, 19), st.integers(0, 60)), COUNTS, max_size=60)


@st.composite
def dives(draw: st.DrawFn) -> Summary:
    return Summary(
        release=draw(st.sampled_from(["5f1c09aa", "00000000"])),
        bin_m=draw(st.sampled_from([0.5, 5.0, 10.0])),
        frames=tuple(draw(st.lists(st.integers(0, 10**5), min_size=20, max_size=20))),
        cells=draw(CELLS),
        first_bin=draw(st.integers(0, 300)),
        depthless=draw(st.booleans()),
        frame_ml=draw(st.floats(0, 1e6)),
        start_s=draw(st.none() | st.integers(0, 2**33 - 1)),
        minutes=draw(st.integers(0, 10**5)),
        clock=draw(st.integers(0, 3)),
        lat_deg=draw(st.none() | st.floats(-90, 90)),
        lon_deg=draw(st.floats(-180, 180)),
        pending=draw(st.integers(0, 10**7)),
        oldest=draw(st.integers(0, 2**40)),
    )


def dense(bins: int, taxa: int, mean: float) -> Summary:
    chance = random.Random(bins * taxa)
    cells = {
        (b, t + 1): {s: max(1, int(chance.gauss(mean / 3, mean / 8))) for s in (2, 3, 4)}
        for b in range(bins)
        for t in range(taxa)
    }
    frames = tuple(chance.randint(20, 40) for _ in range(bins))
    place = {"lat_deg": 48.1, "lon_deg": -4.5, "start_s": 1_800_000_000}
    return Summary("5f1c09aa", 10.0, frames, cells, minutes=90, oldest=10**5, **place)


def close(found: float, was: float) -> bool:
    return abs(found - was) <= QUANTUM * was + 1e-9


def test_a_dense_dive_of_20_bins_and_12_taxa_is_one_message() -> None:
    dive = dense(20, 12, 500)
    [data] = encode(dive)
    record = Record(7, 10**6, "summary", 1, 12, 10**9, 1_800_000_000_000, {"data": data})
    packed = pack_record(encode_record(record))
    assert packed is not None
    message = seal(bytes(32), Message(Kind.SUMMARY, b"abc", packed), UP_MAX)
    assert len(message) <= UP_MAX
    assert credits(len(message)) <= 7
    said = decode(data)
    assert (said.merged, said.pooled, said.parts) == (0, 0, 1)
    assert all(close(said.count(b, t), dive.count(b, t)) for b, t in dive.cells)


@given(dives())
@settings(max_examples=60, deadline=None)
def test_every_dive_fits_and_comes_back(dive: Summary) -> None:
    parts = encode(dive)
    assert all(len(data) <= DATA_MAX for data in parts)
    found = [decode(data) for data in parts]
    stages = list(coarser(sane(dive)))
    want = next(
        stage
        for stage in stages
        if len(stage) == len(found)
        and (stage[0].sizes, stage[0].merged, stage[0].pooled)
        == (found[0].sizes, found[0].merged, found[0].pooled)
    )
    for said, was in zip(found, want, strict=True):
        assert (said.part, said.parts, said.release) == (was.part, was.parts, was.release)
        assert (said.start_s, said.minutes, said.oldest) == (was.start_s, was.minutes, was.oldest)
        assert (said.first_bin, said.bin_m) == (was.first_bin, was.bin_m)
        assert all(close(a, b) for a, b in zip(said.frames, was.frames, strict=True))
        assert set(said.cells) == set(was.cells)
        for key in was.cells:
            assert close(said.count(*key), was.count(*key))
        if was.lat_deg is not None and said.lat_deg is not None:
            assert abs(said.lat_deg - was.lat_deg) < 180 / 2**24
    total = sum(was.total(t) for was in want for t in was.taxa)
    assert total == sum(dive.total(t) for t in dive.taxa)


ANY = st.integers(-(10**30), 10**30)
WILD = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.text(max_size=10),
    WILD,
    st.lists(ANY, max_size=300),
    st.dictionaries(st.tuples(ANY, ANY), st.dictionaries(ANY, ANY, max_size=3), max_size=30),
    ANY,
    WILD,
)
@settings(max_examples=150, deadline=None)
def test_no_summary_is_too_strange(
    release: str, bin_m: float, frames: list[int], cells: dict[tuple[int, int], dict[int, int]],
    number: int, degrees: float,
) -> None:  # fmt: skip
    dive = Summary(
        release, bin_m, tuple(frames), cells, first_bin=number, frame_ml=bin_m, start_s=number,
        minutes=number, clock=number, lat_deg=degrees, lon_deg=degrees, pending=number,
        oldest=number, merged=number, parts=number,
    )  # fmt: skip
    for data in encode(dive):
        assert len(data) <= DATA_MAX
        decode(data)


def test_coarser_goes_in_the_documented_order() -> None:
    seen = [(s[0].sizes, s[0].merged, s[0].pooled, len(s)) for s in coarser(dense(40, 12, 9))]
    assert seen[:3] == [(2, 0, 0, 1), (1, 0, 0, 1), (0, 0, 0, 1)]
    assert seen == sorted(seen, key=lambda s: (-s[0], s[1], s[2], s[3]))
    last = list(coarser(dense(40, 12, 9)))[-1]
    assert sum(t != OTHER for t in last[0].taxa) <= 8


@given(st.binary(max_size=340))
@settings(deadline=None)
def test_bytes_that_are_no_summary_are_refused(data: bytes) -> None:
    with contextlib.suppress(SummaryError):
        decode(data)


@pytest.mark.parametrize("n", [0, 1, 16, 17, 99, 1234, 10**6, 10**12])
def test_counts_are_exact_up_to_16_and_within_the_quantum_above(n: int) -> None:
    found = dequantised(quantised(n))
    assert found == n if n <= 16 else math.isclose(found, n, rel_tol=QUANTUM)


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 7)), max_size=20))
def test_golomb_codes_come_back(numbers: list[tuple[int, int]]) -> None:
    writer = BitWriter()
    for number, order in numbers:
        writer.golomb(number, order)
    reader = BitReader(writer.bytes())
    assert [reader.golomb(order) for _, order in numbers] == [n for n, _ in numbers]
    with pytest.raises(BitsError):
        reader.get(8)


@given(st.integers(-(2**40), 2**40))
def test_zigzag_comes_back(number: int) -> None:
    assert un(zigzag(number)) == number


def test_size_classes_are_octaves() -> None:
    assert [size_class(um) for um in (0, 31, 32, 63, 65, 1e9, math.nan)] == [0, 0, 0, 0, 1, 11, 0]

"""Size spectra: bins that hold what they say, and sums that are those of a plain recomputation."""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from server.db.tables import ObjectFree
from server.exports.asked import AskedError
from server.exports.size_bins import SizeBins, esd_um
from server.shore import Shore
from tests.server.ecotaxa_api.material import Cast
from tests.server.exports.cast import FORMULAE, PIXEL_MM, VOLUMES_M3, fill_measured
from tests.server.exports.material import exported, tables

BINS = st.builds(
    SizeBins.of,
    st.sampled_from(["biovolume", "esd"]),
    st.sampled_from(["octave", "10^0.1", "10^1"]),
)


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    cast = fill_measured(shore, project)
    with shore.database.write() as connection:  # an area of 0 is no size
        for thing in cast.objects:
            thing.free["area"] += 1
            change = update(ObjectFree).where(ObjectFree.objid == thing.objid)
            connection.execute(change.values(n001=thing.free["area"]))
    return cast


@settings(deadline=None)
@given(BINS, st.floats(1e-12, 1e12))
def test_a_size_lies_in_its_bin(bins: SizeBins, mm3: float) -> None:
    [number] = bins.of_volumes(np.array([mm3])).tolist()
    low, high = bins.edges(number)
    size = mm3 if bins.size == "biovolume" else float(esd_um(np.float64(mm3)))
    assert low <= size < high
    assert bins.volumes_mm3(number)[1] == pytest.approx(bins.volumes_mm3(number + 1)[0])
    assert bins.diameters_um(number)[0] < bins.diameters_um(number)[1]


@settings(deadline=None)
@given(st.integers(-60, 60))
def test_an_edge_belongs_to_the_bin_above(number: int) -> None:
    bins = SizeBins.of("biovolume", "octave")
    assert bins.of_volumes(np.array([2.0**number])).tolist() == [number]


def _naive(cast: Cast, by_sample: bool) -> dict[tuple[str, int], list[tuple[float, float]]]:
    """(per m3, mm3 per m3) of each validated object by sample and octave."""
    found = defaultdict(list)
    for thing in cast.objects:
        if thing.status == "V":
            n = cast.samples.index(thing.sample)
            mm3 = 4 / 3 * math.pi * (math.sqrt(thing.free["area"] / math.pi) * PIXEL_MM) ** 3
            per_m3 = (n + 1) / VOLUMES_M3[n]
            name = f"cast1_{n}" if by_sample else ""
            found[name, math.floor(math.log2(mm3))].append((per_m3, per_m3 * mm3))
    return found


@pytest.mark.databases
@pytest.mark.parametrize("by", ["sample", "none"])
def test_octaves_hold_what_a_plain_recomputation_holds(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, by: str
) -> None:
    path, result = exported(shore, project, tmp_path, "spectrum", by=by, formulae=FORMULAE)
    [rows] = tables(path).values()
    expected = _naive(cast, by == "sample")
    mean = 1 if by == "sample" else len({t.sample for t in cast.objects if t.status == "V"})
    seen, nbss = set(), defaultdict(list)
    for row in rows:
        low, high = float(row["volume_low_mm3"]), float(row["volume_high_mm3"])
        key = (row.get("sampleid", ""), round(math.log2(low)))
        held = expected.get(key, [])
        seen.add(key)
        assert high == 2 * low
        assert int(row["count"]) == len(held)
        biovolume = sum(mm3 for _, mm3 in held) / mean
        assert float(row["biovolume"]) == pytest.approx(biovolume)
        assert float(row["nbss"]) == pytest.approx(biovolume / (high - low))
        width_um = float(row["esd_high_um"]) - float(row["esd_low_um"])
        concentration = sum(per for per, _ in held) / mean
        assert float(row["number_per_um"]) == pytest.approx(concentration / width_um)
        assert float(row["esd_low_um"]) == pytest.approx(1000 * (6 * low / math.pi) ** (1 / 3))
        nbss[key[0]].append((float(row["nbss"]), row["incomplete"]))
    assert set(expected) <= seen
    assert result["objects"] == sum(len(held) for held in expected.values())
    for group in nbss.values():
        mode = max(range(len(group)), key=lambda i: group[i][0])
        assert [said for _, said in group] == [
            "below mode" if i < mode else "" for i in range(len(group))
        ]


def test_bins_below_a_limit_are_marked(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, _ = exported(
        shore, project, tmp_path, "spectrum", by="none", formulae=FORMULAE, size="esd",
        bins="10^0.1", smallest=200, statuses=list("PVDX"),
    )  # fmt: skip
    [rows] = tables(path).values()
    for row in rows:
        assert (row["incomplete"] == "below limit") == (float(row["esd_low_um"]) < 200)
        assert float(row["esd_high_um"]) == pytest.approx(float(row["esd_low_um"]) * 10**0.1)


def test_what_has_no_size_or_no_bins_is_named(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    odd = next(thing for thing in cast.objects if thing.status == "V")
    with shore.database.write() as connection:
        change = update(ObjectFree).where(ObjectFree.objid == odd.objid).values(n001=0.0)
        connection.execute(change)
    with pytest.raises(AskedError, match=f"has no size; object {odd.orig_id}"):
        exported(shore, project, tmp_path, "spectrum", formulae=FORMULAE)
    for bins in ("10^0", "10^2", "1", "octaves", "10^0.0"):
        with pytest.raises(AskedError, match="expected octave, or 10"):
            exported(shore, project, tmp_path, "spectrum", formulae=FORMULAE, bins=bins)

"""Summaries: the numbers are those of a plain recomputation, whatever was asked."""

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from server.db.tables import Acquisition, ObjectFree, Sample, Taxon
from server.exports.asked import AskedError
from server.exports.counting import interval
from server.shore import Shore
from tests.server.ecotaxa_api.material import Cast, Thing
from tests.server.exports.cast import FORMULAE, PIXEL_MM, VOLUMES_M3, fill_measured
from tests.server.exports.material import Row, exported, provenance, rows_of, tables

STEP_M = 6.0
COLUMNS = {
    "none": [], "sample": ["sampleid"], "acquisition": ["sampleid", "acquisid"],
    "depth": ["sampleid", "depth_min", "depth_max"],
}  # fmt: skip


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    return fill_measured(shore, project)


def _names(shore: Shore) -> dict[int, str]:
    with shore.database.read() as connection:
        return dict(connection.execute(select(Taxon.id, Taxon.display_name)).all())


def _bin(thing: Thing) -> tuple[str, str]:
    if thing.depth is None:
        return "", ""
    number = math.floor(sum(thing.depth) / 2 / STEP_M)
    return str(number * STEP_M), str((number + 1) * STEP_M)


def _group(cast: Cast, thing: Thing, by: str) -> tuple[str, ...]:
    n = cast.samples.index(thing.sample)
    at = _bin(thing)
    return {
        "none": (), "sample": (f"cast1_{n}",), "acquisition": (f"cast1_{n}", f"acq1_{n}"),
        "depth": (f"cast1_{n}", *at),
    }[by]  # fmt: skip


def _bins(cast: Cast, statuses: list[str]) -> dict[int, int]:
    """How many bins each sample reaches into."""
    found: dict[int, list[int]] = defaultdict(list)
    for thing in cast.objects:
        if thing.status in statuses and thing.depth is not None:
            found[thing.sample].append(math.floor(sum(thing.depth) / 2 / STEP_M))
    return {sample: max(bins) - min(bins) + 1 for sample, bins in found.items()}


def _naive(
    cast: Cast, by: str, statuses: list[str], mapping: dict[int, int]
) -> dict[tuple[tuple[str, ...], int], list[tuple[Thing, float, float, float]]]:
    """(thing, individuals, per m3, mm3 per m3) of each object by group and taxon."""
    found = defaultdict(list)
    bins = _bins(cast, statuses)
    for thing in cast.objects:
        taxon = mapping.get(thing.taxon or 0, thing.taxon or 0)
        if thing.status not in statuses or (thing.taxon in mapping and not taxon):
            continue
        n = cast.samples.index(thing.sample)
        water = VOLUMES_M3[n] / (bins.get(thing.sample, 1) if by == "depth" else 1)
        if by == "depth" and thing.depth is None:
            water = math.nan
        weight = float(n + 1)
        volume = 4 / 3 * math.pi * (math.sqrt(thing.free["area"] / math.pi) * PIXEL_MM) ** 3
        found[_group(cast, thing, by), taxon].append(
            (thing, weight, weight / water, volume * weight / water)
        )
    return found


def _close(text: str, expected: float) -> bool:
    if math.isnan(expected):
        return text == ""
    return math.isclose(float(text), expected, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.databases
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    by=st.sampled_from(sorted(COLUMNS)),
    statuses=st.lists(st.sampled_from("UPDVX"), min_size=1, unique=True),
    swap=st.sampled_from(["", "merge", "leave out"]),
)
def test_numbers_are_those_of_a_plain_recomputation(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, by: str, statuses: list[str], swap: str
) -> None:
    first, second, third = cast.taxa
    mapping = {"": {}, "merge": {second: third}, "leave out": {first: 0}}[swap]
    path, result = exported(
        shore, project, tmp_path, "summary", by=by, statuses=statuses, formulae=FORMULAE,
        depth_bin_m=STEP_M, quantities=["abundance", "concentration", "biovolume"],
        taxo_mapping={str(k): v for k, v in mapping.items()},
    )  # fmt: skip
    [rows] = tables(path).values()
    expected = _naive(cast, by, statuses, mapping)
    taxa, names = {taxon for _, taxon in expected}, _names(shore)
    found = {(tuple(r[c] for c in COLUMNS[by]), int(r["taxon_number"] or 0)): r for r in rows}
    assert len(found) == len(rows) == result["rows"]
    assert set(expected) <= set(found)
    assert all(row["taxonid"] == names.get(taxon, "") for (_, taxon), row in found.items())
    samples = len({t.sample for t in cast.objects if t.status in statuses})
    mean = samples if by == "none" else 1
    for key, row in found.items():
        things = expected.get(key, [])
        assert key[1] in taxa
        _check(row, things, mean, key[0])
    if by == "sample":
        assert len(found) == samples * len(taxa)
    assert result["objects"] == sum(len(things) for things in expected.values())


def _check(row: Row, things: list[Any], mean: int, group: tuple[str, ...]) -> None:
    n = len(things)
    low, high = (float(limit) for limit in interval(n))
    assert int(row["count"]) == n
    assert (float(row["count_low"]), float(row["count_high"])) == (low, high)
    share = sum(t.status == "V" for t, *_ in things) / n if n else math.nan
    assert _close(row["validated_share"], share)
    weight, per_m3, mm3 = (sum(t[i] for t in things) for i in (1, 2, 3))
    assert _close(row["abundance"], weight)
    assert _close(row["concentration"], per_m3 / mean)
    assert _close(row["concentration_high"], per_m3 / n * high / mean if n else math.nan)
    assert _close(row["biovolume"], mm3 / mean)
    assert _close(row["biovolume_sd"], math.sqrt(sum(t[3] ** 2 for t in things)) / mean)
    assert n or group[-1:] != ("",)


@pytest.mark.databases
def test_ecotaxas_own_table_has_a_row_a_status_and_zeros(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    params: dict[str, Any] = {"plain": True, "statuses": ["P", "V"], "formulae": FORMULAE}
    path, _ = exported(shore, project, tmp_path, "summary", **params)
    rows = rows_of(path.read_text())
    assert list(rows[0]) == ["sampleid", "status", "taxonid", "count"]
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    names = _names(shore)
    for t in cast.objects:
        if t.taxon is not None:
            counts[f"cast1_{cast.samples.index(t.sample)}", t.status, names[t.taxon]] += 1
    assert {(r["sampleid"], r["status"], r["taxonid"]): int(r["count"]) for r in rows} == {
        (f"cast1_{n}", status, names[taxon]): counts[f"cast1_{n}", status, names[taxon]]
        for n in range(3) for status in "PV" for taxon in cast.taxa
    }  # fmt: skip
    path, _ = exported(
        shore, project, tmp_path, "summary", **params, by="none", quantities="concentration"
    )
    rows = rows_of(path.read_text())
    assert list(rows[0]) == ["status", "taxonid", "concentration"]
    expected = _naive(cast, "none", ["V"], {})
    for row in rows:
        if row["status"] == "V":
            taxon = next(i for i, name in names.items() if name == row["taxonid"])
            assert _close(row["concentration"], sum(t[2] for t in expected[(), taxon]))


def _break_free(shore: Shore, table: Any, number: int, free: dict[str, str]) -> None:
    with shore.database.write() as connection:
        connection.execute(update(table).where(table.id == number).values(free=json.dumps(free)))


WATER = "formula total_water_volume (sam.tot_vol/1000): "
FRACTION = "formula subsample_coef (1/ssm.sub_part): "
BREAKS: list[tuple[Any, dict[str, str], str]] = [
    (Sample, {"tot_vol": "lots"}, f"{WATER}sam.tot_vol is 'lots', not a number, object o1_"),
    (Sample, {}, f"{WATER}sam.tot_vol is missing, object o1_"),
    (Sample, {"tot_vol": "-3"}, f"{WATER}-0.003, expected a volume above 0, m3; object o1_"),
    (
        Acquisition,
        {"sub_part": "0.5"},
        f"{FRACTION}2, expected a fraction above 0, at most 1; object o1_",
    ),
    (Acquisition, {"sub_part": "0"}, f"{FRACTION}no finite number (nan), object o1_"),
]


@pytest.mark.parametrize(("table", "free", "said"), BREAKS)
def test_a_formula_without_a_result_names_column_and_object(
    shore: Shore,
    project: int,
    cast: Cast,
    tmp_path: Path,
    table: Any,
    free: dict[str, str],
    said: str,
) -> None:
    number = cast.samples[0] if table is Sample else cast.acquisitions[1]
    _break_free(shore, table, number, free)
    with pytest.raises(AskedError) as raised:
        exported(
            shore, project, tmp_path, "summary", quantities="concentration", formulae=FORMULAE,
            statuses=list("UPDVX"),
        )  # fmt: skip
    assert raised.value.errors[0].startswith(said)
    assert list(tmp_path.glob("*.zip")) == []


def test_a_missing_value_of_an_object_is_named(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    odd = next(thing for thing in cast.objects if thing.status == "V")
    with shore.database.write() as connection:
        change = update(ObjectFree).where(ObjectFree.objid == odd.objid).values(n001=None)
        connection.execute(change)
    with pytest.raises(AskedError, match=f"obj.area is missing, object {odd.orig_id}"):
        exported(shore, project, tmp_path, "summary", quantities="biovolume", formulae=FORMULAE)


def test_what_is_asked_wrongly_is_said(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    def said(**params: Any) -> list[str]:
        with pytest.raises(AskedError) as raised:
            exported(shore, project, tmp_path, "summary", **params)
        return raised.value.errors

    assert said(quantities=["biovolume"], formulae={"individual_volume": "1"}) == [
        "formulae: total_water_volume (m3) is needed and neither asked for nor one of the "
        "project's; as sam.tot_vol"
    ]
    [error] = said(quantities="concentration", formulae={"total_water_volume": "sam.totvol"})
    assert error.endswith("there is no column sam.totvol; there are sam.tot_vol")
    assert said(formulae={"volume": "1"})[0].startswith("formulae: 'volume' is not known")
    assert said(taxo_mapping={"1": 2, "2": 3}) == [
        "taxo_mapping: taxon 2 is replaced and replaces another one"
    ]
    assert said(taxo_mapping={"99999": 1}) == ["taxo_mapping: there is no taxon 99999"]
    assert said(by="depth", depth_bin_m=1)[0].startswith("depth bins of 1 m: object o1_")
    assert said(depth_bin_m=0, by="net", taxo_mapping={"a": 1}) == [
        "by: 'net', expected one of none, sample, acquisition, depth",
        "depth_bin_m: '0', expected a number above 0, at most 10000",
        "taxo_mapping: \"{'a': 1}\", expected a map of taxon numbers",
    ]


def test_provenance_names_formulas_and_statuses(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, _ = exported(
        shore, project, tmp_path, "summary", quantities="concentration", formulae=FORMULAE
    )
    said = provenance(path)
    assert said["formulae"] == {k: v for k, v in FORMULAE.items() if k != "individual_volume"}
    assert said["statuses_counted"] == ["V"]


def test_intervals_of_counts() -> None:
    """Values of Garwood's table."""
    low, high = interval([0, 1, 5, 100])
    assert low == pytest.approx([0, 0.0253, 1.6235, 81.3640], abs=1e-3)
    assert high == pytest.approx([3.6889, 5.5716, 11.6683, 121.6268], abs=1e-3)

"""A project as a Darwin Core archive: in order by our check, read by another's reader, complete."""

import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from dwca.read import DwCAReader
from sqlalchemy import update

from server.cli import main
from server.clock import now_ms
from server.db import projects, taxa
from server.db.tables import Object, Project
from server.exports.asked import AskedError
from server.exports.dwca.check import check_archive
from server.exports.dwca.terms import EMOF, OCCURRENCE, uri
from server.shore import Shore
from tests.server.ecotaxa_api.material import Cast, fill
from tests.server.exports.cast import FORMULAE, PIXEL_MM, VOLUMES_M3, fill_measured
from tests.server.exports.material import exported, provenance, tables

Row = dict[str, str]


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    """Its three taxa: Copepoda (with its AphiaID), a nauplius of Copepoda, one without an
    AphiaID."""
    cast = fill_measured(shore, project, objects=50)
    with shore.database.write() as connection:
        copepoda = cast.taxa[2]
        nauplius = taxa.add(connection, "nauplius", copepoda, now_ms())
        for thing in cast.objects:
            if thing.taxon == cast.taxa[1]:
                change = update(Object).where(Object.objid == thing.objid)
                connection.execute(change.values(taxon_id=nauplius))
                thing.taxon = nauplius
        cast.taxa[1] = nauplius
        connection.execute(update(Project).where(Project.id == project).values(licence="CC BY 4.0"))
    return cast


def read(path: Path) -> dict[str, list[Row]]:
    """Events, occurrences and measurements as python-dwca-reader has them."""
    found: dict[str, list[Row]] = {"event": [], "occurrence": [], "measure": []}
    kinds = {uri("Occurrence"): "occurrence", OCCURRENCE: "occurrence", EMOF: "measure"}
    with DwCAReader(str(path)) as reader:
        for row in reader:
            found["event"].append(_short(row.data))
            for more in row.extensions:
                found[kinds[more.rowtype]].append(_short(more.data))
    return found


def _short(data: dict[str, str]) -> Row:
    return {term.rpartition("/")[2]: value for term, value in data.items()}


def _present(cast: Cast, statuses: str) -> Counter[tuple[int, int, str]]:
    """Objects by sample, taxon and status, of taxa that have a name in WoRMS."""
    named = cast.taxa[1:]
    return Counter(
        (cast.samples.index(t.sample), t.taxon, t.status)
        for t in cast.objects
        if t.status in statuses and t.taxon in named
    )


@pytest.mark.databases
def test_an_archive_is_in_order_and_complete(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, result = exported(
        shore, project, tmp_path, "dwca", formulae=FORMULAE, include_predicted=True
    )
    checked = check_archive(path)
    assert checked.findings.errors == 0, checked.lines()
    found = read(path)
    assert result["events"] == len(found["event"]) == 3
    nauplius, copepoda = cast.taxa[1], cast.taxa[2]
    stages = {"nauplius": nauplius, "": copepoda}
    counted = Counter(
        {
            (
                int(row["eventID"][-1]),
                stages[row["lifeStage"]],
                row["identificationVerificationStatus"][0],
            ): int(row["individualCount"])
            for row in found["occurrence"]
        }
    )
    assert counted == _present(cast, "PV")
    for row in found["occurrence"]:
        assert row["scientificName"] == "Copepoda"
        assert row["scientificNameID"] == "urn:lsid:marinespecies.org:taxname:1080"
        assert row["basisOfRecord"] == "MachineObservation"
        assert row["occurrenceStatus"] == "present"
        assert bool(row["identifiedBy"]) == (
            row["identificationVerificationStatus"] == "ValidatedByHuman"
        )
    unnamed = [t for t in cast.objects if t.status in "PV" and t.taxon == cast.taxa[0]]
    assert result["not_exported"] == len(unnamed) > 0
    [left] = tables(path, "not_exported").values()
    assert {row["taxon"] for row in left} == {"Testidae"}
    assert {row["reason"] for row in left} == {"taxon without an AphiaID"}
    assert sum(int(row["objects"]) for row in left) == len(unnamed)
    assert result["objects"] == counted.total()


@pytest.mark.databases
def test_measurements_are_those_of_a_plain_recomputation(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, _ = exported(shore, project, tmp_path, "dwca", formulae=FORMULAE)
    found = read(path)
    values = {
        (row["occurrenceID"] or row["eventID"], row["measurementTypeID"].split("/")[-2]): float(
            row["measurementValue"]
        )
        for row in found["measure"]
        if row["measurementTypeID"].split("/")[-2] not in ("LSTAGE01", "Q0100002")
    }
    for n, volume in enumerate(VOLUMES_M3):
        [event] = [row for row in found["event"] if row["eventID"].endswith(f"cast1_{n}")]
        assert values[event["eventID"], "VOLWBSMP"] == pytest.approx(volume)
        assert values[event["eventID"], "SSAMPC01"] == pytest.approx(1 / (n + 1))
        assert float(event["sampleSizeValue"]) == pytest.approx(volume)
        for row in found["occurrence"]:
            if row["eventID"] != event["eventID"]:
                continue
            taxon = cast.taxa[1 if row["lifeStage"] else 2]
            things = [
                t for t in cast.objects
                if t.status == "V" and t.taxon == taxon and t.sample == cast.samples[n]
            ]  # fmt: skip
            per_m3 = len(things) * (n + 1) / volume
            mm3 = [4 / 3 * 3.141592653589793 * ((t.free["area"] / 3.141592653589793) ** 0.5
                   * PIXEL_MM) ** 3 for t in things]  # fmt: skip
            assert values[row["occurrenceID"], "OCOUNT01"] == len(things)
            assert values[row["occurrenceID"], "SDBIOL01"] == pytest.approx(per_m3)
            assert float(row["organismQuantity"]) == pytest.approx(per_m3)
            biovolume = sum(mm3) * (n + 1) / volume
            assert values[row["occurrenceID"], "CVOLUKNB"] == pytest.approx(biovolume)


def test_depth_bins_hang_below_their_sample_and_absence_is_said(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, result = exported(
        shore, project, tmp_path, "dwca", formulae=FORMULAE, depth_bin_m=50.0, with_absent=True
    )
    checked = check_archive(path)
    assert checked.findings.errors == 0, checked.lines()
    found = read(path)
    events = {row["eventID"]: row for row in found["event"]}
    bins = [row for row in found["event"] if row["parentEventID"]]
    assert len(bins) == len(events) - 3
    for row in bins:
        assert events[row["parentEventID"]]["parentEventID"] == ""
        low, high = float(row["minimumDepthInMeters"]), float(row["maximumDepthInMeters"])
        assert high - low == 50
    present = [row for row in found["occurrence"] if row["occurrenceStatus"] == "present"]
    absent = [row for row in found["occurrence"] if row["occurrenceStatus"] == "absent"]
    names = {row["lifeStage"] for row in present}
    assert all(row["individualCount"] == "0" for row in absent)
    told = Counter((row["eventID"], row["lifeStage"]) for row in found["occurrence"])
    assert set(told.values()) == {1}
    assert {(row["eventID"], stage) for row in bins for stage in names} <= set(told)
    validated = [t for t in cast.objects if t.status == "V" and t.taxon in cast.taxa[1:]]
    assert sum(int(row["individualCount"]) for row in present) == len(validated)
    assert result["occurrences"] == len(found["occurrence"])


def test_a_sample_without_place_or_date_is_reported(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    lost = cast.samples[1]
    with shore.database.write() as connection:
        connection.execute(update(Object).where(Object.sample_id == lost).values(lat_deg=None))
    path, result = exported(shore, project, tmp_path, "dwca")
    assert check_archive(path).findings.errors == 0
    assert result["events"] == 2
    [left] = tables(path, "not_exported").values()
    said = {row["reason"]: 0 for row in left}
    for row in left:
        said[row["reason"]] += int(row["objects"])
    there = [t for t in cast.objects if t.status == "V" and t.sample == lost]
    assert said["sample without a position"] == len(there)
    assert "cast1_1" in {row["sample"] for row in left}
    with shore.database.write() as connection:
        connection.execute(update(Object).values(utc_ms=None, utc_source="unknown"))
    with pytest.raises(AskedError) as raised:
        exported(shore, project, tmp_path, "dwca")
    assert raised.value.errors[0] == "nothing can be exported"
    assert "sample without a date" in raised.value.errors[1]


def test_the_licence_must_be_one_that_gbif_takes(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    with shore.database.write() as connection:
        connection.execute(update(Project).values(licence="Copyright"))
    with pytest.raises(AskedError, match="licence: 'Copyright', but GBIF and OBIS take CC0"):
        exported(shore, project, tmp_path, "dwca")
    path, _ = exported(shore, project, tmp_path, "dwca", licence="cc-by-nc")
    with zipfile.ZipFile(path) as archive:
        assert "by-nc/4.0/legalcode" in archive.read("eml.xml").decode()


def test_eml_says_who_where_when_what_and_from_where(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    path, _ = exported(
        shore, project, tmp_path, "dwca", title="Bay & <sea>", include_predicted=True
    )
    with DwCAReader(str(path)) as reader:
        metadata = reader.metadata
    assert metadata is not None
    dataset = metadata.find("dataset")
    assert dataset.findtext("title") == "Bay & <sea>"
    assert dataset.findtext("creator/electronicMailAddress") == "admin@sea.test"
    box = dataset.find("coverage/geographicCoverage/boundingCoordinates")
    lats = [t.lat for t in cast.objects if t.lat is not None and t.status in "PV"]
    assert float(box.findtext("southBoundingCoordinate")) == pytest.approx(min(lats), abs=1e-5)
    ranks = dataset.findall("coverage/taxonomicCoverage/taxonomicClassification/taxonRankValue")
    assert [element.text for element in ranks] == ["Copepoda"]
    said = json.loads(metadata.findtext("additionalMetadata/metadata/provenance"))
    assert said["objects"] == provenance(path)["objects"]
    assert said["project"]["title"] == "Baltic"


def test_several_projects_are_one_archive(
    shore: Shore, project: int, cast: Cast, tmp_path: Path
) -> None:
    with shore.database.write() as connection:
        other = projects.create(connection, title="Second", user_id=1, now_ms=1)
        connection.execute(update(Project).where(Project.id == other).values(licence="CC BY 4.0"))
    fill(shore, other, user_id=1, objects=30, seed=2)
    path, result = exported(shore, project, tmp_path, "dwca", projects=[other])
    assert check_archive(path).findings.errors == 0
    assert result["events"] == 6
    assert {row["datasetName"] for row in read(path)["event"]} == {"Baltic", "Second"}


def test_the_command_looks_through_an_archive(
    shore: Shore, project: int, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = exported(shore, project, tmp_path, "dwca")
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "0 errors" in said
    assert "3 rows in event.txt" in said

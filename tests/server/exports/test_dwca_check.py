"""The check of Darwin Core archives objects to whatever is broken, and names where."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.exports.dwca.check import ArchiveError, check_archive, is_archive
from server.exports.dwca.dataset import longitudes
from server.exports.dwca.eml import Coverage, Dataset, Person, eml_xml, licence_of
from server.exports.dwca.files import FILES, meta_xml
from server.exports.dwca.values import is_interval, rule_of

Files = dict[str, bytes]
EVENT, OCCURRENCE, EMOF = (file.name for file in FILES)
NEAR = 1e-9


def _table(number: int, *rows: dict[str, str]) -> bytes:
    file = FILES[number]
    lines = ["\t".join(["id", *file.columns]), *("\t".join(file.line(row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _sound() -> Files:
    """A small archive in order: a sample, a bin below it, two occurrences, a measurement."""
    sample = {
        "eventID": "s1", "eventType": "Sample", "eventDate": "2026-09-21T10:00:00Z/2026-09-21",
        "decimalLatitude": "43.5", "decimalLongitude": "7.25", "geodeticDatum": "EPSG:4326",
        "minimumDepthInMeters": "0", "maximumDepthInMeters": "100", "samplingProtocol": "imaging",
        "sampleSizeValue": "2.5", "sampleSizeUnit": "cubic metre",
    }  # fmt: skip
    occurrence = {
        "eventID": "s1:0-5m", "occurrenceID": "o1", "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present", "scientificName": "Copepoda", "individualCount": "3",
        "scientificNameID": "urn:lsid:marinespecies.org:taxname:1080", "taxonRank": "class",
        "kingdom": "Animalia", "organismQuantity": "1.2", "organismQuantityType": "individuals",
    }  # fmt: skip
    absent = {
        **occurrence, "occurrenceID": "o2", "occurrenceStatus": "absent", "individualCount": "0",
    }  # fmt: skip
    measure = {
        "eventID": "s1:0-5m", "occurrenceID": "o1", "measurementID": "m1",
        "measurementType": "Count", "measurementValue": "3", "measurementUnit": "Dimensionless",
        "measurementTypeID": "http://vocab.nerc.ac.uk/collection/P01/current/OCOUNT01/",
        "measurementUnitID": "http://vocab.nerc.ac.uk/collection/P06/current/UUUU/",
    }  # fmt: skip
    dataset = Dataset(
        "Bay",
        "Objects of a bay, seen by a camera and named by people.",
        [Person("Ana Lopez", "ana@sea.test", "Sea")],
        licence_of("CC0"),
        Coverage(7.0, 7.5, 43.0, 44.0, "2026-09-21", "2026-09-21", [("class", "Copepoda")]),
        "p/1",
        1_790_000_000_000,
        "Lopez (2026)",
        {},
    )
    below = {**sample, "eventID": "s1:0-5m", "parentEventID": "s1"}
    return {
        "meta.xml": meta_xml().encode(),
        "eml.xml": eml_xml(dataset).encode(),
        EVENT: _table(0, sample, below),
        OCCURRENCE: _table(1, occurrence, absent),
        EMOF: _table(2, measure),
    }


def _write(folder: Path, files: Files) -> Path:
    path = folder / "dwca.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _lines(folder: Path, files: Files) -> list[str]:
    checked = check_archive(_write(folder, files))
    assert bool(checked.findings.errors) == bool(
        [line for line in checked.lines() if not line.startswith("warning")]
    )
    return checked.lines()


def test_what_is_in_order_is_left_alone(tmp_path: Path) -> None:
    assert _lines(tmp_path, _sound()) == []


def _swap(name: str, old: str, new: str, times: int = -1) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old.encode() in files[name], old
        files[name] = files[name].replace(old.encode(), new.encode(), times)

    return change


def _cell(name: str, line: int, term: str, value: str) -> Callable[[Files], None]:
    """Set a cell; line 2 is the first row."""
    place = next(1 + f.columns.index(term) for f in FILES if f.name == name)

    def change(files: Files) -> None:
        lines = files[name].decode().split("\n")
        cells = lines[line - 1].split("\t")
        cells[place] = value
        lines[line - 1] = "\t".join(cells)
        files[name] = "\n".join(lines).encode()

    return change


BREAKS: list[tuple[Callable[[Files], None], str]] = [
    (_cell(EVENT, 2, "eventDate", "21/09/2026"), "event.txt, line 2, eventDate: '21/09/2026'"),
    (_cell(EVENT, 2, "eventDate", "2026-02-30"), "event.txt, line 2, eventDate: '2026-02-30'"),
    (_cell(EVENT, 2, "eventDate", "2026-09-22/2026-09-21"), "event.txt, line 2, eventDate"),
    (_cell(EVENT, 2, "eventDate", ""), "event.txt, line 2, eventDate: nothing, expected a value"),
    (_cell(EVENT, 2, "decimalLatitude", "91"), "decimalLatitude: '91', expected a number from -90"),
    (_cell(EVENT, 2, "decimalLatitude", "nan"), "decimalLatitude: 'nan'"),
    (_cell(EVENT, 3, "decimalLongitude", "-180.5"), "line 3, decimalLongitude: '-180.5'"),
    (_cell(EVENT, 3, "decimalLongitude", ""), "event.txt, line 3, decimalLongitude: nothing"),
    (_cell(EVENT, 2, "minimumDepthInMeters", "101"), "expected at most maximumDepthInMeters, 100"),
    (_cell(EVENT, 2, "geodeticDatum", "WGS 84"), "geodeticDatum: 'WGS 84', expected one of EPSG"),
    (_cell(EVENT, 2, "sampleSizeUnit", ""), "sampleSizeValue: '2.5', expected a value just where"),
    (_cell(EVENT, 2, "sampleSizeValue", "0"), "sampleSizeValue: '0', expected a number above 0"),
    (_cell(EVENT, 3, "parentEventID", "s9"), "line 3, parentEventID: 's9', expected the eventID"),
    (_cell(EVENT, 2, "parentEventID", "s1:0-5m"), "expected no event above itself"),
    (_cell(EVENT, 2, "eventID", "s2"), "event.txt, line 2, id: 's1', expected the same as"),
    (
        _swap(EVENT, "s1:0-5m", "s1"),
        "event.txt, line 3, id: 's1', expected an id that no other row",
    ),
    (_cell(OCCURRENCE, 3, "occurrenceID", "o1"), "line 3, occurrenceID: 'o1', expected an id that"),
    (_cell(OCCURRENCE, 2, "occurrenceID", ""), "occurrence.txt, line 2, occurrenceID: nothing"),
    (_cell(OCCURRENCE, 2, "eventID", "s1"), "occurrence.txt, line 2, eventID: 's1', expected"),
    (
        _swap(OCCURRENCE, "s1:0-5m", "s7"),
        "occurrence.txt, line 2, coreid: 's7', expected the id of",
    ),
    (_cell(OCCURRENCE, 2, "scientificName", ""), "line 2, scientificName: nothing"),
    (
        _cell(OCCURRENCE, 2, "scientificNameID", "1080"),
        "scientificNameID: '1080', expected an LSID",
    ),
    (_cell(OCCURRENCE, 2, "basisOfRecord", "Machine"), "basisOfRecord: 'Machine', expected one of"),
    (_cell(OCCURRENCE, 2, "occurrenceStatus", "seen"), "occurrenceStatus: 'seen', expected one of"),
    (_cell(OCCURRENCE, 2, "individualCount", "3.5"), "individualCount: '3.5', expected a whole"),
    (_cell(OCCURRENCE, 3, "individualCount", "2"), "line 3, individualCount: '2', expected 0"),
    (_cell(OCCURRENCE, 2, "individualCount", "0"), "individualCount: '0', expected more than 0"),
    (_cell(OCCURRENCE, 2, "organismQuantityType", ""), "organismQuantity: '1.2', expected a value"),
    (_cell(EMOF, 2, "occurrenceID", "o9"), "line 2, occurrenceID: 'o9', expected the occurrenceID"),
    (_cell(EMOF, 2, "measurementTypeID", "P01:OCOUNT01"), "measurementTypeID: 'P01:OCOUNT01'"),
    (
        _cell(EMOF, 2, "measurementUnitID", "http://no where"),
        "measurementUnitID: 'http://no where'",
    ),
    (_cell(EMOF, 2, "measurementUnit", ""), "measurementUnit: nothing, expected the unit's name"),
    (
        _cell(EMOF, 2, "measurementValue", ""),
        "measurementValue: nothing, expected a value in every",
    ),
    (_swap(EVENT, "\tSample\t", "\t"), "event.txt, line 2, cells: '15', expected 16 of them"),
    (lambda f: f.update({EVENT: f[EVENT] + b"\xff\n"}), "event.txt, encoding"),
    (lambda f: f.update({EVENT: f[EVENT].split(b"\n")[0] + b"\n"}), "event.txt, rows: nothing"),
    (lambda f: f.pop(OCCURRENCE), "meta.xml, location: 'occurrence.txt', expected the name of"),
    (lambda f: f.pop("eml.xml"), "meta.xml, metadata: 'eml.xml', expected the name of a file"),
    (_swap("meta.xml", "terms/eventDate", "terms/eventdate"), "expected a term of"),
    (_swap("meta.xml", "terms/eventDate", "terms/eventTime"), "meta.xml, eventDate: nothing"),
    (_swap("meta.xml", 'terms/measurementType"', 'terms/measurementValue"'), "each term once"),
    (_swap("meta.xml", 'index="3"', 'index="2"', 1), "expected a column of its own"),
    (_swap("meta.xml", "dwc/text/", "dwc/txt/"), "meta.xml, archive"),
    (_swap("meta.xml", '<id index="0"/>', ""), "meta.xml, id: nothing"),
    (_swap("meta.xml", 'dwc/terms/Event"', 'dwc/terms/Taxon"'), "meta.xml, rowType"),
    (_swap("meta.xml", "core", "extension"), "meta.xml, core: '0', expected one core"),
    (_swap("meta.xml", "</archive>", ""), "meta.xml, document"),
    (_swap("eml.xml", "<title", "<name"), "eml.xml, document"),
    (_swap("eml.xml", "<?xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><?xml"), "eml.xml, document"),
    (_swap("eml.xml", ">Bay<", "> <"), "eml.xml, title: nothing"),
    (_swap("eml.xml", "Objects of a bay, seen by", ""), "eml.xml, abstract: 'a camera"),
    (_swap("eml.xml", "publicdomain/zero", "publicdomain/none"), "eml.xml, intellectualRights"),
    (_swap("eml.xml", "43.000000", "43.600000"), "boundingCoordinates: '43.5, 7.25', expected"),
    (_swap("eml.xml", "44.000000", "144"), "northBoundingCoordinate: '144', expected a number"),
    (_swap("eml.xml", "<contact>", "<nobody>", 1), "eml.xml, document"),
    (_swap("eml.xml", "creator>", "author>"), "eml.xml, creator: nothing, expected at least one"),
    (_swap("eml.xml", "calendarDate>2026-09-21", "calendarDate>21.9."), "calendarDate: '21.9.'"),
    (_swap("eml.xml", "packageId", "packageid"), "eml.xml, packageId: nothing"),
]


@pytest.mark.parametrize(("break_", "said"), BREAKS)
def test_what_is_broken_is_named(
    tmp_path: Path, break_: Callable[[Files], None], said: str
) -> None:
    files = _sound()
    break_(files)
    lines = _lines(tmp_path, files)
    assert any(said in line for line in lines), lines
    assert any(not line.startswith("warning") for line in lines)


def test_a_term_that_is_recommended_is_a_warning(tmp_path: Path) -> None:
    files = _sound()
    _cell(OCCURRENCE, 2, "kingdom", "")(files)
    [line] = _lines(tmp_path, files)
    assert line.startswith("warning: occurrence.txt, line 2, kingdom: nothing")


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    plain = tmp_path / "a.zip"
    plain.write_bytes(b"PK nothing")
    with pytest.raises(ArchiveError, match="not a zip"):
        check_archive(plain)
    assert not is_archive(plain)
    files = _sound()
    del files["meta.xml"]
    with pytest.raises(ArchiveError, match=re.escape("no meta.xml: not a Darwin Core archive")):
        check_archive(_write(tmp_path, files))


def test_a_damaged_member_is_said(tmp_path: Path) -> None:
    path = _write(tmp_path, _sound())
    data = bytearray(path.read_bytes())
    at = data.index(b"EPSG:4326")
    data[at : at + 4] = b"XXXX"
    path.write_bytes(data)
    assert any("event.txt, file: 'Bad CRC-32" in line for line in check_archive(path).lines())


def test_many_problems_of_one_kind_are_counted(tmp_path: Path) -> None:
    files = _sound()
    files[EMOF] += files[EMOF].split(b"\n")[1].join([b"", b"\n"]) * 60
    lines = _lines(tmp_path, files)
    assert len(lines) == 21
    assert lines[-1].endswith("measurementID: 40 more of this kind")


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300), st.sampled_from(["meta.xml", "eml.xml", EVENT, OCCURRENCE, EMOF]))
def test_whatever_a_file_holds_the_check_ends(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    files = {**_sound(), name: data}
    check_archive(_write(tmp_path_factory.mktemp("any"), files)).lines()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-180, 180), st.floats(0, 100)).map(lambda t: (t[0], t[0] + t[1])),
        min_size=1,
    )
)
def test_a_box_holds_all_longitudes(spans: list[tuple[float, float]]) -> None:
    west, east = longitudes(spans)
    assert -180 <= west <= 180
    assert -180 <= east <= 180
    for span in spans:
        for lon in (*span, sum(span) / 2):
            at = lon - 360 if lon > 180 else lon
            beside = at >= west - NEAR, at <= east + NEAR
            assert any(beside) if west > east else all(beside), (span, west, east)


def test_dates_of_iso_8601() -> None:
    good = ["2026", "2026-09", "2026-09-21", "2026-09-21T10:00Z", "2026-09-21T10:00:00+02:00",
            "2026-09-21/2026-09-22", "2026-09-21T10:00:00Z/2026-09-21T11:00:00Z"]  # fmt: skip
    bad = ["", "26-09-21", "2026-13", "2026-09-31", "2026-09-21 10:00", "2026/09/21", "1/2/3",
           "2026-09-21T25:00Z", "2026-09-22/2026-09-21"]  # fmt: skip
    assert [text for text in good if not is_interval(text)] == []
    assert [text for text in bad if is_interval(text)] == []
    rule = rule_of("scientificNameID")
    assert rule is not None
    assert rule.holds("urn:lsid:marinespecies.org:taxname:1080")

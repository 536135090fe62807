"""Whether `eml.xml` says what GBIF and OBIS must know of a dataset.

Example:
    >>> check_eml("eml.xml", data, places=[(43.5, 7.3)], findings=findings)
"""

from collections.abc import Sequence
from datetime import date
from xml.etree.ElementTree import Element

from server.exports.dwca.eml import LICENCES
from server.exports.dwca.findings import Findings
from server.exports.dwca.meta import parse_xml
from server.exports.dwca.values import number

_SIDES = {"west": 180.0, "east": 180.0, "north": 90.0, "south": 90.0}
_NEAR_DEG = 1e-4
_ABSTRACT_LEAST = 30


def check_eml(
    name: str, data: bytes, places: Sequence[tuple[float, float]], findings: Findings
) -> None:
    """`places` are the events' (latitude, longitude)."""
    root = parse_xml(name, data, findings)
    if root is None:
        return
    if not root.tag.startswith("{") or not root.tag.endswith("}eml"):
        findings.error(name, 0, "document", root.tag, "the element eml of EML")
        return
    for attribute in ("packageId", "system"):
        if not root.get(attribute):
            findings.error(name, 0, attribute, "", "an attribute of eml")
    dataset = root.find("dataset")
    if dataset is None:
        findings.error(name, 0, "dataset", "", "one element of this name")
        return
    _check_texts(name, dataset, findings)
    _check_people(name, dataset, findings)
    _check_licence(name, dataset, findings)
    _check_places(name, dataset, places, findings)
    _check_dates(name, dataset, findings)


def _check_texts(name: str, dataset: Element, findings: Findings) -> None:
    if not (dataset.findtext("title") or "").strip():
        findings.error(name, 0, "title", "", "the dataset's title")
    if len(_all_text(dataset, "abstract")) < _ABSTRACT_LEAST:
        findings.error(
            name, 0, "abstract", _all_text(dataset, "abstract"),
            f"some words on the dataset, {_ABSTRACT_LEAST} characters at least",
        )  # fmt: skip
    published = dataset.findtext("pubDate") or ""
    if not _is_day(published):
        findings.error(name, 0, "pubDate", published, "a date of ISO 8601")


def _check_people(name: str, dataset: Element, findings: Findings) -> None:
    for tag in ("creator", "metadataProvider", "contact"):
        people = dataset.findall(tag)
        if not people:
            findings.error(name, 0, tag, "", "at least one")
        for person in people:
            named = [person.findtext("individualName/surName"), person.findtext("organizationName")]
            if not any((text or "").strip() for text in named):
                findings.error(name, 0, tag, "", "a surname or an organisation")


def _check_licence(name: str, dataset: Element, findings: Findings) -> None:
    urls = [link.get("url", "") for link in dataset.findall("intellectualRights/para/ulink")]
    known = {licence.url for licence in LICENCES.values()}
    if not set(urls) & known:
        said = urls[0] if urls else _all_text(dataset, "intellectualRights")
        findings.error(
            name, 0, "intellectualRights", said, f"a link to one of {', '.join(sorted(known))}"
        )


def _check_places(
    name: str, dataset: Element, places: Sequence[tuple[float, float]], findings: Findings
) -> None:
    box = dataset.find("coverage/geographicCoverage/boundingCoordinates")
    if box is None:
        findings.error(name, 0, "boundingCoordinates", "", "the box that holds all events")
        return
    found: dict[str, float] = {}
    for side, most in _SIDES.items():
        text = box.findtext(f"{side}BoundingCoordinate") or ""
        value = number(text)
        if value is None or abs(value) > most:
            expected = f"a number from {-most:g} to {most:g}"
            findings.error(name, 0, f"{side}BoundingCoordinate", text, expected)
        else:
            found[side] = value
    if len(found) < len(_SIDES):
        return
    for lat, lon in places:
        if not _holds(found, lat, lon):
            findings.error(
                name, 0, "boundingCoordinates", f"{lat}, {lon}", "a box that holds every event"
            )
            return


def _holds(box: dict[str, float], lat: float, lon: float) -> bool:
    """A box whose west lies east of its east reaches over the date line."""
    west, east = box["west"] - _NEAR_DEG, box["east"] + _NEAR_DEG
    beside = west <= lon <= east if west <= east else lon >= west or lon <= east
    return beside and box["south"] - _NEAR_DEG <= lat <= box["north"] + _NEAR_DEG


def _check_dates(name: str, dataset: Element, findings: Findings) -> None:
    dates = dataset.findall("coverage/temporalCoverage//calendarDate")
    if not dates:
        findings.error(name, 0, "temporalCoverage", "", "the first and the last day")
    for element in dates:
        if not _is_day(element.text or ""):
            findings.error(name, 0, "calendarDate", element.text or "", "a date of ISO 8601")
    if dataset.find("coverage/taxonomicCoverage/taxonomicClassification") is None:
        findings.warning(name, 0, "taxonomicCoverage", "", "the taxa, as GBIF recommends")


def _all_text(dataset: Element, tag: str) -> str:
    element = dataset.find(tag)
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text.strip()[:10]))
    except ValueError:
        return False

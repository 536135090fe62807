"""`eml.xml`: what the dataset is, who made it, what it covers, under which licence.

EML 2.2.0 in GBIF's profile 1.3 (https://rs.gbif.org/schema/eml-gbif-profile/). What a person has
not said is said from the data; the licence alone must be one that GBIF and OBIS take.

Example:
    >>> licence_of("CC BY 4.0").url
    'http://creativecommons.org/licenses/by/4.0/legalcode'
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from server.exports.asked import AskedError
from server.exports.provenance import as_iso, as_json

EML = "https://eml.ecoinformatics.org/eml-2.2.0"
_SCHEMA = f"{EML} https://rs.gbif.org/schema/eml-gbif-profile/1.3/eml.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True)
class Licence:
    name: str
    url: str


LICENCES = {
    "CC0 1.0": Licence(
        "Public Domain (CC0 1.0)", "http://creativecommons.org/publicdomain/zero/1.0/legalcode"
    ),
    "CC BY 4.0": Licence(
        "Creative Commons Attribution (CC-BY) 4.0 License",
        "http://creativecommons.org/licenses/by/4.0/legalcode",
    ),
    "CC BY-NC 4.0": Licence(
        "Creative Commons Attribution Non Commercial (CC-BY-NC) 4.0 License",
        "http://creativecommons.org/licenses/by-nc/4.0/legalcode",
    ),
}


@dataclass(frozen=True)
class Person:
    name: str
    address: str
    organisation: str


@dataclass(frozen=True)
class Coverage:
    """Limits in degrees, moments as ISO 8601, (rank, name) of the taxa."""

    west: float
    east: float
    south: float
    north: float
    begins: str
    ends: str
    taxa: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Dataset:
    title: str
    abstract: str
    people: Sequence[Person]
    licence: Licence
    coverage: Coverage
    package_id: str
    made_ms: int
    citation: str
    provenance: Mapping[str, Any]


def licence_of(text: str) -> Licence:
    """Raises AskedError."""
    plain = text.upper().replace("-", " ").replace("_", " ")
    for name, licence in LICENCES.items():
        known = name.upper().replace("-", " ")
        if plain in (known, known.rpartition(" ")[0]):
            return licence
    said = f"'{text}'" if text else "none"
    raise AskedError(
        [
            f"licence: {said}, but GBIF and OBIS take {', '.join(LICENCES)} alone; give the "
            "project one of these, or the export (licence)"
        ]
    )


def eml_xml(dataset: Dataset) -> str:
    for prefix, space in (("eml", EML), ("xsi", _XSI)):
        ElementTree.register_namespace(prefix, space)
    root = Element(
        f"{{{EML}}}eml",
        {
            "packageId": dataset.package_id,
            "system": "http://gbif.org",
            "scope": "system",
            "xml:lang": "en",
            f"{{{_XSI}}}schemaLocation": _SCHEMA,
        },
    )
    within = SubElement(root, "dataset")
    _text(within, "alternateIdentifier", dataset.package_id)
    _text(within, "title", dataset.title, {"xml:lang": "en"})
    for tag in ("creator", "metadataProvider"):
        for person in dataset.people if tag == "creator" else dataset.people[:1]:
            _person(within, tag, person)
    _text(within, "pubDate", datetime.fromtimestamp(dataset.made_ms / 1000, UTC).date().isoformat())
    _text(within, "language", "en")
    _text(SubElement(within, "abstract"), "para", dataset.abstract)
    for words, thesaurus in _KEYWORDS:
        keywords = SubElement(within, "keywordSet")
        for word in words:
            _text(keywords, "keyword", word)
        _text(keywords, "keywordThesaurus", thesaurus)
    _rights(within, dataset.licence)
    _coverage(SubElement(within, "coverage"), dataset.coverage)
    _text(SubElement(SubElement(within, "maintenance"), "description"), "para", "as needed")
    _text(within[-1], "maintenanceUpdateFrequency", "asNeeded")
    _person(within, "contact", dataset.people[0])
    _metadata(root, dataset)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


_KEYWORDS: tuple[tuple[Iterable[str], str], ...] = (
    (
        ("Samplingevent",),
        "GBIF Dataset Type Vocabulary: http://rs.gbif.org/vocabulary/gbif/dataset_type_2015-07-10.xml",
    ),
    (("Plankton", "Imaging"), "n/a"),
)


def _person(parent: Element, tag: str, person: Person) -> None:
    element = SubElement(parent, tag)
    given, _, surname = person.name.strip().rpartition(" ")
    name = SubElement(element, "individualName")
    if given:
        _text(name, "givenName", given)
    _text(name, "surName", surname or "unknown")
    if person.organisation:
        _text(element, "organizationName", person.organisation)
    _text(element, "electronicMailAddress", person.address)


def _rights(parent: Element, licence: Licence) -> None:
    para = SubElement(SubElement(parent, "intellectualRights"), "para")
    para.text = "This work is licensed under a "
    link = SubElement(para, "ulink", {"url": licence.url})
    _text(link, "citetitle", licence.name)
    link.tail = "."


def _coverage(parent: Element, coverage: Coverage) -> None:
    place = SubElement(parent, "geographicCoverage")
    _text(place, "geographicDescription", "where the objects were seen: see the bounding box")
    box = SubElement(place, "boundingCoordinates")
    for side in ("west", "east", "north", "south"):
        _text(box, f"{side}BoundingCoordinate", f"{getattr(coverage, side):.6f}")
    dates = SubElement(SubElement(parent, "temporalCoverage"), "rangeOfDates")
    for tag, moment in (("beginDate", coverage.begins), ("endDate", coverage.ends)):
        _text(SubElement(dates, tag), "calendarDate", moment[:10])
    taxa = SubElement(parent, "taxonomicCoverage")
    _text(taxa, "generalTaxonomicCoverage", "names of the World Register of Marine Species")
    for rank, name in coverage.taxa:
        taxon = SubElement(taxa, "taxonomicClassification")
        if rank:
            _text(taxon, "taxonRankName", rank)
        _text(taxon, "taxonRankValue", name)


def _metadata(root: Element, dataset: Dataset) -> None:
    """What GBIF wants besides, and where the numbers are from."""
    within = SubElement(SubElement(root, "additionalMetadata"), "metadata")
    gbif = SubElement(within, "gbif")
    _text(gbif, "dateStamp", as_iso(dataset.made_ms))
    _text(gbif, "hierarchyLevel", "dataset")
    _text(gbif, "citation", dataset.citation)
    within = SubElement(SubElement(root, "additionalMetadata"), "metadata")
    _text(within, "provenance", as_json(dataset.provenance))


def _text(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    """XML has no place for control characters: they become spaces."""
    element = SubElement(parent, tag, attributes or {})
    element.text = "".join(c if c >= " " or c in "\t\n" else " " for c in text)

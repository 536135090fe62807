"""Reads `meta.xml`: which tables an archive has, and which term each column is.

Example:
    >>> tables = read_meta(data, {"event.txt", ...}, findings)
    >>> tables[0].columns[1]
    'eventID'
"""

from collections.abc import Set
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from server.exports.dwca.findings import Findings
from server.exports.dwca.terms import EVENT, OCCURRENCE, REQUIRED, TEXT, names, uri

META = "meta.xml"
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r\\n": "\r\n", "\\r": "\r", ",": ",", ";": ";", "|": "|"}


@dataclass(frozen=True)
class Described:
    """A table as `meta.xml` says it is. `columns` are short names by index; `key` is the index of
    the core's id."""

    name: str
    row_type: str
    core: bool
    columns: dict[int, str]
    key: int
    separator: str
    quote: str
    head_lines: int
    encoding: str


def parse_xml(file: str, data: bytes, findings: Findings) -> Element | None:
    """The root; None when it is no XML, or one that declares entities, which none here needs."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        findings.error(file, 0, "document", "<!DOCTYPE", "no document type and no entities")
        return None
    try:
        return ElementTree.fromstring(data)  # noqa: S314 # entities are refused above
    except ElementTree.ParseError as error:
        findings.error(file, 0, "document", str(error), "well-formed XML")
        return None


def read_meta(data: bytes, there: Set[str], findings: Findings) -> list[Described]:
    """The core and its extensions, as far as they can be made out."""
    root = parse_xml(META, data, findings)
    if root is None:
        return []
    if root.tag != f"{{{TEXT}}}archive":
        findings.error(META, 0, "archive", root.tag, f"the element archive of {TEXT}")
        return []
    cores = root.findall(f"{{{TEXT}}}core")
    if len(cores) != 1:
        findings.error(META, 0, "core", str(len(cores)), "one core")
        return []
    if root.get("metadata") is None:
        findings.error(META, 0, "metadata", "", "the name of the metadata file")
    extensions = root.findall(f"{{{TEXT}}}extension")
    found = [_describe(element, there, findings) for element in (*cores, *extensions)]
    tables = [table for table in found if table is not None]
    types = [table.row_type for table in tables]
    for row_type in sorted({kind for kind in types if types.count(kind) > 1}):
        findings.error(META, 0, "rowType", row_type, "one table of a type")
    return tables


def metadata_name(data: bytes) -> str:
    root = ElementTree.fromstring(data)  # noqa: S314 # read_meta has looked at it
    return root.get("metadata") or "eml.xml"


def _describe(element: Element, there: Set[str], findings: Findings) -> Described | None:
    core = element.tag.endswith("core")
    row_type = element.get("rowType", "")
    location = element.findtext(f"{{{TEXT}}}files/{{{TEXT}}}location", "").strip()
    if location not in there:
        findings.error(META, 0, "location", location, "the name of a file in the archive")
        return None
    expected = {EVENT, OCCURRENCE} if core else set(REQUIRED)
    if row_type not in expected:
        findings.error(META, 0, "rowType", row_type, f"one of {', '.join(sorted(expected))}")
        return None
    key = element.find(f"{{{TEXT}}}{'id' if core else 'coreid'}")
    if key is None or not key.get("index", "").isdigit():
        findings.error(META, 0, "id" if core else "coreid", "", "the column of the core's id")
        return None
    columns = _columns(element, location, row_type, findings)
    return Described(
        location,
        row_type,
        core,
        columns,
        int(key.get("index", "0")),
        _ESCAPES.get(element.get("fieldsTerminatedBy", ","), ","),
        element.get("fieldsEnclosedBy", '"'),
        int(element.get("ignoreHeaderLines", "0") or 0),
        element.get("encoding", "UTF-8"),
    )


def _columns(element: Element, file: str, row_type: str, findings: Findings) -> dict[int, str]:
    found: dict[int, str] = {}
    known = {uri(name): name for name in names(row_type)}
    for field in element.findall(f"{{{TEXT}}}field"):
        term, index = field.get("term", ""), field.get("index", "")
        if term not in known:
            findings.error(META, 0, f"field of {file}", term, f"a term of {row_type}")
        elif not index.isdigit() and field.get("default") is None:
            findings.error(META, 0, known[term], index, "an index or a default")
        elif index.isdigit() and int(index) in found:
            findings.error(META, 0, known[term], index, "a column of its own")
        elif known[term] in found.values():
            findings.error(META, 0, known[term], term, "each term once")
        elif index.isdigit():
            found[int(index)] = known[term]
    for name in REQUIRED.get(row_type, ()):
        if name not in found.values():
            findings.error(META, 0, name, "", f"a column of {file}, as GBIF and OBIS need it")
    return found

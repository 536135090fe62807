"""The rules for a row of an archive, and those between rows.

Example:
    >>> check_row(table, 2, ["1:3:cast1", "1:3:cast1", ...], ids, findings)
    (43.5, 7.3)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.exports.dwca.findings import Findings
from server.exports.dwca.meta import Described
from server.exports.dwca.terms import EMOF, EVENT, FILLED, OCCURRENCE
from server.exports.dwca.values import number, rule_of

Row = Mapping[str, str]
_TOGETHER = (
    ("sampleSizeValue", "sampleSizeUnit"),
    ("organismQuantity", "organismQuantityType"),
    ("decimalLatitude", "decimalLongitude"),
)
_RECOMMENDED = {
    EVENT: ("geodeticDatum", "minimumDepthInMeters", "maximumDepthInMeters", "samplingProtocol"),
    OCCURRENCE: ("taxonRank", "kingdom"),
    EMOF: ("measurementTypeID", "measurementID"),
}


@dataclass
class Ids:
    """The ids that rows have, and those that they name."""

    core_type: str
    core: set[str] = field(default_factory=set)
    occurrences: set[str] = field(default_factory=set)
    measurements: set[str] = field(default_factory=set)
    parents: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def check_references(self, findings: Findings) -> None:
        """That events above are there, and none above itself."""
        for event, (parent, file, line) in self.parents.items():
            if parent not in self.core:
                findings.error(file, line, "parentEventID", parent, "the eventID of an event")
                continue
            seen, at = {event}, parent
            while at in self.parents and at not in seen:
                seen.add(at)
                at = self.parents[at][0]
            if at in seen:
                findings.error(file, line, "parentEventID", parent, "no event above itself")


def check_row(
    table: Described, line: int, cells: list[str], ids: Ids, findings: Findings
) -> tuple[float, float] | None:
    """Note what is wrong; the row's position if it has one."""
    row = {name: cells[index].strip() for index, name in table.columns.items()}

    def wrong(term: str, value: str, expected: str) -> None:
        findings.error(table.name, line, term, value, expected)

    for name in FILLED[table.row_type]:
        if name in row and not row[name]:
            wrong(name, "", "a value in every row")
    for name, value in row.items():
        rule = rule_of(name) if value else None
        if rule is not None and not rule.holds(value):
            wrong(name, value, rule.expected)
    for one, other in _TOGETHER:
        if bool(row.get(one)) != bool(row.get(other)):
            wrong(one, row.get(one, ""), f"a value just where {other} has one")
    _check_ids(table, line, cells[table.key].strip(), row, ids, wrong)
    _check_sense(table, row, wrong)
    for name in _RECOMMENDED[table.row_type]:
        if not row.get(name):
            findings.warning(table.name, line, name, "", "a value, as GBIF and OBIS recommend")
    lat, lon = number(row.get("decimalLatitude", "")), number(row.get("decimalLongitude", ""))
    return None if lat is None or lon is None else (lat, lon)


def _check_ids(
    table: Described,
    line: int,
    key: str,
    row: Row,
    ids: Ids,
    wrong: Callable[[str, str, str], None],
) -> None:
    if table.core:
        if not key or key in ids.core:
            wrong("id", key, "an id that no other row has")
        ids.core.add(key)
        own = row.get("eventID" if table.row_type == EVENT else "occurrenceID", key)
        if own != key:
            wrong("id", key, f"the same as the row's own id, {own:.80}")
    elif key not in ids.core:
        wrong("coreid", key, "the id of a row of the core")
    elif row.get("eventID", key) != key and ids.core_type == EVENT:
        wrong("eventID", row["eventID"], f"the same as coreid, {key:.80}")
    if table.row_type == EVENT and row.get("parentEventID"):
        ids.parents[key] = (row["parentEventID"], table.name, line)
    if table.row_type == OCCURRENCE:
        _unique("occurrenceID", row, ids.occurrences, wrong)
    if table.row_type == EMOF:
        if row.get("measurementID"):
            _unique("measurementID", row, ids.measurements, wrong)
        named = row.get("occurrenceID")
        if named and named not in ids.occurrences:
            wrong("occurrenceID", named, "the occurrenceID of an occurrence")


def _unique(name: str, row: Row, seen: set[str], wrong: Callable[[str, str, str], None]) -> None:
    value = row.get(name, "")
    if value in seen:
        wrong(name, value, "an id that no other row has")
    seen.add(value)


def _check_sense(table: Described, row: Row, wrong: Callable[[str, str, str], None]) -> None:
    """What terms say together."""
    low, high = (number(row.get(f"{m}imumDepthInMeters", "")) for m in ("min", "max"))
    if low is not None and high is not None and low > high:
        wrong("minimumDepthInMeters", f"{low:g}", f"at most maximumDepthInMeters, {high:g}")
    if table.row_type == OCCURRENCE:
        count, status = row.get("individualCount", ""), row.get("occurrenceStatus")
        if status == "absent" and count not in ("", "0"):
            wrong("individualCount", count, "0 for what is absent")
        if status == "present" and count == "0":
            wrong("individualCount", count, "more than 0 for what is present")
    if table.row_type == EMOF and row.get("measurementUnitID") and not row.get("measurementUnit"):
        wrong("measurementUnit", "", "the unit's name beside its address")

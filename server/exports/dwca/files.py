"""The tables of an archive, and `meta.xml` that says what their columns are.

Columns are separated by tabs and never quoted: tabs and line breaks in a value become spaces. The
first column is the event's id again, by which the star of tables hangs together.
Source: Darwin Core text guide, https://dwc.tdwg.org/text/.

Example:
    >>> meta_xml()
    '<?xml version="1.0" encoding="UTF-8"?>...'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from server.exports.archive import Table
from server.exports.dwca import events, occurrences
from server.exports.dwca.terms import EMOF, EVENT, OCCURRENCE, TEXT, uri


@dataclass(frozen=True)
class File:
    name: str
    row_type: str
    columns: tuple[str, ...]

    def table(self) -> Table:
        return Table([["id", *self.columns]], plain=True)

    def line(self, row: Mapping[str, Any]) -> list[str]:
        """A row's cells; what it does not have is empty."""
        cells = [_plain(row.get(name)) for name in self.columns]
        return [_plain(row["eventID"]), *cells]


FILES = (
    File("event.txt", EVENT, events.COLUMNS),
    File("occurrence.txt", OCCURRENCE, occurrences.COLUMNS),
    File("extendedmeasurementorfact.txt", EMOF, occurrences.MEASURES),
)
"""The core first."""


def meta_xml(files: Sequence[File] = FILES) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<archive xmlns="{TEXT}" metadata="eml.xml">',
    ]
    for file in files:
        kind, key = ("core", "id") if file.row_type == EVENT else ("extension", "coreid")
        lines += [
            f'  <{kind} encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n"'
            f' fieldsEnclosedBy="" ignoreHeaderLines="1" rowType={quoteattr(file.row_type)}>',
            f"    <files><location>{file.name}</location></files>",
            f'    <{key} index="0"/>',
            *(
                f'    <field index="{i}" term={quoteattr(uri(name))}/>'
                for i, name in enumerate(file.columns, 1)
            ),
            f"  </{kind}>",
        ]
    return "\n".join([*lines, "</archive>", ""])


def _plain(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if text.isprintable() else " ".join(text.split())

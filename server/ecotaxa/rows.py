"""Objects of the shore as rows of EcoTaxa's table, and as lines of what stands beside it.

A chunk of objects is made into cells by column; a row is then what stands at one place of them all.
What EcoTaxa cannot keep (a number that is not finite, text above 250 characters, one id for two
things, a taxon without a status) is mended and said; the line beside the table has it as it is.

Example:
    >>> for made in maker.rows(chunk):
    ...     made.row, made.line
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from server.db.export import Chunk, ImageInfo, Slices
from server.ecotaxa.beside import row_digest
from server.ecotaxa.layout import Layout
from server.ecotaxa.mends import Mends, odd_numbers
from server.ecotaxa.project_cells import ProjectCells

STATUS = {"U": "", "P": "predicted", "D": "dubious", "V": "validated", "X": "discarded"}
_IMAGE_CELLS = 2


class Made(NamedTuple):
    """An object as text: `row` without its image's cells, `line` of what stands beside."""

    objid: int
    row: str
    line: str
    images: Sequence[ImageInfo]


class RowMaker:
    """Makes rows of one project."""

    def __init__(self, cells: ProjectCells, layout: Layout, mends: Mends) -> None:
        self._cells = cells
        self._layout = layout
        self._mends = mends
        self._slices = Slices(len(cells.columns))
        self._names = [column.name for column in layout.table()][_IMAGE_CELLS:]

    def rows(self, chunk: Chunk) -> list[Made]:
        """The objects, in their order."""
        columns = [dict(row._mapping) for row in chunk.rows]
        said = [self._said(row, chunk) for row in chunk.rows]
        ids = [self._object_id(row) for row in chunk.rows]
        by_name: dict[str, Sequence[str]] = {"object_id": ids}
        by_name |= self._fixed(columns)
        by_name |= _turned(said)
        by_name |= self._own(columns)
        free, exact = self._free(chunk)
        by_name |= free
        placed = [self._cells.process[row.process_id] for row in chunk.rows]
        by_name |= dict(zip(self._cells.parent_columns, zip(*placed, strict=True), strict=True))
        rows = ["\t".join(row) for row in zip(*(by_name[n] for n in self._names), strict=True)]
        return [
            Made(
                row.objid,
                text,
                self._line(row, ids[at], text, exact[at], chunk),
                chunk.images.get(row.objid, ()),
            )
            for at, (row, text) in enumerate(zip(chunk.rows, rows, strict=True))
        ]

    def _object_id(self, row: Any) -> str:
        plain = self._mends.text(row.orig_id, "object_id")
        if plain == row.orig_id and plain and plain not in self._cells.shared_ids:
            return plain
        if plain in self._cells.shared_ids:
            self._mends.note("object_id: one id of several objects was made unique")
        mark = f"~{row.objid}"
        return f"{plain[: 250 - len(mark)]}{mark}"

    def _fixed(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[str]]:
        """Place, depth and time."""
        mends = self._mends
        depth = [row["depth_m"] for row in rows]
        deepest = [row["depth_max_m"] for row in rows]
        lower = [top if most is None else most for top, most in zip(depth, deepest, strict=True)]
        moments = [
            mends.moment(row["utc_ms"], day_alone=row["utc_source"] == "day", column="object_time")
            for row in rows
        ]
        return {
            "object_lat": mends.degrees([row["lat_deg"] for row in rows], 90, "object_lat"),
            "object_lon": mends.degrees([row["lon_deg"] for row in rows], 180, "object_lon"),
            "object_date": [date for date, _ in moments],
            "object_time": [time for _, time in moments],
            "object_depth_min": mends.numbers(depth, "object_depth_min"),
            "object_depth_max": mends.numbers(lower, "object_depth_max"),
            "object_link": [mends.text(row["link"] or "", "object_link") for row in rows],
        }

    def _said(self, row: Any, chunk: Chunk) -> dict[str, str]:
        """Who said when what it is: the present state, as its event has it."""
        part = "object_annotation_"
        status = STATUS.get(row.status, "")
        taxon = self._cells.taxa.get(row.taxon_id)
        if bool(status) != (taxon is not None):
            if row.status != "U" or taxon is not None:
                self._mends.note(f"{part}status: EcoTaxa wants status and taxon together, or none")
            status, taxon = "", None
        event = next((e for e in chunk.events.get(row.objid, ()) if e[1] == row.event_id), None)
        at_ms = row.received_ms if event is None else event.created_ms
        date, time = self._mends.moment(
            at_ms if status else None, day_alone=False, column=f"{part}time"
        )
        person = self._cells.person_of(event) if status else None
        return {
            f"{part}status": status,
            f"{part}category": self._mends.text(taxon.display_name, "category") if taxon else "",
            f"{part}hierarchy": self._mends.text(taxon.path, f"{part}hierarchy") if taxon else "",
            f"{part}person_name": self._mends.text(person.name, "person_name") if person else "",
            f"{part}person_email": person.email if person else "",
            f"{part}date": date,
            f"{part}time": time,
        }

    def _own(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[str]]:
        """What the shore itself knows of objects."""
        if not self._layout.own:
            return {}
        mends, releases = self._mends, self._cells.releases
        made = {
            "object_seadrift_score": [
                "" if row["pred_taxon_id"] is None else f"{row['score']:.6g}" for row in rows
            ],
            "object_seadrift_release": [
                releases[row["release_no"]].release_id if row["release_no"] in releases else ""
                for row in rows
            ],
            "object_seadrift_objid": [str(row["objid"]) for row in rows],
            "object_frame": [mends.text(row["values_frame"], "object_frame") for row in rows],
            "object_esd_um": mends.numbers([row["esd_um"] for row in rows], "object_esd_um"),
            "object_touches_border": [str(int(row["border"])) for row in rows],
            "object_temperature": mends.numbers(
                [row["temperature_c"] for row in rows], "object_temperature"
            ),
        }
        return {column.name: made[column.name] for column in self._layout.own}

    def _free(self, chunk: Chunk) -> tuple[dict[str, Sequence[str]], list[dict[str, Any]]]:
        """Cells of the free columns by the table's names, and for each object those values, by the
        project's names, that its cells do not hold as they are."""
        exact: list[dict[str, Any]] = [{} for _ in chunk.rows]
        found: dict[str, Sequence[str]] = {}
        free = self._slices.free
        columns = zip(*(row[free] for row in chunk.rows), strict=True)
        for (name, place), values in zip(self._cells.columns.items(), columns, strict=True):
            column = self._layout.free.get(name)
            shown = column or f"object_{name}"
            if place.startswith("n"):
                odd = odd_numbers(values) if column else range(len(values))
                beside = {at: repr(values[at]) for at in odd if values[at] is not None}
                cells = self._mends.numbers(values, shown) if column else []
            else:
                cells = [self._mends.text(v or "", shown) if column else "" for v in values]
                pairs = enumerate(zip(cells, values, strict=True))
                beside = {at: v for at, (cell, v) in pairs if v is not None and v != (cell or None)}
            for at, value in beside.items():
                exact[at][name] = value
            if column:
                found[column] = cells
        return found, exact

    def _note_taxa(self, row: Any, events: Sequence[Any]) -> None:
        used = self._cells.used_taxa
        used.update((row.taxon_id, row.pred_taxon_id))
        for event in events:
            used.update((event.old_taxon_id, event.new_taxon_id))
        used |= _taxa_of(row.values_top)

    def _line(
        self, row: Any, object_id: str, text: str, exact: dict[str, Any], chunk: Chunk
    ) -> str:
        slices, objid = self._slices, row.objid
        events = chunk.events.get(objid, ())
        numbers = {event[1]: at for at, event in enumerate(events)}
        told = [
            [*event[2:11], numbers.get(event.previous_id), event.created_ms] for event in events
        ]
        replaced = [
            [one[1], numbers.get(one.event_id), *one[4:]] for one in chunk.replaced.get(objid, ())
        ]
        self._note_taxa(row, events)
        images = [[i.rank, i.format, i.file_name] for i in chunk.images.get(objid, ())]
        measured = row[slices.exact]
        line = [
            object_id,
            row_digest("\t\t" + text),
            list(row[slices.object]),
            _plain(row[slices.values]),
            None if measured[2] is None else _plain(measured),
            list(row[slices.kept]),
            exact,
            numbers.get(row.event_id),
            told,
            replaced,
            images,
        ]
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _taxa_of(top: str) -> set[int]:
    return set() if top == "[]" else {taxon for taxon, _ in json.loads(top)}


def _plain(values: Sequence[Any]) -> list[Any]:
    """Values for JSON; bytes in base64."""
    return [
        base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value
        for value in values
    ]


def _turned(rows: Sequence[Mapping[str, str]]) -> dict[str, Sequence[str]]:
    names = list(rows[0])
    return {name: [row[name] for row in rows] for name in names}

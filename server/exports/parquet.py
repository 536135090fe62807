"""Objects as Parquet: typed columns with units, taxa and levels as dictionaries, in bounded memory.

One row an object, with EcoTaxa's names of columns; date and time are one moment (`object_datetime`,
UTC, and whether the time of day is known). Free columns keep their kinds: numbers and texts stand
as they are kept, whatever their length. The word of origin is in the file's metadata under
"seadrift", a column's unit and definition in the column's. With `partition` it is a zip of one file
a sample, in folders named as Hive's (`sample=cast1/objects.parquet`), which datasets of pyarrow,
polars and duckdb read as one.

Example:
    >>> write_parquet(Export(database, packs, 1, {}, who, 2, folder))
    {'file': 'export_parquet_1_20260921_1413.parquet', 'objects': 20000, 'mended': []}
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from server.db import exporting, exporting_objects
from server.db.exporting_objects import Selection
from server.db.tables import Object
from server.exports.archive import Archive, draft
from server.exports.columns import Columns, Known, Wanted
from server.exports.export import Export
from server.exports.parquet_columns import Layout
from server.exports.provenance import add_provenance, as_json, describe

ROW_GROUP = 32_768
_NOTES = (
    "sample=*/objects.parquet   one row an object; units and definitions in the columns' metadata\n"
)


def write_parquet(export: Export) -> dict[str, Any]:
    """Raises AskedError, OSError, DBAPIError."""
    asked = export.asked()
    partition = asked.flag("partition")
    asked.check()
    exporting.catch_up(export.database)
    path = export.path("parquet", ".zip" if partition else ".parquet")
    with exporting.snapshot(export.database) as connection:
        known = export.known(connection)
        provenance = describe(export, connection, known)
        layout = Layout(Columns(known, Wanted()), {"seadrift": as_json(provenance)})
        writer = _Writer(export, connection, layout)
        samples = _samples(connection, writer.selection, known)
        with draft(path) as stream:
            if partition:
                with Archive(stream) as archive:
                    writer.write_zip(archive, samples, path.parent)
                    add_provenance(archive, export, provenance, _NOTES)
            else:
                writer.write(stream, list(samples))
    return {"file": path.name, "objects": writer.objects, "mended": export.mends.lines()}


class _Writer:
    def __init__(self, export: Export, connection: Connection, layout: Layout) -> None:
        self._export, self._connection, self._layout = export, connection, layout
        self.selection = export.selection(connection)
        self.objects = 0

    def write(self, stream: IO[bytes], samples: Sequence[int]) -> None:
        """The samples' objects, as one file."""
        with (
            pq.ParquetWriter(stream, self._layout.schema, compression="zstd") as writer,
            closing(self._batches(samples)) as batches,
        ):
            held: list[pa.RecordBatch] = []
            rows = 0
            for batch in batches:
                held.append(batch)
                rows += batch.num_rows
                if rows >= ROW_GROUP:
                    writer.write_table(pa.Table.from_batches(held, self._layout.schema))
                    held, rows = [], 0
            if held:
                writer.write_table(pa.Table.from_batches(held, self._layout.schema))

    def write_zip(self, archive: Archive, samples: dict[int, str], folder: Path) -> None:
        used: set[str] = set()
        for number, name in samples.items():
            plain = quote(name, safe=" ()+,")[:100]
            plain = f"{plain}~{number}" if plain.casefold() in used else plain
            used.add(plain.casefold())
            with NamedTemporaryFile(dir=folder) as file:
                self.write(file, [number])
                file.seek(0)
                archive.add_file(f"sample={plain}/objects.parquet", file)

    def _batches(self, samples: Sequence[int]) -> Generator[pa.RecordBatch]:
        places = tuple(self._layout.columns.known.places.values())
        for sample in samples:
            part = (Object.sample_id == sample,)
            for rows in exporting_objects.read(self._connection, self.selection, places, part):
                self.objects += len(rows)
                self._export.progress(90, f"{self.objects} objects")
                yield self._layout.batch(rows)


def _samples(connection: Connection, selection: Selection, known: Known) -> dict[int, str]:
    """Those that have objects, by name."""
    named = {
        number: known.levels.samples[number].orig_id
        for number in exporting_objects.samples_of(connection, selection)
    }
    return dict(sorted(named.items(), key=lambda item: (item[1], item[0])))

"""The zip itself: vignettes as they come, the table last, the final name only when all is on disk.

Example::

    with EcotaxaArchive(out, run) as archive:
        archive.add(frame, objects)
    archive.path            # out/ecotaxa_<sample>.zip

Leaving the block by an exception (a full disk, Ctrl-C) removes what was written; an older zip of
the same name stays as it was. The same input gives the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.ecotaxa.columns import Run, columns_of, row_of
from edge.files import sync_folder
from edge.frames import Frame
from edge.pipeline import ObjectResult
from edge.png import encode
from wire.ecotaxa import cell, check_columns

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class EcotaxaArchive:
    """Writes ``ecotaxa_<sample>.zip`` with ``ecotaxa_<sample>.tsv`` and the vignettes."""

    def __init__(self, folder: Path, run: Run) -> None:
        """Raises EcotaxaError for a layout that EcoTaxa would refuse, OSError on writing."""
        self._run = run
        self._columns = columns_of(run)
        check_columns(self._columns)
        self._stem = "ecotaxa_" + file_stem(run.sample_id)
        self.path = folder / f"{self._stem}.zip"
        self._temporary = folder / f".{self._stem}.{os.getpid()}.tmp"
        self._rows = tempfile.TemporaryFile("w+b", dir=folder)  # noqa: SIM115 - closed in _discard
        self._file = self._temporary.open("wb")
        self._zip = zipfile.ZipFile(self._file, "w")
        self.objects = 0
        self._abandoned = False
        header = "\t".join(column.name for column in self._columns)
        kinds = "\t".join(f"[{column.kind}]" for column in self._columns)
        self._rows.write(f"{header}\n{kinds}\n".encode())

    def add(self, frame: Frame, objects: Sequence[ObjectResult]) -> None:
        """Add a frame's objects. Raises EcotaxaError naming the column, OSError on writing."""
        for number, found in enumerate(objects):
            row = row_of(self._run, frame, number, found)
            objid = str(row["object_id"])
            cells = [cell(column, row.get(column.name), objid) for column in self._columns]
            self._put(str(row["img_file_name"]), encode(found.vignette))
            self._rows.write(("\t".join(cells) + "\n").encode())
            self.objects += 1

    def abandon(self) -> None:
        """Write no zip after all: there was nothing to put into it."""
        self._abandoned = True

    def _put(self, name: str, data: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)

    def _finish(self) -> None:
        self._rows.seek(0)
        info = zipfile.ZipInfo(f"{self._stem}.tsv", _ZIP_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=True) as table:
            while block := self._rows.read(1 << 20):
                table.write(block)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self.path)
        sync_folder(self.path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and not self._abandoned:
                self._finish()
        finally:
            self._discard()

    def _discard(self) -> None:
        """Let go of everything that has no final name; on a full disk even closing a file fails."""
        self._zip.fp = None  # else it would write its directory when it is collected
        for file in (self._rows, self._file):
            with contextlib.suppress(OSError):
                file.close()
        self._temporary.unlink(missing_ok=True)


def file_stem(sample_id: str) -> str:
    """A sample's id as part of a file name: EcoTaxa finds lower-case names only."""
    return re.sub(r"[^a-z0-9._-]+", "_", sample_id.lower()).strip("._")[:100] or "sample"

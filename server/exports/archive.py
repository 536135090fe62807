"""Files that exports write: whole or not at all, in bounded memory.

Invariant: a file has its name only when all of it is on the disk; an older one of the name stays
until then.

Example:
    >>> with draft(Path("bay.zip")) as stream, Archive(stream) as archive:
    ...     with archive.table(("object_id",)) as table: ...
    ...     archive.add_table("ecotaxa_bay.tsv", table)
"""

import csv
import io
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Literal, Self

from server.store.packs import sync_folder

_SPOOLED = 16 << 20
"""A longer table goes to the disk while it grows, bytes."""
TAB = "\t"
_LEVEL = 1
"""Of compression: three times as fast as the usual one, and a tenth larger."""


@contextmanager
def draft(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when the block ends well. Raises OSError."""
    unready = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with unready.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unready, path)
        sync_folder(path.parent)
    finally:
        unready.unlink(missing_ok=True)


class Table:
    """Lines of tab-separated values, quoted where a value holds a tab, a quote or a line break;
    never in a `plain` one, whose values hold neither tab nor line break."""

    def __init__(self, head: Iterable[Sequence[str]], *, plain: bool = False) -> None:
        self._plain = plain
        self._bytes: Any = SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - closed by its owner
        self.count = 0
        for line in head:
            self.add([line])
        self.count = 0

    def add(self, rows: Sequence[Sequence[Any]]) -> str:
        """The lines as text. Numbers are written as Python reads them back; None is an empty
        cell."""
        if self._plain:
            text = "".join(f"{TAB.join(row)}\n" for row in rows)
        else:
            text = _lines(rows, csv.QUOTE_MINIMAL)
            if "\r" in text:  # which csv leaves bare where lines end with "\n"
                text = _lines(rows, csv.QUOTE_NONNUMERIC)
        self._bytes.write(text.encode())
        self.count += len(rows)
        return text

    def copy_to(self, out: IO[bytes]) -> None:
        self._bytes.seek(0)
        shutil.copyfileobj(self._bytes, out, 1 << 20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bytes.close()


def _lines(rows: Sequence[Sequence[Any]], quoting: Literal[0, 1, 2, 3]) -> str:
    lines = io.StringIO(newline="")
    csv.writer(lines, delimiter="\t", lineterminator="\n", quoting=quoting).writerows(rows)
    return lines.getvalue()


class Archive:
    """A zip that grows."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(
            stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=_LEVEL
        )
        self.names: set[str] = set()

    def add_table(self, name: str, table: Table) -> None:
        with self._zip.open(self._new(name), "w", force_zip64=True) as out:
            table.copy_to(out)

    def add_text(self, name: str, text: str) -> None:
        self._zip.writestr(self._new(name), text)

    def add_file(self, name: str, data: IO[bytes]) -> None:
        """Something that is small already."""
        info = self._new(name)
        info.compress_type = zipfile.ZIP_STORED
        with self._zip.open(info, "w", force_zip64=True) as out:
            shutil.copyfileobj(data, out, 1 << 20)

    def add_image(self, name: str, data: bytes) -> None:
        """Images are small already."""
        self._zip.writestr(self._new(name), data, zipfile.ZIP_STORED)

    def _new(self, name: str) -> zipfile.ZipInfo:
        assert name not in self.names, name
        self.names.add(name)
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info._compresslevel = _LEVEL  # type: ignore[attr-defined] # as ZipFile.open sets it by name
        return info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

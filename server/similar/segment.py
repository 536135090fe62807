"""A file of vectors in cells, mapped into memory: written whole, never changed, replaced at once.

Behind a line that names the format lies a JSON header, then the arrays, each on a multiple of 64
bytes: centres float32 [C, W], starts int64 [C + 1], objids int64 [n], norms float32 [n], values
uint8 [n, W], the rows of a cell side by side. Invariant: a file under its name is complete; one
whose length is not what its header says is taken for missing.

Example:
    >>> write(path, "3f2a...", high=900, objids=objids, values=values, centres=centres, cell=cell)
    >>> segment = Segment.open(path)
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.similar.cells import Float32, UInt8
from server.store.packs import sync_folder

MAGIC = b"seadrift-similar-1\n"
_ALIGN = 64
_ROWS = 65_536
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Segment:
    """`high` is the highest objid that was there when it was made."""

    network: str
    high: int
    centres: Float32  # [C, W]
    starts: Int64  # [C + 1]
    objids: Int64  # [n]
    norms: Float32  # [n], the squared lengths
    values: UInt8  # [n, W]

    @classmethod
    def open(cls, path: Path) -> "Segment | None":
        """None when there is no such file, or none that can be used."""
        try:
            raw = np.memmap(path, np.uint8, "r")
        except (OSError, ValueError):
            return None
        head = len(MAGIC) + 8
        if len(raw) < head or bytes(raw[: len(MAGIC)]) != MAGIC:
            return None
        size = int.from_bytes(bytes(raw[len(MAGIC) : head]), "little")
        try:
            said = json.loads(bytes(raw[head : head + size]))
            layout = _layout(head + size, said["rows"], said["cells"], said["width"])
            if layout.end != len(raw):
                return None
            return cls(said["network"], said["high"], *layout.arrays(raw))
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def rows(self) -> int:
        return len(self.objids)


@dataclass(frozen=True)
class _Layout:
    places: tuple[tuple[int, str, tuple[int, ...]], ...]  # (offset, dtype, shape)
    end: int

    def arrays(self, raw: Any) -> list[Any]:
        found = []
        for offset, kind, shape in self.places:
            size = int(np.prod(shape)) * np.dtype(kind).itemsize
            found.append(raw[offset : offset + size].view(kind).reshape(shape))
        return found


def _layout(begin: int, rows: int, cells: int, width: int) -> _Layout:
    places, offset = [], begin
    for kind, shape in (
        ("<f4", (cells, width)),
        ("<i8", (cells + 1,)),
        ("<i8", (rows,)),
        ("<f4", (rows,)),
        ("|u1", (rows, width)),
    ):
        offset = -(-offset // _ALIGN) * _ALIGN
        places.append((offset, kind, shape))
        offset += int(np.prod(shape)) * np.dtype(kind).itemsize
    return _Layout(tuple(places), offset)


def write(
    path: Path,
    network: str,
    high: int,
    objids: Int64,
    values: UInt8,
    centres: Float32,
    cell: NDArray[np.int32],
) -> None:
    """Write rows, in any order, of which each belongs to a cell; durable under its name at the end.
    Raises OSError."""
    rows, cells = len(objids), len(centres)
    said = {"network": network, "high": high, "rows": rows, "cells": cells}
    header = json.dumps({**said, "width": values.shape[1]}).encode()
    begin = len(MAGIC) + 8 + len(header)
    layout = _layout(begin, rows, cells, values.shape[1])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        raw = np.memmap(draft, np.uint8, "w+", shape=(layout.end,))
        raw[:begin] = np.frombuffer(MAGIC + len(header).to_bytes(8, "little") + header, np.uint8)
        _fill(layout.arrays(raw), objids, values, centres, cell)
        raw.flush()
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _fill(
    arrays: list[Any], objids: Int64, values: UInt8, centres: Float32, cell: NDArray[np.int32]
) -> None:
    """Sorted by cell, a piece at a time: the rows may be more than the memory holds."""
    all_centres, starts, all_objids, norms, all_values = arrays
    order = np.argsort(cell, kind="stable")
    all_centres[:] = centres
    starts[1:] = np.cumsum(np.bincount(cell, minlength=len(centres)))
    all_objids[:] = objids[order]
    for at in range(0, len(order), _ROWS):
        some = values[order[at : at + _ROWS]]
        all_values[at : at + _ROWS] = some
        norms[at : at + _ROWS] = (some.astype(np.float32) ** 2).sum(1)

"""Named bytes, or named arrays, in one file: a stored zip that has exactly one form.

Why: a release is named by a hash and checked on an instrument that nobody can reach. So the same
content must give the same bytes, and no byte of a file may be meaningless: `unpack` refuses a file
that differs in any bit from what `pack` writes for its content (times, flags, comments, hidden
gaps, compressed members, which also rules out decompression bombs).

Example:
    >>> unpack(pack({"a.txt": b"1"}))
    {'a.txt': b'1'}
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_ARCHIVE_BYTES = 64 << 20
MAX_MEMBERS = 256
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)

Array = npt.NDArray[Any]


class ArchiveError(ValueError):
    """Not an archive that `pack` could have written; the text says which member and why."""


def pack(members: Mapping[str, bytes]) -> bytes:
    """The one stored zip that holds these members, sorted by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            if not _NAME.fullmatch(name):
                raise ArchiveError(f"member name {name!r}: only a-z, 0-9, _ and dots between them")
            info = zipfile.ZipInfo(name, _FIRST_ZIP_DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return stream.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of an archive written by `pack`; ArchiveError for anything else."""
    if len(data) > MAX_ARCHIVE_BYTES:
        raise ArchiveError(f"archive of {len(data)} bytes; at most {MAX_ARCHIVE_BYTES} are read")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_MEMBERS:
                raise ArchiveError(f"{len(infos)} members; at most {MAX_MEMBERS} are read")
            members = {info.filename: _read(archive, info, len(data)) for info in infos}
    except ArchiveError:
        raise
    except Exception as error:  # on damaged input zipfile raises many kinds, struct.error too
        raise ArchiveError(f"not a readable zip: {error}") from error
    if len(members) != len(infos):
        raise ArchiveError("a member name occurs twice")
    if pack(members) != data:
        raise ArchiveError("not in the canonical form: some byte is not what its content gives")
    return members


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if not _NAME.fullmatch(info.filename):
        raise ArchiveError(f"member name {info.filename!r} is not allowed")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
        raise ArchiveError(f"member {info.filename}: must be stored, not compressed")
    return archive.read(info)


def pack_arrays(arrays: Mapping[str, Array]) -> bytes:
    """A deterministic `.npz` (readable with `numpy.load`); arrays of objects are refused."""
    members = {}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)
        members[f"{name}.npy"] = stream.getvalue()
    return pack(members)


def unpack_arrays(data: bytes) -> dict[str, Array]:
    """The arrays of `pack_arrays`; nothing is ever unpickled."""
    arrays = {}
    for name, content in unpack(data).items():
        stream = io.BytesIO(content)
        try:
            array = np.lib.format.read_array(stream, allow_pickle=False)
        except Exception as error:  # numpy raises ValueError, EOFError, SyntaxError, TypeError here
            raise ArchiveError(f"member {name}: not a plain numpy array: {error}") from error
        if stream.read(1):
            raise ArchiveError(f"member {name}: bytes follow the array")
        arrays[name.removesuffix(".npy")] = array
    return arrays

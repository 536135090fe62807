"""What a PlanktoScope's export needs before EcoTaxa's form can be read from it.

Its zip has one table, `ecotaxa_export.tsv`, and the pictures beside it. Two habits get in the way:
some versions write `Ecotaxa_`, which EcoTaxa passes over; and objects are numbered anew in each
acquisition, so that two objects of a sample have one name. Such names get their acquisition's
before them.

Example:
    >>> mended(upload, problems).names[0]
    'ecotaxa_export.tsv'
"""

import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import Upload, UploadError, is_misnamed_table, is_table

_INSTRUMENT = "planktoscope"
_LOOKED_AT = 3
"""Lines: names, types, the first object."""


def is_planktoscope(files: Upload) -> bool:
    """Whether the first object of a table is one's."""
    for name in files.names:
        if is_table(name) or is_misnamed_table(name):
            try:
                head = files.read(name)[: 1 << 16]
            except UploadError:
                continue  # said when the table is read
            if _INSTRUMENT in b"\n".join(head.splitlines()[:_LOOKED_AT]).decode(errors="replace").lower():
                return True
    return False


def mended(files: Upload, problems: Problems) -> Upload:
    """The same upload with tables that can be read."""
    readers: dict[str, Callable[[], bytes]] = {}
    for name in files.names:
        if is_table(name) or is_misnamed_table(name):
            folder, slash, last = name.rpartition("/")
            as_table = folder + slash + last[:7].lower() + last[7:]
            as_table = re.sub(r"\.(TSV|TXT)$", lambda end: end[0].lower(), as_table)
            if as_table != name:
                remedy = f"nothing; EcoTaxa wants {as_table}"
                problems.warn("read although it is in capitals", remedy=remedy, file=name)
            readers[as_table] = partial(_table, files, name, problems, [])
        else:
            readers[name] = partial(files.read, name)
    return Upload(tuple(readers), readers)


def _table(files: Upload, name: str, problems: Problems, kept: list[bytes]) -> bytes:
    """The table's bytes, mended once."""
    if not kept:
        kept.append(_with_own_names(files.read(name), name, problems))
    return kept[0]


def _with_own_names(data: bytes, file: str, problems: Problems) -> bytes:
    """Objects that several acquisitions name alike, each with its acquisition before it."""
    lines = data.split(b"\n")
    names = [cell.strip().lower() for cell in lines[0].removeprefix(b"\xef\xbb\xbf").split(b"\t")]
    if b"object_id" not in names or b"acq_id" not in names:
        return data
    objid, acquisition = names.index(b"object_id"), names.index(b"acq_id")
    rows = [line.split(b"\t") for line in lines]
    where: dict[bytes, set[bytes]] = defaultdict(set)
    for row in rows[2:]:
        if len(row) > max(objid, acquisition):
            where[row[objid].strip()].add(row[acquisition].strip())
    again = {name for name, found in where.items() if len(found) > 1}
    if not again:
        return data
    changed = 0
    for row in rows[2:]:
        if len(row) > max(objid, acquisition) and row[objid].strip() in again:
            row[objid] = row[acquisition].strip() + b"_" + row[objid].strip()
            changed += 1
    problems.warn(
        f"{changed} objects are named alike in several acquisitions: the acquisition's name is put "
        "before theirs",
        remedy="nothing", file=file, column="object_id", value=sorted(again)[0].decode(errors="replace"),
    )  # fmt: skip
    return b"\n".join(b"\t".join(row) for row in rows)

"""What a PlanktoScope's export needs before EcoTaxa's form can be read from it.

Its zip has one table, `ecotaxa_export.tsv`, and the pictures beside it. Some habits get in the way:
some versions write `Ecotaxa_`, which EcoTaxa passes over; objects are numbered anew in each
acquisition, so that two objects of a sample have one name (such names get their acquisition's
before them); and what people typed may be longer than a cell may be.

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
from wire.ecotaxa import FIXED, TEXT_LIMIT

_INSTRUMENT = "planktoscope"
_HEAD = 2
"""Lines before the objects: names and types."""
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
            if (
                _INSTRUMENT
                in b"\n".join(head.splitlines()[:_LOOKED_AT]).decode(errors="replace").lower()
            ):
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
        data = files.read(name)
        try:
            lines = data.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            return data  # said when the table is read
        rows = [line.split("\t") for line in lines]
        if len(rows) > _HEAD:
            _give_own_names(rows, name, problems)
            _split_long_texts(rows, name, problems)
        kept.append("\n".join("\t".join(row) for row in rows).encode())
    return kept[0]


def _give_own_names(rows: list[list[str]], file: str, problems: Problems) -> None:
    """Objects that several acquisitions name alike get their acquisition before their name."""
    names = [cell.strip().lower() for cell in rows[0]]
    if "object_id" not in names or "acq_id" not in names:
        return
    objid, acquisition = names.index("object_id"), names.index("acq_id")
    whole = [row for row in rows[_HEAD:] if len(row) > max(objid, acquisition)]
    where: dict[str, set[str]] = defaultdict(set)
    for row in whole:
        where[row[objid].strip()].add(row[acquisition].strip())
    again = {name for name, found in where.items() if len(found) > 1}
    changed = [row for row in whole if row[objid].strip() in again]
    for row in changed:
        row[objid] = f"{row[acquisition].strip()}_{row[objid].strip()}"
    if changed:
        problems.warn(
            f"{len(changed)} objects are named alike in several acquisitions: the acquisition's "
            "name is put before theirs",
            remedy="nothing", file=file, column="object_id", value=min(again),
        )  # fmt: skip


def _split_long_texts(rows: list[list[str]], file: str, problems: Problems) -> None:
    """Free text that is longer than a cell may be goes on in further columns: nothing is lost."""
    for place, cell in enumerate(list(rows[0])):
        name = cell.strip()
        texts = [row[place] if place < len(row) else "" for row in rows[_HEAD:]]
        parts = -(-max(map(len, texts)) // TEXT_LIMIT)
        if name.lower() in FIXED or parts < 2:
            continue
        widths = len(rows[0])
        for row, text in zip(rows[_HEAD:], texts, strict=True):
            row.extend([""] * (widths - len(row)))
            row[place] = text[:TEXT_LIMIT]
            row.extend(text[TEXT_LIMIT * k : TEXT_LIMIT * (k + 1)] for k in range(1, parts))
        rows[0] += [f"{name}_{k + 1}" for k in range(1, parts)]
        rows[1] += [""] * (widths - len(rows[1])) + ["[t]"] * (parts - 1)
        problems.warn(
            f"longer than {TEXT_LIMIT} characters: it goes on in {name}_2",
            remedy="nothing", file=file, column=name.lower(), value=max(texts, key=len),
        )  # fmt: skip

"""Which kind of upload it is, by looking, and each as one of EcoTaxa's form.

Example:
    >>> with open_source(path, problems) as source:
    ...     source.kind, source.upload.names
    ('ifcb', ('D20130526T095207_IFCB013/ecotaxa_D20130526T095207_IFCB013.tsv', ...))
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.ecotaxa.beside import is_backup
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import (
    Upload,
    UploadError,
    is_misnamed_table,
    is_table,
    open_upload,
)
from server.imports.made import NOTHING_SAME, Same
from server.imports.planktoscope import is_planktoscope, mended

KINDS = ("ecotaxa", "planktoscope", "ifcb", "pictures")
AUTO = "auto"
FOLDERS = ("classes", "samples", "nothing")
"""What folders of pictures may stand for."""


@dataclass(frozen=True)
class Source:
    kind: str
    upload: Upload


@contextmanager
def open_source(
    path: Path,
    problems: Problems,
    kind: str = AUTO,
    *,
    folders: str = "classes",
    same: Same = NOTHING_SAME,
) -> Iterator[Source]:
    """`kind` is one of KINDS, or AUTO: what it looks like. Of pictures, `folders` is what theirs
    stand for, `same` what all objects have. Raises UploadError."""
    with open_upload(path, problems) as files:
        found = looks_like(files) if kind == AUTO else kind
        yield Source(found, _of_kind(files, found, problems, _title(path), folders, same))


def looks_like(files: Upload) -> str:
    """Raises UploadError for what is none of KINDS."""
    from server.imports import ifcb_upload, pictures  # they bring OpenCV

    if any(is_table(name) or is_misnamed_table(name) for name in files.names):
        return "planktoscope" if is_planktoscope(files) else "ecotaxa"
    if any(is_backup(name) for name in files.names):  # of objects without a picture
        return "ecotaxa"
    if ifcb_upload.has_bins(files):
        return "ifcb"
    if pictures.has_pictures(files):
        return "pictures"
    raise UploadError(
        f"nothing to import among {len(files.names)} files: expected ecotaxa_*.tsv with pictures, "
        "IFCB bins (.adc, .hdr, .roi), or pictures"
    )


def _of_kind(
    files: Upload, kind: str, problems: Problems, title: str, folders: str, same: Same
) -> Upload:
    from server.imports import ifcb_upload, pictures

    if kind == "planktoscope":
        return mended(files, problems)
    if kind == "ifcb":
        return ifcb_upload.bins_upload(files, problems)
    if kind == "pictures":
        return pictures.pictures_upload(files, problems, title=title, folders=folders, same=same)
    return files


def _title(path: Path) -> str:
    """What a sample of a folder or zip without names of its own is called."""
    return re.sub(r"[^\w.-]+", "_", path.name.removesuffix(".zip"))[:100] or "pictures"

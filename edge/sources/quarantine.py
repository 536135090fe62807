"""Bad frames are set aside, not lost: a copy of the file and, beside it, why.

The user's own files are never moved or changed. A name cannot lead out of the folder, whatever a
zip says.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

from edge.files import write_atomic
from edge.frames import BadFrame
from edge.sources.files import FileSource
from models.decode import UnreadableError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def quarantine(bad: BadFrame, source: FileSource, folder: Path) -> Path:
    """Copy a bad frame's file into ``folder`` with a reason file; returns the reason file.

    Raises OSError if the folder cannot be written (a full disk).
    """
    folder.mkdir(parents=True, exist_ok=True)
    safe = re.sub(r"[^\w.-]+", "_", bad.name).lstrip(".")[-150:]
    copy = folder / f"{bad.index:06d}_{safe}"
    kept = f"copy: {copy.name}"
    try:
        source.copy_original(bad.name, copy)
    except UnreadableError as error:
        kept = f"no copy was kept: {error}"
    except Exception as error:
        # What could not be read to decode cannot be read to copy; a full disk is another matter.
        copy.unlink(missing_ok=True)
        if isinstance(error, OSError) and (error.errno in _FULL or error.filename == str(copy)):
            raise
        kept = f"no copy could be made: {error}"
    reason = copy.with_name(copy.name + ".reason.txt")
    text = f"frame: {bad.name}\nfrom: {bad.path}\nreason: {bad.reason}\n{kept}\n"
    write_atomic(reason, text.encode())
    return reason

"""Where bad frames go on the instrument: a copy and a reason each, within a limit on the folder.

Example:
    >>> Quarantine(Path("data/quarantine"), source).keep(bad, frame=None)
"""

import logging
import re
from contextlib import suppress
from pathlib import Path

from edge.files import write_atomic
from edge.frames import BadFrame, Frame, Source
from edge.png import encode
from edge.sources import FileSource, quarantine

log = logging.getLogger("seadrift.agent")

LIMIT_BYTES = 256 * 2**20
"""Beyond this much, only reasons are kept: a broken camera must not fill the disk."""
LIMIT_FILES = 4000
"""Beyond so many files nothing is kept: the `badframe` records tell the rest."""


class Quarantine:
    """The folder, and the source that bad files can be copied from."""

    def __init__(self, folder: Path, source: Source, limit_files: int = LIMIT_FILES) -> None:
        self.folder = folder
        self._source = source
        self._limit_files = limit_files
        self._sizes: dict[Path, int] | None = None

    def keep(self, bad: BadFrame, frame: Frame | None) -> None:
        """`frame` is given when its pixels were read and then could not be processed.

        Raises OSError when nothing can be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._sizes is None:
            self._sizes = {path: path.stat().st_size for path in self.folder.iterdir()}
        if len(self._sizes) >= self._limit_files:
            return
        room = LIMIT_BYTES - sum(self._sizes.values())
        try:
            self._write(bad, frame, room)
        finally:
            for path in self.folder.glob(f"{bad.index:06d}_*"):
                self._sizes[path] = path.stat().st_size

    def file(self, bad: BadFrame) -> Path | None:
        """The copy that was kept of a bad frame, if one was."""
        copies = sorted(self.folder.glob(f"{bad.index:06d}_*"))
        return next((path for path in copies if not path.name.endswith(".reason.txt")), None)

    def _write(self, bad: BadFrame, frame: Frame | None, room: int) -> None:
        if frame is None and isinstance(self._source, FileSource) and room > 0:
            quarantine(bad, self._source, self.folder)
            return
        safe = re.sub(r"[^\w.-]+", "_", bad.name).lstrip(".")[-150:]
        stem = f"{bad.index:06d}_{safe}"
        if frame is not None and room > frame.grey.nbytes:
            with suppress(ValueError):  # what is no picture at all has its reason only
                write_atomic(self.folder / f"{stem}.png", encode(frame.grey))
        text = f"frame: {bad.name}\nreason: {bad.reason}\n"
        write_atomic(self.folder / f"{stem}.reason.txt", text.encode())

"""The configured source of frames, opened at the frame where the last run stopped.

Example:
    >>> with open_configured(config, Bookmark.of(outbox)) as source:
    ...     for item in source: ...
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.agent.resume import Bookmark, name_of, start
from edge.config import Config, simulator
from edge.frames import BadFrame, Frame, Source
from edge.sources import open_source


class NoSource:
    """No frames: for a run that only sends."""

    start = 0

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        return iter(())


@contextlib.contextmanager
def open_configured(config: Config, bookmark: Bookmark) -> Iterator[Source]:
    """The source, at the frame after the last one done. Raises SourceError when there is nothing to
    read frames from, or when it is not what it was."""
    name = name_of(config)
    if config.source.kind == "simulator":
        yield SimulatedSource(config, start(bookmark, name, None))
        return
    path = config.resolve(config.source.path)
    with open_source(path) as whole:
        first = start(bookmark, name, whole.names)
    with open_source(path, first) as source:
        yield source


class SimulatedSource:
    """The simulated instrument; with `truth`, a file that gets one line a frame of what it drew."""

    def __init__(self, config: Config, first: int) -> None:
        from edge.simulator import Simulator

        self.start = first
        self._settings = simulator(config)
        self._simulator = Simulator(self._settings)
        truth = config.source.simulator.get("truth")
        self._truth = None if truth is None else config.resolve(truth)

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        for index in range(self.start, self._settings.frames):
            shot = self._simulator.frame(index)
            if self._truth is not None:
                from edge.simulator.truth import frame_record

                append_line(self._truth, frame_record(shot))
            yield shot.frame


def append_line(path: Path, record: dict[str, Any]) -> None:
    """One JSON line more; a line that a kill cut short is ended first, so it spoils no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

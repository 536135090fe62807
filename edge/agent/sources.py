"""The configured source of frames, opened at the frame where the last run stopped.

Example:
    >>> source = open_configured(config, start=120)
    >>> for item in source: ...
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.config import Config, simulator
from edge.frames import BadFrame, Frame, Source
from edge.sources import open_source


def open_configured(config: Config, start: int) -> Source:
    """Raises SourceError when there is nothing to read frames from."""
    if config.source.kind == "simulator":
        return SimulatedSource(config, start)
    return open_source(config.resolve(config.source.path), start)


class SimulatedSource:
    """The simulated instrument; with `truth`, a file that gets one line a frame of what it drew."""

    def __init__(self, config: Config, start: int) -> None:
        from edge.simulator import Simulator

        self.start = start
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

"""Instructions of each stage of each frame, from one run of the emulated device."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.bench.arm64.environment import Environment
from edge.bench.handed import Grey, save

_TURNS = 3  # the background has settled, and every table that is built once is built


@dataclass(frozen=True)
class Stage:
    """Instructions that ran, and those of them that were the C library's."""

    name: str
    instructions: int
    library: int


@dataclass(frozen=True)
class Counted:
    """One frame."""

    name: str
    objects: int
    stages: tuple[Stage, ...]

    @property
    def instructions(self) -> int:
        return sum(stage.instructions for stage in self.stages)

    @property
    def library(self) -> int:
        return sum(stage.library for stage in self.stages)


def count(environment: Environment, cpu: str, frames: Mapping[str, Grey]) -> list[Counted]:
    """Each frame on the processor that QEMU calls `cpu`. Raises RuntimeError with what it said."""
    with tempfile.TemporaryDirectory() as folder:
        arrays, marks = Path(folder) / "frames.npz", Path(folder) / "marks"
        save(arrays, frames)
        guest = str(Path(__file__).with_name("guest.py"))
        words = [guest, str(arrays), str(_TURNS)]
        done = subprocess.run(
            environment.command(cpu, *words, plugin=f"out={marks}"),
            env={**os.environ, **environment.variables},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the emulated device failed: {done.stderr.strip()[-600:]}")
        return read_marks(done.stdout, marks.read_text())


def read_marks(said: str, marks: str) -> list[Counted]:
    """What guest.py said and count.c wrote, together: of each frame the last turn."""
    lines = iter([tuple(map(int, line.split())) for line in marks.splitlines()])
    counted = []
    for frame in json.loads(said)["frames"]:
        names = frame["stages"]
        turns = [[next(lines) for _ in range(1 + len(names))] for _ in range(_TURNS)]
        stages = tuple(Stage(name, *mark) for name, mark in zip(names, turns[-1][1:], strict=True))
        counted.append(Counted(frame["name"], frame["objects"], stages))
    return counted

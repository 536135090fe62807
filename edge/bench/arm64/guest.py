"""Runs under emulation: frames through the pipeline of an instrument, each stage marked.

    qemu-aarch64 ... python3 guest.py FRAMES.npz TURNS

Prints JSON: for each frame, in order, its name, the objects kept and the names of the stages; each
frame twice, with all measures and with those of the fast tier. It is processed TURNS times; of each
time the marks are its start and one per stage.
"""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path

from edge.bench.handed import load
from edge.frames import Frame
from edge.pipeline import Pipeline
from edge.segment import SegmentSettings
from models import factory, native
from models.bundle import Bundle
from models.classifier import Classifier

_GETPPID, _MAGIC, _RANGE, _STAGE = 173, 0x5EA, 0, 1  # as count.c


def main(words: list[str]) -> None:
    frames, turns = Path(words[0]), int(words[1])
    if native.LIBRARY is None:
        raise SystemExit(f"no C library under emulation: {native.REASON}")
    libc = ctypes.CDLL(None)
    libc.syscall(_GETPPID, _MAGIC, _RANGE, *map(ctypes.c_long, library_addresses()))

    def clock() -> float:
        libc.syscall(_GETPPID, _MAGIC, _STAGE)
        return 0.0

    settings = SegmentSettings(pixel_um=20.0, field="dark")
    classifier = Classifier(Bundle.load(factory.path()))
    done = []
    for name, grey in load(frames).items():
        for tier in ("all", "fast"):
            pipeline = Pipeline(settings, classifier, clock, tier)
            results = [pipeline.process(Frame(name, 0, grey)) for _ in range(turns)]
            last = results[-1]
            title = name if tier == "all" else f"{name}, fast tier"
            done.append({"name": title, "objects": len(last.objects), "stages": list(last.ms)})
    print(json.dumps({"runtime": classifier.runtime_name, "frames": done}))


def library_addresses() -> tuple[int, int]:
    """Where the C library's pages lie."""
    lines = [
        line.split()[0].split("-")
        for line in Path("/proc/self/maps").read_text().splitlines()
        if "_native" in line
    ]
    return min(int(low, 16) for low, _ in lines), max(int(high, 16) for _, high in lines)


if __name__ == "__main__":
    main(sys.argv[1:])

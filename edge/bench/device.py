"""The device's own pipeline on some frames in a fresh process: as shipped, or as its fallback.

    python -m edge.bench.device FRAMES.npz TURNS       # prints JSON, a list of laps

Whether the C library is used is decided when a process starts (SEADRIFT_NATIVE=off), so both ways
are measured in fresh processes, one after the other, by the same lines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.bench.handed import load, save
from edge.bench.scenes import SETTINGS, Scene
from edge.frames import Frame
from edge.pipeline import FrameResult, Pipeline
from models import factory
from models.bundle import Bundle
from models.classifier import Classifier

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Lap:
    """The quickest turn of one frame: milliseconds of processor time of each stage.

    What the pipeline gives is arrays; `looked_at_ms` is what it costs more to make an object of
    each row in Python, as what writes files and records does.
    """

    frame: str
    objects: int
    specks: int
    runtime: str
    ms: dict[str, float]
    looked_at_ms: float

    @property
    def total_ms(self) -> float:
        return sum(self.ms.values())


def laps(scenes: Sequence[Scene], turns: int, native: bool) -> list[Lap]:
    """Each frame on a background that has settled."""
    variables = {**os.environ, **ONE_THREAD}
    variables.pop("SEADRIFT_NATIVE", None)
    if not native:
        variables["SEADRIFT_NATIVE"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "frames.npz"
        save(arrays, {scene.name: scene.grey for scene in scenes})
        words = [sys.executable, "-m", "edge.bench.device", str(arrays), str(turns)]
        done = subprocess.run(words, env=variables, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the device failed: {done.stderr.strip()[-600:]}")
    return [Lap(**lap) for lap in json.loads(done.stdout)]


def main(words: Sequence[str]) -> None:
    classifier = Classifier(Bundle.load(factory.path()))
    frames = load(Path(words[0])).items()
    found = [asdict(_lap(name, Frame(name, 0, g), classifier, int(words[1]))) for name, g in frames]
    print(json.dumps(found))


def _lap(name: str, frame: Frame, classifier: Classifier, turns: int) -> Lap:
    pipeline = Pipeline(SETTINGS, classifier, time.process_time)
    pipeline.process(frame)
    best = min((pipeline.process(frame) for _ in range(turns)), key=lambda r: sum(r.ms.values()))
    looked_at = min(_look_ms(pipeline.process(frame)) for _ in range(turns))
    return Lap(
        frame=name, objects=len(best.objects), specks=best.segmentation.specks,
        runtime=classifier.runtime_name, ms=best.ms, looked_at_ms=looked_at,
    )  # fmt: skip


def _look_ms(result: FrameResult) -> float:
    began = time.process_time()
    list(result.objects)
    return (time.process_time() - began) * 1e3


if __name__ == "__main__":
    main(sys.argv[1:])

"""From a frame to its classified objects: segment, measure, classify, cut the vignettes.

The same pipeline serves ``seadrift-edge process`` and the agent. It keeps one thing between frames,
the background of the run; everything else is a function of the frame and the settings. Without a
classifier (None) the objects are measured and stay unclassified: that is a mode, not an error.

Example::

    pipeline = Pipeline(SegmentSettings(pixel_um=10.0), Classifier(bundle))
    result = pipeline.process(frame)
    [(o.taxon, o.score) for o in result.objects]
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frames import Frame
from edge.segment import Background, Region, Segmentation, SegmentSettings, segment
from models.measures import measure_many

TOP = 3
"""How many of the likeliest taxa an object carries."""


class Prediction(Protocol):
    """What a classifier says about n objects."""

    @property
    def embedding(self) -> NDArray[np.uint16]: ...  # [n, C]
    @property
    def shape(self) -> NDArray[np.float32]: ...  # [n, 4]
    @property
    def probabilities(self) -> NDArray[np.float32]: ...  # [n, classes]


class Classifies(Protocol):
    """What the pipeline asks of a classifier (``models.classifier.Classifier`` is one)."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def release_id(self) -> str: ...
    @property
    def runtime_name(self) -> str: ...

    def classify(
        self,
        signals: Sequence[NDArray[np.uint8]],
        masks: Sequence[NDArray[np.bool_]],
        measures: NDArray[np.float32],
    ) -> Prediction: ...


@dataclass(frozen=True, eq=False)
class ObjectResult:
    """One object. Unclassified: ``taxon`` is "", ``score`` 0, ``top``, embedding and shape empty.

    ``vignette uint8 [h, w]`` is the crop with a margin, background-corrected, whose first pixel is
    at (``bx``, ``by``) of the frame; ``region`` has the tight box.
    """

    region: Region
    measures: NDArray[np.float32]
    embedding: NDArray[np.uint16]
    shape: NDArray[np.float32]
    taxon: str
    score: float
    top: tuple[tuple[str, float], ...]
    vignette: NDArray[np.uint8]
    bx: int
    by: int


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What came of one frame; ``ms`` holds the milliseconds of each stage."""

    frame: Frame
    segmentation: Segmentation
    objects: tuple[ObjectResult, ...]
    ms: dict[str, float]


class Pipeline:
    """Processes the frames of one run, in order."""

    def __init__(
        self,
        settings: SegmentSettings,
        classifier: Classifies | None = None,
        tier: str = "all",
    ) -> None:
        """``tier`` of the measures: "all" or "fast"."""
        self.settings = settings
        self.classifier = classifier
        self.tier = tier
        self._background = Background(settings.field)
        # One core: on pictures of this size OpenCV's threads cost more than they bring (closing a
        # 3 Mpx mask took 0.6 ms on one thread and 6 on two).
        cv2.setNumThreads(1)

    def process(self, frame: Frame) -> FrameResult:
        """Segment, measure and classify one frame. Raises ValueError if it is not 8-bit grey."""
        clock = _Stopwatch()
        found = segment(frame.grey, self._background, self.settings)
        clock.lap("segment")
        objects = [(r.grey, r.mask, r.bx, r.by, found.field) for r in found.regions]
        measures = measure_many(objects, self.tier)
        clock.lap("measure")
        said = self._classify(found.regions, measures)
        clock.lap("classify")
        results = tuple(
            self._object(found, region, measures[i], said, i)
            for i, region in enumerate(found.regions)
        )
        clock.lap("vignettes")
        return FrameResult(frame, found, results, clock.ms)

    def _classify(
        self, regions: Sequence[Region], measures: NDArray[np.float32]
    ) -> Prediction | None:
        if self.classifier is None or not regions:
            return None
        signals = [region.signal for region in regions]
        return self.classifier.classify(signals, [region.mask for region in regions], measures)

    def _object(
        self,
        found: Segmentation,
        region: Region,
        measures: NDArray[np.float32],
        said: Prediction | None,
        i: int,
    ) -> ObjectResult:
        vignette, bx, by = cut_vignette(found, region)
        if said is None or self.classifier is None:
            none16, none32 = np.zeros(0, np.uint16), np.zeros(0, np.float32)
            return ObjectResult(region, measures, none16, none32, "", 0.0, (), vignette, bx, by)
        top = likeliest(said.probabilities[i], self.classifier.classes)
        taxon, score = top[0]
        return ObjectResult(
            region, measures, said.embedding[i], said.shape[i], taxon, score, top, vignette, bx, by
        )


def likeliest(
    probabilities: NDArray[np.float32], classes: Sequence[str]
) -> tuple[tuple[str, float], ...]:
    """The likeliest taxa ``(name, probability)``, best first; of equals, the first class."""
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return tuple((classes[k], float(probabilities[k])) for k in order)


def cut_vignette(found: Segmentation, region: Region) -> tuple[NDArray[np.uint8], int, int]:
    """A region's crop with a margin, ``uint8 [h, w]``, and its place: an eighth, 4 to 32 pixels."""
    height, width = region.mask.shape
    margin = min(32, max(4, max(height, width) // 8))
    left, top = max(0, region.bx - margin), max(0, region.by - margin)
    right, bottom = region.bx + width + margin, region.by + height + margin
    crop = np.ascontiguousarray(found.signal[top:bottom, left:right])
    if found.field == "bright":
        crop = np.asarray(cv2.bitwise_not(crop), np.uint8)
    return crop, left, top


class _Stopwatch:
    """Milliseconds between laps, by name."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.ms[name] = (now - self._last) * 1e3
        self._last = now

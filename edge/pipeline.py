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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from edge.frames import Frame
from edge.segment import Background, Region, Segmentation, SegmentSettings, segment
from edge.vignettes import Vignettes, cut_vignettes
from models import native
from models.crops import Crops
from models.measures import measure_crops

TOP = 3
"""How many of the likeliest taxa an object carries."""

Top = tuple[tuple[str, float], ...]
"""Taxa and their probabilities, the likeliest first."""


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

    def classify_crops(self, crops: Crops, measures: NDArray[np.float32]) -> Prediction: ...


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
    top: Top
    vignette: NDArray[np.uint8]
    bx: int
    by: int


@dataclass(frozen=True, eq=False)
class Objects(Sequence[ObjectResult]):
    """The objects of a frame, in the order of its crops; made one by one when somebody looks."""

    segmentation: Segmentation
    measures: NDArray[np.float32]  # [n, K]
    prediction: Prediction | None
    classes: tuple[str, ...]
    vignettes: Vignettes

    def __len__(self) -> int:
        return len(self.vignettes)

    @overload
    def __getitem__(self, index: int) -> ObjectResult: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ObjectResult, ...]: ...
    def __getitem__(self, index: int | slice) -> ObjectResult | tuple[ObjectResult, ...]:
        return self._made[index]

    @cached_property
    def _made(self) -> tuple[ObjectResult, ...]:
        tops = self._tops()
        return tuple(
            self._object(i, region, top)
            for i, (region, top) in enumerate(zip(self.segmentation.regions, tops, strict=True))
        )

    def _tops(self) -> Iterator[Top]:
        if self.prediction is None:
            return iter([()] * len(self))
        return likeliest_of_each(self.prediction.probabilities, self.classes)

    def _object(self, i: int, region: Region, top: Top) -> ObjectResult:
        said = self.prediction
        taxon, score = top[0] if top else ("", 0.0)
        return ObjectResult(
            region=region,
            measures=self.measures[i],
            embedding=np.zeros(0, np.uint16) if said is None else said.embedding[i],
            shape=np.zeros(0, np.float32) if said is None else said.shape[i],
            taxon=taxon,
            score=score,
            top=top,
            vignette=self.vignettes.grey(i),
            bx=int(self.vignettes.boxes[i, 0]),
            by=int(self.vignettes.boxes[i, 1]),
        )


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What came of one frame; ``ms`` holds the milliseconds of each stage."""

    frame: Frame
    segmentation: Segmentation
    objects: Sequence[ObjectResult]
    ms: dict[str, float]


class Pipeline:
    """Processes the frames of one run, in order."""

    def __init__(
        self,
        settings: SegmentSettings,
        classifier: Classifies | None = None,
        clock: Callable[[], float] = time.perf_counter,
        tier: str = "all",
    ) -> None:
        """``clock``: seconds. It is asked at the start of each frame and after each stage.
        ``tier`` of the measures: "all" or "fast"."""
        self.settings = settings
        self.classifier = classifier
        self.tier = tier
        self._clock = clock
        self._background = Background(settings.field)
        if native.LIBRARY is None:
            _keep_opencv_to_one_core()

    def process(self, frame: Frame) -> FrameResult:
        """Segment, measure and classify one frame. Raises ValueError if it is not 8-bit grey."""
        clock = _Stopwatch(self._clock)
        found = segment(frame.grey, self._background, self.settings)
        clock.lap("segment")
        measures = measure_crops(found.crops, found.field, self.tier)
        clock.lap("measure")
        said = self._classify(found.crops, measures)
        clock.lap("classify")
        vignettes = cut_vignettes(found)
        clock.lap("vignettes")
        classes = self.classifier.classes if self.classifier else ()
        return FrameResult(
            frame, found, Objects(found, measures, said, classes, vignettes), clock.ms
        )

    def _classify(self, crops: Crops, measures: NDArray[np.float32]) -> Prediction | None:
        if self.classifier is None or len(crops) == 0:
            return None
        return self.classifier.classify_crops(crops, measures)


def _keep_opencv_to_one_core() -> None:
    """On pictures of this size its threads cost more than they bring: closing a 3 Mpx mask took
    0.6 ms on one thread and 6 on two."""
    import cv2

    cv2.setNumThreads(1)


def likeliest(probabilities: NDArray[np.float32], classes: Sequence[str]) -> Top:
    """The likeliest taxa of one object, best first; of equals, the first class."""
    return next(likeliest_of_each(probabilities[None], classes))


def likeliest_of_each(probabilities: NDArray[np.float32], classes: Sequence[str]) -> Iterator[Top]:
    """The same for every row of ``float32 [n, classes]``."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    scores = np.take_along_axis(probabilities, best, axis=1)
    for row, values in zip(best.tolist(), scores.tolist(), strict=True):
        yield tuple((classes[k], value) for k, value in zip(row, values, strict=True))


class _Stopwatch:
    """Milliseconds between laps, by name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ms: dict[str, float] = {}
        self._clock = clock
        self._last = clock()

    def lap(self, name: str) -> None:
        now = self._clock()
        self.ms[name] = (now - self._last) * 1e3
        self._last = now

"""A bundle at work: regions in, embeddings and probabilities out, on the instrument and on shore.

Example:
    >>> classifier = Classifier(Bundle.load(factory.path()))
    >>> prediction = classifier.classify([signal], [mask], measures)     # measures float32 [1, K]
    >>> classifier.classes[int(prediction.probabilities[0].argmax())]
    'Copepoda'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.batch import batch_crops
from models.bundle import Bundle
from models.crops import Crops
from models.preprocess import SHAPE_NAMES, Bool, Float32, Prepared, UInt8, prepare
from models.runtimes import embed, load
from models.runtimes.native import NativeRuntime
from models.sites import build_tables
from models.thresholds import NONE, Decisions, Thresholds, decide

MAX_BATCH_CELLS = (
    1 << 20
)  # raster cells in one batch: bounds memory on a small board (about 100 MB)

UInt16 = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Prediction:
    """What is said about n objects."""

    embedding: UInt16  # [n, C]
    shape: Float32  # [n, 4], models.preprocess.SHAPE_NAMES
    probabilities: Float32  # [n, classes], rows sum to 1
    unknown: Float32  # [n], 0 to 1; Classifier.unknown_by tells what it means


class Classifier:
    def __init__(self, bundle: Bundle, runtime: str = "auto", threads: int = 1) -> None:
        """runtime: auto or one of models.runtimes.PREFERRED. Raises MissingRuntimeError."""
        self._bundle = bundle
        self._runtime = load(runtime, bundle.network, bundle.graphs, threads)
        self._thresholds = bundle.head.thresholds
        self._unknown_max: float | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        return self._bundle.classes

    @property
    def nodes(self) -> tuple[str, ...]:
        """The taxa of the tree: the classes, then what stands above them (models/taxonomy.py)."""
        return self._bundle.head.tree.nodes

    @property
    def thresholds(self) -> dict[str, float | None] | None:
        """Taxon -> the probability from which it can be trusted, None where the wanted precision
        could not be shown; None for a release made before thresholds were known."""
        head = self._bundle.head
        return None if head.thresholds is None else head.thresholds.by_name(head.tree)

    @property
    def unknown_by(self) -> str:
        """What Prediction.unknown tells, "novelty" or "indecision" (models.head.Head)."""
        return self._bundle.head.unknown_by

    def limit(self, least: Mapping[int, float], unknown_max: float | None) -> None:
        """From now on decide by other thresholds: `least` by index of `nodes`, the release's own
        for the others; and be sure of no object that is more unknown than `unknown_max`."""
        own = self._bundle.head.thresholds
        if least:
            count = len(self.nodes)
            values = np.full(count, NONE) if own is None else own.least.copy()
            for node, threshold in least.items():
                if node < count:
                    values[node] = threshold
            empty = Thresholds(0.0, values, np.zeros(count, np.float32), np.zeros(count, np.int32))
            own = empty if own is None else replace(own, least=values)
        self._thresholds, self._unknown_max = own, unknown_max

    def decide(self, probabilities: Float32, unknown: Float32 | None = None) -> Decisions:
        """What to call objects, backing off up the tree where the likeliest class is not sure."""
        said = decide(probabilities, self._bundle.head.tree, self._thresholds)
        if unknown is not None and self._unknown_max is not None:
            return replace(said, sure=said.sure & (unknown <= self._unknown_max))
        return said

    @property
    def release_id(self) -> str:
        return self._bundle.release_id

    @property
    def runtime_name(self) -> str:
        return self._runtime.name

    def classify(
        self, signals: Sequence[UInt8], masks: Sequence[Bool], measures: Float32
    ) -> Prediction:
        """signals: uint8 [h, w] each, 0 = background; masks: bool [h, w]; measures: float32 [n, K].

        No objects is fine. Raises ValueError (HeadError) for arrays that do not fit or are not
        finite.
        """
        prepared = []
        for i, (signal, mask) in enumerate(zip(signals, masks, strict=True)):
            try:
                prepared.append(prepare(signal, mask))
            except ValueError as error:
                raise ValueError(f"object {i}: {error}") from error
        shape = np.array([p.shape for p in prepared], np.float32).reshape(-1, len(SHAPE_NAMES))
        embedding = self.embed(prepared)
        return self._say(embedding, shape, measures)

    def _say(self, embedding: UInt16, shape: Float32, measures: Float32) -> Prediction:
        said = self._bundle.head.say(embedding, shape, measures)
        return Prediction(embedding, shape, said.probabilities, said.unknown)

    def classify_crops(self, crops: Crops, measures: Float32) -> Prediction:
        """The same for the objects of a frame in flat arrays, without work per object in Python."""
        network = self._bundle.network
        embeddings = [np.zeros((0, network.embedding_width), np.uint16)]
        shapes = [np.zeros((0, len(SHAPE_NAMES)), np.float32)]
        for part in _parts(crops):
            if isinstance(self._runtime, NativeRuntime):
                embedding, shape = self._runtime.embed_crops(part)
            else:
                batch = batch_crops(part, network.levels)
                features = self._runtime.run(batch.tables)
                embedding = embed(features, batch.tables.object_sites, network.pooling)
                shape = batch.shape
            embeddings.append(embedding)
            shapes.append(shape)
        return self._say(np.concatenate(embeddings), np.concatenate(shapes), measures)

    def embed(self, prepared: Sequence[Prepared]) -> UInt16:
        """uint16 [n, C]. Objects do not influence each other: batching changes nothing."""
        network = self._bundle.network
        parts = [np.zeros((0, network.embedding_width), np.uint16)]
        for batch in _batches(prepared):
            tables = build_tables(batch, network.levels)
            features = self._runtime.run(tables)
            parts.append(embed(features, tables.object_sites, network.pooling))
        return np.concatenate(parts)


def _parts(crops: Crops) -> Iterator[Crops]:
    """Runs of objects of at most MAX_BATCH_CELLS cells together, or one larger object."""
    first, starts = 0, crops.starts
    while first < len(crops):
        last = int(np.searchsorted(starts, starts[first] + MAX_BATCH_CELLS, side="right")) - 1
        last = max(last, first + 1)
        if (first, last) == (0, len(crops)):
            yield crops
        else:
            yield Crops(
                crops.boxes[first:last], starts[first : last + 1], crops.masks, crops.signals
            )
        first = last


def _batches(prepared: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    batch: list[Prepared] = []
    cells = 0
    for one in prepared:
        if batch and cells + one.mask.size > MAX_BATCH_CELLS:
            yield batch
            batch, cells = [], 0
        batch.append(one)
        cells += one.mask.size
    if batch:
        yield batch

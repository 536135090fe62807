"""What is known of every image of a set: measures, shape, and a network's embedding. Kept on disk.

Measuring tens of thousands of images takes minutes, so it is done once: the files' names are
hashes of all that decides about their content (the set's bytes, the version of the measures, the
network), and a file that cannot be read is made again.

Example:
    >>> features = Features(labels, cache=Path("build/benchmark"), progress=print)
    >>> features.measured().measures.shape, features.embedding(bundle).shape
    ((8710, 45), (8710, 48))
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.benchmark.sets import Labels
from models.bundle import Bundle
from models.classifier import Classifier
from models.decode import UnreadableError, decode
from models.labelled import LabelledImages, open_labelled
from models.measure_table import MEASURES, MEASURES_VERSION
from models.measures import measure_many
from models.preprocess import SHAPE_NAMES, Float32, prepare
from models.vignettes import Vignette, cut_out

BATCH = 128
FORMAT = 1

UInt16 = npt.NDArray[np.uint16]
Bool = npt.NDArray[np.bool_]
Progress = Callable[[str], None]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Measured:
    """One row an image; of an image that cannot be used the row is 0 and `usable` False."""

    measures: Float32  # [n, K]
    shape: Float32  # [n, 4]
    usable: Bool  # [n]
    reasons: dict[str, str]  # image -> why it cannot be used


class Features:
    def __init__(self, labels: Labels, cache: Path, progress: Progress) -> None:
        self._labels = labels
        self._cache = cache
        self._progress = progress
        self._set = _hash_of_set(labels)

    def measured(self) -> Measured:
        """Measures and shapes of every image, in order."""
        key = f"{self._labels.path.stem}-measures-v{MEASURES_VERSION}-{self._set[:12]}"
        arrays = self._kept(key, self._measure)
        names = arrays["refused"].tolist()
        return Measured(
            arrays["measures"],
            arrays["shape"],
            arrays["usable"],
            dict(zip(names, arrays["reasons"].tolist(), strict=True)),
        )

    def embedding(self, bundle: Bundle) -> UInt16:
        """uint16 [n, C] by the bundle's network; 0 where an image cannot be used."""
        network = str(bundle.manifest["network"])
        key = f"{self._labels.path.stem}-embedding-{network[:12]}-{self._set[:12]}"
        return self._kept(key, lambda: self._embed(bundle))["embedding"]

    def _kept(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        path = self._cache / f"{key}.npz"
        if path.exists():
            try:
                with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                    return {name: file[name] for name in file.files}
            except (OSError, ValueError, zipfile.BadZipFile) as error:
                self._progress(f"{path.name} cannot be read ({error}): made again")
        arrays = make()
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")
        partial.write_bytes(stream.getvalue())
        partial.replace(path)
        return arrays

    def _measure(self) -> Arrays:
        n = len(self._labels.names)
        measures = np.zeros((n, len(MEASURES)), np.float32)
        shape = np.zeros((n, len(SHAPE_NAMES)), np.float32)
        usable = np.zeros(n, np.bool_)
        reasons: dict[str, str] = {}
        for places, vignettes in self._batches("measuring", reasons):
            values = measure_many([(v.grey, v.mask, 0, 0, v.field) for v in vignettes])
            measures[places] = values
            shape[places] = [prepare(v.signal, v.mask).shape for v in vignettes]
            usable[places] = np.isfinite(values).all(axis=1)
            for place in np.asarray(places)[~np.isfinite(values).all(axis=1)].tolist():
                reasons[self._labels.names[place]] = "a measure is not finite"
        return {
            "measures": measures,
            "shape": shape,
            "usable": usable,
            "refused": np.array(list(reasons), np.str_),
            "reasons": np.array(list(reasons.values()), np.str_),
        }

    def _embed(self, bundle: Bundle) -> Arrays:
        classifier = Classifier(bundle)
        width = bundle.head.embedding_width
        embedding = np.zeros((len(self._labels.names), width), np.uint16)
        for places, vignettes in self._batches("embedding", {}):
            embedding[places] = classifier.embed([prepare(v.signal, v.mask) for v in vignettes])
        return {"embedding": embedding}

    def _batches(
        self, what: str, reasons: dict[str, str]
    ) -> Iterator[tuple[list[int], list[Vignette]]]:
        """Places and vignettes, BATCH images at a time; bad ones are told in `reasons`."""
        names = self._labels.names
        with open_labelled(self._labels.path) as images:
            for start in range(0, len(names), BATCH):
                if start % (16 * BATCH) == 0:
                    self._progress(f"{self._labels.path.stem}: {what} {start} of {len(names)}")
                batch = list(_cut_out(images, names[start : start + BATCH], start, reasons))
                if batch:
                    yield [place for place, _ in batch], [vignette for _, vignette in batch]


def _cut_out(
    images: LabelledImages, names: Sequence[str], start: int, reasons: dict[str, str]
) -> Iterator[tuple[int, Vignette]]:
    for place, name in enumerate(names, start):
        try:
            yield place, cut_out(decode(images.read(name)))
        except (UnreadableError, ValueError) as error:
            reasons[name] = str(error)


def _hash_of_set(labels: Labels) -> str:
    """Of the zip's bytes, of which images count, and of the measures' names."""
    digest = hashlib.sha256(f"{FORMAT} {' '.join(m.name for m in MEASURES)}\n".encode())
    with labels.path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    digest.update("\n".join(labels.names).encode())
    return digest.hexdigest()

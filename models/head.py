"""The head: from what is known of an object to probabilities. numpy only, fitted in seconds.

Features are the embedding / 256, the four shape values and selected measures (through asinh, since
sizes and sums span decades), standardised. One linear layer and a softmax follow, with a
temperature that was fitted on objects the layer had not seen.

A measure further than UNSEEN standard deviations from what the head was fitted on says nothing: it
is taken as average. Another camera's grey levels (another exposure, another stretch) would
otherwise outvote the embedding. The rest is kept within +-CLIP.

Invariant: the shore refits a head without touching the network, so a new release differs only here.

Example:
    >>> head = Head.fit(Examples(embedding, shape, measures, labels))   # needs scikit-learn
    >>> head.probabilities(embedding, shape, measures).shape           # (n, classes), float32
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.archive import ArchiveError, pack_arrays, unpack_arrays
from models.measure_table import MEASURES
from models.preprocess import SHAPE_NAMES

CLIP = 6.0
UNSEEN = 4.0
EMBEDDING_UNIT = 256.0
DEFAULT_COLUMNS = tuple(i for i, m in enumerate(MEASURES) if m.kind != "place")
_HELD_BACK = (
    5  # one object in five, per taxon, tells the temperature when no validation set is given
)

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt16 = npt.NDArray[np.uint16]
Int32 = npt.NDArray[np.int32]
Array = npt.NDArray[Any]


class HeadError(ValueError):
    """The head's file, or what it is asked to compute, does not fit; the text names the field."""


@dataclass(frozen=True)
class Examples:
    """Labelled objects."""

    embedding: UInt16  # [n, C]
    shape: Float32  # [n, 4]
    measures: Float32  # [n, K]
    labels: Sequence[str]  # n taxon names

    def subset(self, chosen: Array) -> Examples:
        """chosen: int or bool [n]."""
        labels = np.asarray(self.labels, dtype=np.str_)[chosen].tolist()
        return Examples(self.embedding[chosen], self.shape[chosen], self.measures[chosen], labels)


@dataclass(frozen=True)
class Head:
    classes: tuple[str, ...]
    columns: Int32  # [M]: which measures are used, as indices into MEASURES
    mean: Float32  # [F], F = C + 4 + M
    scale: Float32  # [F]
    weights: Float32  # [F, classes]
    bias: Float32  # [classes]
    temperature: float

    @property
    def embedding_width(self) -> int:
        return len(self.mean) - len(SHAPE_NAMES) - len(self.columns)

    def logits(self, embedding: UInt16, shape: Float32, measures: Float32) -> Float32:
        """float32 [n, classes], before the temperature. Raises HeadError for what is not finite."""
        features = _features(embedding, shape, measures, self.columns)  # [n, F]
        if features.shape[1] != len(self.mean):
            raise HeadError(
                f"embedding of {embedding.shape[1]} values; this head takes {self.embedding_width}"
            )
        standard = _standardised(features, self.mean, self.scale, self.embedding_width)
        logits: Float32 = standard @ self.weights + self.bias
        return logits

    def probabilities(self, embedding: UInt16, shape: Float32, measures: Float32) -> Float32:
        """float32 [n, classes], each row summing to 1.

        embedding: uint16 [n, C]; shape: float32 [n, 4]; measures: float32 [n, K], all of them.
        """
        return _softmax(self.logits(embedding, shape, measures), self.temperature)

    @classmethod
    def fit(
        cls,
        examples: Examples,
        *,
        columns: Sequence[int] = DEFAULT_COLUMNS,
        strength: float = 0.1,
        balance: float = 0.25,
        validation: Examples | None = None,
    ) -> Head:
        """A head for the taxa that occur in `examples`.

        strength: scikit-learn's C, larger trusts the data more. balance: a taxon of n objects
        weighs n^-balance per object (0 = as counted, 1 = every taxon alike). validation: objects
        for the temperature; without it one object in five is held back for that, and then used in
        the final fit. Raises HeadError with fewer than two taxa.
        """
        settings = (tuple(columns), strength, balance)
        if validation is None:
            held = _held_back(examples.labels)
            if held.any() and len(set(examples.subset(~held).labels)) >= 2:
                partial = _fit_linear(examples.subset(~held), *settings)
                temperature = _temperature(partial, examples.subset(held))
            else:
                temperature = 1.0
            return replace(_fit_linear(examples, *settings), temperature=temperature)
        head = _fit_linear(examples, *settings)
        return replace(head, temperature=_temperature(head, validation))

    def to_bytes(self) -> bytes:
        return pack_arrays(
            {
                "classes": np.array(self.classes, dtype=np.str_),
                "columns": self.columns,
                "mean": self.mean,
                "scale": self.scale,
                "weights": self.weights,
                "bias": self.bias,
                "temperature": np.array(self.temperature, np.float64),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Head:
        """Raises HeadError naming the field."""
        try:
            arrays = unpack_arrays(data)
        except ArchiveError as error:
            raise HeadError(str(error)) from error
        expected = {"classes", "columns", "mean", "scale", "weights", "bias", "temperature"}
        if set(arrays) != expected:
            raise HeadError(f"fields {sorted(arrays)}, expected {sorted(expected)}")
        for name, dtype, ndim in (
            ("columns", np.int32, 1), ("mean", np.float32, 1), ("scale", np.float32, 1),
            ("weights", np.float32, 2), ("bias", np.float32, 1), ("temperature", np.float64, 0),
        ):  # fmt: skip
            array = arrays[name]
            if array.dtype != dtype or array.ndim != ndim or not np.isfinite(array).all():
                raise HeadError(f"{name}: expected finite {np.dtype(dtype)}, {ndim} dimensions")
        classes = arrays["classes"]
        if classes.dtype.kind != "U" or classes.ndim != 1:
            raise HeadError("classes: expected a list of names")
        head = cls(
            tuple(classes.tolist()), arrays["columns"], arrays["mean"], arrays["scale"],
            arrays["weights"], arrays["bias"], float(arrays["temperature"]),
        )  # fmt: skip
        _check(head)
        return head


def _check(head: Head) -> None:
    features, classes = len(head.mean), len(head.classes)
    if classes < 2 or len(set(head.classes)) != classes:
        raise HeadError("classes: expected at least two different names")
    if head.weights.shape != (features, classes) or head.bias.shape != (classes,):
        raise HeadError(f"weights {head.weights.shape}: expected {(features, classes)}")
    if head.scale.shape != (features,) or not (head.scale > 0).all() or head.embedding_width < 1:
        raise HeadError("scale: expected one positive value per feature")
    if len(head.columns) and not (
        0 <= int(head.columns.min()) <= int(head.columns.max()) < len(MEASURES)
    ):
        raise HeadError(f"columns: expected indices below {len(MEASURES)}")
    if head.temperature <= 0:
        raise HeadError("temperature: expected above 0")


def _features(
    embedding: UInt16, shape: Float32, measures: Float32, columns: Int32 | Sequence[int]
) -> Float32:
    """float32 [n, C + 4 + M]."""
    if measures.ndim != 2 or measures.shape[1] != len(MEASURES):
        raise HeadError(f"measures {measures.shape}: expected [n, {len(MEASURES)}]")
    if not len(embedding) == len(shape) == len(measures):
        raise HeadError(
            f"{len(embedding)} embeddings, {len(shape)} shapes, {len(measures)} measures"
        )
    chosen = measures[:, np.asarray(columns, np.int64)].astype(np.float32)
    if not np.isfinite(chosen).all():
        row, column = np.argwhere(~np.isfinite(chosen))[0]
        name = MEASURES[int(np.asarray(columns)[column])].name
        raise HeadError(f"object {row}: measure {name} is {chosen[row, column]}, not finite")
    if not np.isfinite(shape).all():
        raise HeadError("shape: values must be finite")
    unit = embedding.astype(np.float32) / np.float32(EMBEDDING_UNIT)
    return np.concatenate([unit, shape.astype(np.float32), np.arcsinh(chosen)], axis=1)


def _standardised(features: Float32, mean: Float32, scale: Float32, width: int) -> Float32:
    """float32 [n, F]; width: of the embedding, which comes first, then shape, then measures."""
    standard: Float32 = np.clip((features - mean) / scale, -CLIP, CLIP)
    measures = standard[:, width + len(SHAPE_NAMES) :]
    measures[np.abs(measures) > UNSEEN] = 0
    return standard


def _softmax(logits: Float32, temperature: float) -> Float32:
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: Float32 = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _fit_linear(
    examples: Examples, columns: tuple[int, ...], strength: float, balance: float
) -> Head:
    names, target = np.unique(np.asarray(examples.labels, dtype=np.str_), return_inverse=True)
    if len(names) < 2:
        raise HeadError(f"{len(names)} taxon in the labels: a head needs at least two")
    features = _features(examples.embedding, examples.shape, examples.measures, columns)
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = features.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(spread > 1e-6, spread, np.float32(1))
    standard = _standardised(features, mean, scale, examples.embedding.shape[1])
    counts = np.bincount(target)
    weight = (counts.astype(np.float64) ** -balance)[target]
    linear_model: Any = importlib.import_module("sklearn.linear_model")
    model = linear_model.LogisticRegression(C=strength, max_iter=400, tol=1e-3)
    model.fit(
        standard.astype(np.float64), target, sample_weight=weight * len(weight) / weight.sum()
    )
    weights, bias = model.coef_.T, model.intercept_
    if len(names) == 2:  # scikit-learn keeps only the second class's logit
        weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
        bias = np.array([0.0, float(bias[0])])
    return Head(
        tuple(names.tolist()), np.array(columns, np.int32), mean, scale,
        np.ascontiguousarray(weights, np.float32), np.asarray(bias, np.float32), 1.0,
    )  # fmt: skip


def _held_back(labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Every fifth object of each taxon that has five: bool [n]."""
    names = np.asarray(labels, dtype=np.str_)
    held = np.zeros(len(names), np.bool_)
    for name in np.unique(names):
        held[np.flatnonzero(names == name)[_HELD_BACK - 1 :: _HELD_BACK]] = True
    return held


def _temperature(head: Head, validation: Examples) -> float:
    """The temperature with the least negative log-likelihood on objects of known taxa (Guo et al.
    2017)."""
    index = {name: i for i, name in enumerate(head.classes)}
    known = np.array([label in index for label in validation.labels], np.bool_)
    if not known.any():
        return 1.0
    examples = validation.subset(known)
    logits = head.logits(examples.embedding, examples.shape, examples.measures).astype(np.float64)
    target = np.array([index[label] for label in examples.labels])
    candidates = np.geomspace(0.3, 5.0, 113)
    losses = [_loss(logits / t, target) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def _loss(logits: Float64, target: npt.NDArray[np.int64]) -> float:
    top = logits.max(axis=1)
    log_sum = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return float((log_sum - logits[np.arange(len(target)), target]).mean())

"""Figures of a method with their bootstrap intervals, all resamples at once. Pure numpy.

The held-out objects are drawn again with replacement, RESAMPLES times; an interval holds 95 % of
what comes out (percentiles; Efron 1979). A resample is a vector of how often each object was drawn,
so every figure is a few matrix products. Two methods are compared on the same resamples.

Example:
    >>> draws = resamples(1738, seed=0)                       # float32 [1000, 1738]
    >>> figures(outcome, draws)["accuracy"]
    Interval(value=0.72, low=0.698, high=0.741)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.evaluation import ECE_BINS

RESAMPLES = 1000
NAMES = ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error", "abundance_bias")

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float

    def rounded(self, digits: int = 4) -> list[float]:
        return [round(self.value, digits), round(self.low, digits), round(self.high, digits)]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What n held-out objects are and were called."""

    names: tuple[str, ...]  # every taxon that occurs or can be called
    truth: Int64  # [n]
    called: Int64  # [n]
    confidence: Float32  # [n] probability of what it was called


def outcome(truth: Sequence[str], probabilities: Float32, classes: Sequence[str]) -> Outcome:
    """probabilities: float32 [n, len(classes)]. A truth that is no class counts as wrong."""
    names = tuple(sorted({*truth, *classes}))
    place = {name: i for i, name in enumerate(names)}
    columns = np.array([place[name] for name in classes], np.int64)
    return Outcome(
        names,
        np.array([place[name] for name in truth], np.int64),
        columns[probabilities.argmax(axis=1)],
        probabilities.max(axis=1),
    )


def resamples(n: int, seed: int) -> Float32:
    """How often each of n objects was drawn, float32 [RESAMPLES, n]."""
    drawn = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    flat = drawn + n * np.arange(RESAMPLES)[:, None]
    counts = np.bincount(flat.ravel(), minlength=RESAMPLES * n)
    return counts.reshape(RESAMPLES, n).astype(np.float32)


def figures(found: Outcome, draws: Float32) -> dict[str, Interval]:
    """The figures of NAMES. draws: float32 [resamples, n]."""
    once = _figures(found, np.ones((1, len(found.truth)), np.float32))
    many = _figures(found, draws)
    return {name: _interval(float(once[name][0]), many[name]) for name in NAMES}


def difference(one: Outcome, other: Outcome, draws: Float32) -> Interval:
    """Accuracy of `one` less that of `other`, on the same resamples."""
    gain = (one.truth == one.called).astype(np.float32) - (other.truth == other.called)
    return _interval(float(gain.mean()), (draws @ gain) / draws.sum(axis=1))


def _interval(value: float, many: npt.NDArray[np.floating]) -> Interval:
    low, high = np.percentile(many, (2.5, 97.5))
    return Interval(value, float(low), float(high))


def _figures(found: Outcome, draws: Float32) -> dict[str, Float64]:
    """Each figure for each row of `draws`, float64 [resamples].

    abundance_bias: Bray & Curtis 1957 between the counts of taxa as called and as they are, 0 to 1.
    """
    right = (found.truth == found.called).astype(np.float32)
    names = len(found.names)
    support = draws @ _one_hot(found.truth, names)  # [resamples, taxa]
    called = draws @ _one_hot(found.called, names)
    correct = draws @ (_one_hot(found.truth, names) * right[:, None])
    objects = draws.sum(axis=1, dtype=np.float64)
    there = support > 0
    taxa = there.sum(axis=1)
    recall = np.divide(correct, support, out=np.zeros_like(correct), where=there)
    f1 = np.divide(2 * correct, support + called, out=np.zeros_like(correct), where=there)
    bins = np.minimum((found.confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    gap = draws @ (_one_hot(bins, ECE_BINS) * (right - found.confidence)[:, None])
    return {
        "accuracy": (draws @ right) / objects,
        "balanced_accuracy": recall.sum(axis=1) / taxa,
        "macro_f1": f1.sum(axis=1) / taxa,
        "calibration_error": np.abs(gap).sum(axis=1) / objects,
        "abundance_bias": np.abs(support - called).sum(axis=1) / (2 * objects),
    }


def _one_hot(index: Int64, width: int) -> Float32:
    hot = np.zeros((len(index), width), np.float32)
    hot[np.arange(len(index)), index] = 1
    return hot


def auroc(known: Float32, strange: Float32) -> float:
    """The chance that a stranger's score is above a known object's (ties count half)."""
    order = np.sort(known)
    below = np.searchsorted(order, strange, "left")
    ties = np.searchsorted(order, strange, "right") - below
    return float((below + ties / 2).mean() / max(len(known), 1))

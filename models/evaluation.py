"""How good predictions are, in figures that a scientist can check by hand. Pure numpy.

Used for the model card and by the shore to compare two releases on the same validated objects. A
taxon that the release does not know counts as an error, not as absent: otherwise knowing less would
look better.

Example:
    >>> figures = evaluate(["a", "b"], np.array([[.9, .1], [.8, .2]], np.float32), ["a", "b"])
    >>> figures.accuracy, figures.taxa[1].recall
    (0.5, 0.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

ECE_BINS = 15

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TaxonFigures:
    taxon: str
    support: int  # objects that are of it
    predicted: int  # objects called so
    correct: int
    precision: float | None  # None: never predicted
    recall: float | None  # None: no object of it
    f1: float | None  # 2 correct / (support + predicted); None when both are 0


@dataclass(frozen=True)
class Evaluation:
    objects: int
    accuracy: float
    balanced_accuracy: float  # mean recall over the taxa that occur
    macro_f1: float  # mean F1 over the taxa that occur
    log_loss: float  # mean of -ln p(truth); p is bounded below by 1e-7
    calibration_error: float  # expected calibration error, 15 equal bins (Guo et al. 2017)
    taxa: tuple[TaxonFigures, ...]  # every taxon that occurs or can be predicted, by name
    confusion: Int64  # [taxa, taxa], rows are the truth

    def summary(self) -> dict[str, Any]:
        """The scalar figures, rounded, for manifests and tables."""
        return {
            "objects": self.objects,
            "taxa": sum(1 for t in self.taxa if t.support),
            "accuracy": round(self.accuracy, 4),
            "balanced_accuracy": round(self.balanced_accuracy, 4),
            "macro_f1": round(self.macro_f1, 4),
            "log_loss": round(self.log_loss, 4),
            "calibration_error": round(self.calibration_error, 4),
        }


def evaluate(truth: Sequence[str], probabilities: Float32, classes: Sequence[str]) -> Evaluation:
    """truth: n taxon names; probabilities: float32 [n, len(classes)].

    Raises ValueError when the shapes differ or there is no object.
    """
    n = len(truth)
    if probabilities.shape != (n, len(classes)):
        raise ValueError(f"probabilities {probabilities.shape}, expected {(n, len(classes))}")
    if n == 0:
        raise ValueError("no objects to evaluate on")
    names = sorted({*truth, *classes})
    place = {name: i for i, name in enumerate(names)}
    target = np.array([place[name] for name in truth], np.int64)
    chosen = np.array([place[name] for name in classes], np.int64)[probabilities.argmax(axis=1)]
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, (target, chosen), 1)
    taxa = tuple(_figures(name, confusion, i) for i, name in enumerate(names))
    occurring = [t for t in taxa if t.support]
    return Evaluation(
        objects=n,
        accuracy=float((target == chosen).mean()),
        balanced_accuracy=float(np.mean([t.recall for t in occurring])),
        macro_f1=float(np.mean([t.f1 for t in occurring])),
        log_loss=_log_loss(truth, probabilities, classes),
        calibration_error=_calibration_error(target == chosen, probabilities.max(axis=1)),
        taxa=taxa,
        confusion=confusion,
    )


def _figures(name: str, confusion: Int64, i: int) -> TaxonFigures:
    support, predicted = int(confusion[i].sum()), int(confusion[:, i].sum())
    correct = int(confusion[i, i])
    return TaxonFigures(
        name,
        support,
        predicted,
        correct,
        precision=correct / predicted if predicted else None,
        recall=correct / support if support else None,
        f1=2 * correct / (support + predicted) if support + predicted else None,
    )


def _log_loss(truth: Sequence[str], probabilities: Float32, classes: Sequence[str]) -> float:
    column = {name: i for i, name in enumerate(classes)}
    given = np.array(
        [
            probabilities[row, column[name]] if name in column else 0
            for row, name in enumerate(truth)
        ],
        np.float64,
    )
    return float(-np.log(np.maximum(given, 1e-7)).mean())


def _calibration_error(correct: npt.NDArray[np.bool_], confidence: Float32) -> float:
    """Mean |accuracy - confidence| over bins of confidence, weighted by their objects."""
    bins = np.minimum((confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    count = np.bincount(bins, minlength=ECE_BINS)
    right = np.bincount(bins, weights=correct, minlength=ECE_BINS)
    sure = np.bincount(bins, weights=confidence, minlength=ECE_BINS)
    return float((np.abs(right - sure)[count > 0]).sum() / len(confidence))

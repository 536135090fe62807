"""How unlike what was learnt an object is: the unknown score. numpy only.

A softmax is sure of strangers: it knows only which side of its borders they are on. The distance to
the nearest class does tell them: Mahalanobis' distance with one covariance for all classes (Lee et
al. 2018) over the head's standardised features, the covariance shrunk towards its diagonal. A
stranger between two classes is near to both, and there it is the softmax that doubts. So an object
is as strange as the stranger of the two says, each told as the share of held-out objects of known
taxa that are less so; and so is the score itself: 0.95 means that 95 of 100 known held-out objects
seem less strange.

Example:
    >>> novelty = Novelty.fit(standard, target, 24).calibrated(held_out, their_probabilities)
    >>> novelty.score(standard, probabilities).max() <= 1
    True
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

SHRINK = 0.1
RIDGE = 1e-3
PRIOR = 2.0
"""Objects at the common mean that every class is given: a mean of three objects is no mean."""
LEVELS = 101

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Novelty:
    whiten: Float32  # [F, F]: distances become Euclidean
    centres: Float32  # [classes, F], whitened
    quantiles: Float32  # [LEVELS] of held-out objects' distances, rising
    doubts: Float32  # [LEVELS] of their 1 - highest probability
    joint: Float32  # [LEVELS] of the greater of both shares

    @classmethod
    def fit(cls, standard: Float32, target: Int64, classes: int) -> Novelty:
        """standard: float32 [n, F], standardised; target: int64 [n], every class once at least."""
        values = standard.astype(np.float64)
        counts = np.bincount(target, minlength=classes).astype(np.float64)[:, None]
        sums = np.zeros((classes, values.shape[1]))
        np.add.at(sums, target, values)
        centres = (sums + PRIOR * values.mean(axis=0)) / (counts + PRIOR)
        within = values - centres[target]
        covariance = within.T @ within / len(values)
        spread = np.diag(np.diag(covariance))
        covariance = (1 - SHRINK) * covariance + SHRINK * spread + RIDGE * np.eye(len(covariance))
        eigenvalues, vectors = np.linalg.eigh(covariance)
        whiten = (vectors / np.sqrt(eigenvalues)).astype(np.float32)
        flat = np.linspace(0, 1, LEVELS, dtype=np.float32)  # until held-out objects tell
        return cls(whiten, (centres @ whiten).astype(np.float32), flat, flat, flat)

    def calibrated(self, standard: Float32, probabilities: Float32) -> Novelty:
        """The same, told as shares of these objects: float32 [n, F] and [n, classes]."""
        found = replace(
            self,
            quantiles=_quantiles(self.distances(standard)),
            doubts=_quantiles(1 - probabilities.max(axis=1)),
        )
        return replace(found, joint=_quantiles(found._stranger(standard, probabilities)))

    def distances(self, standard: Float32) -> Float32:
        """To the nearest class, float32 [n]."""
        whitened = standard @ self.whiten
        squares = (
            (whitened * whitened).sum(axis=1, keepdims=True)
            + (self.centres * self.centres).sum(axis=1)
            - 2 * (whitened @ self.centres.T)
        )
        nearest: Float32 = np.sqrt(np.maximum(squares.min(axis=1), 0)).astype(np.float32)
        return nearest

    def score(self, standard: Float32, probabilities: Float32) -> Float32:
        """0 to 1, float32 [n]: the share of known held-out objects that seem less strange."""
        return _share(self._stranger(standard, probabilities), self.joint)

    def _stranger(self, standard: Float32, probabilities: Float32) -> Float32:
        """The greater of both shares, float32 [n]."""
        far = _share(self.distances(standard), self.quantiles)
        doubt = _share(1 - probabilities.max(axis=1, initial=0), self.doubts)
        return np.maximum(far, doubt)


def _quantiles(values: Float32) -> Float32:
    found = np.quantile(values.astype(np.float64), np.linspace(0, 1, LEVELS))
    return found.astype(np.float32)


def _share(values: Float32, quantiles: Float32) -> Float32:
    return np.interp(values, quantiles, np.linspace(0, 1, len(quantiles))).astype(np.float32)

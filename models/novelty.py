"""How unlike everything that was learnt an object is: the unknown score. numpy only.

A softmax is sure of strangers: it knows only which side of its borders they are on. The distance to
the nearest class does tell them: Mahalanobis' distance with one covariance for all classes (Lee et
al. 2018) over the head's standardised features, the covariance shrunk towards its diagonal. It is
told as a share: 0.95 means that 95 of 100 held-out objects of known taxa are nearer to theirs.

Example:
    >>> novelty = Novelty.fit(standard, target, classes=24).calibrated(held_out_standard)
    >>> novelty.score(standard).max() <= 1
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
        novelty = cls(whiten, (centres @ whiten).astype(np.float32), np.zeros(LEVELS, np.float32))
        return novelty.calibrated(standard)

    def calibrated(self, standard: Float32) -> Novelty:
        """The same, told as shares of these objects. float32 [n, F]."""
        levels = np.linspace(0, 1, LEVELS)
        found = np.quantile(self.distances(standard).astype(np.float64), levels)
        return replace(self, quantiles=found.astype(np.float32))

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

    def score(self, standard: Float32) -> Float32:
        """0 to 1, float32 [n]: the share of held-out objects that are nearer to their class."""
        shares = np.linspace(0, 1, len(self.quantiles))
        return np.interp(self.distances(standard), self.quantiles, shares).astype(np.float32)

"""The shore's yardstick: a random forest, each taxon weighing alike. Needs scikit-learn.

A forest of hundreds of trees over a hundred taxa takes gigabytes, so the trees are grown some at a
time, asked, and let go; their mean is that of the whole forest (Breiman 2001).

Example:
    >>> said = forest_probabilities(learn, labels, ask)      # float32 [n, features] each
    >>> said.classes[int(said.probabilities[0].argmax())]
    'Copepoda'
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

TREES, AT_A_TIME = 200, 25
LEAF_LEAST = 2

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ForestSaid:
    classes: tuple[str, ...]
    probabilities: Float32  # [n, classes], rows sum to 1


def forest_probabilities(
    learn: Float32,
    labels: Sequence[str],
    ask: Float32,
    *,
    trees: int = TREES,
    seed: int = 0,
    threads: int = 1,
) -> ForestSaid:
    """What a forest grown on `learn` (float32 [n, F]) says of `ask` (float32 [m, F]).

    Raises ValueError with fewer than two taxa or values that are not finite.
    """
    classes, target = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"a forest needs at least two taxa; there are {classes.tolist()}")
    if not (np.isfinite(learn).all() and np.isfinite(ask).all()):
        raise ValueError("features: values must be finite")
    ensemble: Any = importlib.import_module("sklearn.ensemble")
    total = np.zeros((len(ask), len(classes)))
    for start in range(0, trees, AT_A_TIME):
        count = min(AT_A_TIME, trees - start)
        forest = ensemble.RandomForestClassifier(
            n_estimators=count,
            min_samples_leaf=LEAF_LEAST,
            class_weight="balanced",
            random_state=seed + start,
            n_jobs=threads,
        )
        forest.fit(learn, target)
        total += count * forest.predict_proba(ask)
    return ForestSaid(tuple(classes.tolist()), (total / trees).astype(np.float32))

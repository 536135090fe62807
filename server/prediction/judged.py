"""How well a forest does on objects that it has not seen: the report of a training. Pure.

A smaller forest is grown from three quarters of the learning set and asked about the rest: whole
samples where there are enough of them, since neighbours show the same animal (see
`server.learning.split`). The forest that predicts has learnt from all and does at least as well.

Example:
    >>> report = judge(learning, values, names, threads=2)
    >>> report["accuracy"], report["split"], report["taxa"][0]["recall"]
    (0.91, 'samples', 0.97)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.evaluation import evaluate
from models.trees import Growth, grow
from server.db.learning_set import Numbers
from server.learning.split import hold_out

TREES = 100
FEW = 20
"""A taxon with fewer examples is named in a warning."""
BINS = 10
_SHOWN = 20
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Said:
    """Of the objects held out: what they are, and what the forest says."""

    truth: Int64
    classes: Int64
    probabilities: Float32


def judge(
    learning: Numbers, values: Float32, names: Mapping[int, str], *, threads: int, growth: Growth
) -> dict[str, Any]:
    """The report, as JSON takes it; `values` are the columns of `learning` that count."""
    labels = [str(taxon) for taxon in learning.taxa.tolist()]
    split = hold_out(
        labels, learning.samples.tolist(), learning.acquisitions.tolist(), learning.frames.tolist()
    )
    learnt = _counted(learning.taxa)
    judged = _counted(learning.taxa[split.test])
    report: dict[str, Any] = {
        "objects": len(labels),
        "judged_on": int(split.test.sum()),
        "split": split.by,
        "warnings": _warnings(learnt, judged, names, split.by),
    }
    known = learning.taxa[~split.test]
    if not split.test.any() or len(np.unique(known)) < 2:
        report["warnings"].append("Too few objects to judge the forest: there are no figures.")
        report["taxa"] = [
            {"taxon_id": taxon, "name": names[taxon], "learnt": n} for taxon, n in learnt.items()
        ]
        return report
    growth = replace(growth, trees=min(growth.trees, TREES))
    grown = grow(values[~split.test], known, threads=threads, growth=growth)
    said = _Said(learning.taxa[split.test], grown.classes, grown.probabilities(values[split.test]))
    return report | _figures(said, learnt, names)


def _figures(said: _Said, learnt: Mapping[int, int], names: Mapping[int, str]) -> dict[str, Any]:
    truth = [str(taxon) for taxon in said.truth.tolist()]
    found = evaluate(truth, said.probabilities, [str(taxon) for taxon in said.classes.tolist()])
    taxa: list[dict[str, Any]] = [
        {
            "taxon_id": int(one.taxon),
            "name": names[int(one.taxon)],
            "learnt": learnt[int(one.taxon)],
            "judged": one.support,
            "precision": _rounded(one.precision),
            "recall": _rounded(one.recall),
            "f1": _rounded(one.f1),
        }
        for one in found.taxa
    ]
    taxa.sort(key=lambda row: (-row["learnt"], row["name"]))
    return {**found.summary(), "objects": sum(learnt.values()), "taxa": taxa,
            "reliability": _reliability(said)}  # fmt: skip


def _reliability(said: _Said) -> list[dict[str, float]]:
    """By the score of the best taxon: how often it is right."""
    sure = said.probabilities.max(axis=1)
    right = said.classes[said.probabilities.argmax(axis=1)] == said.truth
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    return [
        {
            "score": round(float(sure[bins == one].mean()), 4),
            "right": round(float(right[bins == one].mean()), 4),
            "objects": int((bins == one).sum()),
        }
        for one in np.unique(bins).tolist()
    ]


def _warnings(
    learnt: Mapping[int, int], judged: Mapping[int, int], names: Mapping[int, str], by: str
) -> list[str]:
    found = []
    few = {names[taxon]: n for taxon, n in learnt.items() if n < FEW}
    if few:
        words = [f"{name} ({n})" for name, n in sorted(few.items(), key=lambda item: item[1])]
        found.append(
            f"Fewer than {FEW} examples, so hardly learnt: {_some(words)}. Validate more of them."
        )
    unseen = [names[taxon] for taxon in learnt if taxon not in judged]
    if unseen:
        found.append(f"Not judged, since none was held out: {_some(sorted(unseen))}.")
    if by == "objects":
        found.append(
            "The objects held out are neighbours of those learnt from (too few samples or frames "
            "to hold out whole ones): in other waters it will do worse."
        )
    return found


def _some(words: list[str]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _counted(taxa: Int64) -> dict[int, int]:
    found, counts = np.unique(taxa, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

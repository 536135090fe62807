"""One labelled set: every method on the same held-out objects, and what is known of the head.

Example:
    >>> result = compare(SETS["spc"], labels, measured, {"device": (bundle, embedding)}, print)
    >>> [row["method"] for row in result.facts["rows"]]
    ['ZP', 'SCN', 'ZP+SCN', 'network', 'head']
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models import forest
from models.benchmark.features import Measured
from models.benchmark.figures import Outcome, auroc, difference, figures, outcome, resamples
from models.benchmark.sets import LabelledSet, Labels
from models.bundle import Bundle
from models.evaluation import ECE_BINS, Evaluation, evaluate
from models.examples import Examples
from models.head import Head
from models.splitting import TEST, TRAIN, VALIDATION

SEED = 0
LEFT_OUT_SHARE = 5
"""One class in so many is kept from a head, to see whether it notices."""

Float32 = npt.NDArray[np.float32]
UInt16 = npt.NDArray[np.uint16]
Progress = Callable[[str], None]
Networks = Mapping[str, tuple[Bundle, UInt16]]


@dataclass(frozen=True, eq=False)
class Result:
    """facts: JSON values. evaluation, confidence: of the device head, for the plots."""

    facts: dict[str, Any]
    evaluation: Evaluation
    reliability: list[tuple[float, float, int]]  # confidence, accuracy, objects of each bin


@dataclass(frozen=True, eq=False)
class _Parts:
    train: Examples
    validation: Examples
    test: Examples

    @classmethod
    def of(cls, labels: Labels, measured: Measured, embedding: UInt16) -> _Parts:
        every = Examples(embedding, measured.shape, measured.measures, labels.taxa)
        chosen = [every.subset((labels.part == k) & measured.usable) for k in (0, 1, 2)]
        return cls(chosen[TRAIN], chosen[VALIDATION], chosen[TEST])


def compare(
    which: LabelledSet, labels: Labels, measured: Measured, networks: Networks, progress: Progress
) -> Result:
    """networks: "device", and "shore" if there is one, with the embedding of every image."""
    draws = None
    rows: list[dict[str, Any]] = []
    outcomes: dict[tuple[str, str], Outcome] = {}
    said: tuple[Head, Float32] | None = None
    for kind, (bundle, embedding) in networks.items():
        parts = _Parts.of(labels, measured, embedding)
        if draws is None:
            draws = resamples(len(parts.test.labels), SEED)
        for method, (classes, probabilities) in _methods(kind, bundle, parts, progress):
            found = outcome(parts.test.labels, probabilities, classes)
            outcomes[kind, method] = found
            values = {name: i.rounded() for name, i in figures(found, draws).items()}
            rows.append({"network": kind, "method": method, "figures": values})
            progress(f"{which.name}, {kind}, {method}: {values}")
        if said is None:
            head = head_of(bundle, parts)
            said = (head, _ask(head, parts.test))
    assert draws is not None
    assert said is not None
    bundle, embedding = networks["device"]
    parts = _Parts.of(labels, measured, embedding)
    head, probabilities = said
    evaluation = evaluate(parts.test.labels, probabilities, head.classes)
    reliability = _reliability(outcomes["device", "head"])
    gains = {kind: _gain(outcomes, kind, draws) for kind in networks}
    facts = {
        "what": which.what,
        "split": "time" if labels.by_time else "random",
        "objects": {
            name: len(part.labels)
            for name, part in (
                ("train", parts.train), ("validation", parts.validation), ("test", parts.test)
            )
        },
        "taxa": len(set(labels.taxa)),
        "left_out": labels.left_out,
        "set_aside": len(measured.reasons),
        "networks": {kind: _network(b, parts) for kind, (b, _) in networks.items()},
        "rows": rows,
        "gain": gains,
        "trust": _trust(head, parts.test, probabilities),
        "unknown": _unknown(parts, labels.catch_alls),
        "reliability": [[round(c, 4), round(a, 4), n] for c, a, n in reliability],
        "per_taxon": _per_taxon(evaluation, parts.train.labels),
    }  # fmt: skip
    return Result(facts, evaluation, reliability)


def head_of(bundle: Bundle, parts: _Parts) -> Head:
    """The head as shipped, if it was made for these taxa; else one fitted the same way."""
    if set(bundle.classes) == set(parts.train.labels):
        return bundle.head
    return Head.fit(parts.train, validation=parts.validation)


def _methods(
    kind: str, bundle: Bundle, parts: _Parts, progress: Progress
) -> list[tuple[str, tuple[Sequence[str], Float32]]]:
    """Each method's classes and probabilities of the test objects."""
    found: list[tuple[str, tuple[Sequence[str], Float32]]] = []
    for method in ("ZP", "SCN", "ZP+SCN"):
        if method == "ZP" and kind != "device":
            continue  # measures know no network
        progress(f"growing a forest: {kind}, {method}")
        said = forest.forest_probabilities(
            _features(parts.train, method),
            parts.train.labels,
            _features(parts.test, method),
            trees=forest.TREES,
            seed=SEED,
        )
        found.append((method, (said.classes, said.probabilities)))
    alone = Head.fit(parts.train, columns=(), hidden=0, validation=parts.validation)
    found.append(("network", (alone.classes, _ask(alone, parts.test))))
    head = head_of(bundle, parts)
    found.append(("head", (head.classes, _ask(head, parts.test))))
    return found


def _features(examples: Examples, method: str) -> Float32:
    """What a forest is given, float32 [n, F]. The four shape values go with the network, which has
    them beside its embedding."""
    measures = examples.measures
    seen = np.concatenate([examples.embedding.astype(np.float32) / 256, examples.shape], axis=1)
    return {
        "ZP": measures,
        "SCN": seen,
        "ZP+SCN": np.concatenate([measures, seen], axis=1),
    }[method]


def _ask(head: Head, examples: Examples) -> Float32:
    return head.probabilities(examples.embedding, examples.shape, examples.measures)


def _gain(outcomes: Mapping[tuple[str, str], Outcome], kind: str, draws: Float32) -> dict[str, Any]:
    """ZP+SCN over the better of the two."""
    measures, seen = outcomes["device", "ZP"], outcomes[kind, "SCN"]

    def accuracy(found: Outcome) -> float:
        return float((found.truth == found.called).mean())

    better, name = max((accuracy(measures), "ZP"), (accuracy(seen), "SCN"))
    other = measures if name == "ZP" else seen
    found = difference(outcomes[kind, "ZP+SCN"], other, draws)
    return {"over": name, "its_accuracy": round(better, 4), "difference": found.rounded()}


def _network(bundle: Bundle, parts: _Parts) -> dict[str, Any]:
    details = dict(bundle.card.get("details", {}))
    return {
        "release": bundle.release_id,
        "own": set(bundle.classes) == set(parts.train.labels),
        "parameters": bundle.network.parameters,
        "network": details.get("network", {}),
        "quantization": details.get("quantization", {}),
        "training": details.get("training", {}),
    }


def _trust(head: Head, test: Examples, probabilities: Float32) -> dict[str, Any]:
    """How often the head is sure, and how often rightly."""
    if head.thresholds is None:
        return {}
    decided, tree = head.decide(probabilities), head.tree
    members = {node: tree.is_below(test.labels, node) for node in set(decided.node.tolist())}
    right = np.array([members[int(node)][i] for i, node in enumerate(decided.node)], np.bool_)
    backed = decided.sure & tree.inner[decided.node]
    given = head.thresholds.by_name(tree)
    return {
        "target": head.thresholds.target,
        "taxa_with_threshold": sum(value is not None for value in given.values()),
        "taxa": len(given),
        "sure": round(float(decided.sure.mean()), 4),
        "sure_and_right": round(float(right[decided.sure].mean()), 4)
        if decided.sure.any()
        else None,
        "backed_off": round(float(backed.mean()), 4),
    }


def _unknown(parts: _Parts, catch_alls: Sequence[str]) -> dict[str, Any]:
    """AUROC of noticing taxa that a head was not taught (its network was): one class in five is
    kept from it, drawn by the hash of their names; never a catch-all, which is like the rest."""
    taxa = sorted((set(parts.train.labels) & set(parts.test.labels)) - set(catch_alls))
    ranked = sorted(taxa, key=lambda taxon: hashlib.sha256(taxon.encode()).digest())
    out = ranked[: max(len(ranked) // LEFT_OUT_SHARE, 1)]
    if len(ranked) - len(out) < 2:
        return {}

    def without(examples: Examples, keep: bool) -> Examples:
        return examples.subset(np.isin(np.asarray(examples.labels), out) != keep)

    head = Head.fit(without(parts.train, True), validation=without(parts.validation, True))
    known, strange = (without(parts.test, keep) for keep in (True, False))
    said = [head.say(e.embedding, e.shape, e.measures) for e in (known, strange)]
    doubt = [1 - s.probabilities.max(axis=1) for s in said]
    return {
        "left_out": out,
        "objects": len(strange.labels),
        "auroc": round(auroc(said[0].unknown, said[1].unknown), 4),
        "auroc_of_1_minus_p": round(auroc(doubt[0], doubt[1]), 4),
    }


def _reliability(found: Outcome) -> list[tuple[float, float, int]]:
    bins = np.minimum((found.confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    right = found.truth == found.called
    return [
        (float(found.confidence[bins == b].mean()), float(right[bins == b].mean()), int(n))
        for b, n in enumerate(np.bincount(bins, minlength=ECE_BINS))
        if n
    ]


def _per_taxon(evaluation: Evaluation, learnt: Sequence[str]) -> list[dict[str, Any]]:
    names, counts = np.unique(np.asarray(learnt, dtype=np.str_), return_counts=True)
    trained = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return [
        {
            "taxon": t.taxon,
            "trained_on": trained.get(t.taxon, 0),
            "support": t.support,
            "precision": None if t.precision is None else round(t.precision, 4),
            "recall": None if t.recall is None else round(t.recall, 4),
            "f1": None if t.f1 is None else round(t.f1, 4),
        }
        for t in evaluation.taxa
    ]

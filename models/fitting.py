"""How a head is learnt: in seconds, on one core, and the same each time.

1. Objects that are not finite are set aside.
2. Held-out objects: a validation set, or the examples by turns, each judged by a head that has not
   seen it (five folds; one for more than FOLDS_MOST examples).
3. A linear layer (logistic regression) and a network of one hidden layer (dropout, decaying
   weights, Adam: Kingma & Ba 2015) are both tried on the first fold; the one with less loss is
   taken.
4. The held-out objects tell the temperature (Guo et al. 2017), the thresholds and the unknown
   score.
5. The head that ships is fitted on all examples.

Example:
    >>> judged = Head.fit(learnt)                     # figures of this one, on what it has not seen
    >>> head = Head.fit(everything, like=judged)      # ... and this one ships
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.examples import Examples, in_words, usable
from models.head import Head, HeadError, features, softmax, standardise
from models.novelty import Novelty
from models.taxonomy import Tree
from models.thresholds import NONE, Thresholds, find_thresholds

FOLDS, FOLDS_MOST = 5, 4000
HIDDEN = 256
EPOCHS, STEPS_LEAST, PEAK_RATE, WARM_UP_STEPS = 30, 300, 3e-3, 50
BATCH, SMALL_BATCH, FEW = 256, 64, 3000
"""Fewer than FEW examples come in smaller batches: enough steps, none of them dear."""
DECAY, DROPOUT = 0.6, 0.5
SEED = 0
_ABSENT = -30.0  # logit of a class that a fold did not have

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Settings:
    columns: tuple[int, ...]
    strength: float
    balance: float
    hidden: int | None  # None: what does better
    target: float


@dataclass(frozen=True)
class _HeldOut:
    """What objects are that the head was not fitted on, and what it says of them."""

    logits: Float64  # [n, classes]
    standard: Float32  # [n, F]
    labels: list[str]


def fit(
    examples: Examples,
    settings: Settings,
    validation: Examples | None,
    parents: Mapping[str, str] | None,
    like: Head | None,
) -> Head:
    """Head.fit, which see. On one thread: the matrices are small, and several would wait for each
    other, 20 times longer on a busy machine of two cores."""
    with importlib.import_module("threadpoolctl").threadpool_limits(1):
        return _fit(examples, settings, validation, parents, like)


def _fit(
    examples: Examples,
    settings: Settings,
    validation: Examples | None,
    parents: Mapping[str, str] | None,
    like: Head | None,
) -> Head:
    examples = _without_bad(examples)
    if len(set(examples.labels)) < 2:
        there = ", ".join(sorted(set(examples.labels))) or "none"
        raise HeadError(f"a head needs at least two taxa in the labels; there are: {there}")
    if like is not None:
        hidden = 0 if like.hidden_bias is None else len(like.hidden_bias)
        if parents is None and like.parents is not None:
            parents = _parents_of(like.tree)
        settings = replace(settings, hidden=hidden, columns=tuple(like.columns.tolist()))
        head = _with_tree(_fit_one(examples, settings), parents)
        return _calibrated_as(head, like)
    if validation is not None:
        validation = _known(_without_bad(validation), set(examples.labels))
    held_out: _HeldOut | None
    if validation is not None and len(validation.labels):
        head = _better(examples, validation, settings)
        held_out = _judge(head, validation)
    else:
        hidden, held_out = _by_turns(examples, settings)
        head = _fit_one(examples, replace(settings, hidden=hidden))
    return _calibrated(_with_tree(head, parents), held_out, settings.target)


def _without_bad(examples: Examples) -> Examples:
    kept, bad = usable(examples)
    if bad:
        warnings.warn(in_words(bad, len(examples.labels)), UserWarning, stacklevel=4)
    return kept


def _known(examples: Examples, classes: set[str]) -> Examples:
    return examples.subset(np.array([label in classes for label in examples.labels], np.bool_))


def _better(learn: Examples, judge: Examples, settings: Settings) -> Head:
    """Linear or with a hidden layer: which has less loss on the objects to judge by."""
    if settings.hidden is not None:
        return _fit_one(learn, settings)
    heads = [_fit_one(learn, replace(settings, hidden=hidden)) for hidden in (0, HIDDEN)]
    losses = []
    for head in heads:
        held_out = _judge(head, judge)
        losses.append(_loss_at_best(held_out.logits, _target(held_out.labels, head.classes)))
    return heads[int(np.argmin(losses))]


def _by_turns(examples: Examples, settings: Settings) -> tuple[int, _HeldOut | None]:
    """The hidden units to take, and what is said of each object by a head that has not seen it."""
    classes = sorted(set(examples.labels))
    folds = FOLDS if len(examples.labels) <= FOLDS_MOST else 1
    turn = _turns(examples.labels)
    hidden = settings.hidden
    parts: list[_HeldOut] = []
    for fold in range(folds):
        learn = examples.subset(turn != fold)
        if not (turn == fold).any() or len(set(learn.labels)) < 2:
            continue
        judge = examples.subset(turn == fold)
        known = _known(judge, set(learn.labels))
        head = _better(learn, known, replace(settings, hidden=hidden))
        hidden = 0 if head.hidden_bias is None else len(head.hidden_bias)
        said = _judge(head, judge)
        logits = np.full((len(said.labels), len(classes)), _ABSENT)
        logits[:, [classes.index(name) for name in head.classes]] = said.logits
        parts.append(replace(said, logits=logits))
    if not parts:
        return hidden or 0, None
    return hidden or 0, _HeldOut(
        np.concatenate([p.logits for p in parts]),
        np.concatenate([p.standard for p in parts]),
        [label for p in parts for label in p.labels],
    )


def _turns(labels: Sequence[str]) -> Int64:
    """The fold that each object is held out in, int64 [n]; -1: never (of a taxon of fewer than
    FOLDS). The objects of a taxon take turns in their order."""
    names = np.asarray(labels, dtype=np.str_)
    turn = np.full(len(names), -1, np.int64)
    for name in np.unique(names):
        places = np.flatnonzero(names == name)
        if len(places) >= FOLDS:
            turn[places] = (FOLDS - 1 - np.arange(len(places))) % FOLDS
    return turn


def _judge(head: Head, examples: Examples) -> _HeldOut:
    arrays = (examples.embedding, examples.shape, examples.measures)
    logits = head.logits(*arrays).astype(np.float64)
    return _HeldOut(logits, head.standardised(*arrays), list(examples.labels))


def _with_tree(head: Head, parents: Mapping[str, str] | None) -> Head:
    tree = Tree.of(head.classes, parents)
    if not tree.inner.any():
        return head
    return replace(head, above=tree.above, parents=tree.parent)


def _parents_of(tree: Tree) -> dict[str, str]:
    pairs = zip(tree.nodes, tree.parent.tolist(), strict=True)
    return {name: tree.nodes[parent] for name, parent in pairs if parent >= 0}


def _calibrated(head: Head, held_out: _HeldOut | None, target: float) -> Head:
    """With all that held-out objects tell; without them, no threshold is given."""
    if held_out is None:
        return head
    temperature = _temperature(held_out.logits, _target(held_out.labels, head.classes))
    head = replace(head, temperature=temperature)
    probabilities = softmax(held_out.logits.astype(np.float32), temperature)
    thresholds = find_thresholds(probabilities, held_out.labels, head.tree, target)
    novelty = (
        None if head.novelty is None else head.novelty.calibrated(held_out.standard, probabilities)
    )
    return replace(head, thresholds=thresholds, novelty=novelty)


def _calibrated_as(head: Head, like: Head) -> Head:
    """With what held-out objects told of another head; no threshold for taxa it does not know."""
    head = replace(head, temperature=like.temperature)
    if head.novelty is not None and like.novelty is not None:
        told = {name: getattr(like.novelty, name) for name in ("quantiles", "doubts", "joint")}
        head = replace(head, novelty=replace(head.novelty, **told))
    if like.thresholds is None:
        return head
    nodes, old = head.tree.nodes, {name: i for i, name in enumerate(like.tree.nodes)}
    found = Thresholds(
        like.thresholds.target,
        np.full(len(nodes), NONE),
        np.zeros(len(nodes), np.float32),
        np.zeros(len(nodes), np.int32),
    )
    for i, name in enumerate(nodes):
        if name in old:
            found.least[i] = like.thresholds.least[old[name]]
            found.lower[i] = like.thresholds.lower[old[name]]
            found.support[i] = like.thresholds.support[old[name]]
    return replace(head, thresholds=found)


def _fit_one(examples: Examples, settings: Settings) -> Head:
    """A head without calibration: linear where settings.hidden is 0."""
    names, target = np.unique(np.asarray(examples.labels, dtype=np.str_), return_inverse=True)
    raw = features(examples.embedding, examples.shape, examples.measures, settings.columns)
    mean = raw.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = raw.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(spread > 1e-6, spread, np.float32(1))
    standard = standardise(raw, mean, scale, examples.embedding.shape[1])
    weight = (np.bincount(target).astype(np.float64) ** -settings.balance)[target]
    weight *= len(weight) / weight.sum()
    layers: dict[str, Float32]
    if settings.hidden:
        layers = _fit_hidden(standard, target, weight, len(names), settings.hidden)
    else:
        layers = _fit_linear(standard, target, weight, settings.strength)
    return Head(
        classes=tuple(names.tolist()),
        columns=np.array(settings.columns, np.int32),
        mean=mean,
        scale=scale,
        weights=layers["weights"],
        bias=layers["bias"],
        temperature=1.0,
        hidden_weights=layers.get("hidden_weights"),
        hidden_bias=layers.get("hidden_bias"),
        novelty=Novelty.fit(standard, target, len(names)),
    )


def _fit_linear(
    standard: Float32, target: Int64, weight: Float64, strength: float
) -> dict[str, Float32]:
    linear_model: Any = importlib.import_module("sklearn.linear_model")
    model = linear_model.LogisticRegression(C=strength, max_iter=400, tol=1e-3)
    model.fit(standard.astype(np.float64), target, sample_weight=weight)
    weights, bias = model.coef_.T, model.intercept_
    if weights.shape[1] == 1:  # of two classes scikit-learn keeps only the second's logit
        weights = np.concatenate([np.zeros_like(weights), weights], axis=1)
        bias = np.array([0.0, float(bias[0])])
    return {
        "weights": np.ascontiguousarray(weights, np.float32),
        "bias": np.asarray(bias, np.float32),
    }


def _fit_hidden(
    standard: Float32, target: Int64, weight: Float64, classes: int, hidden: int
) -> dict[str, Float32]:
    """AdamW (Loshchilov & Hutter 2019) on the cross-entropy, one cosine, dropout in the middle."""
    random = np.random.default_rng(SEED)
    n, width = standard.shape
    layers = {
        "hidden_weights": _draw(random, width, hidden, 2.0),
        "hidden_bias": np.zeros(hidden, np.float32),
        "weights": _draw(random, hidden, classes, 1.0),
        "bias": np.zeros(classes, np.float32),
    }
    first = {name: np.zeros_like(value) for name, value in layers.items()}
    second = {name: np.zeros_like(value) for name, value in layers.items()}
    batch = SMALL_BATCH if n < FEW else BATCH
    per_epoch, step = -(-n // batch), 0
    epochs = max(EPOCHS, -(-STEPS_LEAST // per_epoch))
    steps = epochs * per_epoch
    for _ in range(epochs):
        order = random.permutation(n)
        for start in range(0, n, batch):
            chosen = order[start : start + batch]
            share = weight[chosen] / len(chosen)
            slopes = _slopes(layers, standard[chosen], target[chosen], share, random)
            step += 1
            rate = PEAK_RATE * min(1.0, step / WARM_UP_STEPS)
            rate *= 0.5 * (1 + float(np.cos(np.pi * step / (steps + 1))))
            for name, slope in slopes.items():
                first[name] += np.float32(0.1) * (slope - first[name])
                second[name] += np.float32(0.001) * (slope * slope - second[name])
                typical = np.sqrt(second[name] / np.float32(1 - 0.999**step)) + np.float32(1e-8)
                move = first[name] / np.float32(1 - 0.9**step) / typical
                if slope.ndim == 2:
                    move += np.float32(DECAY) * layers[name]
                layers[name] -= np.float32(rate) * move
    return layers


def _draw(random: np.random.Generator, into: int, out: int, gain: float) -> Float32:
    """He et al. 2015."""
    drawn: Float32 = random.standard_normal((into, out), np.float32) * np.float32(
        np.sqrt(gain / into)
    )
    return drawn


def _slopes(
    layers: Mapping[str, Float32],
    values: Float32,
    target: Int64,
    share: Float64,
    random: np.random.Generator,
) -> dict[str, Float32]:
    """Gradients of one batch: values float32 [b, F], target int64 [b], share float64 [b]."""
    before = values @ layers["hidden_weights"] + layers["hidden_bias"]  # [b, H]
    kept = random.random(before.shape, np.float32) >= DROPOUT
    gate: Float32 = (kept & (before > 0)).astype(np.float32) / np.float32(1 - DROPOUT)
    middle: Float32 = before * gate
    slope = softmax(middle @ layers["weights"] + layers["bias"], 1.0)  # [b, classes]
    slope[np.arange(len(target)), target] -= 1
    slope *= share[:, None].astype(np.float32)
    back = (slope @ layers["weights"].T) * gate
    return {
        "weights": middle.T @ slope,
        "bias": slope.sum(axis=0),
        "hidden_weights": values.T @ back,
        "hidden_bias": back.sum(axis=0),
    }


def _target(labels: Sequence[str], classes: Sequence[str]) -> Int64:
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[label] for label in labels], np.int64)


def _temperature(logits: Float64, target: Int64) -> float:
    """The temperature with the least negative log-likelihood."""
    candidates = np.geomspace(0.3, 5.0, 113)
    return float(candidates[int(np.argmin([_loss(logits / t, target) for t in candidates]))])


def _loss_at_best(logits: Float64, target: Int64) -> float:
    return _loss(logits / _temperature(logits, target), target)


def _loss(logits: Float64, target: Int64) -> float:
    top = logits.max(axis=1)
    log_sum = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return float((log_sum - logits[np.arange(len(target)), target]).mean())

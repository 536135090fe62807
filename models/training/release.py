"""From a trained network to a release: fold, quantize, fit the head, evaluate, pack.

What decides about the head (its strength, the temperature) is chosen on the validation part; the
test part is looked at once, for the card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.bundle import assemble
from models.card import make_card, with_table
from models.class_map import CardText, ClassMap
from models.evaluation import Evaluation, evaluate
from models.export_onnx import to_onnx
from models.export_tflite import to_tflite
from models.head import Examples, Head
from models.network import Network
from models.preprocess import Float32
from models.quantize import FloatLayer, calibrate, float_embedding, quantize
from models.runtimes import embed, load
from models.sites import build_tables
from models.training.dataset import Dataset, Item, counts, measures_of
from models.training.network import POOLING, SparseNetwork
from models.training.train import batches

CALIBRATION_OBJECTS = 600
LIMITS = (
    "A measure beyond 4 standard deviations of the training set counts as average, so that grey "
    "levels of another camera do not decide.",
    "Objects as grey (luminance); colour is not used.",
    "Precision and recall of a taxon with few held-out objects are uncertain; see its support.",
)
SPLITS = {
    "time": "By time. Of each deployment (images without a gap of a week) the last fifth is held "
    "out, the part before it chooses the head; cuts lie in gaps of at least an hour. "
    "Never at random: neighbouring frames show the same animal.",
    "random": "At random, a fifth of each class, for want of times in the names. Images of one "
    "animal or one sample may be on both sides, so the figures flatter: on a new sample expect "
    "less.",
}

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Features:
    """One part of the data, through the integer network."""

    examples: Examples
    float_embedding: Float32  # [n, C] before quantization


def fold(network: SparseNetwork) -> list[FloatLayer]:
    """Batch normalisation into weights and bias: w' = w g, b' = beta - mean g,
    where g = gamma / sigma."""
    layers = []
    ranks: Counter[tuple[str, int]] = Counter()
    for (table, level, _), weights, norm in zip(
        network.settings.layers, network.weights, network.norms, strict=True
    ):
        assert isinstance(norm, torch.nn.BatchNorm1d)
        assert norm.running_var is not None
        assert norm.running_mean is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        bias = (norm.bias - norm.running_mean * gain).detach().numpy()
        folded = (weights * gain).detach().numpy()
        layers.append(FloatLayer(table, level, folded, bias, ranks[table, level]))
        ranks[table, level] += 1
    return layers


def make_release(
    trained: SparseNetwork,
    data: Dataset,
    *,
    name: str,
    created: str,
    source: str,
    class_map: ClassMap | None,
    details: Mapping[str, Any],
    progress: Progress,
    table: Mapping[str, Any] | None = None,
) -> bytes:
    """The bundle's bytes. source: what the card calls the data; table: the results of
    `seadrift evaluate --table`, for the card to quote."""
    layers = fold(trained)
    random = np.random.default_rng(0)
    chosen = random.permutation(len(data.train))[:CALIBRATION_OBJECTS]
    samples = [data.train[i] for i in chosen]
    tables = (build_tables(batch, trained.settings.levels) for batch in batches(samples))
    network = quantize(layers, calibrate(layers, tables), POOLING)
    graphs = {"network.onnx": to_onnx(network), "network.tflite": to_tflite(network)}
    train, validation, test = (
        through(network, graphs, layers, part) for part in (data.train, data.validation, data.test)
    )
    parents = None if class_map is None else class_map.parents
    head = Head.fit(train.examples, validation=validation.examples, parents=parents)
    evaluation = evaluate_head(head, test.examples)
    progress(f"held out: {evaluation.summary()}")
    quantization = compare_with_float(train, validation, test, progress)
    mean_macs, median_macs = _macs(network, data.test)
    said = CardText() if class_map is None else class_map.card
    named = named_taxa(evaluation, said.catch_alls) if said.catch_alls else None
    card = make_card(
        name,
        evaluation,
        trained_on=counts(data.train),
        description=f"Sparse int8 network; a head ({_kind(head)}) on embedding, shape and "
        "measures.",
        data=f"{source}: {len(data.train)} objects to train, {len(data.validation)} to choose the "
        f"head, {len(data.test)} held out for the figures above.",
        licence=said.licence,
        split=SPLITS[data.split],
        limits=(*said.limits, *LIMITS),
        details={
            "network": {
                "widths": list(network.widths),
                "3x3 products of each level": list(network.near),
                "parameters": network.parameters,
                "million multiply-accumulates per object, mean": round(mean_macs / 1e6, 2),
                "million multiply-accumulates per object, median": round(median_macs / 1e6, 2),
            },
            **({} if named is None else {"named taxa (without the catch-alls)": named}),
            "quantization": quantization,
            "images left out": dict(data.dropped),
            **(
                {}
                if class_map is None
                else {f"class map, version {class_map.version}": class_map.merged}
            ),
            **details,
        },
    )
    if table is not None:
        card = with_table(card, table)
    return assemble(
        name=name, created=created, network=network, graphs=graphs, head=head, card=card
    )


def through(
    network: Network,
    graphs: Mapping[str, bytes],
    layers: Sequence[FloatLayer],
    items: Sequence[Item],
) -> Features:
    """Runs one part of the data through the integer network and its float twin."""
    runtime = load("auto", network, graphs)
    integers, floats = [], []
    for batch in batches(items):
        tables = build_tables(batch, network.levels)
        integers.append(embed(runtime.run(tables), tables.object_sites, network.pooling))
        floats.append(float_embedding(layers, tables, network.pooling))
    shape = np.stack([item.prepared.shape for item in items])
    labels = [item.taxon for item in items]
    examples = Examples(np.concatenate(integers), shape, measures_of(items), labels)
    return Features(examples, np.concatenate(floats))


def _kind(head: Head) -> str:
    return "linear" if head.hidden_bias is None else f"{len(head.hidden_bias)} hidden units"


def evaluate_head(head: Head, examples: Examples) -> Evaluation:
    found = head.probabilities(examples.embedding, examples.shape, examples.measures)
    return evaluate(examples.labels, found, head.classes)


def named_taxa(evaluation: Evaluation, catch_alls: Sequence[str]) -> dict[str, Any]:
    """How held-out objects fare that are not in a catch-all of the annotators."""
    named = [t for t in evaluation.taxa if t.support and t.taxon not in catch_alls]
    support = sum(t.support for t in named)
    predicted = sum(t.predicted for t in evaluation.taxa if t.taxon not in catch_alls)
    correct = sum(t.correct for t in named)
    return {
        "objects": support,
        "of them called right": round(correct / max(support, 1), 4),
        "objects called by a name": predicted,
        "of those rightly": round(correct / max(predicted, 1), 4),
    }


def compare_with_float(
    train: Features, validation: Features, test: Features, progress: Progress
) -> dict[str, Any]:
    """What int8 costs: the same kind of head on both embeddings, without measures, on held-out
    objects.

    The float embedding is scaled to the same uint16 range first, so only the network's rounding
    differs.
    """
    top = float(train.float_embedding.max())

    def on_float(features: Features) -> Examples:
        scaled = np.clip(features.float_embedding / top * 65535, 0, 65535).astype(np.uint16)
        old = features.examples
        return Examples(scaled, old.shape, old.measures, old.labels)

    figures, called = {}, []
    for kind, parts in (
        ("float", [on_float(f) for f in (train, validation, test)]),
        ("int8", [f.examples for f in (train, validation, test)]),
    ):
        head = Head.fit(parts[0], columns=(), validation=parts[1], hidden=0)
        figures[kind] = evaluate_head(head, parts[2])
        logits = head.logits(parts[2].embedding, parts[2].shape, parts[2].measures)
        called.append(logits.argmax(axis=1))
    agreement = float((called[0] == called[1]).mean())
    result = {
        "accuracy of the embedding alone, float": round(figures["float"].accuracy, 4),
        "accuracy of the embedding alone, int8": round(figures["int8"].accuracy, 4),
        "objects called alike": round(agreement, 4),
    }
    progress(f"quantization: {result}")
    return result


def _macs(network: Network, items: Sequence[Item]) -> tuple[float, float]:
    """Mean and median multiply-accumulates of an object."""
    macs = [
        network.macs(build_tables([item.prepared], network.levels).site_counts) for item in items
    ]
    return float(np.mean(macs)), float(np.median(macs))

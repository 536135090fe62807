"""The head: fitted on what it is shown, honest about its certainty, the same after its file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation import evaluate
from models.head import DEFAULT_COLUMNS, Examples, Head, HeadError
from models.measure_table import INDEX, MEASURES

TAXA = ("Copepoda", "aggregate", "fibre")
WIDTH = 48


def draw_examples(count: int, seed: int, spread: float = 2000.0) -> Examples:
    """Taxa that differ in the embedding and in `area`; rarer from one to the next."""
    random = np.random.default_rng(seed)
    target = random.choice(3, count, p=(0.7, 0.2, 0.1))
    centres = np.random.default_rng(99).uniform(5000, 60000, (3, WIDTH))
    embedding = np.clip(centres[target] + random.normal(0, spread, (count, WIDTH)), 0, 65535)
    measures = random.normal(10, 3, (count, len(MEASURES))).astype(np.float32)
    measures[:, INDEX["area"]] = 10.0 ** (2 + target + random.normal(0, 0.2, count))
    shape = random.normal(0, 1, (count, 4)).astype(np.float32)
    return Examples(
        embedding.astype(np.uint16), shape, measures, [TAXA[i] for i in target.tolist()]
    )


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.fit(draw_examples(600, 1))


def test_it_learns_and_knows_how_sure_it_is(head: Head) -> None:
    unseen = draw_examples(500, 2)
    found = head.probabilities(unseen.embedding, unseen.shape, unseen.measures)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    figures = evaluate(unseen.labels, found, head.classes)
    assert figures.accuracy > 0.98
    assert figures.calibration_error < 0.05


def test_the_temperature_tempers_a_head_that_is_too_sure() -> None:
    """Pure noise: with a validation set the probabilities must fall back towards the shares."""
    noise, other = draw_examples(300, 3, spread=1e6), draw_examples(600, 4, spread=1e6)
    random = np.random.default_rng(5)
    for examples in (noise, other):
        examples.measures[:] = random.normal(size=examples.measures.shape)
    columns = DEFAULT_COLUMNS[:40]  # with more of them no temperature that is tried is enough
    tempered = Head.fit(noise, columns=columns, strength=100.0, hidden=0, validation=other)
    bold = replace(tempered, temperature=1.0)
    assert tempered.temperature > 1.5

    def error(head: Head) -> float:
        found = head.probabilities(other.embedding, other.shape, other.measures)
        return evaluate(other.labels, found, head.classes).calibration_error

    assert error(tempered) < error(bold) / 2


def test_it_survives_its_file(head: Head) -> None:
    back = Head.from_bytes(head.to_bytes())
    examples = draw_examples(20, 6)
    arguments = (examples.embedding, examples.shape, examples.measures)
    np.testing.assert_array_equal(back.probabilities(*arguments), head.probabilities(*arguments))
    assert back.classes == head.classes == TAXA
    assert back.to_bytes() == head.to_bytes()


def test_place_does_not_classify(head: Head) -> None:
    assert not {"x", "y", "bx", "by", "angle"} & {MEASURES[i].name for i in DEFAULT_COLUMNS}
    examples = draw_examples(5, 7)
    moved = examples.measures.copy()
    moved[:, [INDEX["bx"], INDEX["by"]]] += 1000
    np.testing.assert_array_equal(
        head.logits(examples.embedding, examples.shape, moved),
        head.logits(examples.embedding, examples.shape, examples.measures),
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_measure_that_is_not_finite_is_named(head: Head, value: float) -> None:
    examples = draw_examples(4, 8)
    examples.measures[2, INDEX["circ."]] = value
    with pytest.raises(HeadError, match=r"object 2: measure circ\. is .*not finite"):
        head.probabilities(examples.embedding, examples.shape, examples.measures)


def test_a_measure_unlike_all_seen_says_nothing(head: Head) -> None:
    """As from another camera: absurd values count like average ones."""
    examples = draw_examples(200, 9)
    average, absurd = examples.measures.copy(), examples.measures.copy()
    names = ["area", "mean", "min"]
    places = [head.columns.tolist().index(INDEX[name]) - len(head.columns) for name in names]
    average[:, [INDEX[name] for name in names]] = np.sinh(head.mean[places])
    absurd[:, [INDEX[name] for name in names]] = (1e30, -1e30, 1e9)
    found = head.logits(examples.embedding, examples.shape, absurd)
    expected = head.logits(examples.embedding, examples.shape, average)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_what_does_not_fit_is_named(head: Head) -> None:
    examples = draw_examples(4, 10)
    with pytest.raises(HeadError, match=rf"expected \[n, {len(MEASURES)}\]"):
        head.probabilities(examples.embedding, examples.shape, examples.measures[:, :9])
    with pytest.raises(HeadError, match="4 embeddings, 3 shapes"):
        head.probabilities(examples.embedding, examples.shape[:3], examples.measures)
    with pytest.raises(HeadError, match="this head takes 48"):
        head.probabilities(examples.embedding[:, :40], examples.shape, examples.measures)
    with pytest.raises(HeadError, match="at least two"):
        Head.fit(replace(examples, labels=["fibre"] * 4))


def test_two_taxa_and_taxa_of_one_object() -> None:
    examples = draw_examples(60, 11)
    labels = ["a" if label == "Copepoda" else "b" for label in examples.labels]
    two = Head.fit(replace(examples, labels=labels))
    found = two.probabilities(examples.embedding, examples.shape, examples.measures)
    assert evaluate(labels, found, two.classes).accuracy > 0.95
    single = Head.fit(replace(examples, labels=[*labels[:-1], "only one"]))
    assert single.classes == ("a", "b", "only one")


def test_without_measures() -> None:
    examples = draw_examples(300, 12)
    head = Head.fit(examples, columns=())
    assert head.embedding_width == WIDTH
    assert Head.from_bytes(head.to_bytes()).columns.shape == (0,)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("temperature", 0.0, "temperature"),
        ("temperature", np.nan, "temperature"),
        ("classes", ("a", "a", "b"), "classes"),
        ("bias", np.zeros(2, np.float32), "weights"),
        ("columns", np.array([0, 10_000], np.int32), "scale|columns|weights"),
    ],
)
def test_a_damaged_head_is_refused(head: Head, field: str, value: object, message: str) -> None:
    with pytest.raises(HeadError, match=message):
        Head.from_bytes(replace(head, **{field: value}).to_bytes())

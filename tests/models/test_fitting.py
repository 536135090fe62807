"""Learning a head: what cannot be learnt from is named, what is promised holds on the unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.archive import pack_arrays, unpack_arrays
from models.benchmark.figures import auroc
from models.examples import Examples, usable
from models.forest import forest_probabilities
from models.head import Head, HeadError
from models.measure_table import INDEX, MEASURES
from models.thresholds import NONE

TAXA = ("Calanidae", "Oithona", "blob")
PARENTS = {"Calanidae": "Copepoda", "Oithona": "Copepoda"}
WIDTH = 12


def draw(count: int, seed: int, taxa: tuple[str, ...] = TAXA) -> Examples:
    """Rings and clouds: the first two taxa lie round each other, which no line can part."""
    random = np.random.default_rng(seed)
    labels = [taxa[i] for i in random.integers(0, len(taxa), count)]
    embedding = random.normal(20_000, 2_000, (count, WIDTH))
    angle = random.uniform(0, 2 * np.pi, count)
    radius = np.array([{"Calanidae": 3_000, "Oithona": 10_000}.get(t, 0.0) for t in labels])
    embedding[:, 0] += radius * np.cos(angle)
    embedding[:, 1] += radius * np.sin(angle)
    for taxon, place in (("blob", 2), ("stranger", 3)):
        embedding[[t == taxon for t in labels], place] += 15_000
    measures = random.normal(10, 3, (count, len(MEASURES))).astype(np.float32)
    shape = random.normal(0, 1, (count, 4)).astype(np.float32)
    return Examples(np.clip(embedding, 0, 65535).astype(np.uint16), shape, measures, labels)


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.fit(draw(900, 1), columns=(), parents=PARENTS)


def accuracy(head: Head, examples: Examples) -> float:
    found = head.probabilities(examples.embedding, examples.shape, examples.measures)
    called = np.array(head.classes)[found.argmax(axis=1)]
    return float((called == np.array(examples.labels)).mean())


def test_a_hidden_layer_is_taken_where_it_helps(head: Head) -> None:
    linear = Head.fit(draw(900, 1), columns=(), hidden=0)
    unseen = draw(600, 2)
    assert head.hidden_bias is not None
    assert linear.hidden_bias is None
    assert accuracy(head, unseen) > accuracy(linear, unseen) + 0.05


def test_the_same_examples_give_the_same_head(head: Head) -> None:
    again = Head.fit(draw(900, 1), columns=(), parents=PARENTS)
    assert again.to_bytes() == head.to_bytes()


def test_everything_comes_back_from_its_file(head: Head) -> None:
    back = Head.from_bytes(head.to_bytes())
    unseen = draw(50, 3)
    for one, other in zip(
        vars(head.say(unseen.embedding, unseen.shape, unseen.measures)).values(),
        vars(back.say(unseen.embedding, unseen.shape, unseen.measures)).values(),
        strict=True,
    ):
        assert np.array_equal(one, other)
    assert back.tree.nodes == ("Calanidae", "Oithona", "blob", "Copepoda")
    assert back.thresholds is not None
    assert head.thresholds is not None
    assert back.thresholds.by_name(back.tree) == head.thresholds.by_name(head.tree)


def test_a_head_from_before_is_read_and_says_what_it_can(head: Head) -> None:
    old = replace(head, novelty=None, thresholds=None, parents=None, above=())
    back = Head.from_bytes(old.to_bytes())
    unseen = draw(50, 3)
    said = back.say(unseen.embedding, unseen.shape, unseen.measures)
    assert (back.unknown_by, head.unknown_by) == ("indecision", "novelty")
    assert said.unknown == pytest.approx(1 - said.probabilities.max(axis=1), abs=1e-6)
    assert not back.decide(said.probabilities).sure.any()


@pytest.mark.parametrize("name", ["hidden_bias", "least", "whiten", "joint", "above", "parents"])
def test_half_a_group_is_refused(head: Head, name: str) -> None:
    arrays = unpack_arrays(head.to_bytes())
    del arrays[name]
    with pytest.raises(HeadError, match="fields"):
        Head.from_bytes(pack_arrays(arrays))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hidden_weights", np.zeros((3, 4), np.float32), "hidden_weights"),
        ("parents", np.array([1, 0, -1, -1], np.int32), "parents"),
        ("parents", np.array([9, -1, -1, -1], np.int32), "parents"),
        ("least", np.zeros(4, np.float32), "target"),
        ("least", np.ones(3, np.float32), "least"),
        ("target", np.array(1.5), "target"),
        ("whiten", np.zeros((2, 2), np.float32), "whiten"),
        ("quantiles", np.array([1, 0], np.float32), "quantiles"),
        ("joint", np.array([np.nan, 1], np.float32), "joint"),
    ],
)
def test_a_part_that_does_not_fit_is_named(
    head: Head, name: str, value: np.ndarray, message: str
) -> None:
    with pytest.raises(HeadError, match=message):
        Head.from_bytes(pack_arrays({**unpack_arrays(head.to_bytes()), name: value}))


def test_what_is_sure_is_right_on_the_unseen(head: Head) -> None:
    unseen = draw(900, 4)
    decided = head.decide(head.probabilities(unseen.embedding, unseen.shape, unseen.measures))
    tree = head.tree
    right = [
        bool(tree.is_below([label], int(node))[0])
        for label, node in zip(unseen.labels, decided.node, strict=True)
    ]
    assert decided.sure.mean() > 0.5
    assert np.mean(np.array(right)[decided.sure]) > 0.87


def test_strangers_are_told_where_the_softmax_is_sure(head: Head) -> None:
    known, strange = draw(300, 5), draw(300, 6, ("stranger",))
    said = [head.say(e.embedding, e.shape, e.measures) for e in (known, strange)]
    assert auroc(said[0].unknown, said[1].unknown) > 0.95
    sure = [1 - s.probabilities.max(axis=1) for s in said]
    assert auroc(sure[0], sure[1]) < 0.8
    assert np.median(said[0].unknown) == pytest.approx(0.5, abs=0.1)


def test_rows_that_are_not_finite_are_set_aside_and_named() -> None:
    examples = draw(200, 7)
    examples.measures[5, INDEX["area"]] = np.nan
    examples.shape[9, 0] = np.inf
    kept, bad = usable(examples)
    assert len(kept.labels) == 198
    assert bad == [(5, "measure area is nan, not finite"), (9, "shape is not finite")]
    with pytest.warns(UserWarning, match="2 of 200 objects set aside: object 5: measure area"):
        head = Head.fit(examples, hidden=0)
    assert head.to_bytes() == Head.fit(kept, hidden=0).to_bytes()


def test_when_everything_is_set_aside_it_says_so() -> None:
    examples = draw(40, 8)
    examples.measures[:] = np.nan
    with pytest.warns(UserWarning, match="40 of 40"), pytest.raises(HeadError, match="none"):
        Head.fit(examples)


def test_one_class_is_named() -> None:
    with pytest.raises(HeadError, match="at least two taxa in the labels; there are: blob"):
        Head.fit(draw(30, 9, ("blob",)))


def test_a_head_that_learnt_from_all_is_trusted_as_the_one_that_was_judged(head: Head) -> None:
    more = draw(300, 10)
    more.labels[0] = "new to it"  # type: ignore[index]  # a list here
    final = Head.fit(more, like=head)
    assert final.temperature == head.temperature
    assert final.thresholds is not None
    assert head.thresholds is not None
    judged, given = head.thresholds.by_name(head.tree), final.thresholds.by_name(final.tree)
    assert given == {**judged, "new to it": None}
    assert final.thresholds.least[final.classes.index("new to it")] == NONE
    assert final.columns.tolist() == head.columns.tolist()


def test_a_forest_is_the_same_each_time_and_sums_to_one() -> None:
    learn, ask = draw(200, 11), draw(60, 12)
    first, second = (
        forest_probabilities(learn.measures, learn.labels, ask.measures, trees=30) for _ in range(2)
    )
    assert first.classes == TAXA
    assert np.array_equal(first.probabilities, second.probabilities)
    assert first.probabilities.sum(axis=1) == pytest.approx(np.ones(60), abs=1e-5)
    with pytest.raises(ValueError, match="finite"):
        forest_probabilities(learn.measures * np.nan, learn.labels, ask.measures)
    with pytest.raises(ValueError, match="two taxa"):
        forest_probabilities(learn.measures, ["a"] * 200, ask.measures)

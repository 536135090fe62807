"""What a name promises: sums up the tree, thresholds with their proof, backing off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.taxonomy import Tree, TreeError
from models.thresholds import NONE, decide, find_thresholds, wilson_lower

PARENTS = {
    "Calanidae": "Copepoda", "Oithona": "Copepoda", "Copepoda": "Crustacea", "nauplius": "Crustacea"
}  # fmt: skip
CLASSES = ("Calanidae", "Copepoda", "Oithona", "blob", "nauplius")


def test_probabilities_sum_up_the_tree() -> None:
    tree = Tree.of(CLASSES, PARENTS)
    assert tree.nodes == (*CLASSES, "Crustacea")
    sums = tree.sums(np.array([[0.1, 0.2, 0.3, 0.25, 0.15]], np.float32))
    assert sums[0] == pytest.approx([0.1, 0.6, 0.3, 0.25, 0.15, 0.75])
    assert tree.inner.tolist() == [False, True, False, False, False, True]
    assert tree.depth.tolist() == [2, 1, 2, 0, 1, 0]
    below = tree.is_below(["Oithona", "Copepoda", "blob", "never heard of"], 1)
    assert below.tolist() == [True, True, False, False]


def test_without_parents_every_class_is_a_root() -> None:
    tree = Tree.of(("a", "b"))
    probabilities = np.array([[0.4, 0.6]], np.float32)
    assert tree.nodes == ("a", "b")
    assert np.array_equal(tree.sums(probabilities), probabilities)


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "x", "x": "y", "y": "x"}])
def test_a_taxon_above_itself_is_refused(parents: dict[str, str]) -> None:
    with pytest.raises(TreeError, match="above itself"):
        Tree.of(("a", "b"), parents)


def test_a_tree_from_a_file_is_checked() -> None:
    for parent in ([1, 0], [5, -1], [-2, -1], [-1]):
        with pytest.raises(TreeError):
            Tree(("a", "b"), (), np.array(parent, np.int32))
    with pytest.raises(TreeError):
        Tree(("a", "b"), ("a",), np.array([-1, -1, -1], np.int32))


def test_wilson_bounds_are_those_of_the_book() -> None:
    """One-sided 95 %, by hand: p = (k + z^2/2 - z sqrt(k (n-k)/n + z^2/4)) / (n + z^2)."""
    z = 1.6448536
    for k, n in ((45, 45), (9, 10), (0, 7), (81, 90)):
        by_hand = (k + z * z / 2 - z * np.sqrt(k * (n - k) / n + z * z / 4)) / (n + z * z)
        assert wilson_lower([k], [n])[0] == pytest.approx(by_hand, abs=1e-9)
    assert wilson_lower([0], [0])[0] == 0
    # 25 right of 25 show 90 %, 24 of 24 do not
    assert wilson_lower([25, 24], [25, 24]).round(3).tolist() == [0.902, 0.899]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.6, 0.9]))
def test_above_a_threshold_the_held_out_objects_show_the_precision(
    seed: int, target: float
) -> None:
    random = np.random.default_rng(seed)
    tree = Tree.of(CLASSES, PARENTS)
    probabilities = random.dirichlet(np.full(len(CLASSES), 0.3), 400).astype(np.float32)
    drawn = (probabilities.cumsum(axis=1) > random.random((400, 1))).argmax(axis=1)
    truth = [CLASSES[i] for i in drawn]
    found = find_thresholds(probabilities, truth, tree, target)
    decided = decide(probabilities, tree, found)
    for node, name in enumerate(tree.nodes):
        called = decided.sure & (decided.node == node)
        if found.least[node] >= NONE:
            assert not called.any()
            assert found.by_name(tree)[name] is None
        else:
            assert found.lower[node] >= target
            assert (decided.score[called] >= found.least[node]).all()
            right = tree.is_below([truth[i] for i in np.flatnonzero(called)], node)
            assert right.mean() >= target
    unsure = ~decided.sure
    assert (decided.node[unsure] == probabilities[unsure].argmax(axis=1)).all()


def test_it_backs_off_to_the_parent_when_the_leaf_is_unsure() -> None:
    """Two copepods that cannot be told apart: neither gets a threshold, their parent does."""
    random = np.random.default_rng(0)
    tree = Tree.of(CLASSES, PARENTS)
    share = random.uniform(0.3, 0.6, 300).astype(np.float32)
    zero = np.zeros(300, np.float32)
    probabilities = np.stack([share, zero + 0.05, 0.9 - share, zero + 0.03, zero + 0.02], axis=1)
    truth = ["Calanidae" if random.random() < 0.5 else "Oithona" for _ in range(300)]
    found = find_thresholds(probabilities, truth, tree)
    assert found.by_name(tree)["Calanidae"] is None
    assert found.by_name(tree)["Oithona"] is None
    decided = decide(probabilities, tree, found)
    assert {tree.nodes[i] for i in decided.node} == {"Copepoda"}
    assert decided.sure.all()
    assert decided.score == pytest.approx(np.full(300, 0.95))


def test_too_few_objects_give_no_threshold() -> None:
    tree = Tree.of(("a", "b"))
    probabilities = np.tile(np.array([[0.99, 0.01]], np.float32), (20, 1))
    found = find_thresholds(probabilities, ["a"] * 20, tree)
    assert found.by_name(tree) == {"a": None, "b": None}
    assert found.support.tolist() == [20, 0]
    decided = decide(probabilities, tree, found)
    assert not decided.sure.any()
    assert decided.node.tolist() == [0] * 20


def test_no_objects_and_no_thresholds_are_no_error() -> None:
    tree = Tree.of(CLASSES, PARENTS)
    none = np.zeros((0, len(CLASSES)), np.float32)
    assert decide(none, tree, None).node.tolist() == []
    assert (find_thresholds(none, [], tree).least == NONE).all()

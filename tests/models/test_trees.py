"""The forest: C against its definition, against scikit-learn's trees, and against bad files."""

import io
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import trees, trees_native
from models.trees import Forest, ForestError, Growth, grow

needs_c = pytest.mark.skipif(not trees_native.is_here(), reason="the C library is not here")


def clouds(seed: int, n: int, columns: int = 8, taxa: int = 5) -> tuple[Any, Any]:
    """Values float32 [n, columns] round a centre for each taxon, some of them alike; int64 [n]."""
    dice = np.random.default_rng(seed)
    taxon = dice.integers(0, taxa, n)
    centres = np.random.default_rng(1).normal(0, 1.5, (taxa, columns))
    values = (centres[taxon] + dice.normal(0, 1, (n, columns))).astype(np.float32)
    values[:, 0] = values[:, 0].round(0)  # many alike
    return values, taxon + 100


def gain(weight: Any, target: Any, left: Any) -> float:
    """The purity of a split: larger is purer (the Gini impurity of both sides, turned round)."""
    sides = (np.bincount(target[side], weight[side]) for side in (left, ~left))
    return float(sum((sums**2).sum() / sums.sum() for sums in sides))


def best_gain(values: Any, weight: Any, target: Any, leaf_least: int) -> float | None:
    """Of every split that there is, by trying each."""
    found = [
        gain(weight, target, column <= level)
        for column in values.T
        for level in np.unique(column)[:-1]
        if leaf_least <= (column <= level).sum() <= len(column) - leaf_least
    ]
    return max(found) if found else None


@needs_c
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 90), st.integers(1, 6))
def test_each_node_has_the_purest_split_there_is(seed: int, n: int, leaf_least: int) -> None:
    values, taxon = clouds(seed, n)
    classes, target = np.unique(taxon, return_inverse=True)
    weight = np.random.default_rng(seed).integers(0, 3, n).astype(np.float64)
    weight[0] = 1.0
    levels = [np.unique(column, return_inverse=True) for column in values.T]
    tree = trees_native.grow_tree(
        np.stack([rank for _, rank in levels]).astype(np.uint32),
        target.astype(np.int32), weight,
        classes=len(classes), tries=values.shape[1], leaf_least=leaf_least, seed=seed,
    )  # fmt: skip
    assert sorted(tree.order.tolist()) == np.flatnonzero(weight > 0).tolist()
    for node, column in enumerate(tree.column.tolist()):
        here = tree.order[tree.first[node] :][: tree.count[node]]
        best = best_gain(values[here], weight[here], target[here], leaf_least)
        if column < 0:
            assert best is None or len(np.unique(target[here])) == 1
            continue
        left = tree.order[tree.first[tree.left[node]] :][: tree.count[tree.left[node]]]
        assert min(len(left), len(here) - len(left)) >= leaf_least
        assert gain(weight[here], target[here], np.isin(here, left)) == pytest.approx(best)
        ranks = levels[column][1]
        assert ranks[left].max() == tree.below[node] < tree.above[node]


@needs_c
def test_it_tells_taxa_as_well_as_the_library_s_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    values, taxon = clouds(2, 1500)
    ask, truth = clouds(3, 1500)
    growth = Growth(trees=60)
    ours = grow(values, taxon, threads=2, growth=growth).probabilities(ask, 2)
    monkeypatch.setattr(trees_native, "is_here", lambda: False)
    theirs = grow(values, taxon, threads=2, growth=growth).probabilities(ask)
    right = [(np.unique(taxon)[said.argmax(axis=1)] == truth).mean() for said in (ours, theirs)]
    assert right[0] == pytest.approx(right[1], abs=0.02)
    assert np.abs(ours - theirs).mean() < 0.03


@needs_c
def test_asked_in_c_and_in_numpy_it_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values, taxon = clouds(4, 700)
    forest = grow(values, taxon, threads=2, growth=Growth(trees=20))
    said = forest.probabilities(values, threads=3)
    assert said.sum(axis=1) == pytest.approx(1.0)
    monkeypatch.setattr(trees_native, "is_here", lambda: False)
    assert np.array_equal(said, forest.probabilities(values))


def test_the_same_again_is_the_same_and_threads_change_nothing() -> None:
    values, taxon = clouds(5, 300)
    first = grow(values, taxon, threads=1, growth=Growth(trees=8))
    second = grow(values, taxon, threads=4, growth=Growth(trees=8))
    assert first.save() == second.save()


def test_a_rare_taxon_weighs_as_much_as_a_common_one() -> None:
    dice = np.random.default_rng(0)
    taxon = np.repeat([1, 2], [950, 50])
    values = (taxon[:, None] * 0.8 + dice.normal(0, 1, (1000, 3))).astype(np.float32)
    forest = grow(values, taxon, threads=2, growth=Growth(trees=60, leaf_least=30))
    called = forest.classes[forest.probabilities(values).argmax(axis=1)]
    assert (called[taxon == 2] == 2).mean() > 0.7
    assert (called[taxon == 1] == 1).mean() > 0.7


def test_what_cannot_be_learnt_is_refused() -> None:
    values, taxon = clouds(6, 20)
    with pytest.raises(ForestError, match="at least two taxa"):
        grow(values, np.zeros(20, np.int64), threads=1)
    values[3, 2] = np.inf
    with pytest.raises(ForestError, match="must be finite"):
        grow(values, taxon, threads=1)


def test_columns_that_are_all_alike_give_leaves_alone() -> None:
    forest = grow(np.ones((30, 4), np.float32), np.arange(30) % 3, threads=1)
    assert len(forest.feature) == len(forest.starts) - 1
    assert forest.probabilities(np.ones((2, 4), np.float32)).shape == (2, 3)


def test_a_kept_forest_says_the_same(tmp_path: Any) -> None:
    values, taxon = clouds(7, 200)
    forest = grow(values, taxon, threads=1, growth=Growth(trees=5))
    again = Forest.load(forest.save())
    assert np.array_equal(again.probabilities(values), forest.probabilities(values))


@cache
def small_forest() -> tuple[Any, Forest]:
    values, taxon = clouds(8, 60)
    return values, grow(values, taxon, threads=1, growth=Growth(trees=3))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([f for f in Forest.__dataclass_fields__ if f != "classes"]),
    st.integers(0, 10**6),
    st.sampled_from([-(2**31), -2, -1, 0, 1, 7, 2**31 - 1]),
    st.booleans(),
)
def test_a_damaged_file_is_refused_or_harmless(
    name: str, place: int, value: int, cut: bool
) -> None:
    values, forest = small_forest()
    arrays = {field: getattr(forest, field).copy() for field in Forest.__dataclass_fields__}
    if cut:
        arrays[name] = arrays[name][: place % len(arrays[name])]
    else:
        arrays[name][place % len(arrays[name])] = value
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    try:
        found = Forest.load(stream.getvalue())
    except ForestError:
        return
    if found.feature.max() >= values.shape[1]:
        with pytest.raises(ValueError, match="asks for column"):
            found.probabilities(values)
        return
    assert found.probabilities(values).shape == (60, 5)


def test_what_is_no_file_of_a_forest_is_refused() -> None:
    for data in (b"", b"PK\x03\x04", trees.__doc__.encode() if trees.__doc__ else b"x"):
        with pytest.raises(ForestError, match="not a forest"):
            Forest.load(data)

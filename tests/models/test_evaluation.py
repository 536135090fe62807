"""The figures of evaluation against numbers worked out by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from models.card import as_markdown, make_card
from models.evaluation import evaluate

CLASSES = ("a", "b", "c")


def certain(called: list[str], classes: tuple[str, ...] = CLASSES) -> np.ndarray:
    """Probability 1 for each called taxon."""
    return np.array([[name == c for c in classes] for name in called], np.float32)


def test_by_hand() -> None:
    truth = ["a", "a", "a", "b", "b", "c"]
    figures = evaluate(truth, certain(["a", "a", "b", "b", "c", "b"]), CLASSES)
    assert figures.accuracy == pytest.approx(3 / 6)
    assert figures.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert figures.macro_f1 == pytest.approx((4 / 5 + 2 / 5 + 0) / 3)
    a, b, c = figures.taxa
    assert (a.support, a.predicted, a.correct) == (3, 2, 2)
    assert (a.precision, a.recall) == pytest.approx((1, 2 / 3))
    assert (b.precision, c.precision, c.recall) == pytest.approx((1 / 3, 0, 0))
    assert figures.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 1, 0]]


def test_what_cannot_be_said_is_none_and_does_not_count() -> None:
    figures = evaluate(["a", "a"], certain(["a", "a"]), CLASSES)
    assert figures.taxa[1].precision is None
    assert figures.taxa[1].recall is None
    assert figures.taxa[1].f1 is None
    assert (figures.balanced_accuracy, figures.macro_f1) == (1, 1)


def test_a_taxon_that_the_release_does_not_know_is_an_error() -> None:
    figures = evaluate(["a", "salp"], certain(["a", "b"]), CLASSES)
    assert figures.accuracy == 0.5
    assert [t.taxon for t in figures.taxa] == ["a", "b", "c", "salp"]
    assert figures.taxa[3].recall == 0
    assert figures.log_loss == pytest.approx(-np.log(1e-7) / 2)


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.3, 0.7]], np.float32)
    figures = evaluate(["a", "a", "b", "b"], probabilities, ("a", "b"))
    expected = 3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * abs(1 - 0.7)
    assert figures.calibration_error == pytest.approx(expected, abs=1e-6)
    assert figures.log_loss == pytest.approx(-np.log([0.9, 0.9, 0.1, 0.7]).mean(), abs=1e-6)


def test_against_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(3)
    classes = tuple("abcdefgh")
    probabilities = random.dirichlet(np.ones(8) * 0.4, 500).astype(np.float32)
    truth = [classes[i] for i in random.integers(0, 8, 500)]
    called = [classes[i] for i in probabilities.argmax(axis=1)]
    figures = evaluate(truth, probabilities, classes)
    assert figures.macro_f1 == pytest.approx(metrics.f1_score(truth, called, average="macro"))
    assert figures.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(truth, called)
    )
    np.testing.assert_array_equal(figures.confusion, metrics.confusion_matrix(truth, called))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        evaluate(["a"], np.zeros((1, 2), np.float32), CLASSES)
    with pytest.raises(ValueError, match="no objects"):
        evaluate([], np.zeros((0, 3), np.float32), CLASSES)


def test_the_card_for_people_holds_the_figures() -> None:
    figures = evaluate(["a", "a", "a", "b"], certain(["a", "a", "b", "b"]), CLASSES)
    card = make_card("bay", figures, trained_on={"a": 10}, limits=["One bay."], data="Ours.")
    text = as_markdown(card)
    assert "| a | 10 | 3 | 100.0 % | 66.7 % | 80.0 % |" in text
    assert "| c | 0 | 0 | – | – | – |" in text
    assert "| 1 | a | b |" in text  # the confusion
    assert "- One bay." in text
    assert "Licence" not in text  # nothing was said about it


def test_a_small_card_is_fine() -> None:
    assert as_markdown({"name": "x"}).startswith("# x\n")

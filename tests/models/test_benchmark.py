"""The table: figures that agree with the plain ones, intervals that hold, bad caches made again."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models import factory
from models.benchmark import sets
from models.benchmark.features import Features
from models.benchmark.figures import (
    NAMES,
    RESAMPLES,
    auroc,
    difference,
    figures,
    outcome,
    resamples,
)
from models.benchmark.report import as_markdown
from models.benchmark.sets import LabelledSet, read_labels
from models.benchmark.table import Places, ResultsError, make_table, read_results
from models.bundle import Bundle
from models.card import as_markdown as card_page
from models.card import with_table
from models.evaluation import evaluate
from models.splitting import parts


def say(n: int, seed: int, skill: float) -> tuple[list[str], np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.choice(5, n, p=(0.5, 0.3, 0.1, 0.09, 0.01))
    probabilities = random.dirichlet(np.ones(5), n) + skill * np.eye(5)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return ["abcde"[i] for i in truth], probabilities.astype(np.float32)


def test_figures_are_those_of_the_evaluation() -> None:
    truth, probabilities = say(700, 1, 0.5)
    truth[3] = "never taught"
    found = figures(outcome(truth, probabilities, "abcde"), resamples(700, 0))
    plain = evaluate(truth, probabilities, "abcde")
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error"):
        assert found[name].value == pytest.approx(getattr(plain, name), abs=1e-6)
    counts = [(t.support, t.predicted) for t in plain.taxa]
    by_hand = sum(abs(s - p) for s, p in counts) / sum(s + p for s, p in counts)
    assert found["abundance_bias"].value == pytest.approx(by_hand, abs=1e-6)
    assert set(found) == set(NAMES)


def test_resampling_all_at_once_is_resampling_one_by_one() -> None:
    truth, probabilities = say(60, 2, 0.5)
    draws = resamples(60, 0)
    assert draws.shape == (RESAMPLES, 60)
    assert (draws.sum(axis=1) == 60).all()
    whole = outcome(truth, probabilities, "abcde")
    slow = []
    for row in draws:
        chosen = np.repeat(np.arange(60), row.astype(int))
        again = evaluate([truth[i] for i in chosen], probabilities[chosen], "abcde")
        slow.append((again.accuracy, again.macro_f1, again.calibration_error))
    fast = figures(whole, draws)
    expected = np.percentile(slow, (2.5, 97.5), axis=0).T
    for name, (low, high) in zip(
        ("accuracy", "macro_f1", "calibration_error"), expected, strict=True
    ):
        assert (fast[name].low, fast[name].high) == pytest.approx((low, high), abs=1e-6)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Accuracy of draws from a known one; 95 % intervals hold it in 95 of 100, here of 80."""
    held = 0
    for seed in range(80):
        right = np.random.default_rng(seed).random(150) < 0.8
        truth = ["a"] * 150
        probabilities = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]]).astype(np.float32)
        found = figures(outcome(truth, probabilities, "ab"), resamples(150, seed))["accuracy"]
        held += found.low <= 0.8 <= found.high
    assert 70 <= held <= 80


def test_a_difference_is_paired() -> None:
    truth, probabilities = say(400, 3, 0.1)
    other = probabilities.copy()
    other[:8] = np.eye(5)[["abcde".index(t) for t in truth[:8]]]  # never worse
    draws = resamples(400, 0)
    gain = difference(outcome(truth, other, "abcde"), outcome(truth, probabilities, "abcde"), draws)
    assert 0 < gain.value <= 8 / 400
    assert gain.low >= 0
    same = outcome(truth, probabilities, "abcde")
    assert difference(same, same, draws).rounded() == [0, 0, 0]


def test_auroc_counts_pairs() -> None:
    known, strange = np.array([0.1, 0.4, 0.4], np.float32), np.array([0.4, 0.9], np.float32)
    assert auroc(known, strange) == pytest.approx((1 + 0.5 + 0.5 + 3) / 6)


def picture(taxon: int, seed: int) -> bytes:
    random = np.random.default_rng(1000 * taxon + seed)
    y, x = np.ogrid[:40, :48]
    long = (1.0, 2.5, 1.3)[taxon]
    inside = np.hypot(y - 20, (x - 24) / long) < random.uniform(5, 8)
    grey = np.where(inside, random.integers(20 + 60 * taxon, 80 + 60 * taxon, inside.shape), 255)
    stream = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(stream, "png")
    return stream.getvalue()


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A small set, in a folder of a zip that has other things in it too."""
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / "small.zip", "w") as archive:
        for taxon, label in enumerate(("disc", "rod", "oval")):
            for i in range(40):
                archive.writestr(f"labelled/{label}/{i}.png", picture(taxon, i))
        archive.writestr("labelled/disc/bad.png", b"no picture")
        archive.writestr("runs/one/collage.png", picture(0, 99))
    monkeypatch.setitem(sets.SETS, "small", LabelledSet("small", "drawn", under="labelled"))
    monkeypatch.setattr("models.forest.TREES", 20)
    return Places(tmp_path / "data", tmp_path / "build", tmp_path / "out")


def test_only_what_counts_is_read_and_the_split_is_that_of_all(places: Places) -> None:
    labels = read_labels(sets.SETS["small"], places.data, places.build)
    assert set(labels.taxa) == {"disc", "rod", "oval"}
    assert (len(labels.names), labels.by_time) == (121, False)
    assert np.array_equal(labels.part, parts(labels.names, labels.taxa))


def test_the_table_is_made_and_made_again_alike(places: Places) -> None:
    bundle = Bundle.load(factory.path())
    told: list[str] = []

    def make() -> dict[str, Any]:
        return make_table(["small"], places, lambda *_: {"device": bundle}, told.append)

    first = make()
    facts = first["sets"]["small"]
    assert [row["method"] for row in facts["rows"]] == ["ZP", "SCN", "ZP+SCN", "network", "head"]
    assert facts["objects"] == {"train": 87, "validation": 9, "test": 24}
    assert facts["set_aside"] == 1
    assert facts["rows"][-1]["figures"]["accuracy"][0] > 0.9
    assert facts["networks"]["device"]["own"] is False
    files = {p.name: p.read_bytes() for p in places.out.iterdir()}
    assert set(files) == {
        "README.md", "results.json", "small-confusion.png", "small-reliability.png",
        "small-per-taxon.png",
    }  # fmt: skip
    assert json.loads(files["results.json"]) == first
    assert files["README.md"].decode() == as_markdown(first)
    assert "stand-in" in as_markdown(first)
    assert all(len(data) < 150_000 for data in files.values())
    measured = [text for text in told if "measuring" in text]
    make()
    assert {p.name: p.read_bytes() for p in places.out.iterdir()} == files
    assert [text for text in told if "measuring" in text] == measured, "kept, not measured again"
    page = card_page(with_table({"name": "x", "details": {}}, first, "small"))
    assert "random forest on measures" in page
    assert f"{100 * facts['rows'][-1]['figures']['accuracy'][0]:.1f}" in page


def test_a_spoilt_cache_is_made_again(places: Places) -> None:
    labels = read_labels(sets.SETS["small"], places.data, places.build)
    told: list[str] = []
    before = Features(labels, places.build, told.append).measured()
    (path,) = places.build.glob("*measures*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    after = Features(labels, places.build, told.append).measured()
    assert np.array_equal(before.measures, after.measures)
    assert any("made again" in text for text in told)
    assert list(after.reasons) == ["labelled/disc/bad.png"]


def test_results_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for text, why in (("{", "not JSON"), ("[]", "format 1"), ('{"format": 9}', "format 1")):
        path.write_text(text)
        with pytest.raises(ResultsError, match=why) as caught:
            read_results(path)
        assert str(path) in str(caught.value)

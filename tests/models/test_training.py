"""Training in miniature, when torch is there: it learns, resumes exactly, and becomes a release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra [train])")

from models.bundle import Bundle  # noqa: E402  # after the skip
from models.measures import measure  # noqa: E402
from models.preprocess import MAX_AREA_PX, Prepared, prepare  # noqa: E402
from models.quantize import float_embedding, float_maps  # noqa: E402
from models.sites import build_tables  # noqa: E402
from models.training.augment import AugmentSettings, augment, turned  # noqa: E402
from models.training.dataset import Dataset, Item  # noqa: E402
from models.training.network import NetworkSettings, SparseNetwork  # noqa: E402
from models.training.products import product  # noqa: E402
from models.training.release import fold, make_release  # noqa: E402
from models.training.train import (  # noqa: E402
    TrainSettings,
    accuracy,
    load_teacher,
    schedule,
    start_from,
    train,
)
from models.training.variants import make_batch  # noqa: E402

SETTINGS = TrainSettings(
    epochs=14,
    batch=16,
    network=NetworkSettings((8, 8, 16, 16), (0, 1, 1, 2)),
    average=0.9,
    variants=3,
)


def draw_item(taxon: str, seed: int) -> Item:
    """Rings, bars and discs of many sizes."""
    random = np.random.default_rng(seed)
    radius, thickness = random.uniform(8, 14), random.uniform(1.5, 3)
    y, x = np.mgrid[-18:19, -18:19]
    turn = random.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    mask = {
        "ring": np.abs(np.hypot(x, y) - radius) < thickness,
        "bar": (np.abs(along) < radius) & (np.abs(across) < thickness),
        "disc": np.hypot(x, y) < radius * 0.6,
    }[taxon]
    signal = np.clip(random.normal(120, 25, mask.shape), 1, 255).astype(np.uint8)
    values = measure(signal, mask, 0, 0, "dark")
    return Item(f"{taxon}-{seed}", taxon, prepare(signal, mask), values)


@pytest.fixture(scope="module")
def data() -> Dataset:
    def part(start: int, count: int) -> list[Item]:
        return [
            draw_item(t, i) for i in range(start, start + count) for t in ("ring", "bar", "disc")
        ]

    return Dataset(part(0, 40), part(100, 10), part(200, 15), "random", {"for the test": 0})


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training") / "a.checkpoint"


@pytest.fixture(scope="module")
def trained(data: Dataset, checkpoint: Path) -> SparseNetwork:
    return train(data, SETTINGS, checkpoint, lambda _: None).network


def test_it_learns_shapes(trained: SparseNetwork, data: Dataset) -> None:
    assert accuracy(trained, data.test, data.taxa) > 0.9


def test_stopped_and_resumed_is_the_same_as_not_stopped(
    trained: SparseNetwork, data: Dataset, tmp_path: Path
) -> None:
    class StoppedError(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("epoch 4"):
            raise StoppedError

    path = tmp_path / "b.checkpoint"
    with pytest.raises(StoppedError):
        train(data, SETTINGS, path, stop)
    resumed = train(data, SETTINGS, path, lambda _: None, resume=True).network
    for name, value in trained.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    with pytest.raises(ValueError, match="other settings"):
        train(data, replace(SETTINGS, batch=8), path, lambda _: None, resume=True)


def test_what_is_done_is_not_done_again(
    trained: SparseNetwork, data: Dataset, checkpoint: Path
) -> None:
    said: list[str] = []
    again = train(data, SETTINGS, checkpoint, said.append, resume=True).network
    assert said == []
    for name, value in trained.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_a_pupil_learns_from_its_teacher(
    trained: SparseNetwork, data: Dataset, checkpoint: Path, tmp_path: Path
) -> None:
    teacher = load_teacher(checkpoint, data.taxa)
    assert accuracy(teacher, data.test, data.taxa) == accuracy(trained, data.test, data.taxa)
    small = replace(SETTINGS, network=NetworkSettings((8, 8, 8, 8), (0, 0, 1, 1)), taught=0.5)
    pupil = train(data, small, tmp_path / "c.checkpoint", lambda _: None, teacher=teacher)
    assert accuracy(pupil.network, data.test, data.taxa) > 0.8
    with pytest.raises(ValueError, match="other taxa"):
        load_teacher(checkpoint, ["copepod", "krill"])
    broken = tmp_path / "d.checkpoint"
    broken.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a checkpoint"):
        load_teacher(broken, data.taxa)


def test_a_network_may_begin_where_another_ended(
    trained: SparseNetwork, data: Dataset, checkpoint: Path
) -> None:
    same = SparseNetwork(SETTINGS.network, len(data.taxa))
    start_from(same, checkpoint)
    assert accuracy(same, data.test, data.taxa) == accuracy(trained, data.test, data.taxa)
    other = SparseNetwork(SETTINGS.network, 7)  # of other taxa: all but the last layer
    start_from(other, checkpoint)
    assert torch.equal(other.weights[2], trained.weights[2])
    with pytest.raises(ValueError, match="another shape"):
        start_from(SparseNetwork(NetworkSettings(), 3), checkpoint)


@pytest.mark.parametrize("kind", ["near", "children", "stem"])
def test_the_quick_gradients_are_the_gradients(kind: str, data: Dataset) -> None:
    tables = build_tables([item.prepared for item in data.test[:5]])
    table = {"near": tables.near[1], "children": tables.children[2], "stem": tables.children[0]}
    sites = torch.from_numpy(table[kind])
    torch.manual_seed(0)
    rows = (len(sites) if kind == "near" else int(sites.max())) + 1
    h = torch.randn(rows, 3, dtype=torch.float32, requires_grad=kind != "stem")
    weights = torch.randn(sites.shape[1] * 3, 4, requires_grad=True)
    with torch.no_grad():
        h[0] = 0
    found, wanted = (
        product("near" if kind == "near" else "children", h, sites, weights),
        h[sites.long()].flatten(1) @ weights,
    )
    assert torch.allclose(found, wanted, atol=1e-5)
    inputs = [weights] if kind == "stem" else [weights, h]
    for quick, plain in zip(
        torch.autograd.grad(found.sin().sum(), inputs),
        torch.autograd.grad(wanted.sin().sum(), inputs),
        strict=True,
    ):
        by_site = quick is not None and len(quick) == rows
        assert torch.allclose(quick[by_site:], plain[by_site:], atol=1e-4)


def test_folding_keeps_what_the_network_says(trained: SparseNetwork, data: Dataset) -> None:
    prepared = [item.prepared for item in data.test[:20]]
    with torch.no_grad():
        wanted = trained.eval().embed(make_batch(prepared, 4)).numpy()
    layers = fold(trained)
    np.testing.assert_allclose(
        float_embedding(layers, build_tables(prepared), "mean+max"), wanted, rtol=1e-3, atol=1e-4
    )
    assert len(float_maps(layers, build_tables(prepared))) == 8


def test_it_becomes_a_release(trained: SparseNetwork, data: Dataset) -> None:
    content = make_release(
        trained,
        data,
        name="shapes",
        created="",
        source="drawn",
        class_map=None,
        details={},
        progress=lambda _: None,
    )
    bundle = Bundle.load(content)
    for runtime in ("auto", "litert", "onnx", "reference"):
        assert bundle.self_test(runtime).ok
    assert bundle.card["summary"]["objects"] == 45
    assert bundle.card["summary"]["accuracy"] > 0.9
    assert bundle.classes == ("bar", "disc", "ring")


@pytest.mark.parametrize("taxon", ["ring", "bar", "disc"])
def test_augmentation_keeps_the_object(taxon: str) -> None:
    random = np.random.default_rng(0)
    one = draw_item(taxon, 3).prepared
    for _ in range(50):
        variant = augment(one, AugmentSettings(), random)
        assert isinstance(variant, Prepared)
        assert variant.mask.any(axis=0).all() or taxon == "ring"  # tight boxes
        assert 0.4 < variant.mask.sum() / one.mask.sum() < 2.2
        assert np.count_nonzero(variant.mask) <= MAX_AREA_PX
        assert abs(variant.shape[0] - one.shape[0]) < 0.15
        assert np.isfinite(variant.shape).all()


def test_turning_keeps_every_pixel() -> None:
    random = np.random.default_rng(0)
    one = draw_item("bar", 3).prepared
    for _ in range(30):
        other = turned(one, random)
        assert sorted(other.x[other.mask][:, 0]) == sorted(one.x[one.mask][:, 0])
        assert (other.x[~other.mask] == 0).all() or (other.x[other.mask][:, 1] == 255).all()
        assert np.array_equal(other.shape, one.shape)


def test_the_rate_rises_then_falls() -> None:
    rates = [schedule(share, 0.1) for share in np.linspace(0, 1, 101)]
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[0] < 0.05
    assert rates[-1] < 0.02
    assert int(np.argmax(rates)) == 10

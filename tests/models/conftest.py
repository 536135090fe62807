"""What the tests of models/ share: drawn networks, objects of every shape, a bundle."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models import factory
from models.bundle import Bundle
from models.network import INPUT_SCALE, Layer, Network, plan, taps_of
from models.preprocess import CHANNELS, Prepared, prepare


def make_network(
    widths: tuple[int, ...] = (8, 16, 32, 48),
    seed: int = 0,
    near: tuple[int, ...] | None = None,
    pooling: str = "mean",
) -> Network:
    """A network whose weights use the whole range of int8, so that saturation anywhere shows."""
    random = np.random.default_rng(seed)
    layers = []
    channels, scale = CHANNELS, INPUT_SCALE
    for table, level, rank in plan(near or (1,) * len(widths)):
        taps, width = taps_of(table, level), widths[level - 1]
        rows = taps * channels
        weights = random.integers(-127, 128, (rows, width)).astype(np.int8)
        weight_scale = random.uniform(0.5, 1.5, width) * np.sqrt(2 / rows) / 73
        bias = random.integers(-2000, 2000, width).astype(np.int32)
        out_scale = np.float32(random.uniform(0.8, 1.2) / 255)
        scales = (weight_scale.astype(np.float32), scale, out_scale)
        layers.append(Layer(table, level, taps, weights, bias, *scales, rank))
        channels, scale = width, out_scale
    return Network(tuple(layers), pooling)


def make_regions(count: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """(signal, mask) of random sizes and fillings, scattered parts and single pixels included."""
    random = np.random.default_rng(seed)
    regions = []
    for _ in range(count):
        height, width = random.integers(1, 70, 2)
        mask = random.random((height, width)) < random.uniform(0.02, 1)
        mask[random.integers(height), random.integers(width)] = True
        regions.append((random.integers(0, 256, (height, width)).astype(np.uint8), mask))
    return regions


def make_prepared(count: int, seed: int = 0) -> list[Prepared]:
    return [prepare(signal, mask) for signal, mask in make_regions(count, seed)]


@pytest.fixture(scope="session")
def draw_network() -> Callable[..., Network]:
    return make_network


@pytest.fixture(scope="session")
def draw_regions() -> Callable[..., list[tuple[np.ndarray, np.ndarray]]]:
    return make_regions


@pytest.fixture(scope="session")
def draw_prepared() -> Callable[..., list[Prepared]]:
    return make_prepared


@pytest.fixture(scope="session")
def factory_bundle() -> Bundle:
    return Bundle.load(factory.path())


@pytest.fixture(scope="session")
def spc_zip() -> Path:
    """The real images; the test is skipped, with the reason, where they are not."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("SEADRIFT_DATA", root / "../shared/data"))
    path = folder / "spc.zip"
    if not path.exists():
        pytest.skip(f"{path} is not there (set SEADRIFT_DATA)")
    return path

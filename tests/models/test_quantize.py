"""Quantization: close to the float network, exact in integers, unharmed by dead channels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.network import POOLINGS, plan, taps_of
from models.preprocess import CHANNELS, Prepared
from models.quantize import FloatLayer, calibrate, float_embedding, float_maps, quantize
from models.runtimes import embed
from models.runtimes.reference import ReferenceRuntime, feature_maps
from models.sites import build_tables


def draw_layers(near: tuple[int, ...] = (1, 1, 1, 1), seed: int = 0) -> list[FloatLayer]:
    random = np.random.default_rng(seed)
    layers, channels = [], CHANNELS
    for table, level, rank in plan(near):
        rows, width = taps_of(table, level) * channels, (8, 16, 32, 48, 48)[level - 1]
        weights = random.normal(0, np.sqrt(2 / rows), (rows, width)).astype(np.float32)
        bias = random.normal(0, 0.1, width).astype(np.float32)
        layers.append(FloatLayer(table, level, weights, bias, rank))
        channels = width
    return layers


@pytest.mark.parametrize("near", [(1, 1, 1, 1), (0, 1, 2, 1, 2)])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_close_to_the_float_network(
    near: tuple[int, ...], pooling: str, draw_prepared: Callable[..., list[Prepared]]
) -> None:
    layers = draw_layers(near)
    seen = build_tables(draw_prepared(80, 1), len(near))
    network = quantize(layers, calibrate(layers, [seen]), pooling)
    assert (network.near, network.pooling) == (near, pooling)
    unseen = build_tables(draw_prepared(60, 2), len(near))
    for layer, wanted, found in zip(
        network.layers, float_maps(layers, unseen), feature_maps(network, unseen), strict=True
    ):
        error = found * layer.out_scale - wanted
        assert np.abs(error).mean() < 0.025 * wanted.std(), layer.name
    wanted = float_embedding(layers, unseen, pooling)
    assert wanted.shape == (60, network.embedding_width)
    found = embed(ReferenceRuntime(network).run(unseen), unseen.object_sites, pooling) / 256
    correlation = np.corrcoef(wanted.ravel(), found.ravel() * network.layers[-1].out_scale)[0, 1]
    assert correlation > 0.998


def test_the_range_is_the_quantile_not_the_outlier(
    draw_prepared: Callable[..., list[Prepared]],
) -> None:
    layers = draw_layers()
    tables = build_tables(draw_prepared(80, 1))
    scales = calibrate(layers, [tables])
    for scale, values in zip(scales, float_maps(layers, tables), strict=True):
        assert 0.5 * values.max() < 255 * scale < values.max()
    with pytest.raises(ValueError, match="at least one batch"):
        calibrate(layers, [])


def test_dead_channels_and_large_biases_stay_exact(
    draw_prepared: Callable[..., list[Prepared]],
) -> None:
    layers = draw_layers()
    layers[2].weights[:, 3] = 0
    layers[2].bias[3] = 0.7
    layers[4].weights[:, 1] = 1e-12
    layers[4].bias[1] = -3.0
    tables = build_tables(draw_prepared(40, 1))
    network = quantize(layers, calibrate(layers, [tables]))
    dead = feature_maps(network, tables)[2][:, 3] * network.layers[2].out_scale
    np.testing.assert_allclose(dead, 0.7, atol=network.layers[2].out_scale)
    assert np.abs(network.layers[2].bias.astype(np.int64)).max() <= 1 << 21

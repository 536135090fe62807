"""The network in numpy integers: the oracle of the other runtimes, and the fallback."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from models.network import Layer, Network
from models.sites import Tables

UInt8 = npt.NDArray[np.uint8]


def probe() -> None:
    """numpy is always there."""


def create(network: Network, graphs: Mapping[str, bytes], threads: int) -> ReferenceRuntime:
    del graphs, threads  # the neutral network is all it needs; numpy chooses its own threads
    return ReferenceRuntime(network)


class ReferenceRuntime:
    name = "reference"

    def __init__(self, network: Network) -> None:
        self._network = network

    def run(self, tables: Tables) -> UInt8:
        return feature_maps(self._network, tables)[-1]


def feature_maps(network: Network, tables: Tables) -> list[UInt8]:
    """Every layer's output, uint8 [N_level, C_out] each."""
    network.inputs(tables)  # raises ValueError where they do not fit
    maps: list[UInt8] = []
    sites = tables.x0  # [1 + N, C]
    for layer in network.layers:
        maps.append(_run_layer(layer, sites, tables))
        sites = np.concatenate([np.zeros((1, layer.channels_out), np.uint8), maps[-1]])
    return maps


def _run_layer(layer: Layer, sites: UInt8, tables: Tables) -> UInt8:
    table = layer.table_of(tables)  # [N, taps]
    gathered = sites[table].reshape(len(table), layer.weights.shape[0])  # [N, taps * C_in]
    # float64 holds these sums exactly (below 2^24) and multiplies much faster than integers do in
    # numpy
    product = gathered.astype(np.float64) @ layer.weights.astype(np.float64)
    accumulator = product.astype(np.int32) + layer.bias  # [N, C_out]
    scaled = accumulator.astype(np.float32) * layer.multiplier
    quantized: UInt8 = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return quantized

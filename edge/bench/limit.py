"""What the network cannot be quicker than: its matrix products alone, by ONNX Runtime's int8 GEMM.

One product for each layer, of the very sizes, on rows that lie ready: no gather, no tables, nothing
between the layers. uint8 by int8 is the quicker one on processors without VNNI, but saturates at
16 bits there and so gives other integers; uint8 by uint8 is exact.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from edge.bench.peers.graphs import one_thread
from edge.bench.rows import best_ms
from models.network import Layer, Network


def gemm_limit_ms(
    network: Network, site_counts: Sequence[int], turns: int, *, exact: bool = True
) -> float:
    """Milliseconds of all layers' products for these sites per level. Raises ImportError."""
    total = 0.0
    for layer in network.layers:
        if site_counts[layer.level] > 0:
            session = _session(layer, exact=exact)
            random = np.random.default_rng(3)
            shape = (site_counts[layer.level], layer.weights.shape[0])
            rows = random.integers(0, 256, shape).astype(np.uint8)
            total += best_ms(partial(session.run, None, {"x": rows}), turns)
    return total


def _session(layer: Layer, *, exact: bool) -> Any:
    helper: Any = importlib.import_module("onnx.helper")
    arrays: Any = importlib.import_module("onnx.numpy_helper")
    types: Any = importlib.import_module("onnx").TensorProto
    runtime: Any = importlib.import_module("onnxruntime")
    weights = layer.weights
    if exact:
        weights = (weights.astype(np.int16) + 128).astype(np.uint8)
    constants = {
        "in_scale": layer.in_scale, "in_zero": np.uint8(0), "weights": weights,
        "scale": layer.weight_scale,
        "zero": np.full(layer.channels_out, 128 if exact else 0, weights.dtype),
        "bias": layer.bias, "out_scale": layer.out_scale, "out_zero": np.uint8(0),
    }  # fmt: skip
    node = helper.make_node("QGemm", ["x", *constants], ["y"], domain="com.microsoft")
    graph = helper.make_graph(
        [node], "product",
        [helper.make_tensor_value_info("x", types.UINT8, ["n", weights.shape[0]])],
        [helper.make_tensor_value_info("y", types.UINT8, ["n", layer.channels_out])],
        [arrays.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return runtime.InferenceSession(
        model.SerializeToString(), one_thread(runtime), providers=["CPUExecutionProvider"]
    )

"""The integer network as an ONNX graph: Gather, Reshape, QGemm, Concat. Any number of sites.

Inputs `x0` uint8 [1 + N0, 2], `children1` int32 [N1, 16], `near1` [N1, 9], `children2` ... (the
tables that a layer reads); output `features` uint8 [NL, C]. QGemm (domain com.microsoft) is in
every stock build of ONNX Runtime. The `onnx` package is needed here and only here: to write, never
to run.

The int8 weights are written as uint8 with zero point 128: ONNX Runtime multiplies uint8 by int8 on
x86 processors without VNNI with 16-bit saturation (`vpmaddubsw`), which gives other integers; uint8
by uint8 is exact everywhere.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from models.network import Layer, Network
from models.preprocess import CHANNELS

OPSET = 17
IR_VERSION = 9


class _Graph:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.helper: Any = importlib.import_module("onnx.helper")
        self.arrays: Any = importlib.import_module("onnx.numpy_helper")
        self.types: Any = importlib.import_module("onnx").TensorProto
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(
            self.helper.make_node(operator, inputs, [output], name=output, **attributes)
        )
        return output

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(self.arrays.from_array(np.asarray(value), name))
        return name


def to_onnx(network: Network) -> bytes:
    """The graph's bytes; the same network gives the same bytes with one version of `onnx`."""
    graph = _Graph()
    helper, types = graph.helper, graph.types
    inputs = {"x0": helper.make_tensor_value_info("x0", types.UINT8, ["N0_and_zero", CHANNELS])}
    sites = "x0"
    for layer in network.layers:
        shape = [f"N{layer.level}", layer.taps]
        table = layer.table_name
        inputs[table] = helper.make_tensor_value_info(table, types.INT32, shape)
        last = layer is network.layers[-1]
        sites = _add_layer(graph, layer, sites, "features" if last else f"{layer.name}_y")
        if not last:
            zero = graph.constant(f"{layer.name}_zero", np.zeros((1, layer.channels_out), np.uint8))
            sites = graph.node("Concat", [zero, sites], f"{layer.name}_sites", axis=0)
    output_shape = [f"N{network.levels}", network.feature_width]
    outputs = [helper.make_tensor_value_info("features", types.UINT8, output_shape)]
    body = helper.make_graph(
        graph.nodes, "seadrift", list(inputs.values()), outputs, graph.constants
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(
        body, opset_imports=opsets, ir_version=IR_VERSION, producer_name="seadrift"
    )
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _add_layer(graph: _Graph, layer: Layer, sites: str, output: str) -> str:
    name, rows = layer.name, layer.weights.shape[0]
    table = layer.table_name
    gathered = graph.node("Gather", [sites, table], f"{name}_gathered", axis=0)  # [N, taps, C]
    shape = graph.constant(f"{name}_shape", np.array([-1, rows], np.int64))
    flat = graph.node("Reshape", [gathered, shape], f"{name}_flat")  # [N, taps * C_in]
    zero = graph.constant(f"{name}_zero_point", np.uint8(0))
    operands = [
        flat,
        graph.constant(f"{name}_in_scale", layer.in_scale),
        zero,
        graph.constant(f"{name}_weights", (layer.weights.astype(np.int16) + 128).astype(np.uint8)),
        graph.constant(f"{name}_weight_scale", layer.weight_scale),
        graph.constant(f"{name}_weight_zero", np.full(layer.channels_out, 128, np.uint8)),
        graph.constant(f"{name}_bias", layer.bias),
        graph.constant(f"{name}_out_scale", layer.out_scale),
        zero,
    ]
    return graph.node("QGemm", operands, output, domain="com.microsoft")

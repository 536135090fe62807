"""The integer network as a TFLite flatbuffer: GATHER, RESHAPE, CONV_2D 1x1, CONCATENATION.

Inputs and output as in models/export_onnx.py, but activations are int8 with zero point -128 (the
same numbers shifted). The product is a 1x1 convolution because old runtimes refuse per-channel
weights in FULLY_CONNECTED. Every tensor has an open first dimension, so the interpreter is resized
per batch. Needs `ai_edge_litert` (its schema) and `flatbuffers`, to write only.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from models.network import INPUT_SCALE, Layer, Network
from models.preprocess import CHANNELS

SCHEMA_VERSION = 3
_ZERO_POINT = -128
_VALID_PADDING = 1
_NO_ACTIVATION, _RELU = 0, 1


class _Graph:
    """Collects tensors, buffers and operators of the one subgraph."""

    def __init__(self) -> None:
        self.schema: Any = importlib.import_module("ai_edge_litert.schema_py_generated")
        self.model = self.schema.ModelT()
        self.model.version = SCHEMA_VERSION
        self.model.description = "seadrift"
        self.model.buffers = [self.schema.BufferT()]
        self.model.operatorCodes = []
        self.body = self.schema.SubGraphT()
        self.body.name = "seadrift"
        self.body.tensors, self.body.operators = [], []
        self._codes: dict[tuple[int, int], int] = {}

    def tensor(
        self,
        name: str,
        kind: str,
        shape: list[int],
        data: npt.NDArray[Any] | None = None,
        scale: npt.ArrayLike | None = None,
        zero_point: int = _ZERO_POINT,
    ) -> int:
        """A tensor's number. -1 in shape: an open dimension (1, with a shape signature)."""
        tensor = self.schema.TensorT()
        tensor.name = name.encode()
        tensor.type = getattr(self.schema.TensorType, kind)
        tensor.shape = [max(size, 1) for size in shape]
        tensor.shapeSignature = shape if -1 in shape else None
        tensor.buffer = 0
        if data is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        if scale is not None:
            quantization = self.schema.QuantizationParametersT()
            quantization.scale = [float(s) for s in np.atleast_1d(np.asarray(scale, np.float32))]
            quantization.zeroPoint = [zero_point] * len(quantization.scale)
            quantization.quantizedDimension = 0
            tensor.quantization = quantization
        self.body.tensors.append(tensor)
        return len(self.body.tensors) - 1

    def operator(
        self, name: str, version: int, inputs: list[int], output: int, kind: str, **options: Any
    ) -> int:
        """Adds e.g. ("GATHER", 2, [a, b], c, "GatherOptions", axis=0); returns output."""
        code = getattr(self.schema.BuiltinOperator, name)
        if (code, version) not in self._codes:
            self._codes[code, version] = len(self.model.operatorCodes)
            entry = self.schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode = code, min(code, 127)
            entry.version = version
            self.model.operatorCodes.append(entry)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._codes[code, version]
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
        operator.builtinOptions = getattr(self.schema, f"{kind}T")()
        for key, value in options.items():
            setattr(operator.builtinOptions, key, value)
        self.body.operators.append(operator)
        return output

    def reshape(self, source: int, name: str, shape: list[int], scale: np.float32) -> int:
        target = self.tensor(f"{name}_shape", "INT32", [len(shape)], np.array(shape, np.int32))
        output = self.tensor(name, "INT8", shape, scale=scale)
        return self.operator(
            "RESHAPE", 1, [source, target], output, "ReshapeOptions", newShape=shape
        )

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        flatbuffers: Any = importlib.import_module("flatbuffers")
        self.body.inputs, self.body.outputs = inputs, outputs
        self.model.subgraphs = [self.body]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def to_tflite(network: Network) -> bytes:
    """The flatbuffer's bytes."""
    graph = _Graph()
    sites = inputs = graph.tensor("x0", "INT8", [-1, CHANNELS], scale=INPUT_SCALE)
    tables: dict[str, int] = {}
    features = sites
    for layer in network.layers:
        if layer.table_name not in tables:
            tables[layer.table_name] = graph.tensor(layer.table_name, "INT32", [-1, layer.taps])
        table = tables[layer.table_name]
        last = layer is network.layers[-1]
        features = _add_layer(graph, layer, sites, table, "features" if last else f"{layer.name}_y")
        if not last:
            sites = _with_zero_site(graph, layer, features)
    return graph.finish([inputs, *tables.values()], [features])


def _add_layer(graph: _Graph, layer: Layer, sites: int, table: int, output_name: str) -> int:
    name, rows, width = layer.name, layer.weights.shape[0], layer.channels_out
    gathered = graph.tensor(
        f"{name}_gathered", "INT8", [-1, layer.taps, layer.channels_in], scale=layer.in_scale
    )
    graph.operator("GATHER", 2, [sites, table], gathered, "GatherOptions", axis=0)
    flat = graph.reshape(gathered, f"{name}_flat", [1, -1, 1, rows], layer.in_scale)
    weights = graph.tensor(
        f"{name}_weights", "INT8", [width, 1, 1, rows], layer.weights.T, layer.weight_scale, 0
    )
    bias_scale = (layer.in_scale * layer.weight_scale).astype(np.float32)
    bias = graph.tensor(f"{name}_bias", "INT32", [width], layer.bias, bias_scale, 0)
    product = graph.tensor(f"{name}_product", "INT8", [1, -1, 1, width], scale=layer.out_scale)
    graph.operator(
        "CONV_2D", 3, [flat, weights, bias], product, "Conv2DOptions",
        padding=_VALID_PADDING, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1,
        fusedActivationFunction=_RELU,
    )  # fmt: skip
    return graph.reshape(product, output_name, [-1, width], layer.out_scale)


def _with_zero_site(graph: _Graph, layer: Layer, features: int) -> int:
    width = layer.channels_out
    zeros = np.full((1, width), _ZERO_POINT, np.int8)
    zero = graph.tensor(f"{layer.name}_zero", "INT8", [1, width], zeros, layer.out_scale)
    joined = graph.tensor(f"{layer.name}_sites", "INT8", [-1, width], scale=layer.out_scale)
    return graph.operator(
        "CONCATENATION", 2, [zero, features], joined, "ConcatenationOptions",
        axis=0, fusedActivationFunction=_NO_ACTIVATION,
    )  # fmt: skip

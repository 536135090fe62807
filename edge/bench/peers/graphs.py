"""Integer networks as ONNX graphs with random weights: enough to know what they cost."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

_MICROSOFT = "com.microsoft"
_SCALE = np.float32(0.02)
_ZERO = np.uint8(0)

UInt8 = npt.NDArray[np.uint8]


class Graph:
    """Builds a chain of uint8 feature maps [n, channels, height, width], zero point 0.

    ReLU costs nothing: it is the saturation at 0.
    """

    def __init__(self, channels: int) -> None:
        self._helper: Any = importlib.import_module("onnx.helper")
        self._arrays: Any = importlib.import_module("onnx.numpy_helper")
        self._types: Any = importlib.import_module("onnx").TensorProto
        self._random = np.random.default_rng(1)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._channels = {"x": channels}

    def channels(self, name: str) -> int:
        return self._channels[name]

    def convolution(
        self, name: str, width: int, size: int, stride: int = 1, *, depthwise: bool = False
    ) -> str:
        """int8 weights with a scale for each channel, int32 bias."""
        channels = self._channels[name]
        inputs = 1 if depthwise else channels
        weights = self._random.integers(-127, 128, (width, inputs, size, size)).astype(np.int8)
        bias = self._random.integers(-999, 999, width).astype(np.int32)
        scales = np.full(width, 0.01, np.float32)
        operands = [name, self._scale(), self._zero(), self._constant(weights)]
        operands += [self._constant(scales), self._constant(np.zeros(width, np.int8))]
        operands += [self._scale(), self._zero(), self._constant(bias)]
        before = (size - stride + 1) // 2 if size > stride else 0
        after = max(0, size - stride - before)
        return self._node(
            "QLinearConv", operands, width, kernel_shape=[size, size], strides=[stride, stride],
            pads=[before, before, after, after], group=channels if depthwise else 1,
        )  # fmt: skip

    def mean(self, name: str) -> str:
        operands = [name, self._scale(), self._zero(), self._scale(), self._zero()]
        kind = "QLinearGlobalAveragePool"
        return self._node(kind, operands, self._channels[name], _MICROSOFT, channels_last=0)

    def add(self, one: str, other: str) -> str:
        return self._both("QLinearAdd", one, other)

    def multiply(self, one: str, other: str) -> str:
        return self._both("QLinearMul", one, other)

    def session(self, last: str, size: int) -> Any:
        """Of ONNX Runtime, one thread. Input `x`: uint8 [n, channels, size, size]."""
        helper, types, runtime = self._helper, self._types, importlib.import_module("onnxruntime")
        shape = ["n", self._channels["x"], size, size]
        graph = helper.make_graph(
            self._nodes, "peer",
            [helper.make_tensor_value_info("x", types.UINT8, shape)],
            [helper.make_tensor_value_info(last, types.UINT8, None)], self._constants,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return runtime.InferenceSession(
            model.SerializeToString(), one_thread(runtime), providers=["CPUExecutionProvider"]
        )

    def _both(self, kind: str, one: str, other: str) -> str:
        operands = [one, self._scale(), self._zero(), other, self._scale(), self._zero()]
        operands += [self._scale(), self._zero()]
        return self._node(kind, operands, self._channels[one], _MICROSOFT)

    def _node(
        self, kind: str, operands: list[str], width: int, domain: str = "", **attributes: Any
    ) -> str:
        output = f"y{len(self._nodes)}"
        node = self._helper.make_node(kind, operands, [output], domain=domain, **attributes)
        self._nodes.append(node)
        self._channels[output] = width
        return output

    def _constant(self, value: Any) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(self._arrays.from_array(np.asarray(value), name))
        return name

    def _scale(self) -> str:
        return self._constant(_SCALE)

    def _zero(self) -> str:
        return self._constant(_ZERO)


def one_thread(runtime: Any) -> Any:
    """Session options of ONNX Runtime."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options

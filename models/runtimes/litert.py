"""LiteRT (formerly TensorFlow Lite) with its XNNPACK delegate: the fastest stock runtime here.

Its activations are int8 with zero point -128, which is uint8 with zero point 0 shifted by 128. With
the delegate the integers equal the reference's; without it (and in tflite-runtime 2.14) rounding is
in fixed point, and about a quarter of the values differ by a few units: a self-test then says so.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from models.network import Network
from models.runtimes import MissingRuntimeError
from models.sites import Tables

UInt8 = npt.NDArray[np.uint8]
Int8 = npt.NDArray[np.int8]

_MODULES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
_ZERO_POINT = 128
_BANNER = b"Created TensorFlow Lite XNNPACK delegate"


def probe() -> Any:
    """The interpreter's module, or MissingRuntimeError."""
    reasons = []
    for name in _MODULES:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            reasons.append(str(error))
    raise MissingRuntimeError(f"LiteRT: pip install ai-edge-litert ({'; '.join(reasons)})")


def create(network: Network, graphs: Mapping[str, bytes], threads: int) -> LiteRtRuntime:
    return LiteRtRuntime(network, graphs["network.tflite"], threads)


class LiteRtRuntime:
    name = "litert"

    def __init__(
        self, network: Network, graph: bytes, threads: int = 1, *, delegate: bool = True
    ) -> None:
        module = probe()
        options: dict[str, Any] = {"model_content": graph, "num_threads": threads}
        if not delegate:
            resolvers = module.OpResolverType
            options["experimental_op_resolver_type"] = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._network = network
        self._interpreter = module.Interpreter(**options)
        self._inputs = {d["name"]: d["index"] for d in self._interpreter.get_input_details()}
        self._output = self._interpreter.get_output_details()[0]["index"]
        with _without_banner():
            self._interpreter.allocate_tensors()

    def run(self, tables: Tables) -> UInt8:
        inputs = self._network.inputs(tables)
        if tables.site_counts[-1] == 0:
            return np.zeros((0, self._network.feature_width), np.uint8)
        inputs["x0"] = _to_int8(tables.x0)
        for name, value in inputs.items():
            self._interpreter.resize_tensor_input(self._inputs[name], value.shape)
        self._interpreter.allocate_tensors()
        for name, value in inputs.items():
            self._interpreter.set_tensor(self._inputs[name], value)
        self._interpreter.invoke()
        return _to_uint8(self._interpreter.get_tensor(self._output))


@contextmanager
def _without_banner() -> Iterator[None]:
    """Drops the line with which LiteRT greets on stderr, below Python; passes all others on."""
    try:
        stderr = os.dup(2)
    except OSError:  # a service without stderr: nothing to tidy
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            lines = [line for line in kept if _BANNER not in line]
            if lines:
                os.write(2, b"".join(lines))


def _to_int8(values: UInt8) -> Int8:
    return (values ^ np.uint8(_ZERO_POINT)).view(np.int8)


def _to_uint8(values: Int8) -> UInt8:
    return values.view(np.uint8) ^ np.uint8(_ZERO_POINT)

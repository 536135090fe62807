"""ONNX Runtime, on the CPU. Its QGemm requantizes in float32, half to even: equal integers."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.network import Network
from models.runtimes import MissingRuntimeError
from models.sites import Tables

UInt8 = npt.NDArray[np.uint8]


def probe() -> Any:
    """The module, or MissingRuntimeError."""
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise MissingRuntimeError(f"ONNX Runtime: pip install onnxruntime ({error})") from error


def create(network: Network, graphs: Mapping[str, bytes], threads: int) -> OnnxRuntime:
    return OnnxRuntime(network, graphs["network.onnx"], threads)


class OnnxRuntime:
    name = "onnx"

    def __init__(self, network: Network, graph: bytes, threads: int = 1) -> None:
        ort = probe()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._network = network
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(self, tables: Tables) -> UInt8:
        inputs = self._network.inputs(tables)
        if tables.site_counts[-1] == 0:
            return np.zeros((0, self._network.feature_width), np.uint8)
        features: UInt8 = self._session.run(["features"], inputs)[0]
        return features

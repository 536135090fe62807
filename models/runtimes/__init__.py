"""What computes the network: one interface, one file per runtime, the same integers from each.

`auto` takes the first that is there of the C library's own kernel (where it has vector
instructions), LiteRT (its gather is cheaper than the other's), ONNX Runtime, and the numpy
reference, which always is. A runtime that is missing says so in one sentence and harms nobody.

Example:
    >>> runtime = load("auto", bundle.network, bundle.graphs)
    >>> runtime.run(tables).shape             # (NL, C), uint8
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.network import Network
from models.sites import Tables

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]

PREFERRED = ("native", "litert", "onnx", "reference")
_MODULES = {
    "native": "models.runtimes.native",
    "litert": "models.runtimes.litert",
    "onnx": "models.runtimes.onnx",
    "reference": "models.runtimes.reference",
}


class MissingRuntimeError(RuntimeError):
    """This runtime cannot be used here; the text says what to install."""


class Runtime(Protocol):
    """Computes the last feature map of a batch."""

    @property
    def name(self) -> str: ...

    def run(self, tables: Tables) -> UInt8:
        """uint8 [NL, C], one row per site of the last level. Tables without sites are fine."""
        ...


def load(name: str, network: Network, graphs: Mapping[str, bytes], threads: int = 1) -> Runtime:
    """The named runtime, or with `auto` the first of PREFERRED that works here (see `_order`).

    graphs: "network.onnx" and "network.tflite". Raises MissingRuntimeError, or ValueError for an
    unknown name.
    """
    if name == "auto":
        for candidate in _order():
            try:
                return load(candidate, network, graphs, threads)
            except MissingRuntimeError:
                continue
    if name not in _MODULES:
        raise ValueError(f"runtime {name!r}: expected auto, {', '.join(PREFERRED)}")
    create = importlib.import_module(_MODULES[name]).create
    runtime: Runtime = create(network, graphs, threads)
    return runtime


def _order() -> tuple[str, ...]:
    """PREFERRED, but on a processor for which the kernel has no vectors it comes last but one."""
    if importlib.import_module(_MODULES["native"]).quick():
        return PREFERRED
    return ("litert", "onnx", "native", "reference")


def available() -> dict[str, str]:
    """Each runtime, and why it cannot be used here; an empty text means that it can."""
    reasons = {}
    for name in PREFERRED:
        try:
            importlib.import_module(_MODULES[name]).probe()
            reasons[name] = ""
        except MissingRuntimeError as error:
            reasons[name] = str(error)
    return reasons


def embed(features: UInt8, object_sites: npt.NDArray[np.int32], pooling: str = "mean") -> UInt16:
    """The embedding, uint16 [n, C]: floor(256 * sum / count) over each object's last-level sites.

    With the pooling "mean+max" [n, 2 C]: the same, then 256 * the largest value. Exact integers,
    so it is equal wherever the feature map (uint8 [NL, C]) is. Every count is at least 1.
    """
    counts = object_sites.astype(np.int64)
    width = features.shape[1] * len(pooling.split("+"))
    if len(counts) == 0:
        return np.zeros((0, width), np.uint16)
    starts = np.cumsum(counts) - counts
    sums = np.add.reduceat(features.astype(np.int64), starts, axis=0)
    mean = (256 * sums // counts[:, None]).astype(np.uint16)
    if pooling == "mean":
        return mean
    most = np.maximum.reduceat(features, starts, axis=0).astype(np.uint16)
    return np.concatenate([mean, 256 * most], axis=1)

"""How fast the network's products could be on this machine: the yardstick of the native runtime.

Each layer's product, (sites x taps * C_in) by (taps * C_in x C_out) of bytes, as a plain matrix
product of rows that lie one after another: nothing gathered, no zero site, nothing pooled. Layer by
layer the fastest of what there is counts:

- ``native``: our own kernel on such rows, requantizing as always;
- ``onnx_s8``, ``onnx_u8``: ONNX Runtime's MatMulInteger, uint8 by int8 and by uint8, sums left as
  int32. On x86 without VNNI the former saturates 16 bits: as a yardstick it stands, as a runtime
  it would not.

Example::

    limit = gemm_limit_ms(bundle.network, tables.site_counts, turns=20)
    native_ms / limit["limit"]     # 1 would mean that gathering costs nothing
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from models.network import Layer, Network
from models.runtimes import MissingRuntimeError
from models.runtimes.native import NativeRuntime
from models.sites import Tables

_SEED = 1


def gemm_limit_ms(network: Network, site_counts: Sequence[int], turns: int) -> dict[str, float]:
    """Milliseconds of one thread, each the sum over layers of the best of `turns` runs.

    site_counts: per level (N0, .. NL), `Tables.site_counts`. Keys: "limit", the sum over layers of
    the fastest engine's; and of each engine that works here, its own sum. Process time, so that
    other programs count little. Raises MissingRuntimeError where no engine works.
    """
    random = np.random.default_rng(_SEED)
    each: dict[str, list[float]] = {}
    for layer in network.layers:
        if site_counts[layer.level] == 0:
            continue
        rows = random.integers(0, 256, (site_counts[layer.level], layer.weights.shape[0]))
        for name, run in _engines(layer, rows.astype(np.uint8)).items():
            each.setdefault(name, []).append(_best_ms(run, turns))
    if not any(site_counts):
        return {"limit": 0.0}
    if not each:
        raise MissingRuntimeError("gemm limit: neither the C library nor ONNX Runtime works here")
    return {"limit": float(np.min(list(each.values()), axis=0).sum()),
            **{name: sum(layers) for name, layers in each.items()}}  # fmt: skip


def _engines(layer: Layer, rows: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[
    str, Callable[[], object]
]:  # fmt: skip
    engines: dict[str, Callable[[], object]] = {}
    with suppress(MissingRuntimeError):
        engines["native"] = _native(layer, rows)
    for name, kind in (("onnx_s8", np.int8), ("onnx_u8", np.uint8)):
        try:
            engines[name] = _onnx(layer, rows, kind)
        except ImportError:
            continue
    return engines


def _native(
    layer: Layer, rows: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> Callable[[], object]:
    """The layer with one tap of all its channels, and no table (edge/native/network.h)."""
    runtime = NativeRuntime(Network((replace(layer, table="children", level=1, taps=1),)))
    x0 = np.concatenate([np.zeros((1, rows.shape[1]), np.uint8), rows])
    none = np.empty((len(rows), 0), np.int32)
    tables = Tables(x0, (none,), (none,), np.ones(0, np.int32))
    return lambda: runtime.run_gathered(tables)


def _onnx(
    layer: Layer,
    rows: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    kind: type[np.int8] | type[np.uint8],
) -> Callable[[], object]:
    helper, types = importlib.import_module("onnx.helper"), importlib.import_module("onnx")
    arrays = importlib.import_module("onnx.numpy_helper")
    ort = importlib.import_module("onnxruntime")
    shift = 128 if kind is np.uint8 else 0
    weights = (layer.weights.astype(np.int16) + shift).astype(kind)
    constants = {"w": weights, "zero": np.uint8(0), "w_zero": kind(shift)}
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", *constants], ["y"])],
        "limit",
        [helper.make_tensor_value_info("x", types.TensorProto.UINT8, [None, rows.shape[1]])],
        [helper.make_tensor_value_info("y", types.TensorProto.INT32, [None, layer.channels_out])],
        [arrays.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": rows})


def _best_ms(run: Callable[[], object], turns: int) -> float:
    run()
    best = float("inf")
    for _ in range(turns):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return 1000 * best

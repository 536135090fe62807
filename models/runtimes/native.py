"""The network in the C library (edge/native/network.h): nothing to install, and the fastest here.

Where LiteRT and ONNX Runtime first write the gathered rows and then multiply them, the kernel
gathers while it multiplies. Weights are packed once, for the best path that this machine has; every
path gives the reference's integers.

Example:
    >>> NativeRuntime(bundle.network).path        # on an x86 of the last ten years
    'avx2'
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from models import native
from models.network import Layer, Network
from models.runtimes import MissingRuntimeError
from models.sites import Tables

UInt8 = npt.NDArray[np.uint8]

PATHS = {"scalar": 0, "avx2": 1, "neon": 2, "dot": 3}  # SEADRIFT_PATH_*
_BEST_FIRST = ("dot", "neon", "avx2", "scalar")
_BLOCK = 8  # SEADRIFT_NETWORK_BLOCK
_ACTIVATION_BYTES = 2  # at most
_DOT_GROUP = 4  # bytes, with activations stored less 128
_OK = 0


def probe() -> ctypes.CDLL:
    """The library, or MissingRuntimeError."""
    if native.LIBRARY is None:
        raise MissingRuntimeError(f"native: {native.REASON}")
    return native.LIBRARY


def paths() -> tuple[str, ...]:
    """What this machine can run, the best first. Raises MissingRuntimeError."""
    library = probe()
    return tuple(name for name in _BEST_FIRST if library.seadrift_network_group(PATHS[name]))


def quick() -> bool:
    """Whether there is a path with vectors here; plain C alone is slower than LiteRT."""
    return native.LIBRARY is not None and paths()[0] != "scalar"


def create(network: Network, graphs: Mapping[str, bytes], threads: int) -> NativeRuntime:
    del graphs, threads  # the neutral network is all it needs; one thread
    return NativeRuntime(network)


class _CLayer(ctypes.Structure):
    """`seadrift_layer` of edge/native/network.h, field for field."""

    _fields_ = (
        ("table", ctypes.c_void_p),
        ("sites", ctypes.c_int32),
        ("taps", ctypes.c_int32),
        ("channels_in", ctypes.c_int32),
        ("channels_out", ctypes.c_int32),
        ("weights", ctypes.c_void_p),
        ("weights_bytes", ctypes.c_int64),
        ("bias", ctypes.c_void_p),
        ("multiplier", ctypes.c_void_p),
    )


class _CNetwork(ctypes.Structure):
    """`seadrift_network` of edge/native/network.h, field for field."""

    _fields_ = (
        ("path", ctypes.c_int32),
        ("layers", ctypes.c_int32),
        ("layer", ctypes.c_void_p),
        ("x0", ctypes.c_void_p),
        ("rows", ctypes.c_int32),
        ("scratch", ctypes.c_void_p * 2),
        ("scratch_bytes", ctypes.c_int64),
        ("features", ctypes.c_void_p),
        ("features_bytes", ctypes.c_int64),
        ("needed_scratch", ctypes.c_int64),
    )


class _Packed:
    """One layer's weights, bias and multiplier as network.h wants them, owned here."""

    def __init__(self, layer: Layer, group: int) -> None:
        channels_in, channels_out = layer.channels_in, layer.channels_out
        rows, width = _padded(channels_in, group), _padded(channels_out, _BLOCK)
        full = np.zeros((layer.taps, rows, width), np.int16)
        full[:, :channels_in, :channels_out] = layer.weights.reshape(layer.taps, channels_in, -1)
        panels = full.reshape(layer.taps * rows // group, group, width // _BLOCK, _BLOCK)
        kind = np.int8 if group == _DOT_GROUP else np.int16
        self.weights = np.ascontiguousarray(panels.transpose(2, 0, 3, 1).astype(kind))
        self.bias = np.zeros(width, np.int32)
        self.bias[:channels_out] = layer.bias
        if group == _DOT_GROUP:
            self.bias += 128 * full.sum(axis=(0, 1), dtype=np.int32)
        self.multiplier = np.zeros(width, np.float32)
        self.multiplier[:channels_out] = layer.multiplier


class NativeRuntime:
    name = "native"

    def __init__(self, network: Network, path: str | None = None) -> None:
        """path: one of PATHS, or None for the best here. Raises MissingRuntimeError."""
        self._library = probe()
        self.path = paths()[0] if path is None else path
        group = int(self._library.seadrift_network_group(PATHS[self.path]))
        if group == 0:
            raise MissingRuntimeError(f"native: this processor has no path {path!r}")
        self._network = network
        self._packed = [_Packed(layer, group) for layer in network.layers]

    def run(self, tables: Tables) -> UInt8:
        """uint8 [NL, C]. Raises RuntimeError with the C code for tables that do not fit."""
        self._network.inputs(tables)  # raises ValueError where they do not fit
        layers = self._network.layers
        site_tables = [np.ascontiguousarray(layer.table_of(tables)) for layer in layers]
        c_layers = (_CLayer * len(layers))(
            *(
                _CLayer(
                    table.ctypes.data, len(table), layer.taps, layer.channels_in,
                    layer.channels_out, packed.weights.ctypes.data, packed.weights.nbytes,
                    packed.bias.ctypes.data, packed.multiplier.ctypes.data,
                )
                for layer, packed, table in zip(layers, self._packed, site_tables, strict=True)
            )
        )  # fmt: skip
        x0 = np.ascontiguousarray(tables.x0)
        room = _scratch_bytes(self._network, tables)
        scratch = np.empty((2, room), np.uint8)
        features = np.empty((len(site_tables[-1]), self._network.feature_width), np.uint8)
        call = _CNetwork(
            PATHS[self.path], len(layers), ctypes.addressof(c_layers), x0.ctypes.data, len(x0),
            (ctypes.c_void_p * 2)(scratch[0].ctypes.data, scratch[1].ctypes.data), room,
            features.ctypes.data, features.nbytes,
        )  # fmt: skip
        code = int(self._library.seadrift_run_network(ctypes.byref(call)))
        if code != _OK:
            raise RuntimeError(f"seadrift_run_network refused the tables: code {code}")
        return features


def _padded(count: int, to: int) -> int:
    return -(-count // to) * to


def _scratch_bytes(network: Network, tables: Tables) -> int:
    """Enough for the widest feature map, row 0 included, whatever the path; whole cache lines."""
    maps = [len(tables.x0) * _padded(tables.x0.shape[1], _DOT_GROUP)]
    for layer in network.layers:
        maps.append((1 + len(layer.table_of(tables))) * _padded(layer.channels_out, _BLOCK))
    return _padded(_ACTIVATION_BYTES * max(maps), 64)

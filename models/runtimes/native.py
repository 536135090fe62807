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
import threading
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models import native
from models.batch import Room, batch_crops, gather_crops
from models.crops import Crops
from models.network import POOLINGS, Layer, Network
from models.preprocess import Float32
from models.runtimes import MissingRuntimeError
from models.sites import Tables

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]

PATHS = {"scalar": 0, "avx2": 1, "neon": 2, "dot": 3}  # SEADRIFT_PATH_*
_BEST_FIRST = ("dot", "neon", "avx2", "scalar")
_BLOCK = 8  # SEADRIFT_NETWORK_BLOCK
_ACTIVATION_BYTES = 2  # at most
_TURN_BYTES = 8  # of one site's place in the order
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
        ("pooling", ctypes.c_int32),
        ("objects", ctypes.c_int32),
        ("object_sites", ctypes.c_void_p),
        ("embedding", ctypes.c_void_p),
        ("embedding_bytes", ctypes.c_int64),
        ("needed_scratch", ctypes.c_int64),
    )


class _Packed:
    """One layer's weights, bias and multiplier as network.h wants them, owned here."""

    def __init__(self, layer: Layer, group: int) -> None:
        channels_in, channels_out = layer.channels_in, layer.channels_out
        self.taps, self.channels_in = layer.taps, channels_in
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
        layers = list(network.layers)
        self._packed = [_Packed(layer, group) for layer in layers]
        # On gathered tables the stem reads one row of all its taps (edge/native/batch.h).
        stem = _Packed(replace(layers[0], taps=1), group) if network.starts_with_stem else None
        self._gathered = [stem or self._packed[0], *self._packed[1:]]
        self._threads = threading.local()

    def run(self, tables: Tables) -> UInt8:
        """uint8 [NL, C]. Raises RuntimeError with the C code for tables that do not fit."""
        self._network.inputs(tables)  # raises ValueError where they do not fit
        return self.run_gathered(tables)

    def run_gathered(self, tables: Tables) -> UInt8:
        """`run` on tables that may be gathered (models/batch.py)."""
        last = len(self._network.layers[-1].table_of(tables))
        features = np.empty((last, self._network.feature_width), np.uint8)
        self._call(tables, features, None)
        return features

    def embed(self, tables: Tables) -> UInt16:
        """The embedding (models.runtimes.embed), uint16 [n, C]; also of gathered tables."""
        objects = len(tables.object_sites)
        embedding = np.empty((objects, self._network.embedding_width), np.uint16)
        self._call(tables, None, embedding)
        return embedding

    def embed_crops(self, crops: Crops) -> tuple[UInt16, Float32]:
        """The embedding, and the shape values float32 [n, 4], of a frame's objects: two C calls.

        Raises ValueError naming the object whose mask is empty.
        """
        batch = None
        if self._network.starts_with_stem:
            batch = gather_crops(self._library, crops, self._network.near, self._room())
        if batch is None:
            batch = batch_crops(crops, self._network.levels)
        return self.embed(batch.tables), batch.shape

    def _room(self) -> Room:
        """This thread's buffers."""
        room: Room | None = getattr(self._threads, "room", None)
        if room is None:
            room = self._threads.room = Room()
        return room

    def _call(self, tables: Tables, features: UInt8 | None, embedding: UInt16 | None) -> None:
        layers, stem_gathered = self._network.layers, tables.gathered
        packed_layers = self._gathered if stem_gathered else self._packed
        site_tables = [np.ascontiguousarray(layer.table_of(tables)) for layer in layers]
        c_layers = (_CLayer * len(layers))()
        for layer, packed, table, c_layer in zip(
            layers, packed_layers, site_tables, c_layers, strict=True
        ):
            c_layer.table = table.ctypes.data if table.shape[1] else None
            c_layer.sites, c_layer.taps = len(table), packed.taps
            c_layer.channels_in, c_layer.channels_out = packed.channels_in, layer.channels_out
            c_layer.weights, c_layer.weights_bytes = (
                packed.weights.ctypes.data,
                packed.weights.nbytes,
            )
            c_layer.bias = packed.bias.ctypes.data
            c_layer.multiplier = packed.multiplier.ctypes.data
        x0, sites = np.ascontiguousarray(tables.x0), np.ascontiguousarray(tables.object_sites)
        room = _scratch_bytes(self._network, tables)
        scratch = self._room().array("maps", 2 * room, 1, np.uint8)
        call = _CNetwork(
            PATHS[self.path], len(layers), ctypes.addressof(c_layers), x0.ctypes.data, len(x0),
            (ctypes.c_void_p * 2)(scratch.ctypes.data, scratch.ctypes.data + room), room,
        )  # fmt: skip
        if features is not None:
            call.features, call.features_bytes = features.ctypes.data, features.nbytes
        if embedding is not None:
            call.pooling = 1 + POOLINGS.index(self._network.pooling)
            call.objects, call.object_sites = len(sites), sites.ctypes.data
            call.embedding, call.embedding_bytes = embedding.ctypes.data, embedding.nbytes
        code = int(self._library.seadrift_run_network(ctypes.byref(call)))
        if code != _OK:
            raise RuntimeError(f"seadrift_run_network refused the tables: code {code}")


def _padded(count: int, to: int) -> int:
    return -(-count // to) * to


def _scratch_bytes(network: Network, tables: Tables) -> int:
    """Enough for the widest feature map, row 0 included, and the order of the sites, whatever the
    path; whole cache lines."""
    maps = [len(tables.x0) * _padded(tables.x0.shape[1], _DOT_GROUP)]
    for layer in network.layers:
        maps.append((1 + len(layer.table_of(tables))) * _padded(layer.channels_out, _BLOCK))
    most_sites = max(len(layer.table_of(tables)) for layer in network.layers)
    return _padded(_ACTIVATION_BYTES * max(maps) + _TURN_BYTES * most_sites + 8, 64)

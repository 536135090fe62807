"""The network as integers: what every runtime computes, and nothing else.

A layer gathers rows of the previous feature map by a site table, multiplies the concatenated row
(uint8) with int8 weights, adds an int32 bias and requantizes:

    q = saturate_uint8(rint_half_even(float32(acc) * s)),   s = float32(in_scale * weight_scale) /
    out_scale

Activations are uint8 with zero point 0: the zero site is 0 and ReLU is the saturation at 0. |acc|
stays below 2^24, so float32(acc) is exact; without fused multiply-add every engine gives the same
integers. Batch normalisation is folded in before (models/quantize.py).

Invariant: each level has one `children` layer (2x2 stride 2; 4x4 for the stem) and then any number
of `near` layers (3x3), named `children1`, `near1a`, `near1b`, `children2`, ...

An object's embedding is the mean of the last feature map over its sites, or that mean and the
maximum side by side (`pooling`; models/runtimes/__init__.py: `embed`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.archive import ArchiveError, pack_arrays, unpack_arrays
from models.preprocess import CHANNELS
from models.sites import MAX_LEVELS, Tables

FORMAT = 2
POOLINGS = ("mean", "mean+max")  # in the file: their number
MOST_NEAR = 8  # layers of one level
INPUT_SCALE = np.float32(1 / 255)
_EXACT_ACCUMULATOR = 1 << 24

Float32 = npt.NDArray[np.float32]
Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Array = npt.NDArray[Any]


class NetworkError(ValueError):
    """The arrays do not describe a network that every runtime computes alike."""


@dataclass(frozen=True)
class Layer:
    """One gather, product and requantization."""

    table: str  # "children" or "near"
    level: int  # 1 .. MAX_LEVELS: the level of its output
    taps: int  # 16, 4 or 9 sites gathered per output site
    weights: Int8  # [taps * C_in, C_out], within -127 .. 127
    bias: Int32  # [C_out], in units of in_scale * weight_scale
    weight_scale: Float32  # [C_out]
    in_scale: np.float32
    out_scale: np.float32
    rank: int = 0  # which of its level's `near` layers

    @property
    def name(self) -> str:
        return layer_name(self.table, self.level, self.rank)

    @property
    def table_name(self) -> str:
        """Of the graphs' input that it reads; the `near` layers of a level share one."""
        return f"{self.table}{self.level}"

    @property
    def channels_in(self) -> int:
        return int(self.weights.shape[0]) // self.taps

    @property
    def channels_out(self) -> int:
        return int(self.weights.shape[1])

    @property
    def multiplier(self) -> Float32:
        """s of the module docstring, float32 [C_out], rounded exactly as the runtimes round it."""
        return (self.in_scale * self.weight_scale).astype(np.float32) / self.out_scale

    def table_of(self, tables: Tables) -> Int32:
        """int32 [N_level, taps]."""
        return (tables.children if self.table == "children" else tables.near)[self.level - 1]


@dataclass(frozen=True)
class Network:
    layers: tuple[Layer, ...]
    pooling: str = "mean"  # one of POOLINGS

    @property
    def levels(self) -> int:
        """Coarse levels: `build_tables` takes it."""
        return self.layers[-1].level

    @property
    def starts_with_stem(self) -> bool:
        """Whether the first layer is the 4x4 stem on pixels, as in every network from a file."""
        return self.layers[0].weights.shape[0] == 16 * CHANNELS and self.layers[0].taps == 16

    @property
    def near(self) -> tuple[int, ...]:
        """How many 3x3 layers each level has."""
        each = [layer.level for layer in self.layers if layer.table == "near"]
        return tuple(each.count(level) for level in range(1, self.levels + 1))

    @property
    def feature_width(self) -> int:
        """Channels of the last feature map."""
        return self.layers[-1].channels_out

    @property
    def embedding_width(self) -> int:
        return self.feature_width * len(self.pooling.split("+"))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels that leave each level."""
        last = {layer.level: layer.channels_out for layer in self.layers}
        return tuple(last.values())

    @property
    def parameters(self) -> int:
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def macs(self, site_counts: tuple[int, ...]) -> int:
        """Multiply-accumulates for a batch with these sites per level (N0 .. NL)."""
        return sum(site_counts[layer.level] * layer.weights.size for layer in self.layers)

    def inputs(self, tables: Tables) -> dict[str, Array]:
        """What the graphs take: x0, and each table that a layer reads, by its name.

        Raises ValueError for tables of another number of levels.
        """
        if len(tables.children) != self.levels:
            raise ValueError(f"tables of {len(tables.children)} levels; it has {self.levels}")
        if tables.gathered:
            raise ValueError("gathered tables: only the native runtime reads them")
        named = {layer.table_name: layer.table_of(tables) for layer in self.layers}
        return {"x0": tables.x0, **named}

    def to_bytes(self) -> bytes:
        arrays: dict[str, Array] = {
            "format": np.array(FORMAT, np.int32),
            "near": np.array(self.near, np.int32),
            "pooling": np.array(POOLINGS.index(self.pooling), np.int32),
        }
        for layer in self.layers:
            arrays[f"{layer.name}.weights"] = layer.weights
            arrays[f"{layer.name}.bias"] = layer.bias
            arrays[f"{layer.name}.weight_scale"] = layer.weight_scale
            arrays[f"{layer.name}.out_scale"] = np.array(layer.out_scale, np.float32)
        return pack_arrays(arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Network:
        """Raises NetworkError naming the array that is missing or does not fit."""
        try:
            arrays = unpack_arrays(data)
        except ArchiveError as error:
            raise NetworkError(str(error)) from error
        near, pooling = _read_plan(arrays)
        layers: list[Layer] = []
        scale, channels = INPUT_SCALE, CHANNELS
        for table, level, rank in plan(near):
            layer = _read_layer(arrays, table, level, rank, channels, scale)
            scale, channels = layer.out_scale, layer.channels_out
            layers.append(layer)
        if len(arrays) != _PLAN_ARRAYS + 4 * len(layers):
            raise NetworkError("arrays that no layer uses")
        return cls(tuple(layers), pooling)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()


def taps_of(table: str, level: int) -> int:
    if table == "near":
        return 9
    return 16 if level == 1 else 4


def layer_name(table: str, level: int, rank: int = 0) -> str:
    """`children3`; `near3a` for the first 3x3 layer of level 3."""
    return f"{table}{level}" + (chr(ord("a") + rank) if table == "near" else "")


def plan(near: Sequence[int]) -> list[tuple[str, int, int]]:
    """(table, level, rank) of each layer, in order, where level l has near[l - 1] 3x3 layers."""
    layers = []
    for level, count in enumerate(near, 1):
        layers.append(("children", level, 0))
        layers += [("near", level, rank) for rank in range(count)]
    return layers


_PLAN_ARRAYS = 3  # format, near, pooling


def _read_plan(arrays: dict[str, Array]) -> tuple[list[int], str]:
    """How many 3x3 layers each level has, and the pooling."""

    def read(name: str, ndim: int) -> Array:
        array = arrays.get(name)
        if array is None or array.dtype != np.int32 or array.ndim != ndim:
            raise NetworkError(f"{name}: expected int32 of {ndim} dimensions")
        return array

    if read("format", 0) != FORMAT:
        raise NetworkError(f"format: {arrays['format']}, expected {FORMAT}")
    near, pooling = read("near", 1), int(read("pooling", 0))
    if not 1 <= len(near) <= MAX_LEVELS or near.min() < 0 or near.max() > MOST_NEAR:
        raise NetworkError(
            f"near: expected 1 to {MAX_LEVELS} levels, each with at most {MOST_NEAR} layers"
        )
    if not 0 <= pooling < len(POOLINGS):
        raise NetworkError(f"pooling: {pooling}, expected 0 .. {len(POOLINGS) - 1}")
    return near.tolist(), POOLINGS[pooling]


def _read_layer(
    arrays: dict[str, Array], table: str, level: int, rank: int, channels: int, scale: np.float32
) -> Layer:
    name, taps = layer_name(table, level, rank), taps_of(table, level)

    def read(part: str, dtype: type[np.generic], ndim: int) -> Array:
        array = arrays.get(f"{name}.{part}")
        if array is None or array.dtype != dtype or array.ndim != ndim:
            raise NetworkError(f"{name}.{part}: expected {dtype.__name__} of {ndim} dimensions")
        return array

    weights = read("weights", np.int8, 2)
    bias = read("bias", np.int32, 1)
    weight_scale = read("weight_scale", np.float32, 1)
    out_scale = read("out_scale", np.float32, 0)
    width = weights.shape[1]
    if weights.shape[0] != taps * channels or width < 1 or bias.shape != (width,):
        raise NetworkError(f"{name}: weights {weights.shape}, expected {taps * channels} rows")
    if weight_scale.shape != (width,) or not _positive(weight_scale) or not _positive(out_scale):
        raise NetworkError(f"{name}: scales must be positive, finite, one per channel")
    reach = 255 * np.abs(weights.astype(np.int64)).sum(axis=0) + np.abs(bias.astype(np.int64))
    if int(weights.min()) < -127 or int(reach.max()) >= _EXACT_ACCUMULATOR:
        raise NetworkError(
            f"{name}: weights below -127, or sums beyond 2^24 (not exact in float32)"
        )
    return Layer(
        table, level, taps, weights, bias, weight_scale, scale, np.float32(out_scale), rank
    )


def _positive(values: Array) -> bool:
    return bool(np.isfinite(values).all() and (values > 0).all())

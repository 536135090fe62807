"""Golden vectors: objects whose embedding is known bit by bit, so that a bundle proves itself.

The objects are drawn here, not photographed: a pixel, a line, a ring, limbs, scattered parts, a
large one that is halved. Their embeddings come from the reference runtime; their probabilities,
which pass through float32, are compared with a tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.archive import ArchiveError, pack_arrays, unpack_arrays
from models.head import Head
from models.measure_table import MEASURES
from models.network import Network
from models.preprocess import CHANNELS, SHAPE_NAMES, Bool, Float32, Prepared, UInt8, prepare
from models.runtimes import embed
from models.runtimes.reference import ReferenceRuntime
from models.sites import build_tables

PROBABILITY_TOLERANCE = 1e-3
_SEED = 20160404

UInt16 = npt.NDArray[np.uint16]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Golden:
    prepared: tuple[Prepared, ...]
    measures: Float32  # [n, K]
    embedding: UInt16  # [n, C], to be met exactly
    probabilities: Float32  # [n, classes], to be met within PROBABILITY_TOLERANCE

    @property
    def shape(self) -> Float32:
        return np.stack([p.shape for p in self.prepared])

    def to_bytes(self) -> bytes:
        return pack_arrays(
            {
                "sizes": np.array([[*p.mask.shape, p.level] for p in self.prepared], np.int32),
                "mask": np.concatenate([p.mask.ravel() for p in self.prepared]),
                "x": np.concatenate([p.x.ravel() for p in self.prepared]),
                "shape": self.shape,
                "measures": self.measures,
                "embedding": self.embedding,
                "probabilities": self.probabilities,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Golden:
        """Raises ArchiveError naming what does not fit."""
        arrays = unpack_arrays(data)
        n = len(arrays.get("sizes", ()))
        for name, dtype, shape in (
            ("sizes", np.int32, (n, 3)), ("mask", np.bool_, (-1,)), ("x", np.uint8, (-1,)),
            ("shape", np.float32, (n, len(SHAPE_NAMES))), ("measures", np.float32, (n, -1)),
            ("embedding", np.uint16, (n, -1)), ("probabilities", np.float32, (n, -1)),
        ):  # fmt: skip
            array = arrays.get(name)
            if array is None or array.dtype != dtype or not _fits(array.shape, shape):
                raise ArchiveError(f"golden {name}: expected {np.dtype(dtype)} {shape}")
        prepared = _split(arrays["sizes"], arrays["mask"], arrays["x"], arrays["shape"])
        return cls(prepared, arrays["measures"], arrays["embedding"], arrays["probabilities"])


def make_golden(network: Network, head: Head) -> Golden:
    """What the reference says about the drawn objects."""
    random = np.random.default_rng(_SEED)
    prepared = tuple(prepare(signal, mask) for signal, mask in draw_objects(random))
    tables = build_tables(prepared, network.levels)
    features = ReferenceRuntime(network).run(tables)
    embedding = embed(features, tables.object_sites, network.pooling)
    measures = np.zeros((len(prepared), len(MEASURES)), np.float32)
    if len(head.columns):  # plausible values, drawn round the means that the head knows
        mean, scale = (part[-len(head.columns) :] for part in (head.mean, head.scale))
        drawn = mean + scale * random.normal(size=(len(prepared), len(head.columns)))
        measures[:, head.columns] = np.sinh(np.clip(drawn, -20, 20)).astype(np.float32)
    shape = np.stack([p.shape for p in prepared])
    return Golden(prepared, measures, embedding, head.probabilities(embedding, shape, measures))


def draw_objects(random: np.random.Generator) -> list[tuple[UInt8, Bool]]:
    """Twelve (signal, mask) of all kinds of shape."""
    y, x = np.mgrid[-24:25, -24:25]
    radius = np.hypot(y, x)
    angle = np.arctan2(y, x)
    large_y, large_x = np.mgrid[-50:51, -70:71]
    scattered = random.random((30, 41)) < 0.03
    scattered[14, 20] = True
    masks = [
        np.ones((1, 1), np.bool_),
        np.ones((1, 37), np.bool_),
        np.ones((23, 1), np.bool_),
        np.eye(33, dtype=np.bool_),
        radius < 6.5,
        radius < 20,
        np.abs(radius - 17) < 1.5,
        (radius < 8) | ((radius < 24) & (np.abs(np.sin(3 * angle)) < 0.12)),
        (np.abs(y) < 3) | ((np.abs(x) < 2) & (radius < 21)),
        scattered,
        random.random((19, 26)) < 0.6,
        (large_y / 45) ** 2 + (large_x / 66) ** 2 < 1 + 0.1 * np.sin(large_x / 5),
    ]
    return [(_texture(mask.shape, random), mask) for mask in masks]


def _texture(shape: tuple[int, ...], random: np.random.Generator) -> UInt8:
    height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    waves = np.sin(x / random.uniform(2, 9) + y / random.uniform(2, 9)) * random.uniform(10, 90)
    noise = random.normal(scale=8, size=(height, width))
    texture: UInt8 = np.clip(random.uniform(30, 200) + waves + noise, 0, 255).astype(np.uint8)
    return texture


def _split(sizes: Array, mask: Array, x: Array, shape: Array) -> tuple[Prepared, ...]:
    prepared, start = [], 0
    for (height, width, level), values in zip(sizes.tolist(), shape, strict=True):
        stop = start + height * width
        if height < 1 or width < 1 or level < 0 or stop > len(mask) or stop * CHANNELS > len(x):
            raise ArchiveError("golden sizes: beyond the pixels given")
        pixels = x[start * CHANNELS : stop * CHANNELS].reshape(height, width, CHANNELS)
        prepared.append(Prepared(pixels, mask[start:stop].reshape(height, width), level, values))
        start = stop
    if start != len(mask) or start * CHANNELS != len(x) or not prepared:
        raise ArchiveError("golden sizes: do not use all pixels")
    if not all(p.mask.any() for p in prepared):
        raise ArchiveError("golden mask: an object without a pixel")
    return tuple(prepared)


def _fits(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (-1, size) for size, wanted in zip(shape, expected, strict=True)
    )

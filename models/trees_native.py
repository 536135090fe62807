"""Growing and asking trees with the C library (edge/native/forest.h); where there is none,
`models.trees` leaves it to scikit-learn and numpy.

Example:
    >>> tree = grow_tree(ranks, target, weight, classes=30, tries=7, leaf_least=2, seed=5)
    >>> tree.column[:3], tree.first[:1], tree.count[:1]
    (array([12,  3, -2]), array([0]), array([2664]))
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models import native

VERSION = 1
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
UInt32 = npt.NDArray[np.uint32]


class _Tree(ctypes.Structure):
    """`seadrift_tree`, field for field."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("ranks", "target", "weight")),
        ("seed", ctypes.c_int64),
        *(
            (name, ctypes.c_int32)
            for name in ("objects", "columns", "classes", "tries", "leaf_least")
        ),
        *((name, ctypes.c_void_p) for name in ("keys", "sums", "drawn", "stack")),
        *(
            (name, ctypes.c_void_p)
            for name in ("order", "first", "count", "column", "below", "above", "left", "right")
        ),
        ("nodes", ctypes.c_int32),
    )


class _Asked(ctypes.Structure):
    """`seadrift_asked`, field for field."""

    _fields_ = (
        *(
            (name, ctypes.c_void_p)
            for name in (
                "values", "starts", "feature", "threshold", "left", "right", "leaf", "taxon",
                "share",
            )
        ),
        ("objects", ctypes.c_int64),
        *((name, ctypes.c_int32) for name in ("columns", "trees", "classes")),
        ("total", ctypes.c_void_p),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class NativeTree:
    """As edge/native/forest.h says; `order` are the objects seen."""

    order: Int32
    first: Int32
    count: Int32
    column: Int32
    below: UInt32
    above: UInt32
    left: Int32
    right: Int32


def is_here() -> bool:
    """Whether the library has this part; one that was built before it has not."""
    version = getattr(native.LIBRARY, "seadrift_forest_version", None)
    return version is not None and version() == VERSION


_OUT = (
    ("order", 1, np.int32), ("first", 2, np.int32), ("count", 2, np.int32),
    ("column", 2, np.int32), ("below", 2, np.uint32), ("above", 2, np.uint32),
    ("left", 2, np.int32), ("right", 2, np.int32),
)  # fmt: skip
_THREAD = threading.local()


def grow_tree(
    ranks: UInt32,
    target: Int32,
    weight: Float64,
    *,
    classes: int,
    tries: int,
    leaf_least: int,
    seed: int,
) -> NativeTree:
    """`ranks` uint32 [columns, n], each column's values in their order; `target` int32 [n];
    `weight` float64 [n], 0 for what the tree does not see. Raises ValueError."""
    columns, n = ranks.shape
    if target.shape != (n,) or weight.shape != (n,):
        raise ValueError(f"ranks {ranks.shape}, target {target.shape}, weight {weight.shape}")
    room = _room(n, columns, classes)
    given: dict[str, npt.NDArray[Any]] = {
        "ranks": np.ascontiguousarray(ranks, np.uint32),
        "target": np.ascontiguousarray(target, np.int32),
        "weight": np.ascontiguousarray(weight, np.float64),
    }
    tree = _Tree(
        seed=seed, objects=n, columns=columns, classes=classes, tries=tries, leaf_least=leaf_least
    )
    arrays: dict[str, npt.NDArray[Any]] = {**given, **room}
    for name, array in arrays.items():
        setattr(tree, name, array.ctypes.data)
    if _library().seadrift_grow(ctypes.byref(tree)):
        raise ValueError("a tree cannot be grown from these numbers")
    nodes = tree.nodes
    seen = int(room["count"][0])
    cut = {name: room[name][: seen if name == "order" else nodes].copy() for name, _, _ in _OUT}
    return NativeTree(**cut)


def add_shares(values: Float32, forest: Any, total: Float64) -> None:
    """Add what each tree's leaf says of each object to `total`, float64 [n, classes]. `forest` is
    a checked `models.trees.Forest`."""
    values = np.ascontiguousarray(values, np.float32)
    n, columns = values.shape
    asked = _Asked(
        objects=n, columns=columns, trees=len(forest.starts) - 1, classes=len(forest.classes)
    )
    asked.values, asked.total = values.ctypes.data, total.ctypes.data
    for name in ("starts", "feature", "threshold", "left", "right", "leaf", "taxon", "share"):
        setattr(asked, name, getattr(forest, name).ctypes.data)
    _library().seadrift_ask(ctypes.byref(asked))


def _library() -> Any:
    assert is_here()
    return native.LIBRARY


def _room(n: int, columns: int, classes: int) -> dict[str, npt.NDArray[Any]]:
    """Memory of this thread, used again for the next tree of the same size."""
    kept: tuple[tuple[int, int, int], dict[str, npt.NDArray[Any]]] | None
    kept = getattr(_THREAD, "room", None)
    if kept is None or kept[0] != (n, columns, classes):
        room: dict[str, npt.NDArray[Any]] = {
            name: np.empty(times * n, kind) for name, times, kind in _OUT
        }
        room["keys"] = np.empty(2 * n, np.uint64)
        room["sums"] = np.empty(3 * classes, np.float64)
        room["drawn"] = np.empty(columns, np.int32)
        room["stack"] = np.empty(2 * n + 2, np.int32)
        kept = _THREAD.room = ((n, columns, classes), room)
    return kept[1]

"""A frame's objects in one call: what one by one gives, bit for bit, within the room given."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import batch as module
from models import classifier as classifying
from models import native
from models.batch import Batch, Room, batch_crops, gather_crops
from models.bundle import Bundle
from models.classifier import Classifier
from models.crops import Crops
from models.measure_table import MEASURES
from models.network import POOLINGS, Network
from models.preprocess import MAX_AREA_PX, prepare_numpy
from models.runtimes import embed
from models.runtimes.native import NativeRuntime
from models.runtimes.reference import ReferenceRuntime
from models.sites import MAX_LEVELS, build_tables_numpy

Region = tuple[np.ndarray, np.ndarray]
MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=21)).filter(np.any)
BAD_ARGUMENT, SMALL_SCRATCH, SMALL_TABLES = 1, 2, 3

needs_library = pytest.mark.skipif(native.LIBRARY is None, reason=native.REASON or "loaded")


def crops_of(regions: Sequence[Region]) -> Crops:
    return Crops.of([(signal, mask, 0, 0) for signal, mask in regions])


def drawn(masks: Sequence[np.ndarray], seed: int = 0) -> list[Region]:
    random = np.random.default_rng(seed)
    return [(random.integers(0, 256, m.shape).astype(np.uint8), m) for m in masks]


def disc(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.hypot(y, x) <= radius


def definition(regions: Sequence[Region], levels: int) -> Batch:
    prepared = [prepare_numpy(signal, mask) for signal, mask in regions]
    shape = np.array([p.shape for p in prepared], np.float32).reshape(-1, 4)
    return Batch(build_tables_numpy(prepared, levels), shape)


def assert_equal(found: Batch, wanted: Batch) -> None:
    pairs = zip(
        (found.shape, found.tables.x0, found.tables.object_sites),
        (wanted.shape, wanted.tables.x0, wanted.tables.object_sites),
        strict=True,
    )
    tables = ((t.children, t.near) for t in (found.tables, wanted.tables))
    for one, other in [
        *pairs,
        *(pair for parts in zip(*tables, strict=True) for pair in zip(*parts, strict=True)),
    ]:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@given(st.lists(MASKS, max_size=5), st.integers(1, MAX_LEVELS), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_batch_is_what_one_by_one_gives(masks: list[np.ndarray], levels: int, seed: int) -> None:
    """Also of boxes that are not tight: `prepare` cuts them."""
    regions = drawn(masks, seed)
    assert_equal(batch_crops(crops_of(regions), levels), definition(regions, levels))


def test_objects_of_every_size() -> None:
    """One pixel; just not and just halved; halved five times; thin, and longer than C takes."""
    just = np.zeros((60, 60), np.bool_)
    just.flat[:MAX_AREA_PX] = True
    more = just.copy()
    more.flat[MAX_AREA_PX] = True
    masks = [
        np.ones((1, 1), np.bool_), just, more, disc(1000), np.eye(2000, dtype=np.bool_),
        np.ones((1, 2000), np.bool_), np.ones((2000, 1), np.bool_), np.ones((300, 301), np.bool_),
        np.pad(np.ones((257, 515), np.bool_), ((3, 9), (0, 11))),
    ]  # fmt: skip
    for chosen in (masks, masks[:1], masks[3:4], [np.ones((2, 9000), np.bool_), *masks[:2]]):
        regions = drawn(chosen)
        assert_equal(batch_crops(crops_of(regions)), definition(regions, 4))


def test_flags_may_be_any_number_but_zero() -> None:
    regions = drawn([disc(30), disc(3)])
    crops = crops_of(regions)
    crops.masks[crops.masks > 0] = np.random.default_rng(1).integers(1, 256, crops.masks.sum())
    assert_equal(batch_crops(crops), definition(regions, 4))


@needs_library
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=1, max_size=5),
    st.lists(MASKS, max_size=5),
    st.sampled_from(POOLINGS),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=50)
def test_the_native_runtime_embeds_crops_as_the_reference(
    draw_network: Callable[..., Network],
    levels: list[tuple[int, int]],
    masks: list[np.ndarray],
    pooling: str,
    seed: int,
) -> None:
    """On every path of this machine, from windows gathered beforehand."""
    widths, near = zip(*levels, strict=True)
    network = draw_network(widths, seed, near, pooling)
    regions = drawn(masks, seed)
    wanted = definition(regions, network.levels)
    features = ReferenceRuntime(network).run(wanted.tables)
    expected = embed(features, wanted.tables.object_sites, pooling)
    for path in ("scalar", NativeRuntime(network).path):
        runtime = NativeRuntime(network, path)
        embedding, shape = runtime.embed_crops(crops_of(regions))
        np.testing.assert_array_equal(embedding, expected)
        np.testing.assert_array_equal(shape, wanted.shape)
        np.testing.assert_array_equal(runtime.embed(wanted.tables), expected)


@needs_library
def test_a_room_serves_frame_after_frame(
    draw_network: Callable[..., Network], draw_regions: Callable[..., list[Region]]
) -> None:
    """Many objects, none, a huge one, many again: what was there before leaves no trace."""
    network = draw_network((8, 16, 32, 56), 3, (0, 0, 1, 1), "mean+max")
    runtime = NativeRuntime(network)
    for regions in (
        draw_regions(40, 1), [], drawn([disc(900)]), draw_regions(300, 2), draw_regions(3, 3),
    ):  # fmt: skip
        wanted = definition(regions, 4).tables
        expected = embed(ReferenceRuntime(network).run(wanted), wanted.object_sites, "mean+max")
        np.testing.assert_array_equal(runtime.embed_crops(crops_of(regions))[0], expected)


@needs_library
def test_gathered_windows_are_the_pixels_that_the_table_names(
    draw_regions: Callable[..., list[Region]],
) -> None:
    regions = draw_regions(20, 8)
    plain = batch_crops(crops_of(regions)).tables
    assert native.LIBRARY is not None
    batch = gather_crops(native.LIBRARY, crops_of(regions), (1, 0, 2, 1), Room())
    assert batch is not None
    tables = batch.tables
    assert tables.gathered
    assert not plain.gathered
    windows = plain.x0[plain.children[0]].reshape(-1, module.WINDOW_BYTES)
    np.testing.assert_array_equal(tables.x0[1:], windows)
    assert not tables.x0[0].any()
    assert [table.shape[1] for table in tables.near] == [9, 0, 9, 9]
    for level in (0, 2, 3):
        np.testing.assert_array_equal(tables.near[level], plain.near[level])
    for level in (1, 2, 3):
        np.testing.assert_array_equal(tables.children[level], plain.children[level])


def test_gathered_tables_are_not_for_other_runtimes(
    factory_bundle: Bundle, draw_regions: Callable[..., list[Region]]
) -> None:
    if native.LIBRARY is None:
        pytest.skip(native.REASON)
    network = factory_bundle.network
    batch = gather_crops(native.LIBRARY, crops_of(draw_regions(3, 8)), network.near, Room())
    assert batch is not None
    with pytest.raises(ValueError, match="only the native runtime"):
        ReferenceRuntime(network).run(batch.tables)


@pytest.mark.parametrize("cells", [1, 3000, 1 << 20])
@pytest.mark.parametrize("runtime", ["auto", "reference"])
def test_crops_are_classified_as_regions_are(
    factory_bundle: Bundle,
    draw_regions: Callable[..., list[Region]],
    monkeypatch: pytest.MonkeyPatch,
    cells: int,
    runtime: str,
) -> None:
    monkeypatch.setattr(classifying, "MAX_BATCH_CELLS", cells)
    regions = draw_regions(25, 4)
    measures = np.zeros((25, len(MEASURES)), np.float32)
    classifier = Classifier(factory_bundle, runtime)
    found = classifier.classify_crops(crops_of(regions), measures)
    wanted = classifier.classify([s for s, _ in regions], [m for _, m in regions], measures)
    np.testing.assert_array_equal(found.embedding, wanted.embedding)
    np.testing.assert_array_equal(found.shape, wanted.shape)
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)
    none = classifier.classify_crops(crops_of([]), measures[:0])
    assert len(none.embedding) == len(none.shape) == len(none.probabilities) == 0


@pytest.mark.parametrize("library", ["with", "without"])
def test_an_empty_mask_is_named(
    factory_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    if library == "without":
        monkeypatch.setattr(native, "LIBRARY", None)
    crops = crops_of(drawn([disc(3), disc(4), disc(5)]))
    crops.masks[crops.starts[1] : crops.starts[2]] = 0
    with pytest.raises(ValueError, match="object 1: the mask is empty"):
        batch_crops(crops)
    with pytest.raises(ValueError, match="object 1: the mask is empty"):
        Classifier(factory_bundle).classify_crops(crops, np.zeros((3, len(MEASURES)), np.float32))


def test_without_the_library_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, draw_regions: Callable[..., list[Region]]
) -> None:
    crops = crops_of(draw_regions(9, 6))
    found = batch_crops(crops, 5)
    monkeypatch.setattr(native, "LIBRARY", None)
    assert_equal(batch_crops(crops, 5), found)


# --- the C function itself, given too little room and nonsense


class Call:
    """One call with exactly the room said, each buffer followed by a guard."""

    GUARD = 0xA7

    def __init__(
        self, regions: Sequence[Region], counts: Sequence[int], scratch: int, gathered: bool
    ) -> None:
        self.crops, n = crops_of(regions), len(regions)
        columns = module.WINDOW_BYTES if gathered else 2
        sizes = {"x0": (counts[1 if gathered else 0] + 1) * columns, "scratch": scratch}
        for level, count in enumerate(counts[1:], 1):
            sizes[f"children{level}"] = 4 * count * (16 if level == 1 else 4)
            sizes[f"near{level}"] = 4 * 9 * count
        sizes |= {"object_sites": 4 * n, "halvings": 4 * n, "sums": 48 * n}
        self.buffers = {k: np.full(size + 64, self.GUARD, np.uint8) for k, size in sizes.items()}
        at = {name: buffer.ctypes.data for name, buffer in self.buffers.items()}
        self.batch = module._CBatch(
            self.crops.boxes.ctypes.data, self.crops.starts.ctypes.data,
            self.crops.masks.ctypes.data, self.crops.signals.ctypes.data, self.crops.masks.size,
            n, len(counts) - 1, MAX_AREA_PX, gathered, (ctypes.c_int32 * 6)(*counts),
            at["scratch"], scratch, at["x0"],
            (ctypes.c_void_p * 5)(*(at[f"children{i}"] for i in range(1, len(counts)))),
            (ctypes.c_void_p * 5)(*(at[f"near{i}"] for i in range(1, len(counts)))),
            at["object_sites"], at["halvings"], at["sums"],
        )  # fmt: skip

    def run(self) -> int:
        assert native.LIBRARY is not None
        code = int(native.LIBRARY.seadrift_build_batch(ctypes.byref(self.batch)))
        for name, buffer in self.buffers.items():
            assert (buffer[-64:] == self.GUARD).all(), f"wrote behind {name}"
        return code


@needs_library
@pytest.mark.parametrize("gathered", [False, True])
def test_too_little_room_is_told_and_respected(
    gathered: bool, draw_regions: Callable[..., list[Region]]
) -> None:
    regions = [*draw_regions(6, 4), *drawn([disc(40)])]
    counts = list(definition(regions, 4).tables.site_counts)
    blind = Call(regions, counts, 0, gathered)
    assert blind.run() == SMALL_SCRATCH
    scratch = int(blind.batch.needed_scratch)
    assert Call(regions, counts, scratch, gathered).run() == 0
    assert Call(regions, counts, scratch - 1, gathered).run() == SMALL_SCRATCH
    for level in range(1 if gathered else 0, 5):
        for room in (0, 1, counts[level] - 1):
            call = Call(regions, [*counts[:level], room, *counts[level + 1 :]], scratch, gathered)
            assert call.run() == SMALL_TABLES
            assert list(call.batch.counts)[:5] == counts


@needs_library
@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda b: setattr(b, "levels", 0), -1),
        (lambda b: setattr(b, "levels", 6), -1),
        (lambda b: setattr(b, "objects", -1), -1),
        (lambda b: setattr(b, "gathered", 2), -1),
        (lambda b: setattr(b, "max_area", 0), -1),
        (lambda b: setattr(b, "x0", None), -1),
        (lambda b: setattr(b, "sums", None), -1),
        (lambda b: setattr(b, "children", (ctypes.c_void_p * 5)()), -1),
        (lambda b: setattr(b, "scratch_bytes", -8), -1),
        (lambda b: setattr(b, "cells", b.cells - 1), 2),
        (lambda b: setattr(b, "cells", -1), 0),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    change: Callable[[ctypes.Structure], None], refused: int
) -> None:
    call = Call(drawn([disc(5)] * 3), (500, 500, 500, 500, 500), 1 << 15, False)
    change(call.batch)
    assert call.run() == BAD_ARGUMENT
    assert call.batch.refused == refused


@needs_library
@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        *((("boxes", place, value)) for place in ((1, 2), (1, 3)) for value in (0, -1, 2**31 - 1)),
        *((("starts", place, value)) for place in (1, 2) for value in (-1, 0, 2**63 - 1, -(2**63))),
    ],
)
def test_boxes_beyond_the_pixels_are_refused(name: str, place: object, value: int) -> None:
    call = Call(drawn([disc(5)] * 3), (500, 500, 500, 500, 500), 1 << 15, True)
    getattr(call.crops, name)[place] = value
    assert call.run() == BAD_ARGUMENT
    assert call.batch.refused in (0, 1)


def test_the_shape_of_each_object_is_its_own(draw_regions: Callable[..., list[Region]]) -> None:
    regions = draw_regions(30, 12)
    together = batch_crops(crops_of(regions)).shape
    for (first, second), rows in zip(pairwise(regions), pairwise(together), strict=True):
        np.testing.assert_array_equal(batch_crops(crops_of([first, second])).shape, rows)

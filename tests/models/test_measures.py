"""Measures against what they say of themselves, and ImageJ's algorithm.

See test_measure_shapes.py, test_measure_libraries.py and test_measure_flowcam.py for how well they
agree with the truth.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from models.measure_agreement import TRACED_PX
from models.measure_table import as_markdown, measured_in_all, missing_measures, names_of
from models.measures import (
    INDEX,
    MEASURES,
    MEASURES_VERSION,
    measure,
    measure_by_definition,
    measure_many,
)

Mask = NDArray[np.bool_]
REPO = Path(__file__).parents[2]


def values(mask: Mask, grey: NDArray[np.uint8] | None = None, **place: int) -> dict[str, float]:
    """A shape's measures by name; its grey is 100 unless given."""
    if grey is None:
        grey = np.where(mask, 100, 0).astype(np.uint8)
    row = measure(grey, mask, place.get("bx", 0), place.get("by", 0), "dark")
    return {m.name: float(row[i]) for i, m in enumerate(MEASURES)}


def ellipse(a: float, b: float, degrees: float = 0.0) -> Mask:
    reach = int(max(a, b)) + 3
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    turn = math.radians(degrees)  # anticlockwise as seen, y pointing down
    along, across = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
    return (along / a) ** 2 + (across / b) ** 2 <= 1


def test_the_table_is_complete_and_each_name_is_there_once() -> None:
    names = [m.name for m in MEASURES]
    assert len(set(names)) == len(names) >= 60
    assert sum(m.tier == "fast" for m in MEASURES) >= 60
    assert all(m.definition and m.source and m.kind for m in MEASURES)
    assert all(name == name.lower() for name in names)


def test_the_page_of_measures_is_current() -> None:
    assert (REPO / "docs" / "measures.md").read_text(encoding="utf-8") == as_markdown()


def test_names_are_those_that_the_version_knew() -> None:
    assert names_of(1, 64) == tuple(m.name for m in MEASURES[:64])
    assert all(m.version == 1 for m in MEASURES[:64])
    assert names_of(1, 66)[64:] == ("measure_64", "measure_65")
    assert names_of(MEASURES_VERSION, len(MEASURES)) == tuple(m.name for m in MEASURES)
    assert names_of(MEASURES_VERSION + 1, 2) == ("measure_0", "measure_1")
    assert names_of(1, 0) == ()


def test_a_head_learns_only_from_what_every_object_was_measured_for() -> None:
    measures = np.ones((3, len(MEASURES)), np.float32)
    columns = (INDEX["area"], INDEX["fractal"], INDEX["slope"])
    assert measured_in_all(measures, columns) == columns
    measures[1, INDEX["skelarea"]] = 0  # measured with the costly tier switched off
    assert measured_in_all(measures, columns) == (INDEX["area"], INDEX["slope"])
    assert missing_measures(columns, "all") == missing_measures(columns[::2], "fast") == ""
    assert "uses fractal, which" in missing_measures(columns, "fast")


def test_a_square() -> None:
    found = values(np.ones((10, 10), bool), bx=7, by=3)
    assert found["area"] == found["area_exc"] == found["bounding_box_area"] == 100
    assert (found["x"], found["y"]) == (11.5, 7.5)
    assert (found["bx"], found["by"], found["xstart"], found["ystart"]) == (7, 3, 7, 3)
    assert found["convarea"] == 100
    assert found["solidity"] == found["extent"] == 1
    assert found["convperim"] == 40
    assert found["feret"] == pytest.approx(10 * math.sqrt(2))
    # Four corners, each cut from 2 to the diagonal of a pixel.
    assert found["perim."] == pytest.approx(40 - 4 * (2 - math.sqrt(2)))
    assert found["elongation"] == pytest.approx(1)
    assert found["major"] == pytest.approx(2 * 10 / math.sqrt(math.pi))


@pytest.mark.parametrize("radius", [8, 20, 60])
def test_a_disc(radius: int) -> None:
    found = values(ellipse(radius, radius))
    assert found["area"] == pytest.approx(math.pi * radius**2, rel=0.025)
    assert found["esd"] == pytest.approx(2 * radius, rel=0.015)
    assert found["major"] == pytest.approx(2 * radius, rel=0.015)
    assert found["eccentricity"] == pytest.approx(0, abs=0.01)
    assert found["feret"] == pytest.approx(2 * radius + 1, abs=1)
    # A traced perimeter follows the pixels: 3 to 7 % long on a circle. ImageJ's is the same.
    assert 1.03 < found["perim."] / (2 * math.pi * radius) < 1.08
    assert 0.85 < found["circ."] < 0.95
    assert found["convarea_area"] == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_an_ellipse(degrees: float) -> None:
    found = values(ellipse(40, 15, degrees))
    assert found["major"] == pytest.approx(80, rel=0.02)
    assert found["minor"] == pytest.approx(30, rel=0.02)
    assert found["elongation"] == pytest.approx(40 / 15, rel=0.02)
    assert found["angle"] == pytest.approx(degrees, abs=0.5)
    assert found["feret"] == pytest.approx(80, abs=2)
    assert found["eccentricity"] == pytest.approx(math.sqrt(1 - (15 / 40) ** 2), abs=0.01)


def test_a_ring_has_a_hole_in_area_exc_only() -> None:
    disc, inner = ellipse(30, 30), ellipse(12, 12)
    ring = disc.copy()
    middle = disc.shape[0] // 2
    half = inner.shape[0] // 2
    ring[middle - half : middle + half + 1, middle - half : middle + half + 1] &= ~inner
    found, whole = values(ring), values(disc)
    assert found["area"] == disc.sum() == whole["area"]
    assert found["area_exc"] == ring.sum()
    assert found["%area"] == pytest.approx(100 * inner.sum() / disc.sum(), rel=1e-5)
    assert found["perim."] == pytest.approx(whole["perim."])
    assert found["min"] == 0 < whole["min"]  # grey is that of the filled object


def test_a_line_of_one_pixel() -> None:
    found = values(np.ones((1, 50), bool))
    assert (found["width"], found["height"], found["area"]) == (50, 1, 50)
    assert found["perim."] == pytest.approx(102, abs=2.5)
    assert found["feret"] == pytest.approx(50, abs=0.02)
    assert found["minor"] < 1.5
    assert found["angle"] == 0
    assert values(np.ones((50, 1), bool))["angle"] == 90


def test_a_single_pixel_has_finite_measures() -> None:
    found = values(np.ones((1, 1), bool))
    assert found["area"] == 1
    assert found["perim."] == pytest.approx(2 * math.sqrt(2))
    assert found["stddev"] == found["skew"] == found["kurt"] == found["meanpos"] == 0


def test_grey_statistics() -> None:
    grey = np.array([[10, 20, 30, 40]], np.uint8)
    found = values(np.ones((1, 4), bool), grey)
    assert (found["intden"], found["mean"], found["min"], found["max"]) == (100, 25, 10, 40)
    assert found["stddev"] == pytest.approx(np.std([10, 20, 30, 40], ddof=1))
    assert (found["histcum1"], found["median"], found["histcum3"]) == (10, 20, 30)
    assert found["histcum2"] == found["median"]
    assert found["meanpos"] == pytest.approx((25 - 40) / (25 - 10))
    assert found["xm"] == pytest.approx((0 * 10 + 20 + 2 * 30 + 3 * 40) / 100)
    assert found["centroids"] == pytest.approx(found["xm"] - found["x"])
    assert found["cv"] == pytest.approx(100 * found["stddev"] / 25)
    assert found["sr"] == pytest.approx(100 * found["stddev"] / 30)
    assert found["median_mean_range"] == pytest.approx((20 - 25) / 30)


def test_skewness_and_kurtosis_are_those_of_the_pixels() -> None:
    grey = np.random.default_rng(5).gamma(2, 20, (40, 40)).clip(0, 255).astype(np.uint8)
    found = values(np.ones((40, 40), bool), grey)
    away = grey.astype(float) - grey.mean()
    assert found["skew"] == pytest.approx((away**3).mean() / grey.std() ** 3, rel=1e-5)
    assert found["kurt"] == pytest.approx((away**4).mean() / grey.std() ** 4 - 3, rel=1e-5)


def test_the_same_object_in_both_fields_has_the_same_shape_and_signal_centroid() -> None:
    mask = ellipse(20, 9, 30)
    signal = np.where(mask, np.arange(mask.shape[1]) * 4, 0).astype(np.uint8)
    dark = measure(signal, mask, 5, 6, "dark")
    bright = measure(255 - signal, mask, 5, 6, "bright")
    same = [i for i, m in enumerate(MEASURES) if m.kind != "grey"]
    np.testing.assert_allclose(dark[same], bright[same], rtol=1e-6)
    assert dark[INDEX["mean"]] == pytest.approx(255 - bright[INDEX["mean"]], rel=1e-5)
    assert dark[INDEX["blur_laplacian"]] == pytest.approx(bright[INDEX["blur_laplacian"]])


def test_place_in_the_frame_changes_the_place_only() -> None:
    mask = ellipse(11, 6, 20)
    here, there = values(mask), values(mask, bx=1000, by=500)
    for m in MEASURES:
        shift = {"bx": 1000, "x": 1000, "xm": 1000, "xstart": 1000}.get(m.name, 0)
        shift += {"by": 500, "y": 500, "ym": 500, "ystart": 500}.get(m.name, 0)
        assert there[m.name] == pytest.approx(here[m.name] + shift, rel=1e-5), m.name


def test_many_are_the_same_as_one_by_one() -> None:
    random = np.random.default_rng(1)
    objects = []
    for size in (3, 17, 60):
        mask = random.random((size, size)) < 0.8
        for field in ("bright", "dark"):
            objects.append((random.integers(0, 256, mask.shape, np.uint8), mask, size, 2, field))
    together = measure_many(objects)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together, [measure(*one) for one in objects])
    assert measure_many([]).shape == (0, len(MEASURES))
    np.testing.assert_allclose(together, measure_by_definition(objects), rtol=2.0**-23)


@pytest.mark.parametrize(
    ("grey", "mask", "field", "said"),
    [
        (np.zeros((3, 3), np.uint8), np.zeros((3, 3), bool), "dark", "empty"),
        (np.zeros((3, 4), np.uint8), np.ones((3, 3), bool), "dark", "same"),
        (np.zeros((3, 3), np.uint8), np.ones((3, 3), bool), "light", "light"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    grey: NDArray[np.uint8], mask: Mask, field: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        measure(grey, mask, 0, 0, field)


masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14)).filter(np.any)


@settings(deadline=None)
@given(mask=masks, seed=st.integers(0, 2**32 - 1), field=st.sampled_from(["dark", "bright"]))
def test_any_mask_has_finite_measures_within_bounds(mask: Mask, seed: int, field: str) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, mask.shape, np.uint8)
    row = measure(grey, mask, 0, 0, field)
    assert np.isfinite(row).all()
    assert row[INDEX["area_exc"]] == mask.sum() <= row[INDEX["area"]]
    assert 0 < row[INDEX["solidity"]] <= 1
    assert 0 < row[INDEX["extent"]] <= 1
    assert row[INDEX["elongation"]] >= 1 - 1e-6
    assert row[INDEX["feret"]] >= max(row[INDEX["width"]], row[INDEX["height"]])
    assert row[INDEX["min"]] <= row[INDEX["median"]] <= row[INDEX["max"]]


def traced_perimeter(mask: Mask) -> tuple[float, int]:
    """ImageJ's algorithm, walked edge by edge from its text: length, and the number of edges."""
    padded = np.pad(mask, 1)
    top = int(np.nonzero(padded)[0][0])
    start = (int(padded[top].argmax()), top)
    steps = ((1, 0), (0, 1), (-1, 0), (0, -1))
    x, y = start
    heading, edges = 0, []
    while not edges or (x, y) != start or heading != 0:
        edges.append(heading)
        x, y = x + steps[heading][0], y + steps[heading][1]
        left, right = {
            0: ((x, y - 1), (x, y)),
            1: ((x, y), (x - 1, y)),
            2: ((x - 1, y), (x - 1, y - 1)),
            3: ((x - 1, y - 1), (x, y - 1)),
        }[heading]
        if padded[left[1], left[0]]:
            heading = (heading - 1) % 4
        elif not padded[right[1], right[0]]:
            heading = (heading + 1) % 4
    turns = [i for i in range(len(edges)) if edges[i] != edges[i - 1]]
    sides = [(turns[(k + 1) % len(turns)] - turn) % len(edges) for k, turn in enumerate(turns)]
    corners, at_corner = 0, False
    for before in [sides[-1], *sides[:-1]]:
        at_corner = before > 1 or not at_corner
        corners += at_corner
    return len(edges) - corners * (2 - math.sqrt(2)), len(edges)


@settings(deadline=None)
@given(mask=masks)
def test_the_traced_perimeter_is_imagejs(mask: Mask) -> None:
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    one = labels == 1
    expected, _ = traced_perimeter(one)
    # ImageJ begins at an arbitrary corner, which may count one corner more.
    assert values(one)["perim."] == pytest.approx(expected, abs=TRACED_PX)


@settings(deadline=None)
@given(mask=masks)
def test_area_is_that_of_the_filled_mask(mask: Mask) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    assert values(mask)["area"] == ndimage.binary_fill_holes(mask).sum()


@pytest.mark.parametrize("seed", range(6))
def test_where_the_definition_is_the_same_so_is_scikit_images_value(seed: int) -> None:
    skimage = pytest.importorskip("skimage.measure")
    random = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(random.random((90, 120)), (0, 0), 6)
    _, labels = cv2.connectedComponents((smooth > smooth.mean()).astype(np.uint8), connectivity=8)
    mask = labels == np.bincount(labels[labels > 0]).argmax()
    theirs = skimage.regionprops(mask.astype(np.uint8))[0]
    filled = skimage.regionprops(theirs.image_filled.astype(np.uint8))[0]
    ours = values(mask)
    assert ours["area_exc"] == theirs.area
    assert ours["area"] == theirs.area_filled
    assert ours["extent"] == pytest.approx(theirs.extent)
    assert ours["esd"] == pytest.approx(filled.equivalent_diameter_area)
    # As ImageJ, and unlike scikit-image, we give each pixel its own second moment of 1/12.
    elongation = filled.axis_major_length / filled.axis_minor_length
    assert ours["eccentricity"] == pytest.approx(filled.eccentricity, abs=2e-3)
    assert ours["elongation"] == pytest.approx(elongation, rel=5e-3)
    assert ours["y"] == pytest.approx(filled.centroid[0] + theirs.bbox[0], rel=1e-5)
    assert ours["x"] == pytest.approx(filled.centroid[1] + theirs.bbox[1], rel=1e-5)
    # scikit-image counts the pixels whose centres the hull holds; ours is the hull's own area.
    assert ours["solidity"] == pytest.approx(theirs.solidity, rel=0.03)
    hu = [ours[f"hu_moment-{k}"] for k in range(1, 7)]
    np.testing.assert_allclose(hu, filled.moments_hu[:6], rtol=1e-4, atol=1e-9)

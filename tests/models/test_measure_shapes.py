"""Shapes of known measures, at many sizes, angles and places between the pixels.

They hold the numbers of `models.measure_agreement`, that is of docs/measures.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import measure_agreement as agreement
from models.measures import MEASURES, measure

Mask = NDArray[np.bool_]
Grey = NDArray[np.uint8]
Shape = tuple[str, Mask, dict[str, float]]

PLACES = ((0.0, 0.0), (0.5, 0.5), (0.3, 0.1), (0.5, 0.0))
ANGLES = range(0, 180, 15)
DISCS = (8, 12, 20, 40, 80)
ELLIPSES = ((12, 6), (20, 10), (40, 15), (60, 12))
RINGS = ((12, 5), (30, 12), (60, 45))
CAPSULES = ((30, 7), (60, 9), (120, 15))


def _grid(reach: int, place: tuple[float, float]) -> tuple[NDArray[np.float64], ...]:
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    return x - place[0], y - place[1]


def _turned(
    reach: int, place: tuple[float, float], degrees: float
) -> tuple[NDArray[np.float64], ...]:
    """Along and across an axis, anticlockwise as seen."""
    x, y = _grid(reach, place)
    turn = math.radians(degrees)
    return x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)


_EVEN = {"fractal": 1, "symetrieh_area": 0, "symetriev_area": 0, "solidity": 1, "numblobs": 1}


def discs() -> Iterator[Shape]:
    for r in DISCS:
        for place in PLACES:
            x, y = _grid(r + 3, place)
            area, round_it = math.pi * r * r, 2 * math.pi * r
            truth = _EVEN | {
                "area": area, "area_exc": area, "convarea": area, "bounding_box_area": 4 * r * r,
                "extent": math.pi / 4, "esd": 2 * r, "feret": 2 * r, "minferet": 2 * r,
                "major": 2 * r, "minor": 2 * r, "width": 2 * r, "height": 2 * r, "inscribed": 2 * r,
                "elongation": 1, "aspect_ratio": 1, "thickr": 3, "euler_number": 1,
                "perim.": round_it, "convperim": round_it, "circ.": 1, "circex": 1,
                "perimferet": math.pi, "perimmajor": math.pi, "convperim_perim": 1,
                "convarea_area": 1, "perimareaexc": 2 * math.sqrt(math.pi),
                "feretareaexc": 2 / math.sqrt(math.pi), "hu_moment-1": 1 / (2 * math.pi),
                "x": r + 3 + place[0], "y": r + 3 + place[1],
            }  # fmt: skip
            yield f"disc {r} {place}", x * x + y * y <= r * r, truth


def ellipses() -> Iterator[Shape]:
    for a, b in ELLIPSES:
        for degrees in ANGLES:
            for place in PLACES[1:3]:
                u, v = _turned(a + 3, place, degrees)
                turn, area = math.radians(degrees), math.pi * a * b
                h = ((a - b) / (a + b)) ** 2  # Ramanujan's second approximation
                round_it = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
                truth = _EVEN | {
                    "area": area, "convarea": area, "esd": 2 * math.sqrt(a * b), "feret": 2 * a,
                    "minferet": 2 * b, "major": 2 * a, "minor": 2 * b, "elongation": a / b,
                    "eccentricity": math.sqrt(1 - (b / a) ** 2), "aspect_ratio": b / a,
                    "inscribed": 2 * b, "angle": degrees, "perim.": round_it,
                    "convperim": round_it, "circ.": 4 * math.pi * area / round_it**2,
                    "width": 2 * math.hypot(a * math.cos(turn), b * math.sin(turn)),
                    "height": 2 * math.hypot(a * math.sin(turn), b * math.cos(turn)),
                    "hu_moment-1": (a * a + b * b) / 4 / area,
                    "hu_moment-2": ((a * a - b * b) / 4 / area) ** 2,
                }  # fmt: skip
                yield f"ellipse {a} {b} {degrees}", (u / a) ** 2 + (v / b) ** 2 <= 1, truth


def rings() -> Iterator[Shape]:
    for outer, inner in RINGS:
        for place in PLACES:
            x, y = _grid(outer + 3, place)
            d = x * x + y * y
            share = 1 - (inner / outer) ** 2
            truth = {
                "area": math.pi * outer**2, "area_exc": math.pi * (outer**2 - inner**2),
                "%area": 100 * (1 - share), "solidity": share, "circex": share,
                "extent": share * math.pi / 4, "euler_number": 0, "numblobs": 1,
                "perim.": 2 * math.pi * outer, "inscribed": 2 * outer,
            }  # fmt: skip
            yield f"ring {outer} {inner} {place}", (d <= outer**2) & (d > inner**2), truth


def capsules() -> Iterator[Shape]:
    """Lines of some width with round ends."""
    for length, width in CAPSULES:
        for degrees in ANGLES:
            for place in PLACES[1:3]:
                u, v = _turned((length + width) // 2 + 3, place, degrees)
                turn, r = math.radians(degrees), width / 2
                area, round_it = length * width + math.pi * r * r, 2 * length + math.pi * width
                mean = (length * r * r + math.pi * r**3 / 3) / area  # distance to the outside
                truth = _EVEN | {
                    "area": area, "convarea": area, "perim.": round_it, "convperim": round_it,
                    "feret": length + width, "minferet": width, "inscribed": width,
                    "aspect_ratio": width / (length + width), "thickr": r / mean, "angle": degrees,
                    "skelarea": length * max(abs(math.cos(turn)), abs(math.sin(turn))),
                    "circ.": 4 * math.pi * area / round_it**2,
                }  # fmt: skip
                mask = np.hypot(np.maximum(np.abs(u) - length / 2, 0), v) <= r
                yield f"capsule {length} {width} {degrees}", mask, truth


SHAPES: dict[str, Callable[[], Iterator[Shape]]] = {
    "disc": discs,
    "ellipse": ellipses,
    "ring": rings,
    "capsule": capsules,
}


def values(mask: Mask, grey: Grey | None = None, field: str = "dark") -> dict[str, float]:
    if grey is None:
        grey = np.where(mask, 100, 0).astype(np.uint8)
    row = measure(grey, mask, 0, 0, field)
    return {m.name: float(row[i]) for i, m in enumerate(MEASURES)}


@pytest.fixture(scope="module")
def worst() -> dict[str, dict[str, float]]:
    """Of each measure and shape the largest difference from the truth."""
    found: dict[str, dict[str, float]] = {}
    for shape, draw in SHAPES.items():
        for _, mask, truth in draw():
            measured = values(mask)
            for name, true in truth.items():
                away = abs(measured[name] - true)
                if name == "angle":
                    away = min(away, 180 - away)
                elif name not in agreement.ABSOLUTE:
                    away /= true
                of_shape = found.setdefault(name, {})
                of_shape[shape] = max(of_shape.get(shape, 0.0), away)
    return found


@pytest.mark.parametrize("name", agreement.SHAPES)
def test_shapes_are_measured_as_well_as_the_table_says(
    name: str, worst: dict[str, dict[str, float]]
) -> None:
    assert set(worst[name]) == set(agreement.SHAPES[name])
    for shape, within in agreement.SHAPES[name].items():
        assert worst[name][shape] <= within, shape
        assert within <= 2 * worst[name][shape], f"{shape}: the table could say less"


def test_every_truth_is_in_the_table(worst: dict[str, dict[str, float]]) -> None:
    assert set(worst) == set(agreement.SHAPES)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_mirror_finds_what_has_no_counterpart(quarters: int) -> None:
    """A hammer, its handle along the major axis: alike on both sides, not at both ends."""
    mask = np.zeros((21, 61), bool)
    mask[8:13], mask[3:18, :10] = True, True
    x = np.nonzero(mask)[1]
    opposite = np.rint(2 * x.mean() - x).astype(int)
    alone = (opposite < 0) | (opposite > 60) | ~mask[np.nonzero(mask)[0], opposite.clip(0, 60)]
    found = values(np.rot90(mask, quarters))
    assert found["symetrieh"] == 0
    assert found["symetriev"] == alone.sum() > 100
    assert values(mask | mask[:, ::-1])["symetriev"] == 0


def koch(order: int, side: float) -> NDArray[np.float64]:
    """Corners of a Koch island, whose outline has the dimension ln 4 / ln 3."""
    corners = side * np.exp(2j * np.pi * (np.arange(4) / 3 + 0.25))
    for _ in range(order):
        a, b = corners[:-1], corners[1:]
        third = (b - a) / 3
        tip = a + third + third * np.exp(1j * np.pi / 3)
        corners = np.append(np.stack([a, a + third, tip, b - third], axis=1).ravel(), corners[-1])
    return np.stack([corners.real, corners.imag], axis=1)


def test_the_fractal_dimension_of_a_koch_island_lies_between_a_disc_and_the_truth() -> None:
    corners = koch(5, 110.0)
    drawn = np.zeros((250, 250), np.uint8)
    cv2.fillPoly(drawn, [np.rint(corners + 125).astype(np.int32)], (1,))
    found = values(drawn > 0)["fractal"]
    assert found == pytest.approx(math.log(4) / math.log(3), abs=agreement.KOCH)
    y, x = np.mgrid[-60:61, -60:61]
    assert values(x * x + y * y < 3600)["fractal"] < found - 0.15

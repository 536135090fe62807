"""Organisms as drawings: shapes in body lengths, placed in the frame, turned into matter.

An organism is first a list of :class:`Shape` in its own coordinates (the body's axis along x, unit
length 1, head towards +x). ``Pose`` bends, tilts, turns and scales it to pixels of the frame;
``rasterize`` then draws it into ``Matter``: how much transparent ``tissue`` and how much ``dense``
matter (pigment, gut, shell) each pixel looks through. Light comes later (:mod:`optics`), so the
same animal can be seen in a dark and in a bright field.

Example::

    body = blob(ellipse(0, 0, 0.5, 0.2), tissue=0.8)
    matter = rasterize((body,), Pose(x=100, y=80, length_px=90), width=2048, height=1536, margin=8)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
"""Body or pixel coordinates, ``float64 [n, 2]`` as x, y."""

Plane: TypeAlias = NDArray[np.float32]
"""``float32 [h, w]``."""

Fixed: TypeAlias = NDArray[np.int32]
"""Pixel coordinates in sixteenths, as OpenCV's drawing takes them, ``int32 [n, 2]``."""

_THIN_PX = 1.5
_SHIFT = 4  # fractional bits of OpenCV's polygon coordinates
_ONE = 1 << _SHIFT


@dataclass(frozen=True, eq=False)
class Shape:
    """A filled outline (``width`` None) or a line with a ``width [n]`` at each of its points.

    ``tissue`` and ``dense`` are the amounts of matter where the shape is thickest. ``round`` shapes
    thin out towards their edge as a ball does; flat ones do not. A shape with ``cut`` removes this
    share of what lies under it, for vacuoles, stomachs and the gap between two plates.
    """

    points: Points
    width: NDArray[np.float64] | None = None
    tissue: float = 0.0
    dense: float = 0.0
    round: bool = False
    cut: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Where an organism is and how it holds itself; x and y are pixels of its body's origin."""

    x: float
    y: float
    length_px: float
    angle_rad: float = 0.0
    tilt: float = 1.0  # foreshortening of the body's axis, 1 = in the plane of the picture
    bend: float = 0.0  # the angle in radians that a body of unit length turns through
    mirror: bool = False

    def place(self, points: Points) -> Points:
        """Body coordinates to pixels of the frame."""
        x, y = points[:, 0], points[:, 1]
        if abs(self.bend) > 1e-6:  # the axis becomes an arc of radius 1/bend
            x, y = (
                np.sin(self.bend * x) * (1 / self.bend - y),
                (1 / self.bend - np.cos(self.bend * x) * (1 / self.bend - y)),
            )
        x, y = x * self.tilt * self.length_px, (-y if self.mirror else y) * self.length_px
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        placed: Points = np.stack([self.x + cos * x - sin * y, self.y + sin * x + cos * y], axis=1)
        return placed


@dataclass(frozen=True, eq=False)
class Matter:
    """What a patch of the frame looks through; its corner is pixel (x0, y0) of the frame."""

    x0: int
    y0: int
    tissue: Plane
    dense: Plane


def ellipse(x: float, y: float, a: float, b: float, angle_rad: float = 0.0, n: int = 40) -> Points:
    """The outline of an ellipse with half axes a and b."""
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    axes = np.array([[a * cos, a * sin], [-b * sin, b * cos]])
    outline: Points = _circle(n) @ axes + np.array([x, y])
    return outline


def profile(stations: Sequence[tuple[float, float]], n: int = 40) -> Points:
    """The outline of a body that is symmetric about its axis, from (x, half width), x rising."""
    at = np.array([s[0] for s in stations])
    half = np.array([s[1] for s in stations])
    x = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(at)), at)
    y = np.interp(x, at, half)
    y = np.convolve(np.pad(y, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return np.concatenate([np.stack([x, y], 1), np.stack([x, -y], 1)[::-1]])


def curve(controls: Sequence[tuple[float, float]], n: int = 24) -> Points:
    """A Bézier curve through the first and last control point."""
    path: Points = _bernstein(len(controls) - 1, n) @ np.array(controls, dtype=np.float64)
    return path


@cache
def _unit(n: int) -> NDArray[np.float64]:
    return np.linspace(0.0, 1.0, n)


@cache
def _circle(n: int) -> Points:
    turn = np.linspace(0, 2 * math.pi, n, endpoint=False)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


@cache
def _bernstein(order: int, n: int) -> NDArray[np.float64]:
    """The weight of each control point at n steps along a Bézier curve, [n, order + 1]."""
    t = _unit(n)
    terms = [math.comb(order, k) * t**k * (1 - t) ** (order - k) for k in range(order + 1)]
    return np.stack(terms, axis=1)


def blob(
    points: Points, tissue: float = 0.0, dense: float = 0.0, round: bool = True, cut: float = 0.0
) -> Shape:
    """A filled body."""
    return Shape(points, None, tissue, dense, round, cut)


def line(
    points: Points, width: float, tip: float | None = None, tissue: float = 0.0, dense: float = 0.0
) -> Shape:
    """A line whose width goes from ``width`` at its first point to ``tip`` at its last."""
    end = width if tip is None else tip
    return Shape(points, width + (end - width) * _unit(len(points)), tissue, dense)


def moved(shape: Shape, x: float, y: float, angle_rad: float = 0.0, scale: float = 1.0) -> Shape:
    """The shape turned and scaled about the body's origin, then shifted."""
    cos, sin = math.cos(angle_rad) * scale, math.sin(angle_rad) * scale
    turn = np.array([[cos, sin], [-sin, cos]])
    width = None if shape.width is None else shape.width * scale
    return replace(shape, points=shape.points @ turn + np.array([x, y]), width=width)


def _ribbon(points: Points, width: NDArray[np.float64]) -> Points:
    """The outline of a line with a width at each point."""
    along = np.empty_like(points)
    along[1:-1] = points[2:] - points[:-2]
    along[0], along[-1] = points[1] - points[0], points[-1] - points[-2]
    along *= (width / 2 / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9))[:, None]
    side = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return np.concatenate([points + side, (points - side)[::-1]])


def _cover(shape: Shape, fixed: Fixed, scale: float, size: tuple[int, int]) -> Plane:
    """How much of the shape each pixel of a small patch holds, float32 [h, w] in 0..1."""
    mask = np.zeros(size, np.uint8)
    strength = 1 / 255
    if shape.width is None:
        cv2.fillPoly(mask, [fixed], (255,), cv2.LINE_AA, _SHIFT)
    elif (thin := float(shape.width[len(shape.width) // 2]) * scale) < _THIN_PX:
        # OpenCV draws no line thinner than a pixel: draw it fainter instead
        cv2.polylines(mask, [fixed], False, (255,), 1, cv2.LINE_AA, _SHIFT)
        strength *= min(1.0, thin)
    else:
        width = np.maximum(shape.width * (scale * _ONE), 0.8 * _ONE)
        outline = np.rint(_ribbon(fixed.astype(np.float64), width)).astype(np.int32)
        cv2.fillPoly(mask, [outline], (255,), cv2.LINE_AA, _SHIFT)
    cover = mask.astype(np.float32)
    cover *= np.float32(strength)
    return cover * _bulge(mask) if shape.round else cover


def _bulge(mask: NDArray[np.uint8]) -> Plane:
    """The thickness of a rounded body of this outline, 1 where it is thickest."""
    inside = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    share = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    share = np.divide(share, max(float(share.max()), 1e-6), dtype=np.float32)
    return np.asarray(
        np.sqrt(share * (2 - share)), np.float32
    )  # a circle's chord over its diameter


def rasterize(
    shapes: Sequence[Shape], pose: Pose, width: int, height: int, margin: int
) -> Matter | None:
    """Draw an organism into the frame of this size; None if no part of it lies inside.

    The patch reaches ``margin`` pixels beyond the organism (room for blur), and may reach as far
    beyond the frame's border, so that what lies outside still blurs into the picture.
    """
    counts = [len(shape.points) for shape in shapes]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    placed = pose.place(np.concatenate([shape.points for shape in shapes]))
    room = [_room_px(shape, pose.length_px) for shape in shapes]
    lows = np.floor(np.minimum.reduceat(placed, starts, axis=0)).astype(int) - room
    highs = np.ceil(np.maximum.reduceat(placed, starts, axis=0)).astype(int) + room
    low = np.maximum(lows.min(0) - margin, -margin)
    high = np.minimum(highs.max(0) + margin, [width + margin, height + margin])
    if (high <= 0).any() or (low >= [width, height]).any():
        return None
    size = (int(high[1] - low[1]), int(high[0] - low[0]))
    matter = Matter(
        int(low[0]), int(low[1]), np.zeros(size, np.float32), np.zeros(size, np.float32)
    )
    corners = np.clip(np.hstack([lows - low, highs - low]), 0, [size[1], size[0]] * 2)
    fixed = np.rint((placed - low) * _ONE).astype(np.int32)
    for shape, start, count, box in zip(shapes, starts, counts, corners.tolist(), strict=True):
        _add(matter, shape, fixed[start : start + count], pose.length_px, box)
    return matter


def _room_px(shape: Shape, scale: float) -> list[int]:
    """How far a shape may reach beyond its points: half a line's width, and soft edges."""
    half = 0 if shape.width is None else math.ceil(float(shape.width.max()) * scale / 2)
    return [half + 2, half + 2]


def _add(matter: Matter, shape: Shape, fixed: Fixed, scale: float, box: list[int]) -> None:
    """Draw one shape into its own box of the patch: the stronger matter of two shapes wins."""
    x0, y0, x1, y1 = box
    if x1 <= x0 or y1 <= y0:
        return
    corner = np.array([x0 * _ONE, y0 * _ONE], np.int32)
    cover = _cover(shape, fixed - corner, scale, (y1 - y0, x1 - x0))
    for plane, amount in ((matter.tissue, shape.tissue), (matter.dense, shape.dense)):
        part = plane[y0:y1, x0:x1]
        if shape.cut > 0:
            part *= 1 - np.float32(shape.cut) * np.minimum(cover * 2, 1)
        if amount > 0:
            np.maximum(part, np.float32(amount) * cover, out=part)

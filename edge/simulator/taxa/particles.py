"""What drifts without swimming: marine snow, fibres, bubbles, faecal pellets, dots."""

from __future__ import annotations

import math

import numpy as np

from edge.simulator.drawing import Points, Shape, blob, curve, ellipse, line


def _lump(rng: np.random.Generator, x: float, y: float, size: float) -> Points:
    """An irregular outline."""
    turn = np.linspace(0, 2 * math.pi, 18, endpoint=False)
    radius = np.ones(18)
    for k in (2, 3, 5, 7):
        radius += rng.normal(0, 0.35 / k) * np.cos(k * turn + rng.uniform(0, 2 * math.pi))
    radius = size * np.maximum(radius, 0.2)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def aggregate(rng: np.random.Generator) -> list[Shape]:
    """Marine snow: flakes stuck to flakes, some compact, some stringy, with threads and grains."""
    flakes = int(rng.integers(4, 26))
    stringy = rng.uniform(0.3, 1.0)
    places = [(0.0, 0.0)]
    axis = rng.uniform(0, math.pi)
    for _ in range(flakes - 1):
        near = places[int(rng.integers(max(0, len(places) - 6), len(places)))]
        angle = axis + rng.normal(0, 2.2 - 1.6 * stringy) + math.pi * rng.integers(0, 2)
        step = rng.uniform(0.6, 1.2)
        places.append((near[0] + step * math.cos(angle), near[1] + step * math.sin(angle)))
    where = np.array(places) - np.mean(places, 0)
    where /= max(float(np.ptp(where, axis=0).max()), 1.0) + 1.0  # the longer side becomes about 1
    size = 0.6 / math.sqrt(flakes) * rng.uniform(0.45, 0.8)
    shapes: list[Shape] = []
    for x, y in where:
        flake = _lump(rng, x, y, size * rng.lognormal(0, 0.35))
        shapes.append(blob(flake, tissue=rng.uniform(0.45, 0.9), round=bool(rng.random() < 0.4)))
        if rng.random() < 0.3:
            shapes.append(blob(_lump(rng, x, y, 0.3 * size), dense=rng.uniform(0.1, 0.5)))
    for _ in range(int(rng.integers(0, 4))):
        x, y = where[int(rng.integers(flakes))]
        thread = np.cumsum(
            np.vstack([[x, y], rng.normal(0, 0.05, (12, 2)) + rng.normal(0, 0.02, 2)]), 0
        )
        shapes.append(line(thread, 0.012, tissue=0.5))
    return shapes


def fibre(rng: np.random.Generator) -> list[Shape]:
    """One long thread of even width, gently or strongly curved, sometimes with knots."""
    loops = rng.normal(0, 0.16, (3, 2)) * np.array([0.6, 1.0])
    inner = [(x + at, y) for (x, y), at in zip(loops.tolist(), (-0.25, 0.0, 0.25), strict=True)]
    controls = [(-0.5, 0.0), *inner, (0.5, 0.0)]
    path = curve(controls, 90)
    width = rng.uniform(0.004, 0.011)
    wide = width * (1 + 0.25 * np.sin(np.linspace(0, rng.uniform(2, 30), 90)))
    dense = rng.uniform(0.0, 0.5)
    shapes = [Shape(path, wide, tissue=rng.uniform(0.45, 0.85), dense=dense)]
    for _ in range(int(rng.integers(0, 4))):
        x, y = path[int(rng.integers(90))]
        shapes.append(blob(_lump(rng, x, y, width * rng.uniform(0.8, 1.8)), tissue=0.7))
    return shapes


def bubble(rng: np.random.Generator) -> list[Shape]:
    """A ring, dark or glaring, with a highlight on one side and a smaller one opposite."""
    oval = rng.uniform(0.93, 1.0)
    outline = ellipse(0, 0, 0.5, 0.5 * oval, n=64)
    shapes = [blob(outline, tissue=0.10, round=False)]
    ring = np.vstack([ellipse(0, 0, 0.46, 0.46 * oval, n=64), [[0.46, 0.0]]])
    shapes.append(line(ring, rng.uniform(0.05, 0.12), tissue=0.7, dense=rng.uniform(0.4, 0.9)))
    angle = rng.uniform(0, 2 * math.pi)
    for turn, size in ((0.0, rng.uniform(0.05, 0.1)), (math.pi, rng.uniform(0.02, 0.06))):
        x, y = 0.33 * math.cos(angle + turn), 0.33 * math.sin(angle + turn)
        shapes.append(blob(ellipse(x, y, size, 0.6 * size, angle + turn + 1.57), dense=1.4))
    return shapes


def faecal_pellet(rng: np.random.Generator) -> list[Shape]:
    """A dense cylinder with round or ragged ends, sometimes bent or broken."""
    half = rng.uniform(0.09, 0.2)
    ends = [(-0.5, 0.25), (-0.44, 0.8), (-0.3, 1.0), (0.3, 1.0), (0.44, 0.8), (0.5, 0.25)]
    upper = np.array([(x, half * y * rng.uniform(0.88, 1.08)) for x, y in ends])
    lower = np.array([(x, -half * y * rng.uniform(0.88, 1.08)) for x, y in ends[::-1]])
    shapes = [blob(np.vstack([upper, lower]), tissue=0.8, dense=rng.uniform(0.35, 0.9))]
    if rng.random() < 0.25:
        x = rng.uniform(-0.25, 0.25)
        crack = np.array([(x, -half), (x + rng.normal(0, 0.05), half)])
        shapes.append(Shape(crack, np.array([0.05, 0.03]), cut=0.8))
    return shapes


def dot(rng: np.random.Generator) -> list[Shape]:
    """A round particle without features."""
    lump = ellipse(0, 0, 0.5, 0.5 * rng.uniform(0.7, 1.0), n=24)
    return [blob(lump, tissue=rng.uniform(0.5, 0.9), dense=rng.uniform(0.0, 0.6))]

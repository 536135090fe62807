"""Larvae of bottom animals (pluteus) and swimming worms."""

from __future__ import annotations

import math

import numpy as np

from edge.simulator.drawing import Shape, blob, curve, ellipse, line, profile


def pluteus(rng: np.random.Generator) -> list[Shape]:
    """A cone of a body whose long arms, each on its skeletal rod, point the same way."""
    ophiopluteus = (
        rng.random() < 0.45
    )  # of brittle stars: two of the arms much longer and wider apart
    pairs = int(rng.choice([2, 3, 4]))
    shapes: list[Shape] = []
    for k in range(pairs):
        outer = k == pairs - 1
        spread = 0.12 + 0.2 * k + (0.3 if outer and ophiopluteus else 0.0) + rng.normal(0, 0.03)
        reach = rng.uniform(0.45, 0.6) * (1.5 if outer and ophiopluteus else 1.0 - 0.08 * k)
        for side in (-1, 1):
            angle = side * spread + rng.normal(0, 0.03)
            root = (-0.05, side * (0.05 + 0.03 * k))
            tip = (root[0] + reach * math.cos(angle), root[1] + reach * math.sin(angle))
            arm = curve([root, tip], 10)
            shapes.append(line(arm, 0.09, 0.045, tissue=0.5))
            rod = curve([(-0.38, 0.0), root, tip], 12)
            shapes.append(line(rod, 0.018, 0.012, tissue=0.4, dense=rng.uniform(0.5, 0.8)))
    wide = rng.uniform(0.14, 0.22)
    body = profile([(-0.45, 0.03), (-0.3, 0.6 * wide), (-0.05, wide), (0.08, 0.6 * wide)], 30)
    shapes.append(blob(body, tissue=0.6))
    gut = ellipse(rng.uniform(-0.2, -0.1), 0, rng.uniform(0.06, 0.1), 0.5 * wide)
    shapes.append(blob(gut, dense=rng.uniform(0.2, 0.6)))
    return shapes


def polychaete(rng: np.random.Generator) -> list[Shape]:
    """A worm of many segments, a pair of bristled feet on each, head with palps and eyes."""
    segments = int(rng.integers(9, 26))
    half = rng.uniform(0.035, 0.07)
    body = profile(
        [(-0.5, 0.25 * half), (-0.3, 0.8 * half), (0.1, half), (0.42, 0.85 * half), (0.5, 0.2)], 40
    )
    body[:, 1] = np.clip(body[:, 1], -half, half)
    shapes = [blob(body, tissue=0.65)]
    wave, sweep = rng.uniform(0, 2 * math.pi), rng.normal(0, 0.4)
    for k, x in enumerate(np.linspace(-0.44, 0.38, segments)):
        girth = half * min(1.0, 0.45 + (x + 0.5) * 1.4)
        ring = np.array([(x, -girth), (x, girth)])
        shapes.append(line(ring, 0.010, tissue=0.85))
        for side in (-1, 1):
            angle = side * (math.pi / 2 + 0.4 * math.sin(wave + 0.7 * k) + sweep * side)
            foot = (x + 0.9 * girth * math.cos(angle), side * girth + 0.9 * girth * math.sin(angle))
            shapes.append(line(np.array([(x, side * 0.7 * girth), foot]), 0.03, 0.016, tissue=0.6))
            bristle = rng.uniform(1.2, 3.0) * girth
            tip = (foot[0] + bristle * math.cos(angle), foot[1] + bristle * math.sin(angle))
            shapes.append(line(np.array([foot, tip]), 0.006, 0.003, tissue=0.45))
    for side in (-1, 1):
        palp = curve(
            [
                (0.46, side * 0.4 * half),
                (0.55, side * half),
                (0.6, side * rng.uniform(0, 2) * half),
            ],
            8,
        )
        shapes.append(line(palp, 0.018, 0.008, tissue=0.6))
        shapes.append(blob(ellipse(0.44, side * 0.4 * half, 0.008, 0.008), dense=0.9))
    gut = curve([(0.4, 0), (0, rng.normal(0, 0.2 * half)), (-0.42, 0)], 20)
    shapes.append(line(gut, 0.7 * half, 0.2 * half, dense=rng.uniform(0.1, 0.6)))
    return shapes

"""Single cells large enough to see: radiolarians, and diatoms in chains."""

from __future__ import annotations

import math

import numpy as np

from edge.simulator.drawing import Shape, blob, ellipse, line


def radiolarian(rng: np.random.Generator) -> list[Shape]:
    """A dense core in a frothy shell, with straight spines of unequal length all around."""
    core = rng.uniform(0.10, 0.2)
    shell = core * rng.uniform(1.25, 2.2)
    spines = int(rng.integers(8, 36))
    shapes: list[Shape] = []
    for angle in np.linspace(0, 2 * math.pi, spines, endpoint=False) + rng.normal(0, 0.12, spines):
        foreshortened = math.sqrt(rng.uniform(0.15, 1.0))
        reach = max(shell * 1.1, 0.5 * foreshortened)
        end = (reach * math.cos(angle), reach * math.sin(angle))
        spine = np.array([(core * math.cos(angle), core * math.sin(angle)), end])
        shapes.append(line(spine, 0.03, 0.01, tissue=rng.uniform(0.5, 0.9)))
    shapes.append(blob(ellipse(0, 0, shell, shell * rng.uniform(0.9, 1.0)), tissue=0.45))
    for _ in range(int(rng.integers(0, 14))):  # vacuoles of the outer layer
        angle, radius = rng.uniform(0, 2 * math.pi), rng.uniform(core, shell)
        froth = ellipse(radius * math.cos(angle), radius * math.sin(angle), 0.035, 0.035, n=12)
        shapes.append(line(froth, 0.012, tissue=0.75))
    shapes.append(blob(ellipse(0, 0, core, core * 0.95), tissue=0.7, dense=rng.uniform(0.3, 0.8)))
    return shapes


def diatom_chain(rng: np.random.Generator) -> list[Shape]:
    """Cells in a row, long or square, in a straight, curved or twisted chain, some with setae."""
    cells = int(rng.integers(4, 22))
    pitch = 1.0 / cells
    half = min(0.12, pitch * rng.uniform(0.25, 1.1))
    setae = rng.random() < 0.4  # Chaetoceros-like
    gap = rng.uniform(0.04, 0.3)
    wave, swing = rng.uniform(0, 6), rng.uniform(0, 0.03)
    shapes: list[Shape] = []
    for k in range(cells):
        x = -0.5 + (k + 0.5) * pitch
        y = swing * math.sin(wave + 9 * x)
        a = 0.5 * pitch * (1 - gap)
        cell = np.array([(-a, -half), (a, -half), (a, half), (-a, half)]) + np.array([x, y])
        shapes.append(blob(cell, tissue=0.42, round=False))
        shapes.append(line(np.vstack([cell, cell[:1]]), 0.006, tissue=0.8))
        if rng.random() < 0.85:
            plastid = ellipse(x + rng.normal(0, 0.2 * a), y, 0.5 * a, 0.5 * half, n=14)
            shapes.append(blob(plastid, dense=rng.uniform(0.2, 0.6)))
        if setae:
            for side in (-1, 1):
                reach = rng.uniform(1.5, 5.0) * half
                tip = (x + a + rng.normal(0.2, 0.3) * reach, y + side * (half + reach))
                hair = np.array([(x + a, y + side * half), tip])
                shapes.append(line(hair, 0.005, 0.002, tissue=0.4))
    return shapes

"""Transparent animals: medusae, comb jellies, siphonophores, arrow worms and appendicularians."""

from __future__ import annotations

import math

import numpy as np

from edge.simulator.drawing import Shape, blob, curve, ellipse, line, moved, profile


def chaetognath(rng: np.random.Generator) -> list[Shape]:
    """A long arrow: head with hooks, lateral fins, tail fin; gut or eggs inside."""
    half = rng.uniform(0.020, 0.034)
    body = profile(
        [
            (-0.46, 0.35 * half),
            (-0.3, 0.8 * half),
            (0.1, half),
            (0.38, 0.8 * half),
            (0.43, 0.55 * half),
        ]
    )
    shapes = [blob(body, tissue=0.55)]
    shapes.append(blob(ellipse(0.46, 0, 0.035, 1.15 * half), tissue=0.7, dense=0.25))
    for side in (-1, 1):
        for x, reach in ((-0.05, 0.14), (-0.27, 0.13)):
            fin = curve(
                [(x - reach, side * 0.8 * half), (x, side * 2.6 * half), (x + reach, side * half)],
                12,
            )
            shapes.append(blob(fin, tissue=0.22, round=False))
        hook = curve([(0.47, side * half), (0.51, side * 1.8 * half), (0.52, side * 0.6 * half)], 8)
        shapes.append(line(hook, 0.006, 0.003, tissue=0.6))
    fin = np.array([(-0.45, 0), (-0.53, 2.2 * half), (-0.51, 0), (-0.53, -2.2 * half)])
    shapes.append(blob(fin, tissue=0.3, round=False))
    gut = curve([(0.44, 0), (0.1, rng.normal(0, 0.2 * half)), (-0.16, 0)], 20)
    shapes.append(line(gut, 0.5 * half, dense=rng.uniform(0.05, 0.35)))
    if rng.random() < 0.35:  # prey in the gut
        prey = ellipse(rng.uniform(-0.1, 0.3), 0, rng.uniform(0.03, 0.06), 0.7 * half)
        shapes.append(blob(prey, dense=rng.uniform(0.4, 0.8)))
    if rng.random() < 0.4:
        for side in (-1, 1):
            ovary = ellipse(-0.08, side * 0.5 * half, 0.09, 0.3 * half)
            shapes.append(blob(ovary, dense=0.35))
    return shapes


def appendicularian(rng: np.random.Generator) -> list[Shape]:
    """A small trunk and a long undulating tail at an angle to it, sometimes in its house."""
    turn = rng.uniform(0.4, 2.4) * rng.choice([-1, 1])
    trunk = profile([(0.0, 0.05), (0.07, 0.085), (0.16, 0.07), (0.24, 0.02)], 30)
    shapes: list[Shape] = []
    if rng.random() < 0.2:
        house = ellipse(-0.2, 0, rng.uniform(0.45, 0.6), rng.uniform(0.35, 0.5))
        shapes.append(blob(house, tissue=0.10))
    swing = rng.normal(0, 0.35, 2)
    path = curve([(0.03, 0), (-0.2, swing[0]), (-0.45, swing[1]), (-0.75, rng.normal(0, 0.25))], 30)
    width = rng.uniform(0.09, 0.14) * np.sin(np.linspace(0.35, math.pi, 30)) + 0.012
    shapes.append(Shape(path, width, tissue=0.38))
    shapes.append(line(path, 0.025, 0.008, tissue=0.8))  # notochord
    head = moved(blob(trunk, tissue=0.75), 0.02, 0, turn * 0.5)
    shapes.append(head)
    gut = moved(
        blob(ellipse(0.06, 0, 0.05, 0.045), dense=rng.uniform(0.4, 0.9)), 0.02, 0, turn * 0.5
    )
    shapes.append(gut)
    if rng.random() < 0.5:
        gonad = moved(blob(ellipse(0.0, 0.0, 0.045, 0.06), dense=0.5), 0.02, 0, turn * 0.5)
        shapes.append(gonad)
    return shapes


def medusa(rng: np.random.Generator) -> list[Shape]:
    """A bell with rim, stomach and tentacles; seen from the side, or from above as a disc."""
    if rng.random() < 0.25:
        return _medusa_from_above(rng)
    tall, gape = rng.uniform(0.30, 0.75), rng.uniform(0.30, 0.5)  # along x; half width at the rim
    square = rng.uniform(0.55, 1.05)  # 1: shoulders as wide as the rim
    half = [(-0.25, gape), (0.05, 1.2 * gape), (tall, 1.05 * square * gape), (tall, 0.35 * gape)]
    bell = curve([(x, -y) for x, y in half] + half[::-1], 48)
    hollow = bell * [0.72, 0.74] - [0.08, 0]
    rim = curve([(-0.25, -gape), (-0.25 - rng.uniform(0.0, 0.1), 0), (-0.25, gape)], 16)
    stomach = profile([(-0.3 + rng.uniform(0, 0.25), 0.03), (0.0, 0.05), (0.28, 0.09)], 20)
    shapes = [
        blob(bell, tissue=0.42),
        blob(hollow, cut=rng.uniform(0.3, 0.6)),
        line(bell, 0.025, tissue=0.75),
        line(rim, 0.03, tissue=0.6),
        blob(stomach, tissue=0.5, dense=rng.uniform(0.2, 0.7)),
    ]
    return shapes + _tentacles(rng, gape)


def _tentacles(rng: np.random.Generator, gape: float) -> list[Shape]:
    """Tentacles from the rim, all carried the same way by the water, with or without bulbs."""
    shapes = []
    reach, drift = rng.uniform(0.1, 1.3), rng.normal(0, 0.25)
    for y in np.linspace(-gape, gape, int(rng.integers(4, 14))).tolist():
        length = reach * rng.uniform(0.5, 1.1)
        wave = rng.normal(0, 0.12, 2).tolist()
        path = [
            (-0.26, y),
            (-0.3 - 0.3 * length, y + wave[0]),
            (-0.3 - 0.6 * length, y + wave[1] + drift),
            (-0.3 - length, y * 1.2 + 1.5 * drift),
        ]
        shapes.append(line(curve(path, 16), 0.022, 0.008, tissue=0.55))
        if rng.random() < 0.6:
            shapes.append(blob(ellipse(-0.26, y, 0.022, 0.022), dense=0.5))
    return shapes


def _medusa_from_above(rng: np.random.Generator) -> list[Shape]:
    shapes = [blob(ellipse(0, 0, 0.5, rng.uniform(0.42, 0.5)), tissue=0.35)]
    shapes.append(line(ellipse(0, 0, 0.49, 0.46, n=48), 0.03, tissue=0.7))
    canals = int(rng.choice([4, 4, 4, 8]))
    for angle in np.linspace(0, 2 * math.pi, canals, endpoint=False) + rng.uniform(0, 1):
        end = (0.47 * math.cos(angle), 0.45 * math.sin(angle))
        shapes.append(line(curve([(0, 0), end], 4), 0.025, tissue=0.75))
        if rng.random() < 0.7:
            gonad = ellipse(0.5 * end[0], 0.5 * end[1], 0.09, 0.04, angle)
            shapes.append(blob(gonad, dense=0.35))
    for angle in rng.uniform(0, 2 * math.pi, int(rng.integers(4, 18))):
        reach = rng.uniform(0.55, 0.9)
        bent = angle + rng.normal(0, 0.3)
        path = curve(
            [
                (0.48 * math.cos(angle), 0.46 * math.sin(angle)),
                (reach * math.cos(bent), reach * math.sin(bent)),
            ],
            6,
        )
        shapes.append(line(path, 0.02, 0.008, tissue=0.5))
    shapes.append(blob(ellipse(0, 0, 0.1, 0.1), tissue=0.5, dense=rng.uniform(0.2, 0.6)))
    return shapes


def ctenophore(rng: np.random.Generator) -> list[Shape]:
    """An egg of jelly with rows of beating combs, a stomach, and sometimes two tentacles."""
    wide = rng.uniform(0.32, 0.46)
    body = profile(
        [(-0.5, 0.1), (-0.35, 0.7 * wide), (0.0, wide), (0.35, 0.75 * wide), (0.5, 0.12)], 50
    )
    shapes = [blob(body, tissue=0.40)]
    rows, turn = int(rng.integers(4, 7)), rng.uniform(-0.12, 0.12)
    for across in np.clip(np.linspace(-0.92, 0.92, rows) + turn, -0.97, 0.97).tolist():
        x = np.linspace(-0.36, 0.40, int(rng.integers(12, 20)))
        y = across * wide * np.sqrt(np.maximum(0.0, 1 - (x / 0.52) ** 2))
        plate = 0.06 * math.sqrt(1.05 - across**2) + 0.015
        for k in range(len(x)):
            comb = np.array([(x[k], y[k] - plate / 2), (x[k], y[k] + plate / 2)])
            shapes.append(line(comb, 0.018, tissue=0.95, dense=rng.uniform(0.1, 0.35)))
    stomach = profile([(-0.48, 0.08), (-0.2, 0.06), (0.1, 0.09), (0.3, 0.02)], 20)
    shapes.append(blob(stomach, tissue=0.6, dense=rng.uniform(0.1, 0.4)))
    shapes.append(blob(ellipse(0.47, 0, 0.025, 0.025), dense=0.6))
    if rng.random() < 0.55:
        reach = rng.uniform(0.3, 1.4)
        for side in (-1, 1):
            path = curve(
                [
                    (0.1, side * 0.2),
                    (-0.4, side * wide * 1.3),
                    (-0.5 - reach, side * rng.normal(0.2, 0.3)),
                ],
                20,
            )
            shapes.append(line(path, 0.02, 0.01, tissue=0.6))
            shapes.append(blob(ellipse(0.12, side * 0.18, 0.07, 0.03, 0.3 * side), dense=0.4))
    return shapes


def siphonophore(rng: np.random.Generator) -> list[Shape]:
    """One or a stack of angular swimming bells, and a stem with its feeding members behind."""
    bells = int(rng.choice([1, 2, 2, 3, 4]))
    size = rng.uniform(0.28, 0.4) / math.sqrt(bells)
    shapes: list[Shape] = []
    for k in range(bells):
        x = 0.5 - size * (0.9 + 1.1 * k)
        y = 0.25 * size * (-1) ** k * (bells > 1)
        wide = size * rng.uniform(0.4, 0.6)
        hull = np.array(
            [
                (1.0, 0),
                (0.55, 0.8),
                (-0.7, 1.0),
                (-0.9, 0.45),
                (-0.9, -0.45),
                (-0.7, -1.0),
                (0.55, -0.8),
            ]
        ) * [size, wide] + [x, y]
        shapes.append(blob(hull, tissue=0.36))
        shapes.append(line(np.vstack([hull, hull[:1]]), 0.012, tissue=0.75))
        hollow = ellipse(x - 0.3 * size, y, 0.55 * size, 0.5 * wide)
        shapes += [blob(hollow, cut=0.45), line(hollow, 0.01, tissue=0.6)]
        if rng.random() < 0.5:
            shapes.append(blob(ellipse(x + 0.4 * size, y, 0.16 * size, 0.1 * wide), dense=0.6))
    start = 0.5 - size * (0.9 + 1.1 * (bells - 1)) - 0.6 * size
    reach = rng.uniform(0.2, 0.9)
    bend = rng.normal(0, 0.2, 3)
    stem = curve(
        [
            (start, 0),
            (start - 0.4 * reach, bend[0]),
            (start - 0.7 * reach, bend[1]),
            (start - reach, bend[2]),
        ],
        24,
    )
    shapes.append(line(stem, 0.022, 0.012, tissue=0.7, dense=0.2))
    for k in range(3, 24, int(rng.integers(2, 5))):
        (x, y), turn = stem[k].tolist(), rng.uniform(0, math.pi)
        member = ellipse(x, y, rng.uniform(0.02, 0.045), rng.uniform(0.015, 0.03), turn)
        shapes.append(blob(member, tissue=0.6, dense=rng.uniform(0.1, 0.6)))
        tip = stem[k] + rng.normal(0, 0.1, 2) * [1, 1.4]
        shapes.append(line(np.stack([stem[k], tip]), 0.008, 0.004, tissue=0.45))
    return shapes

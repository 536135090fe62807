"""Copepods and their nauplii."""

from __future__ import annotations

import math

import numpy as np

from edge.simulator.drawing import Shape, blob, curve, ellipse, line, moved, profile


def _setae(rng: np.random.Generator, x: float, y: float, toward: float, size: float) -> list[Shape]:
    """A fan of three or four hairs."""
    hairs = []
    for turn in np.linspace(-0.35, 0.35, int(rng.integers(3, 5))):
        angle = toward + turn + rng.normal(0, 0.06)
        end = (x + size * math.cos(angle), y + size * math.sin(angle))
        hairs.append(line(curve([(x, y), end], 4), 0.008, 0.002, tissue=0.45))
    return hairs


def _antenna(rng: np.random.Generator, side: int, spread: float, reach: float) -> list[Shape]:
    """One first antenna: held out, swept back along the body, or anything between."""
    start = (0.40, side * 0.06)
    elbow = (0.46 - 0.1 * spread, side * (0.06 + reach * 0.45))
    hand = (0.40 - spread * reach, side * (0.1 + reach * (1 - 0.55 * spread)))
    path = curve([start, elbow, hand], 16)
    path[1:] += np.cumsum(rng.normal(0, 0.005, (15, 2)), axis=0)
    shapes = [line(path, 0.030, 0.010, tissue=0.5)]
    for k in (6, 9, 12):
        if rng.random() < 0.6:
            tip = path[k] + [rng.uniform(0, 0.06), side * rng.uniform(0.02, 0.07)]
            shapes.append(line(np.stack([path[k], tip]), 0.006, tissue=0.4))
    return shapes


def copepod(rng: np.random.Generator) -> list[Shape]:
    """Prosome, segmented urosome with furca, antennae, swimming legs, gut, oil sac or eggs."""
    lateral = rng.random() < 0.45
    plump = rng.uniform(0.14, 0.22) * (0.85 if lateral else 1.0)
    split = rng.uniform(-0.22, -0.12)  # where the prosome ends
    stations = [
        (split, 0.45 * plump),
        (split + 0.1, 0.85 * plump),
        (0.1, plump),
        (0.32, 0.8 * plump),
        (0.44, 0.42 * plump),
        (0.48, 0.05 * plump),
    ]
    shapes: list[Shape] = []
    spread, reach = rng.uniform(0.0, 1.0), rng.uniform(0.35, 0.8)
    for side in (-1, 1):
        if lateral and side == 1 and rng.random() < 0.7:
            continue  # the other antenna is hidden behind the body
        shapes += _antenna(rng, side, spread + rng.normal(0, 0.12), reach)
    shapes.append(blob(profile(stations), tissue=0.85))
    shapes += _urosome(rng, split, rng.normal(0, 0.25) + (0.3 if lateral else 0))
    for k in range(int(rng.integers(3, 6))):  # the joints of the thorax show as brighter rims
        x = split + 0.07 + 0.075 * k
        half = 0.8 * plump * (1 - 4.0 * max(0.0, 0.1 - (x - split)))
        joint = curve([(x + 0.02, -half), (x - 0.02, 0), (x + 0.02, half)], 8)
        shapes.append(line(joint, 0.010, tissue=0.97))
    if lateral or rng.random() < 0.4:  # swimming legs
        for x in np.linspace(split + 0.08, 0.2, 4).tolist():
            tip = (x - rng.uniform(0.06, 0.14), -plump - rng.uniform(0.03, 0.12))
            shapes.append(line(np.array([(x, -0.7 * plump), tip]), 0.03, 0.01, tissue=0.5))
    return shapes + _insides(rng, plump, split)


def _urosome(rng: np.random.Generator, split: float, bend: float) -> list[Shape]:
    """The narrow hind body behind ``split``, turned by ``bend``, with its bristled fork."""
    tail = profile([(-0.3, 0.05), (-0.15, 0.06), (0.0, 0.075)], 20)
    shapes = [moved(blob(tail, tissue=0.75), split + 0.01, 0, bend)]
    end = (shapes[0].points[0] + shapes[0].points[-1]) / 2
    for side in (-1, 1):
        turn = bend + 0.25 * side
        fork = end - 0.06 * np.array([math.cos(turn), math.sin(turn)])
        shapes.append(line(np.stack([end, fork]), 0.03, 0.015, tissue=0.7))
        shapes += _setae(
            rng, float(fork[0]), float(fork[1]), math.pi + turn, rng.uniform(0.08, 0.18)
        )
    return shapes


def _insides(rng: np.random.Generator, plump: float, split: float) -> list[Shape]:
    """Gut, oil sac, eye spot and egg sacs: each individual has some of them."""
    shapes = []
    if rng.random() < 0.6:
        y = rng.normal(0, 0.15 * plump)
        path = curve([(0.3, y), (0.1, y * 2), (split + 0.05, 0)], 12)
        shapes.append(line(path, rng.uniform(0.04, 0.10), 0.03, dense=rng.uniform(0.3, 0.8)))
    if rng.random() < 0.4:
        oil = ellipse(rng.uniform(-0.02, 0.12), rng.normal(0, 0.02), 0.14, 0.35 * plump)
        shapes.append(blob(oil, dense=rng.uniform(0.2, 0.5)))
    if rng.random() < 0.5:
        shapes.append(blob(ellipse(0.4, 0, 0.018, 0.018), dense=0.9))
    if rng.random() < 0.2:
        for side in (-1, 1):
            sac = ellipse(split - 0.1, side * 0.1, 0.12, 0.05, -0.2 * side)
            shapes.append(blob(sac, tissue=0.6, dense=0.35))
    return shapes


def nauplius(rng: np.random.Generator) -> list[Shape]:
    """A shield-shaped larva with three pairs of limbs, a red eye and two tail hairs."""
    plump = rng.uniform(0.26, 0.38)
    pointed = rng.uniform(0.3, 0.9)
    shield = profile(
        [
            (-0.5, 0.05),
            (-0.25, plump * pointed),
            (0.05, plump),
            (0.3, 0.85 * plump),
            (0.42, 0.3 * plump),
        ]
    )
    shapes: list[Shape] = []
    stroke = rng.uniform(-0.6, 0.6)  # all limbs beat together
    for k, (x, reach) in enumerate(((0.3, 0.45), (0.18, 0.6), (0.02, 0.5))):
        for side in (-1, 1):
            if rng.random() < 0.12:
                continue
            angle = side * (1.0 + 0.35 * k - stroke + rng.normal(0, 0.12))
            length = reach * rng.uniform(0.7, 1.1)
            root = (x, side * 0.7 * plump)
            knee = (x + 0.5 * length * math.cos(angle), root[1] + 0.5 * length * math.sin(angle))
            bent = angle + side * rng.uniform(0.0, 0.7)
            tip = (knee[0] + 0.5 * length * math.cos(bent), knee[1] + 0.5 * length * math.sin(bent))
            shapes.append(line(curve([root, knee, tip], 10), 0.07, 0.025, tissue=0.65))
            shapes += _setae(rng, tip[0], tip[1], bent, 0.18)
    shapes.append(blob(shield, tissue=0.85))
    shapes.append(blob(ellipse(0.3, 0, 0.04, 0.05), dense=rng.uniform(0.5, 1.0)))
    if rng.random() < 0.6:
        gut = ellipse(rng.uniform(-0.15, 0.05), 0, rng.uniform(0.1, 0.2), 0.35 * plump)
        shapes.append(blob(gut, dense=rng.uniform(0.2, 0.6)))
    for side in (-1, 1):
        if rng.random() < 0.7:
            tail = curve([(-0.48, side * 0.03), (-0.48 - rng.uniform(0.08, 0.3), side * 0.1)], 4)
            shapes.append(line(tail, 0.025, 0.008, tissue=0.5))
    return shapes

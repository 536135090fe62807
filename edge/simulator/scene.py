"""Which organisms are in a frame, where, how large and how held: decided before anything is drawn.

How many of each taxon there are is a Poisson draw around ``density`` times the taxon's weight times
its abundance at the frame's depth. Each organism then has its own random stream, keyed by the frame
and its number in it. Some point of every organism's axis lies inside the frame, evenly spread, so
large animals are cut by the border as often as they should be.

Example::

    for organism in scene(SimSettings(seed=3), index=12, depth_m=40.0):
        print(organism.taxon, organism.pose.length_px)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.simulator.drawing import Pose, Shape
from edge.simulator.settings import SimSettings
from edge.simulator.streams import Purpose, stream
from edge.simulator.taxa import SPECS
from edge.simulator.taxa.spec import TaxonSpec

Rooms: TypeAlias = NDArray[np.float64]
"""Circles as x, y, radius in pixels, ``float64 [n, 3]``."""

_TRIES, _ROOM_MAX_PX = 20, 350.0
_OUT_OF_FOCUS_SHARE, _OUT_OF_FOCUS_TIMES = 0.12, 4.0


@dataclass(frozen=True)
class Organism:
    """One organism, ready to be drawn."""

    taxon: str
    pose: Pose
    shapes: tuple[Shape, ...]
    opacity: float
    defocus_px: float
    grain: float
    texture_xy: tuple[int, int]


def expected(settings: SimSettings, depth_m: float) -> dict[str, float]:
    """The mean number of each taxon in a frame at this depth; over the cast they add to density."""
    share = depth_m / settings.cast_depth_m if settings.cast_depth_m > 0 else 0.5
    total = sum(settings.taxa.values())
    return {
        taxon: settings.density * weight / total * SPECS[taxon].abundance(share)
        for taxon, weight in settings.taxa.items()
    }


def scene(settings: SimSettings, index: int, depth_m: float) -> tuple[Organism, ...]:
    """Every organism of frame ``index``, in the order in which they are drawn."""
    rng = stream(settings.seed, Purpose.SCENE, index)
    means = expected(settings, depth_m)
    counts = rng.poisson(list(means.values()))
    taxa = np.repeat(np.array(list(means), dtype=object), counts)
    rng.shuffle(taxa)
    organisms: list[Organism] = []
    poses: list[Pose] = []
    rooms = np.empty((len(taxa), 3))  # x, y and radius of the circle that each one takes
    for number, taxon in enumerate(taxa):
        own = stream(settings.seed, Purpose.OBJECT, index, number)
        pose = _pose(settings, SPECS[taxon], own)
        if poses and own.random() < settings.touching:
            pose = _against(pose, poses[int(own.integers(number))], own, settings)
        else:
            pose = _apart(pose, rooms[:number], own, settings)
        rooms[number] = pose.x, pose.y, _radius_px(pose)
        poses.append(pose)
        organisms.append(_organism(settings, SPECS[taxon], pose, own))
    return tuple(organisms)


def _organism(
    settings: SimSettings, spec: TaxonSpec, pose: Pose, rng: np.random.Generator
) -> Organism:
    """One individual of a taxon, held like this."""
    far = _OUT_OF_FOCUS_TIMES if rng.random() < _OUT_OF_FOCUS_SHARE else 1.0
    return Organism(
        taxon=spec.name,
        pose=pose,
        shapes=tuple(spec.draw(rng)),
        opacity=float(spec.opacity * rng.lognormal(0, spec.opacity_sigma)),
        defocus_px=float(abs(rng.normal(0, settings.defocus_px * far))),
        grain=spec.grain,
        texture_xy=(int(rng.integers(0, 2**20)), int(rng.integers(0, 2**20))),
    )


def _pose(settings: SimSettings, spec: TaxonSpec, rng: np.random.Generator) -> Pose:
    """Size, place and attitude of a free individual."""
    length_um = spec.length_um * rng.lognormal(0, spec.length_sigma)
    length_px = min(max(length_um, 0.4 * spec.length_um), spec.length_max_um) / settings.pixel_um
    angle = float(rng.uniform(0, 2 * math.pi))
    tilt = 1.0 - (1.0 - spec.tilt_min) * rng.beta(1, 2)
    x, y = _place(length_px, angle, rng, settings)
    return Pose(
        x=x,
        y=y,
        length_px=float(length_px),
        angle_rad=angle,
        tilt=float(tilt),
        bend=float(rng.normal(0, spec.bend)),
        mirror=bool(rng.random() < 0.5),
    )


def _place(
    length_px: float, angle: float, rng: np.random.Generator, settings: SimSettings
) -> tuple[float, float]:
    """A body's origin such that a random point of its axis is a random point of the frame."""
    along = rng.uniform(-0.5, 0.5) * length_px
    x = rng.uniform(0, settings.width) - along * math.cos(angle)
    y = rng.uniform(0, settings.height) - along * math.sin(angle)
    return float(x), float(y)


def _apart(pose: Pose, rooms: Rooms, rng: np.random.Generator, settings: SimSettings) -> Pose:
    """The pose, moved to where it has room if one of a few tries finds some.

    An instrument lights a thin sheet, so organisms seldom lie before one another; how many touch is
    what ``touching`` says. In a crowded frame no try may succeed, and the last one is kept.
    """
    radius = _radius_px(pose)
    for _ in range(_TRIES):
        gaps = np.hypot(rooms[:, 0] - pose.x, rooms[:, 1] - pose.y) - rooms[:, 2]
        if (gaps > radius).all():
            break
        x, y = _place(pose.length_px, pose.angle_rad, rng, settings)
        pose = replace(pose, x=x, y=y)
    return pose


def _radius_px(pose: Pose) -> float:
    """The circle that an organism wants for itself; a long thin one wants less than its length."""
    return 0.6 * min(pose.length_px, _ROOM_MAX_PX)


def _against(pose: Pose, other: Pose, rng: np.random.Generator, settings: SimSettings) -> Pose:
    """The pose moved so that the two bodies about touch, if that keeps it inside the frame."""
    angle = rng.uniform(0, 2 * math.pi)
    distance = 0.33 * (pose.length_px + other.length_px) * rng.uniform(0.6, 1.0)
    x, y = other.x + distance * math.cos(angle), other.y + distance * math.sin(angle)
    if not (0 <= x < settings.width and 0 <= y < settings.height):
        return pose
    return replace(pose, x=x, y=y)

"""From matter to grey levels: light, lens, background and sensor.

Two quantities describe light here. In a dark field an organism's ``effect`` is light scattered into
the lens, in grey levels, and effects add. In a bright field it is optical density (Beer and
Lambert), and densities add, so light is multiplied. Both are zero where there is nothing, and
:meth:`Optics.signal` turns either into grey levels away from the background.

Example::

    optics = Optics.of(settings)
    effect = optics.effect(matter, organism)
    frame = optics.expose(total_effect, optics.brightness(index), rng)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from edge.frames import Grey
from edge.simulator.drawing import Matter, Plane
from edge.simulator.scene import Organism
from edge.simulator.settings import SimSettings
from edge.simulator.streams import Purpose, stream

_TILE = 1024  # side of the texture that mottles organisms
_DARK_WEIGHTS = (0.72, 0.80, 0.48)  # light from tissue, from its rims, from dense matter
_BRIGHT_WEIGHTS = (0.30, 0.90, 1.00)  # the same as optical density
_DRIFT_FRAMES = ((190.0, 0.7), (53.0, 0.3))  # period in frames, share of the drift
_FLICKER = 0.002  # of the lamp, from frame to frame


@cache
def _texture() -> Plane:
    """Mottle of several scales, mean 0 and deviation 1; the same in every simulator."""
    rng = stream(0, Purpose.TEXTURE)
    tile = np.zeros((_TILE, _TILE), np.float32)
    for sigma in (1.6, 4.0, 9.0):
        noise = rng.standard_normal((_TILE, _TILE), dtype=np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
        tile += smooth / smooth.std()
    return np.asarray(tile / tile.std(), np.float32)


@cache
def _normal_table() -> Plane:
    """65,536 numbers of a normal distribution, equally likely: a quick way to noise from bytes."""
    levels = (np.arange(65536) + 0.5) / 65536
    grid = np.linspace(-5, 5, 20001)
    share = np.array([0.5 * (1 + math.erf(x / math.sqrt(2))) for x in grid])
    values = np.interp(levels, share, grid)
    return np.asarray(values / values.std(), np.float32)


def blur(plane: Plane, sigma: float) -> Plane:
    """A Gaussian blur; wide ones are done on a reduced picture, which looks the same."""
    step = int(sigma / 2.5)
    height, width = plane.shape
    if step < 2 or min(height, width) < 8 * step:
        wide = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(wide, np.float32)
    small = cv2.resize(plane, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_CONSTANT)
    wide = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)


@dataclass(frozen=True, eq=False)
class Optics:
    """One instrument's light: what does not change from frame to frame is computed once."""

    settings: SimSettings
    illumination: Plane  # [H, W], 1 at its brightest
    background: Plane  # [H, W], grey levels of empty water before drift
    phases: tuple[float, ...]

    @classmethod
    def of(cls, settings: SimSettings) -> Optics:
        """The light of this instrument, from its settings and seed."""
        rng = stream(settings.seed, Purpose.BACKGROUND)
        illumination = _illumination(settings, rng)
        background = settings.background_grey * illumination
        _add_dust(background, settings, rng)
        columns = rng.normal(0, 0.15, settings.width).astype(
            np.float32
        )  # fixed pattern of a sensor
        return cls(settings, illumination, background + columns, tuple(rng.uniform(0, 6.28, 2)))

    def brightness(self, index: int) -> float:
        """The lamp at frame ``index``: slow drift and a little flicker around 1."""
        slow = sum(
            share * math.sin(2 * math.pi * index / period + phase)
            for (period, share), phase in zip(_DRIFT_FRAMES, self.phases, strict=True)
        )
        flicker = stream(self.settings.seed, Purpose.FLICKER, index).normal(0, _FLICKER)
        return float((1 + self.settings.drift * slow) * (1 + flicker))

    @property
    def typical_effect(self) -> float:
        """The effect that makes ``signal_grey`` in the middle of the frame."""
        settings = self.settings
        if settings.field == "dark":
            return settings.signal_grey
        return -math.log(1 - settings.signal_grey / settings.background_grey)

    def margin_px(self, organism: Organism) -> int:
        """How far an organism's light may spread beyond its outline."""
        return math.ceil(3 * math.hypot(self.settings.blur_px, organism.defocus_px)) + 3

    def effect(self, matter: Matter, organism: Organism) -> Plane:
        """Scattered light (dark field) or optical density (bright field) of one patch."""
        weights = _DARK_WEIGHTS if self.settings.field == "dark" else _BRIGHT_WEIGHTS
        height, width = matter.tissue.shape
        both = matter.tissue + matter.dense
        reach = min(4.0, max(1.2, 0.03 * organism.pose.length_px))
        rim = np.maximum(both - blur(both, reach), 0)
        rows = np.arange(organism.texture_xy[1], organism.texture_xy[1] + height) % _TILE
        cols = np.arange(organism.texture_xy[0], organism.texture_xy[0] + width) % _TILE
        mottle = np.maximum(1 + organism.grain * _texture()[rows[:, None], cols[None, :]], 0.15)
        light = weights[0] * matter.tissue + weights[1] * rim + weights[2] * matter.dense
        light *= mottle * np.float32(organism.opacity * self.typical_effect)
        return blur(light, math.hypot(self.settings.blur_px, organism.defocus_px))

    def signal(self, effect: Plane, y0: int, x0: int, brightness: float) -> Plane:
        """Grey levels away from the background of the part of a patch inside the frame."""
        here = np.s_[y0 : y0 + effect.shape[0], x0 : x0 + effect.shape[1]]
        if self.settings.field == "dark":
            light = self.illumination[here] * np.float32(brightness)
            return np.asarray(effect * light, np.float32)
        light = self.background[here] * np.float32(brightness)
        return np.asarray(light * (1 - np.exp(-effect)), np.float32)

    def expose(self, effect: Plane, brightness: float, rng: np.random.Generator) -> Grey:
        """The camera's picture of all effects together, uint8 [H, W]; ``effect`` is used up."""
        if self.settings.field == "dark":
            np.multiply(effect, self.illumination, out=effect)
            np.add(effect, self.background, out=effect)
        else:
            np.negative(effect, out=effect)
            cv2.exp(effect, dst=effect)
            np.multiply(effect, self.background, out=effect)
        effect *= np.float32(brightness)
        grey = self._sensor(effect, rng)
        return _through_codec(grey, self.settings.jpeg_quality)

    def _sensor(self, light: Plane, rng: np.random.Generator) -> Grey:
        """Shot and read noise, then 8 bits: variance = read² + shot · brightness."""
        raw = np.frombuffer(rng.bytes(2 * light.size), dtype="<u2").reshape(light.shape)
        noise = _normal_table()[raw]
        spread = np.maximum(light, 0) * np.float32(self.settings.shot_noise_grey)
        spread += np.float32(self.settings.read_noise_grey**2)
        np.sqrt(spread, out=spread)
        noise *= spread
        noise += light
        rounded = cv2.convertScaleAbs(np.maximum(noise, 0, out=noise))  # and saturated
        return np.asarray(rounded, np.uint8)


def _illumination(settings: SimSettings, rng: np.random.Generator) -> Plane:
    """Falloff towards the corners from an off-centre lamp, and gentle unevenness; at most 1."""
    height, width = settings.height, settings.width
    centre = rng.normal(0, 0.08, 2)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - np.float32(centre[0])
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] - np.float32(centre[1])
    shape = 1 - np.float32(settings.falloff / 2) * (x * x + y * y)
    coarse = rng.standard_normal((6, 8), dtype=np.float32) * np.float32(0.06 * settings.falloff)
    shape += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.maximum(shape, 0.02) / shape.max(), np.float32)


def _add_dust(background: Plane, settings: SimSettings, rng: np.random.Generator) -> None:
    """Blurred marks on the windows: brighter in a dark field, darker in a bright one."""
    height, width = background.shape
    strongest = 0.6 * settings.visible_grey  # dust alone is never an object
    for _ in range(settings.dust):
        radius = float(rng.uniform(4, 26))
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        x0, y0 = max(0, int(x - 2 * radius)), max(0, int(y - 2 * radius))
        x1, y1 = min(width, int(x + 2 * radius) + 1), min(height, int(y + 2 * radius) + 1)
        across = (np.arange(x0, x1, dtype=np.float32) - x) / radius
        down = (np.arange(y0, y1, dtype=np.float32) - y) / radius
        distance = across[None, :] ** 2 + down[:, None] ** 2
        mark = np.exp(-(distance ** float(rng.uniform(1, 3)))) * rng.uniform(0.1, 0.5) * strongest
        sign = 1 if settings.field == "dark" else -1
        background[y0:y1, x0:x1] += (sign * mark).astype(np.float32)


def _through_codec(grey: Grey, quality: int) -> Grey:
    """What is left of a picture after a lossy codec; quality 0 leaves it as it is."""
    if quality == 0:
        return grey
    _, coded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)

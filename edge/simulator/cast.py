"""Where the instrument is at each frame: a cast from the surface down and up, at drifting stations.

Position, depth, temperature and time are pure functions of the frame's index, and continuous: a
cast moves at one winch speed, the ship drifts slowly, the thermocline breathes with internal waves.

Example::

    cast = Cast.of(SimSettings(cast_frames=240, cast_depth_m=100))
    cast.fix(120).depth_m      # 100.0, the turning point
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.simulator.settings import SimSettings
from edge.simulator.streams import Purpose, stream

_METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6371 km
_SURFACE_C, _DEEP_C = 22.5, 13.4  # a summer thermocline of the western Mediterranean
_THERMOCLINE_SHARE, _THICKNESS_SHARE = 0.28, 0.05  # of the cast's depth
_WAVE_PERIOD_S, _WAVE_SHARE = 900.0, 0.03


@dataclass(frozen=True)
class Fix:
    """What the instrument's other sensors say at one frame."""

    utc_ms: int
    lat_deg: float
    lon_deg: float
    depth_m: float
    temperature_c: float


@dataclass(frozen=True)
class Cast:
    """The motion of one deployment; ``heading_rad`` and ``wave_phase`` come from the seed."""

    settings: SimSettings
    heading_rad: float
    wave_phase: float

    DRIFT_M_S = 0.4  # of the ship

    @classmethod
    def of(cls, settings: SimSettings) -> Cast:
        """The deployment that ``settings.seed`` means."""
        rng = stream(settings.seed, Purpose.CAST)
        heading, phase = rng.uniform(0, 2 * math.pi, 2)
        return cls(settings, float(heading), float(phase))

    def depth_m(self, index: int) -> float:
        """Down at constant speed for half of a cast, up for the other half, and again."""
        turn = index / self.settings.cast_frames % 1.0
        return self.settings.cast_depth_m * (1.0 - abs(1.0 - 2.0 * turn))

    def temperature_c(self, depth_m: float, elapsed_s: float) -> float:
        """A logistic thermocline whose middle rises and falls with an internal wave."""
        scale_m = max(self.settings.cast_depth_m, 1.0)
        wave = math.sin(2 * math.pi * elapsed_s / _WAVE_PERIOD_S + self.wave_phase)
        middle_m = scale_m * (_THERMOCLINE_SHARE + _WAVE_SHARE * wave)
        steps = (depth_m - middle_m) / (scale_m * _THICKNESS_SHARE)
        return _DEEP_C + (_SURFACE_C - _DEEP_C) / (1.0 + math.exp(min(steps, 60.0)))

    def fix(self, index: int) -> Fix:
        """Time, place, depth and temperature at frame ``index``."""
        elapsed_s = index / self.settings.fps
        run_m = self.DRIFT_M_S * elapsed_s
        lat = self.settings.lat_deg + run_m * math.cos(self.heading_rad) / _METRES_PER_DEGREE
        lat = min(90.0, max(-90.0, lat))
        metres_per_degree = _METRES_PER_DEGREE * max(math.cos(math.radians(lat)), 1e-3)
        lon = self.settings.lon_deg + run_m * math.sin(self.heading_rad) / metres_per_degree
        depth = self.depth_m(index)
        return Fix(
            utc_ms=self.settings.start_utc_ms + round(1000.0 * elapsed_s),
            lat_deg=lat,
            lon_deg=(lon + 180.0) % 360.0 - 180.0,
            depth_m=depth,
            temperature_c=self.temperature_c(depth, elapsed_s),
        )

"""What a simulated instrument is: every number that shapes its frames, checked once, here.

Two settings that compare equal give the same frames, pixel for pixel. A setting that makes no sense
is refused with one sentence that names it, before anything is drawn.

Example::

    settings = preset("darkfield", seed=7, density=120)
    settings.frames            # 240
    preset("darkfield", density=-1)
    # SettingsError: density: expected a number from 0 to 500, got -1
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from edge.simulator.taxa import DEFAULT_WEIGHTS

FIELDS = ("dark", "bright")

_BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "seed": (0, 2**63 - 1),
        "width": (32, 8192),
        "height": (32, 8192),
        "density": (0, 500),
        "pixel_um": (0.1, 500),
        "frames": (0, 10_000_000),
        "fps": (0.001, 1000),
        "start_utc_ms": (0, 4_102_444_800_000),
        "cast_frames": (2, 10_000_000),
        "cast_depth_m": (0, 6000),
        "lat_deg": (-90, 90),
        "lon_deg": (-180, 180),
        "touching": (0, 1),
        "specks": (0, 50_000),
        "speck_max_um": (1, 5000),
        "background_grey": (0, 250),
        "falloff": (0, 0.9),
        "drift": (0, 0.5),
        "dust": (0, 1000),
        "signal_grey": (1, 400),
        "read_noise_grey": (0, 50),
        "shot_noise_grey": (0, 5),
        "blur_px": (0.3, 20),
        "defocus_px": (0, 20),
        "visible_grey": (1, 100),
        "jpeg_quality": (0, 100),
    }
)


class SettingsError(ValueError):
    """A simulator setting that cannot be; the message starts with the setting's name."""


@dataclasses.dataclass(frozen=True)
class SimSettings:
    """One simulated instrument. Lengths in water are in µm or m, brightness in grey levels 0-255.

    The variance of a pixel whose noise-free brightness is ``I`` grey levels is
    ``read_noise_grey**2 + shot_noise_grey * I``: read noise, and photons arriving by Poisson's law.
    """

    seed: int = 1
    field: str = "dark"
    width: int = 2048
    height: int = 1536
    pixel_um: float = 10.0
    # What swims
    density: float = 40.0  # mean number of organisms a frame, over the whole cast
    taxa: Mapping[str, float] = dataclasses.field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    touching: float = 0.06  # share of organisms placed against another one
    specks: float = 500.0  # mean number of particles too small to be objects, a frame
    speck_max_um: float = 50.0
    # When and where
    frames: int = 240
    fps: float = 1.0
    start_utc_ms: int = 1_780_293_600_000  # 2026-06-01 06:00 UTC
    cast_frames: int = 240  # frames in one cast, down and up again
    cast_depth_m: float = 100.0
    lat_deg: float = 43.6833
    lon_deg: float = 7.3167
    # Light, lens and sensor
    background_grey: float = 18.0  # brightness of empty water at the centre of the frame
    falloff: float = 0.35  # loss of light from the centre to the corners
    drift: float = 0.06  # slow change of brightness, as a share of it
    dust: int = 30  # blurred marks on the windows, the same in every frame
    signal_grey: float = 115.0  # brightness of a typical organism above the background
    read_noise_grey: float = 0.8
    shot_noise_grey: float = 0.05
    blur_px: float = 0.8  # sigma of the lens at best focus
    defocus_px: float = 1.4  # typical extra sigma of an organism away from the focal plane
    visible_grey: float = 8.0  # an organism's pixel is in its mask from this signal on
    jpeg_quality: int = 0  # 0: as the sensor gives it; 1-100: through a lossy codec

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            _check_number(name, getattr(self, name), low, high)
        if self.field not in FIELDS:
            raise SettingsError(f"field: expected 'dark' or 'bright', got {self.field!r}")
        if self.field == "bright" and self.background_grey < 2 * self.visible_grey:
            raise SettingsError(
                f"background_grey: a bright field needs at least {2 * self.visible_grey:g}"
                f" (twice visible_grey), got {self.background_grey:g}"
            )
        if self.field == "bright" and self.signal_grey > 0.95 * self.background_grey:
            raise SettingsError(
                f"signal_grey: in a bright field at most {0.95 * self.background_grey:g}"
                f" (0.95 of background_grey), got {self.signal_grey:g}"
            )
        _check_taxa(self.taxa)
        object.__setattr__(self, "taxa", MappingProxyType(dict(self.taxa)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SimSettings:
        """Settings from a configuration file's table, which may start from a ``preset``.

        Without one a bright field starts from "brightfield", all else from "darkfield". Raises
        :class:`SettingsError`, naming the key, for a key that does not exist.
        """
        changes = dict(values)
        usual = "brightfield" if changes.get("field") == "bright" else "darkfield"
        name = str(changes.pop("preset", usual))
        known = {entry.name for entry in dataclasses.fields(cls)}
        for key in changes:
            if key not in known:
                raise SettingsError(f"{key}: no such simulator setting; known: {sorted(known)}")
        return preset(name, **changes)


def _check_number(name: str, value: object, low: float, high: float) -> None:
    whole = isinstance(getattr(SimSettings, name), int)  # the default tells
    wanted = f"expected a {'whole ' if whole else ''}number from {low:g} to {high:g}"
    allowed = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise SettingsError(f"{name}: {wanted}, got {value!r}")
    if not math.isfinite(value) or not low <= value <= high:
        raise SettingsError(f"{name}: {wanted}, got {value:g}")


def _check_taxa(taxa: object) -> None:
    if not isinstance(taxa, Mapping):
        raise SettingsError(f"taxa: expected a table of taxon names and weights, got {taxa!r}")
    for taxon, weight in taxa.items():
        if taxon not in DEFAULT_WEIGHTS:
            known = ", ".join(DEFAULT_WEIGHTS)
            raise SettingsError(f"taxa: no such taxon {taxon!r}; known: {known}")
        if not isinstance(weight, (int, float)) or not math.isfinite(weight) or weight < 0:
            raise SettingsError(f"taxa: weight of {taxon!r}: expected 0 or more, got {weight!r}")
    if sum(taxa.values()) <= 0:
        raise SettingsError("taxa: at least one taxon needs a weight above 0")


_BRIGHT: Mapping[str, Any] = MappingProxyType(
    {
        "field": "bright",
        "background_grey": 205.0,
        "falloff": 0.18,
        "read_noise_grey": 0.6,
        "shot_noise_grey": 0.003,
        "drift": 0.03,
    }
)

_COASTAL: Mapping[str, Any] = MappingProxyType(
    {
        "width": 2448,
        "height": 2048,
        "pixel_um": 14.0,
        "density": 320.0,
        "touching": 0.25,
        "signal_grey": 105.0,
        "taxa": MappingProxyType(
            {
                "aggregate": 84,
                "Copepoda": 6,
                "dot": 5,
                "nauplius": 2,
                "fibre": 1,
                "Hydrozoa": 1,
                "Appendicularia": 1,
            }
        ),
        "specks": 2300.0,
        "speck_max_um": 200.0,
        "background_grey": 19.8,
        "falloff": 0.42,
        "blur_px": 0.55,
        "defocus_px": 1.0,
        "jpeg_quality": 75,
    }
)

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "darkfield": MappingProxyType({}),
        "brightfield": _BRIGHT,
        "crowded": MappingProxyType({"density": 300.0, "touching": 0.15, "specks": 1500.0}),
        "coastal": _COASTAL,  # much detritus, through a lossy codec: tuned to real frames
    }
)
"""Named instruments: the changes each makes to the default settings."""


def preset(name: str, **changes: Any) -> SimSettings:
    """The named instrument with ``changes`` made to it; raises :class:`SettingsError`."""
    if name not in PRESETS:
        raise SettingsError(f"preset: no such preset {name!r}; known: {', '.join(PRESETS)}")
    return SimSettings(**{**PRESETS[name], **changes})

"""What a person may set about segmentation. Sizes are in micrometres, thresholds in grey levels."""

from __future__ import annotations

import math
from dataclasses import dataclass

ESD_MIN_PX = 12.0
"""Below this size, if no limit is set, an object shows too little to be recognised."""


_WORDS = {
    "field": ("auto", "dark", "bright"),
    "border": ("keep", "drop"),
    "split": ("off", "auto"),
}


@dataclass(frozen=True)
class SegmentSettings:
    """Settings of :func:`edge.segment.segment`.

    A pixel belongs to an object if its signal is above ``low`` and it hangs together with pixels
    above ``high``. Both are multiples of the frame's measured noise, within the limits given: the
    floor keeps compression patterns out, the ceiling keeps crowded frames, whose "noise" is made of
    things out of focus, from losing everything.
    """

    field: str = "auto"
    """"dark" (bright objects on black), "bright" (dark objects on white) or "auto"."""
    pixel_um: float = 1.0
    esd_min_um: float | None = None
    """None: 12 pixels."""
    esd_max_um: float | None = None
    low_noises: float = 2.5
    low_floor: float = 6.0
    low_ceiling: float = 20.0
    high_noises: float = 6.0
    high_floor: float = 10.0
    high_ceiling: float = 40.0
    high_pixels: int = 3
    """An object has at least so many pixels above ``high``."""
    close_px: int = 3
    """Gaps narrower than this are closed; 0 or 1: none."""
    border: str = "keep"
    """Objects cut by the frame's edge: "keep" (flagged) or "drop" (counted)."""
    split: str = "off"
    """"auto": objects that touch at a narrow neck are told apart; "off": they are one object."""
    max_regions: int = 2000
    """Of more, the largest are kept and the rest is counted as dropped."""

    def __post_init__(self) -> None:
        """Raise ValueError, naming the setting, for a value that makes no sense."""
        for name, allowed in _WORDS.items():
            if getattr(self, name) not in allowed:
                words = ", ".join(allowed)
                raise ValueError(f"{name} must be one of {words}, not {getattr(self, name)!r}")
        positive = ("pixel_um", "low_noises", "high_noises", "low_floor", "high_floor")
        for name in (*positive, "max_regions", "high_pixels"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be above 0, not {value!r}")
        if self.esd_min_px <= 0 or self.esd_max_px <= self.esd_min_px:
            raise ValueError(
                f"esd_min_um ({self.esd_min_um}) must be above 0 and below "
                f"esd_max_um ({self.esd_max_um})"
            )

    @property
    def esd_min_px(self) -> float:
        return ESD_MIN_PX if self.esd_min_um is None else self.esd_min_um / self.pixel_um

    @property
    def esd_max_px(self) -> float:
        return math.inf if self.esd_max_um is None else self.esd_max_um / self.pixel_um

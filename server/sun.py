"""Where the sun stood, in EcoTaxa's letters: D day, N night, A dawn, U dusk, "" not known.

The sun's height follows the low-precision formulas of the Astronomical Almanac (within 0.1 degree
from 1950 to 2050; good enough for centuries around). Day is above -0.833 degrees (the sun's upper
edge, refracted), night below -12 (nautical twilight), between them it rises or sets.

Example:
    >>> sunpos(1_719_835_200_000, 43.5, 7.3)   # 2024-07-01 12:00 UTC off Villefranche
    'D'
"""

import math

_J2000_MS = 946_728_000_000
_DAY_MS = 86_400_000
_HORIZON, _NAUTICAL = -0.833, -12.0


def height_deg(utc_ms: int, lat_deg: float, lon_deg: float) -> float:
    """Height of the sun's centre above the horizon, in degrees."""
    days = (utc_ms - _J2000_MS) / _DAY_MS
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(
        280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    tilt = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    hour = math.radians(280.46062 + 360.985647366 * days + lon_deg) - ascension
    lat = math.radians(lat_deg)
    upright = math.sin(lat) * math.sin(declination)
    sine = upright + math.cos(lat) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def sunpos(utc_ms: int | None, lat_deg: float | None, lon_deg: float | None) -> str:
    """D, N, A or U; "" when the moment or the place is not known."""
    if utc_ms is None or lat_deg is None or lon_deg is None:
        return ""
    height = height_deg(utc_ms, lat_deg, lon_deg)
    if height > _HORIZON:
        return "D"
    if height < _NAUTICAL:
        return "N"
    return "A" if height_deg(utc_ms + 60_000, lat_deg, lon_deg) > height else "U"

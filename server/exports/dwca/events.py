"""Events of an archive: one for each sample, and below it one for each bin of depth if asked.

A sample whose place or date is not known cannot be an event of OBIS's: it is reported with its
objects. Positions are means over the sample's objects, their spread the uncertainty.

Example:
    >>> events = Events(project, known, read_events(connection, selection), grouping)
    >>> events.sample(3)["eventDate"]
    '2026-09-21T14:13:20Z/2026-09-21T15:02:11Z'
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from server.db.exporting import ProjectRow
from server.db.exporting_events import SampleEvent
from server.exports.columns import Known
from server.exports.depths import Depths

COLUMNS = (
    *("eventID", "parentEventID", "eventType", "datasetName", "eventDate"),
    *("decimalLatitude", "decimalLongitude", "geodeticDatum", "coordinateUncertaintyInMeters"),
    *("minimumDepthInMeters", "maximumDepthInMeters", "samplingProtocol"),
    *("sampleSizeValue", "sampleSizeUnit", "eventRemarks"),
)
_EARTH_M = 6_371_008.8
Event = dict[str, Any]


@dataclass(frozen=True)
class Events:
    """`water_m3`: what a sample stands for, where that is one number."""

    project: ProjectRow
    known: Known
    places: dict[int, SampleEvent]
    water_m3: dict[int, float]
    depths: Depths | None
    bins: dict[int, int]

    def lacks(self, sample: int) -> str:
        """What keeps a sample from being an event; "" when nothing does."""
        found = self.places[sample]
        missing = [
            word
            for word, value in (("date", found.first_ms), ("position", found.lat_deg))
            if value is None
        ]
        return " and ".join(missing)

    def sample_id(self, sample: int) -> str:
        """Unique on this shore, the same with every export."""
        name = " ".join(self.known.levels.samples[sample].orig_id.split())
        return f"{self.project.project_id}:{sample}:{name}"

    def bin_id(self, sample: int, number: int) -> str:
        assert self.depths is not None
        low, high = self.depths.limits(number)
        return f"{self.sample_id(sample)}:{low:g}-{high:g}m"

    def sample(self, sample: int) -> Event:
        found = self.places[sample]
        lat, lon = found.lat_deg, found.lon_deg
        assert lat is not None
        assert lon is not None
        water = self.water_m3.get(sample)
        return {
            "eventID": self.sample_id(sample),
            "eventType": "Sample",
            "datasetName": self.project.title,
            "eventDate": interval_of(found),
            "decimalLatitude": f"{lat:.6f}",
            "decimalLongitude": f"{(lon + 180) % 360 - 180:.6f}",
            "geodeticDatum": "EPSG:4326",
            "coordinateUncertaintyInMeters": _spread_m(found),
            "minimumDepthInMeters": _metres(found.shallow_m),
            "maximumDepthInMeters": _metres(found.deep_m),
            "samplingProtocol": self.protocol(sample),
            "sampleSizeValue": "" if water is None else f"{water:.9g}",
            "sampleSizeUnit": "" if water is None else "cubic metre",
        }

    def bin(self, sample: int, number: int) -> Event:
        """A part of the sample's water column."""
        assert self.depths is not None
        low, high = self.depths.limits(number)
        event = {**self.sample(sample), "eventID": self.bin_id(sample, number)}
        water = self.water_m3.get(sample)
        size = {} if water is None else {"sampleSizeValue": f"{water / self.bins[sample]:.9g}"}
        return {
            **event,
            **size,
            "parentEventID": self.sample_id(sample),
            "eventType": "Depth bin",
            "minimumDepthInMeters": f"{low:g}",
            "maximumDepthInMeters": f"{high:g}",
            "eventRemarks": "the sample's water is shared evenly by its depth bins",
        }

    def instruments(self, sample: int) -> list[str]:
        """Of the sample's acquisitions, or else the project's."""
        acquisitions = self.known.levels.acquisitions.values()
        found = [a.instrument for a in acquisitions if a.sample_id == sample and a.instrument]
        return list(dict.fromkeys(found)) or [n for n in [self.project.instrument] if n]

    def protocol(self, sample: int) -> str:
        instruments = self.instruments(sample)
        return f"imaging with {', '.join(instruments)}" if instruments else "imaging"


def interval_of(event: SampleEvent) -> str:
    """ISO 8601: a moment, a day, or an interval of either."""
    assert event.first_ms is not None
    assert event.last_ms is not None
    form = "%Y-%m-%d" if event.day_only else "%Y-%m-%dT%H:%M:%SZ"
    first, last = (
        datetime.fromtimestamp(ms / 1000, UTC).strftime(form)
        for ms in (event.first_ms, event.last_ms)
    )
    return first if first == last else f"{first}/{last}"


def _metres(depth_m: float | None) -> str:
    return "" if depth_m is None else f"{depth_m:.3f}".rstrip("0").rstrip(".")


def _spread_m(event: SampleEvent) -> str:
    """Half the diagonal of the box that holds the positions; "" for a single one."""
    south, north, west, east = (
        event.south_deg, event.north_deg, event.west_deg, event.east_deg
    )  # fmt: skip
    if south is None or north is None or west is None or east is None:
        return ""
    high = math.radians(north - south)
    wide = math.radians(east - west) * math.cos(math.radians((north + south) / 2))
    spread = math.ceil(math.hypot(high, wide) / 2 * _EARTH_M)
    return str(spread) if spread else ""

"""From the sensor to the review page: how long after a frame its objects are in an answer.

A simulated instrument runs as it would at sea, in a process of its own, with the shore in another;
the frame's moment is the one at which the simulator wrote down what it had drawn.

Example:
    >>> with served(folder, database=None, workers=1) as shore:
    ...     statistics.median(sensor_to_page_s(shore, folder, frames=20))
    0.4
"""

import time
from pathlib import Path

from server.bench.served import Served
from server.demo.operator import read_truth
from server.demo.processes import Instrument
from server.demo.story import CONFIG

_LOOK_S = 0.01
_PATIENCE_S = 120


def sensor_to_page_s(served: Served, folder: Path, frames: int) -> list[float]:
    """Seconds for each of `frames` frames, one a second, that had objects."""
    config = CONFIG.format(
        name="latency",
        folder=folder / "latency",
        url=served.shore.url,
        claim=served.claim("latency"),
        interval_s=1.0,
        seed=5,
        density=20,
        width=2048,
        height=1536,
    )
    instrument = Instrument("latency", folder / "latency", config)
    drawn: dict[int, float] = {}
    seen: dict[int, float] = {}
    instrument.start()
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while len(seen) < frames and time.monotonic() < deadline:
            _look(served, instrument, drawn, seen)
            time.sleep(_LOOK_S)
    finally:
        instrument.stop()
    if len(seen) < frames:
        raise RuntimeError(f"{len(seen)} of {frames} frames came{instrument.tail()}")
    return [seen[frame] - drawn[frame] for frame in seen if frame in drawn]


def _look(
    served: Served, instrument: Instrument, drawn: dict[int, float], seen: dict[int, float]
) -> None:
    """Note what is new in the simulator's book, then what is new on the page."""
    if instrument.truth.exists():
        for frame in read_truth(instrument.truth).keys() - drawn.keys():
            drawn[frame] = time.monotonic()
    path = f"/api/projects/{served.project}/objects"
    for one in served.operator.get(path, sort="-objid", limit=1)["objects"]:
        seen.setdefault(one["frame_index"], time.monotonic())

"""The running sums of a dive, stored in the very commit that stores the frame they count.

A frame belongs to one depth bin, so its commit rewrites that bin's fact and the head, about a
kilobyte, however long the dive. A kill leaves frame, cursor and sums together or none of them:
nothing is counted twice or lost. The commit of the summary record clears the sums.

A dive ends when the instrument is back above `surface_m` after it was below, when another release
is at work, or after `every_h`.

Example:
    >>> tally = Tally(outbox, settings, clock)
    >>> step = tally.step(result.frame, counts, release)     # nothing is counted yet
    >>> outbox.commit(drafts, cursor, tally.facts(step)); tally.took(step)
    >>> tally.close_dive()                                   # between frames: a record, if due
"""

import json
from dataclasses import asdict, dataclass, field, replace

from edge.clock import Clock
from edge.config_link import SatelliteConfig
from edge.frames import Frame
from edge.outbox import Draft, Outbox
from edge.policy import setting
from edge.satellite.counts import Counts
from wire.records import Summary as SummaryRecord
from wire.summary import Summary
from wire.summary_bits import encode

HEAD = "dive"
BINS_MAX = 1000
"""Depth bins that are kept; what is deeper counts in the last one."""
DEPTHLESS = -1
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Head:
    """The dive so far. `run_ms` adds up the running time from frame to frame, over restarts;
    `deep`: it was below the surface; `surfaced`: and came back."""

    release: str = ""
    run_ms: int = 0
    start_utc_ms: int | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    deep: bool = False
    surfaced: bool = False
    bins: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bin:
    """One depth bin: frames, and objects by "taxon:size"."""

    frames: int = 0
    cells: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """The sums after one more frame, to be stored with it."""

    head: Head
    number: int
    bin: Bin
    mono_ms: int


class Tally:
    """For the agent's thread alone."""

    def __init__(self, outbox: Outbox, settings: SatelliteConfig, clock: Clock) -> None:
        self._outbox, self._settings, self._clock = outbox, settings, clock
        self._mono_ms = clock.mono_ms()
        stored = json.loads(outbox.fact(HEAD) or "{}")
        self._head = Head(**{**stored, "bins": tuple(stored.get("bins", ()))})
        self._bins = {number: self._stored(number) for number in self._head.bins}

    def step(self, frame: Frame, counts: Counts, release: str) -> Step:
        """The sums with this frame. Pure: `took` makes them the present ones."""
        head, mono_ms = self._head, self._clock.mono_ms()
        number = self._number(frame.depth_m)
        before = self._bins.get(number, Bin())
        cells = dict(before.cells)
        for (taxon, size), n in counts.items():
            name = f"{taxon}:{size}"
            cells[name] = cells.get(name, 0) + n
        depth_m = frame.depth_m
        deep = head.deep or (depth_m is not None and depth_m > self._settings.surface_m)
        utc_ms = frame.utc_ms if frame.utc_ms is not None else self._clock.utc_ms()
        head = replace(
            head,
            release=release,
            run_ms=head.run_ms + max(0, mono_ms - self._mono_ms),
            start_utc_ms=head.start_utc_ms if head.start_utc_ms is not None else utc_ms,
            lat_deg=frame.lat_deg if frame.lat_deg is not None else head.lat_deg,
            lon_deg=frame.lon_deg if frame.lon_deg is not None else head.lon_deg,
            deep=deep,
            surfaced=deep and depth_m is not None and depth_m <= self._settings.surface_m,
            bins=tuple(sorted({*head.bins, number})),
        )
        return Step(head, number, Bin(before.frames + 1, cells), mono_ms)

    def facts(self, step: Step) -> dict[str, object]:
        """What to store in the frame's commit."""
        return {HEAD: _text(step.head), _name(step.number): _text(step.bin)}

    def took(self, step: Step) -> None:
        """The frame is committed."""
        self._head, self._mono_ms = step.head, step.mono_ms
        self._bins[step.number] = step.bin

    def is_due(self, release: str) -> bool:
        """Whether the dive is over, or lasts long enough for a summary."""
        head = self._head
        if not head.bins:
            return False
        every_h = setting(self._outbox, "satellite.every_h", self._settings.every_h)
        other = head.release != release
        return head.surfaced or other or head.run_ms >= every_h * HOUR_MS

    def close_dive(self) -> tuple[int, ...]:
        """Commit the dive as summary records and begin the next one; the seqs given."""
        drafts = [Draft(SummaryRecord(data)) for data in encode(self.summary())]
        facts = {_name(number): "" for number in self._bins}
        seqs = self._outbox.commit(drafts, facts={HEAD: "", **facts})
        self._head, self._bins = Head(), {}
        self._mono_ms = self._clock.mono_ms()
        return seqs

    def summary(self) -> Summary:
        """The dive so far."""
        head = self._head
        depthless = not any(number != DEPTHLESS for number in head.bins)
        numbers = [max(0, number) for number in head.bins]
        first = min(numbers, default=0)
        frames = [0.0] * (max(numbers, default=0) - first + 1)
        cells: dict[tuple[int, int], dict[int, float]] = {}
        for number, found in self._bins.items():
            place = max(0, number) - first
            frames[place] += found.frames
            for name, n in found.cells.items():
                taxon, size = map(int, name.split(":"))
                here = cells.setdefault((place, taxon), {})
                here[size] = here.get(size, 0) + n
        utc_ms, waiting = head.start_utc_ms, self._outbox.pending()
        return Summary(
            release=head.release[:8],
            bin_m=self._settings.bin_m,
            frames=tuple(frames),
            cells=cells,
            first_bin=first,
            depthless=depthless,
            frame_ml=self._settings.frame_ml,
            start_s=None if utc_ms is None else utc_ms // 1000,
            minutes=head.run_ms // 60_000,
            clock=_clock_quality(self._clock),
            lat_deg=head.lat_deg,
            lon_deg=head.lon_deg,
            pending=waiting.records,
            oldest=self._outbox.oldest_seq,
        )

    def _number(self, depth_m: float | None) -> int:
        if depth_m is None:
            return DEPTHLESS
        return min(BINS_MAX - 1, max(0, int(depth_m / self._settings.bin_m)))

    def _stored(self, number: int) -> Bin:
        return Bin(**json.loads(self._outbox.fact(_name(number)) or "{}"))


def _clock_quality(clock: Clock) -> int:
    """0 nobody vouches for the time, 1 the system, 2 a network, 3 the shore."""
    source = getattr(clock, "source", None)
    if source is None:
        return 1 if clock.utc_ms() is not None else 0
    return {"system": 1, "network": 2, "shore": 3}.get(str(source), 0)


def _name(number: int) -> str:
    return f"{HEAD}:{number}"


def _text(item: Head | Bin) -> str:
    return json.dumps(asdict(item), separators=(",", ":"))

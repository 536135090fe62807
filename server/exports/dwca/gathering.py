"""What a project gives to an archive's tables, put together; and what is in none of them.

Example:
    >>> gathering.add_events(grouping)
    >>> gathering.finish().left_out
    [['cast1', 'detritus', 'taxon without an AphiaID', 512]]
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from server.db.exporting import ProjectRow
from server.db.exporting_events import SampleEvent
from server.exports.counted import STATUSES
from server.exports.depths import NOWHERE
from server.exports.dwca import vocabulary
from server.exports.dwca.events import Events
from server.exports.dwca.occurrences import Occurrence, Sums, measure
from server.exports.dwca.taxa import Name, Names
from server.exports.grouping import Grouping
from server.exports.recast import LEFT_OUT
from server.exports.tally import Tally

Row = dict[str, Any]
NO_NAME = "taxon without an AphiaID"


@dataclass
class Gathered:
    """`left_out` are [sample, taxon, reason, objects]; `used` the names that occur."""

    project: ProjectRow
    events: list[Row] = field(default_factory=list)
    occurrences: list[Row] = field(default_factory=list)
    measurements: list[Row] = field(default_factory=list)
    left_out: list[list[Any]] = field(default_factory=list)
    places: list[SampleEvent] = field(default_factory=list)
    used: set[Name] = field(default_factory=set)
    objects: int = 0

    def rows(self, word: str) -> list[Row]:
        found: list[Row] = getattr(self, word)
        return found


@dataclass
class Gathering:
    found: Gathered
    events: Events
    names: Names
    people: Mapping[tuple[int, int], Sequence[str]]
    releases: Mapping[tuple[int, int], Sequence[str]]
    fractions: Mapping[int, float]
    event_ids: list[tuple[str, bool]] = field(default_factory=list)
    """And whether objects hang below it, in no event of its own."""
    held: dict[str, Occurrence] = field(default_factory=dict)
    left: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add_events(self, grouping: Grouping) -> None:
        """Those of samples, and those of their bins."""
        for sample in sorted(self.events.places):
            if self.events.lacks(sample):
                continue
            place = self.events.places[sample]
            self.found.places.append(place)
            self.found.events.append(self.events.sample(sample))
            self.event_ids.append((self.events.sample_id(sample), self.events.depths is None))
            self.found.measurements += self._of_event(sample)
        if self.events.depths is None:
            return
        for sample, number in grouping.units:
            if not self.events.lacks(sample):
                self.found.events.append(self.events.bin(sample, number))
                self.event_ids.append((self.events.bin_id(sample, number), True))

    def _of_event(self, sample: int) -> list[Row]:
        event_id, found = self.events.sample_id(sample), []
        water = self.events.water_m3.get(sample)
        if water is not None:
            found.append(measure(event_id, "", vocabulary.VOLUME_SAMPLED, f"{water:.9g}"))
        if sample in self.fractions:
            text = f"{self.fractions[sample]:.9g}"
            found.append(measure(event_id, "", vocabulary.FRACTION, text))
        instruments = self.events.instruments(sample)
        if instruments:
            text = ", ".join(instruments)
            found.append(measure(event_id, "", vocabulary.INSTRUMENT, text))
        return found

    def add_occurrences(self, tally: Tally) -> None:
        taxa = self.names.taxa
        for key, sums in sorted(tally.sums.items()):
            sample, taxon, status = key[0], key[-2], STATUSES[key[-1]]
            place = self.events.known.levels.samples[sample].orig_id
            lacks = self.events.lacks(sample)
            shown = taxa[taxon].display_name if taxon in taxa else ""
            name = self.names.of(taxon) if taxon > 0 else None
            if lacks:
                self.left[place, shown, f"sample without a {lacks}"] += int(sums[0])
            elif taxon == LEFT_OUT:
                self.left[place, "", "left out by taxo_mapping"] += int(sums[0])
            elif name is None:
                self.left[place, shown, NO_NAME] += int(sums[0])
            else:
                self._add(key, name, status, sums)

    def _add(self, key: Sequence[int], name: Name, status: str, sums: Any) -> None:
        sample, taxon = key[0], key[-2]
        deep = self.events.depths is not None and key[1] != NOWHERE
        event = self.events.bin_id(sample, key[1]) if deep else self.events.sample_id(sample)
        occurrence = Occurrence(
            event,
            name,
            status,
            Sums(int(sums[0]), float(sums[1]), _known(sums[2]), _known(sums[3])),
            " | ".join(self.people.get((sample, taxon), ())),
            " | ".join(self.releases.get((sample, taxon), ())),
        )
        held = self.held.get(occurrence.occurrence_id)
        self.held[occurrence.occurrence_id] = _together(held, occurrence) if held else occurrence

    def add_absent(self) -> None:
        """Every name that occurs anywhere was looked for in each event."""
        names = sorted({o.name for o in self.held.values()}, key=lambda n: (n.name, n.verbatim))
        there = {(o.event_id, _as_told(o.name)) for o in self.held.values()}
        for event_id, leaf in self.event_ids:
            for name in names:
                if leaf and (event_id, _as_told(name)) not in there:
                    there.add((event_id, _as_told(name)))
                    absent = Occurrence(event_id, name, "V", Sums(0, 0.0, None, None))
                    self.held[absent.occurrence_id] = absent

    def finish(self) -> Gathered:
        found = self.found
        for occurrence in self.held.values():
            found.occurrences.append(occurrence.row())
            found.measurements += occurrence.measures()
            found.objects += occurrence.sums.objects
            found.used.add(occurrence.name)
        found.left_out = [[*key, n] for key, n in sorted(self.left.items())]
        return found


def _as_told(name: Name) -> tuple[int, str, str]:
    """What an occurrence says of a name: two taxa may say the same."""
    return name.aphia_id, name.life_stage, name.remark


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _together(one: Occurrence, other: Occurrence) -> Occurrence:
    """Two taxa of a project that have one name."""
    sums = Sums(
        one.sums.objects + other.sums.objects,
        one.sums.individuals + other.sums.individuals,
        _sum(one.sums.per_m3, other.sums.per_m3),
        _sum(one.sums.mm3_per_m3, other.sums.mm3_per_m3),
    )
    return Occurrence(
        one.event_id,
        replace(one.name, verbatim=_union([one.name.verbatim, other.name.verbatim])),
        one.status,
        sums,
        _union([one.people, other.people]),
        _union([one.references, other.references]),
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _union(texts: Iterable[str]) -> str:
    parts = (part for text in texts for part in text.split(" | ") if part)
    return " | ".join(dict.fromkeys(parts))

"""Which objects a release is judged on: whole samples or stretches of frames, never neighbours.
Pure.

Neighbouring frames show the same animal, so a random split would judge a head on what it learnt.
Samples are held out whole when there are enough of them; else stretches of consecutive frames;
objects one by one only when nothing else leaves every taxon enough to learn from, and then the
result says so.

Example:
    >>> split = hold_out(labels, samples, acquisitions, frames)
    >>> split.by, int(split.test.sum())
    ('frames', 212)
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHARE = 0.25
"""Of the objects, how many are held out."""
LEAST_SHARE = 0.1
SAMPLES_LEAST = 5
STRETCHES = 12
KEEP_LEAST = 0.5
"""Of a taxon's objects, how many stay to learn from."""


@dataclass(frozen=True)
class Split:
    test: npt.NDArray[np.bool_]  # [n]
    by: str  # "samples", "frames" or "objects"


def hold_out(
    labels: Sequence[str],
    samples: Sequence[int],
    acquisitions: Sequence[int],
    frames: Sequence[int],
) -> Split:
    """Choose about a quarter of the objects; every taxon keeps at least half of its own."""
    if len(set(samples)) >= SAMPLES_LEAST:
        test = _whole_groups(labels, samples)
        if test.mean() >= LEAST_SHARE:
            return Split(test, "samples")
    test = _whole_groups(labels, _stretches(acquisitions, frames))
    if test.mean() >= LEAST_SHARE:
        return Split(test, "frames")
    return Split(_every_fourth(labels), "objects")


def _stretches(acquisitions: Sequence[int], frames: Sequence[int]) -> list[tuple[int, int]]:
    """The stretch of consecutive frames that each object is in: (acquisition, number)."""
    seen: dict[int, set[int]] = {}
    for acquisition, frame in zip(acquisitions, frames, strict=True):
        seen.setdefault(acquisition, set()).add(frame)
    number = {
        (acquisition, frame): place * STRETCHES // len(of_it)
        for acquisition, of_it in seen.items()
        for place, frame in enumerate(sorted(of_it))
    }
    return [(a, number[a, f]) for a, f in zip(acquisitions, frames, strict=True)]


def _whole_groups(labels: Sequence[str], groups: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
    """Whole groups for the test, spread over their order, as long as every taxon keeps enough."""
    members: dict[Hashable, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    left = Counter(labels)
    least = {label: KEEP_LEAST * n for label, n in left.items()}
    test = np.zeros(len(labels), np.bool_)
    wanted = SHARE * len(labels)
    for group in _spread(sorted(members, key=repr)):
        places = members[group]
        taken = Counter(labels[place] for place in places)
        if all(left[label] - n >= least[label] for label, n in taken.items()):
            left -= taken
            test[places] = True
        if test.sum() >= wanted:
            break
    return test


def _spread(groups: Sequence[Hashable]) -> list[Hashable]:
    """Every fourth group first, beginning with the second, then the next every fourth..."""
    return [group for start in (1, 3, 0, 2) for group in groups[start::4]]


def _every_fourth(labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    seen: Counter[str] = Counter()
    test = np.zeros(len(labels), np.bool_)
    for place, label in enumerate(labels):
        seen[label] += 1
        test[place] = seen[label] % 4 == 0
    return test

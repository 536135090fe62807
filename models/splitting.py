"""Which images a head is judged on: later ones where names tell the time, else drawn at random.

Neighbouring frames show the same animal, so a random split flatters. A Scripps Plankton Camera's
name tells when: `SPC-PWSSC-<unix time>-<frame>-<roi>-...`. Times form deployments (separated by a
week without images) and bursts (separated by an hour); of each deployment the last part is held
out, cut between two bursts.

`parts` is the one split of a labelled set: whoever trains a network, fits a head or makes a table
of figures calls it with every image of the set: none is judged on what another has learnt.

Invariant: where an image goes depends on the set and the seed, never on the order or the place of
its files.

Example:
    >>> split_by_time(np.array([0, 10, 90_000, 90_010, 200_000], np.int64)).tolist()
    [0, 0, 0, 0, 2]
    >>> parts([f"a/{i}.png" for i in range(10)], ["a"] * 10).tolist()
    [0, 2, 0, 0, 0, 2, 0, 0, 0, 1]
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

DEPLOYMENT_GAP_S = 7 * 24 * 3600
BURST_GAP_S = 3600
FIRST_TRUSTED_TIME = 1_000_000_000  # 2001: an unset camera clock counts from 1970
VALIDATION_SHARE, TEST_SHARE = 0.08, 0.20
TIMED_SHARE = 0.9
"""With the time in so many of the names the split is by time."""
TEST_LEAST = 0.05
"""By time, at least this share must be held out; else the split is random."""
TRAIN, VALIDATION, TEST, UNTIMED = 0, 1, 2, -1
_TIME = re.compile(r"SPC-[A-Z]+-(\d+)-")


def parts(names: Sequence[str], labels: Sequence[str], seed: int = 0) -> npt.NDArray[np.int64]:
    """Where each image of a set belongs, int64 [n]: TRAIN, VALIDATION, TEST, or UNTIMED (no part).

    names, labels: of *every* image of the set as it was handed over (models/labelled.py), before
    any is dropped, merged or found unreadable: the others' places would shift.

    By time (`split_by_time`) if at least TIMED_SHARE of the names tell it and that holds out at
    least TEST_LEAST of them and leaves two labels to learn; an image without a time is UNTIMED
    then, since it could be a neighbour of either side. Else at random, each label by itself: its n
    images are put in the order of SHA-256 of "seed/label/file name", the first n/5 (rounded, at
    least one of two) are TEST and the next 8 % (rounded) VALIDATION.
    """
    by_time = _parts_by_time(names, labels)
    return _parts_at_random(names, labels, seed) if by_time is None else by_time


def is_by_time(names: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether `parts` splits these by time."""
    return _parts_by_time(names, labels) is not None


def _parts_by_time(names: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.int64] | None:
    times = [time_of(name) for name in names]
    timed = np.array([time is not None for time in times], np.bool_)
    if not len(names) or np.count_nonzero(timed) < TIMED_SHARE * len(names):
        return None
    split = split_by_time(np.array([time for time in times if time is not None], np.int64))
    learnt = np.unique(np.asarray(labels, dtype=np.str_)[timed][split == TRAIN])
    if (split == TEST).mean() < TEST_LEAST or len(learnt) < 2:
        return None
    part = np.full(len(names), UNTIMED, np.int64)
    part[timed] = split
    return part


def _parts_at_random(
    names: Sequence[str], labels: Sequence[str], seed: int
) -> npt.NDArray[np.int64]:
    part = np.full(len(names), TRAIN, np.int64)
    places: dict[str, list[tuple[bytes, str, int]]] = {}
    for i, (name, label) in enumerate(zip(names, labels, strict=True)):
        key = hashlib.sha256(f"{seed}/{label}/{PurePosixPath(name).name}".encode()).digest()
        places.setdefault(label, []).append((key, name, i))
    for of_label in places.values():
        order = [i for _, _, i in sorted(of_label)]
        test = max(round(TEST_SHARE * len(order)), 1) if len(order) > 1 else 0
        validation = round(VALIDATION_SHARE * len(order))
        part[order[:test]] = TEST
        part[order[test : test + validation]] = VALIDATION
    return part


def time_of(name: str) -> int | None:
    """Unix time in the name, or None where there is none to trust."""
    match = _TIME.search(name)
    time_s = int(match[1]) if match else 0
    return time_s if time_s >= FIRST_TRUSTED_TIME else None


def split_by_time(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0 = train, 1 = validation, 2 = test, int64 [n], for unix times [n].

    Of each deployment (see the module) the last TEST_SHARE of objects is test and the
    VALIDATION_SHARE before it validation; each cut moves to the nearest gap between bursts.
    """
    part = np.zeros(len(times), np.int64)
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order])
    for run in np.split(order, np.flatnonzero(gaps > DEPLOYMENT_GAP_S) + 1):
        between = np.flatnonzero(np.diff(times[run]) > BURST_GAP_S) + 1  # a burst starts here
        if len(between) == 0:
            continue  # one burst cannot be divided: it stays in train
        first_test = _nearest(between, (1 - TEST_SHARE) * len(run))
        first_validation = _nearest(between, (1 - TEST_SHARE - VALIDATION_SHARE) * len(run))
        part[run[first_validation:first_test]] = 1
        part[run[first_test:]] = 2
    return part


def _nearest(places: npt.NDArray[np.int64], wanted: float) -> int:
    return int(places[np.abs(places - wanted).argmin()])


def split_at_random(labels: Sequence[str], seed: int) -> npt.NDArray[np.bool_]:
    """True = held out, bool [n]: TEST_SHARE of each label's objects, at least one of two."""
    random = np.random.default_rng(seed)
    names = np.asarray(labels, dtype=np.str_)
    held = np.zeros(len(names), np.bool_)
    for name in np.unique(names):
        places = np.flatnonzero(names == name)
        count = max(round(TEST_SHARE * len(places)), 1) if len(places) > 1 else 0
        held[random.permutation(places)[:count]] = True
    return held

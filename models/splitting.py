"""Which images a head is judged on: later ones where names tell the time, else drawn at random.

Neighbouring frames show the same animal, so a random split flatters. A Scripps Plankton Camera's
name tells when: `SPC-PWSSC-<unix time>-<frame>-<roi>-...`. Times form deployments (separated by a
week without images) and bursts (separated by an hour); of each deployment the last part is held
out, cut between two bursts.

Example:
    >>> split_by_time(np.array([0, 10, 90_000, 90_010, 200_000], np.int64)).tolist()
    [0, 0, 0, 0, 2]
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DEPLOYMENT_GAP_S = 7 * 24 * 3600
BURST_GAP_S = 3600
FIRST_TRUSTED_TIME = 1_000_000_000  # 2001: an unset camera clock counts from 1970
VALIDATION_SHARE, TEST_SHARE = 0.08, 0.20
_TIME = re.compile(r"SPC-[A-Z]+-(\d+)-")


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

"""One split for network, head and table: nobody is judged on what another has learnt."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.splitting import TEST, TRAIN, UNTIMED, VALIDATION, is_by_time, parts

APRIL = 1_459_728_000


def spc(time_s: int, roi: int = 0) -> str:
    return f"SPC-PWSSC-{time_s}-000001-{roi:03d}-10-10-20-20.webp"


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=80), st.randoms(), st.integers(0, 3))
def test_neither_order_nor_place_of_the_files_matters(
    labels: list[str], shuffler: random.Random, seed: int
) -> None:
    names = [f"set/{label}/{i}.png" for i, label in enumerate(labels)]
    before = dict(zip(names, parts(names, labels, seed).tolist(), strict=True))
    order = list(range(len(names)))
    shuffler.shuffle(order)
    moved = [names[i].removeprefix("set/") for i in order]
    after = parts(moved, [labels[i] for i in order], seed)
    assert {f"set/{name}": int(part) for name, part in zip(moved, after, strict=True)} == before


def test_each_class_gives_a_fifth_and_keeps_something_to_learn() -> None:
    sizes = {"one": 1, "two": 2, "few": 9, "some": 50, "many": 1000}
    labels = [label for label, n in sizes.items() for _ in range(n)]
    names = [f"{label}/{i}.png" for i, label in enumerate(labels)]
    part = parts(names, labels)
    found = {
        label: [int(((part == k) & (np.array(labels) == label)).sum()) for k in range(3)]
        for label in sizes
    }
    assert found == {
        "one": [1, 0, 0],
        "two": [1, 0, 1],
        "few": [6, 1, 2],
        "some": [36, 4, 10],
        "many": [720, 80, 200],
    }
    assert (parts(names, labels, seed=1) != part).any()


def test_where_names_tell_the_time_the_later_ones_are_held_out() -> None:
    names = [f"{'ab'[i % 2]}/{spc(APRIL + 7200 * (i // 2), i)}" for i in range(200)]
    labels = [name[0] for name in names]
    names[7] = f"b/{spc(0)}"  # an unset clock
    part = parts(names, labels)
    assert is_by_time(names, labels)
    assert part[7] == UNTIMED
    timed = np.delete(part, 7)
    assert (np.diff(timed) >= 0).all()
    assert np.bincount(timed)[[TRAIN, VALIDATION, TEST]].tolist() == [143, 16, 40]


def test_times_that_hold_nothing_out_are_no_reason_to_judge_on_what_was_learnt() -> None:
    names = [f"{'ab'[i % 2]}/{spc(APRIL + i, i)}" for i in range(100)]  # one burst
    part = parts(names, [name[0] for name in names])
    assert not is_by_time(names, [name[0] for name in names])
    assert np.bincount(part).tolist() == [72, 8, 20]


def test_no_image_is_no_error() -> None:
    assert parts([], []).tolist() == []

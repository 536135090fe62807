"""Memory is used again once nobody holds it, and never before."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edge.segment import buffers

SIZE = 200_000


@pytest.fixture(autouse=True)
def _empty_shelf() -> None:
    buffers._SHELF.buffers.clear()


def place(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def test_memory_that_nobody_holds_is_lent_again() -> None:
    first = buffers.lend(SIZE)
    assert first.shape == (SIZE,)
    where = place(first)
    del first
    assert place(buffers.lend(SIZE)) == where
    assert place(buffers.lend(SIZE + 1000)) == where


@pytest.mark.parametrize("part", [lambda a: a, lambda a: a[5:9], lambda a: a.reshape(2, -1)[1, 3:],
                                  lambda a: a.view(np.bool_), memoryview])  # fmt: skip
def test_memory_that_somebody_holds_is_not(part) -> None:  # type: ignore[no-untyped-def]  # lambdas
    first = buffers.lend(SIZE)
    where, held = place(first), part(first)
    del first
    second = buffers.lend(SIZE)
    assert place(second) != where
    del held
    assert place(buffers.lend(SIZE)) == where


def test_a_small_wish_does_not_take_a_large_buffer() -> None:
    where = place(buffers.lend(100 * SIZE))
    assert place(buffers.lend(SIZE)) != where
    assert buffers.lend(0).shape == (0,)


def test_what_is_remembered_is_bounded() -> None:
    held = [buffers.lend(SIZE) for _ in range(3 * buffers.MOST)]
    assert len({place(array) for array in held}) == len(held)
    assert len(buffers._SHELF.buffers) == buffers.MOST


def test_threads_do_not_share() -> None:
    where = place(buffers.lend(SIZE))
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(place(buffers.lend(SIZE))))
    thread.start()
    thread.join()
    assert seen != [where]

"""Short floats are as near as they say, and exact where an operator expects it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.brief import BRIEF, COLUMNS, brief_of, named
from models.measure_table import INDEX, MEASURES, MEASURES_VERSION
from wire.brief import ERROR, LARGEST, SMALLEST, pack, shortened, unpack

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(finite, max_size=50))
def test_a_number_is_off_by_at_most_what_is_promised(values: list[float]) -> None:
    found = unpack(pack(values)).tolist()
    assert len(found) == len(values)
    for value, short in zip(values, found, strict=True):
        if abs(value) > LARGEST:
            assert short == pytest.approx(np.copysign(LARGEST, value), rel=ERROR)
        elif abs(value) >= SMALLEST:
            assert abs(short - value) <= ERROR * abs(value)
        else:
            assert abs(short - value) <= SMALLEST


@given(st.lists(finite, min_size=2, max_size=30))
def test_order_is_kept_and_a_short_number_stays_as_it_is(values: list[float]) -> None:
    short = shortened(np.sort(np.array(values, np.float32)))
    assert (np.diff(short) >= 0).all()
    assert np.array_equal(shortened(short), short)


def test_whole_numbers_to_512_are_exact() -> None:
    whole = np.arange(-512, 513, dtype=np.float32)
    assert np.array_equal(unpack(pack(whole)), whole)


def test_what_is_no_number_is_refused() -> None:
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            pack([1.0, wrong])
    with pytest.raises(ValueError, match="size"):
        unpack(b"\0\0\0")


def test_the_brief_measures_are_forty_and_have_their_names() -> None:
    assert len(set(BRIEF)) == len(BRIEF) == 40
    exact = np.arange(len(MEASURES), dtype=np.float32)
    brief = brief_of(exact)
    assert len(brief) == 80
    assert named(MEASURES_VERSION, brief) == {name: float(INDEX[name]) for name in BRIEF}
    old = named(1, brief)  # a version that had no fractal dimension
    assert "fractal" not in old
    assert old[f"measure_{INDEX['fractal']}"] == INDEX["fractal"]
    assert list(named(MEASURES_VERSION, brief + pack([7.0])))[-1] == "brief_40"
    assert COLUMNS.tolist() == [INDEX[name] for name in BRIEF]

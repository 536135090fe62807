"""PNG as every other program reads it."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from edge.png import encode

SIDES = st.integers(1, 40)


def read(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@given(
    hnp.arrays(np.uint8, st.one_of(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.just(3))))
)
@settings(deadline=None, max_examples=100)
def test_pixels_come_back(picture: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(read(encode(picture)), picture)


def test_a_part_of_a_picture_and_its_colours_turned_round() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(read(encode(picture[3:9, 5:, ::-1])), picture[3:9, 5:, ::-1])


def test_background_costs_next_to_nothing() -> None:
    assert len(encode(np.zeros((300, 300), np.uint8))) < 1500


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 4), np.uint16),
        np.zeros((0, 4), np.uint8),
        np.zeros((3, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"picture|colour"):
        encode(wrong)

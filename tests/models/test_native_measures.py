"""The C library's measures against their definition, over drawn, random and hostile objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from models import measures_native, native
from models.crops import Crops
from models.measures import MEASURES, measure_many

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason=f"no C library: {native.REASON}")

Mask = NDArray[np.bool_]
ULP = 2.0**-23
"""One unit in the last place of a float32."""


def both(
    masks: list[Mask], field: str = "dark", tier: str = "all", seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The measures of masks with random grey: by the C library, and by the definition."""
    random = np.random.default_rng(seed)
    signals = [random.integers(0, 256, mask.shape, np.uint8) for mask in masks]
    items = [(signals[i], mask, 7 * i, 5 * i) for i, mask in enumerate(masks)]
    found = measures_native.measure_native(Crops.of(items), field, tier == "all")
    assert found is not None
    grey = (lambda s: s) if field == "dark" else (lambda s: 255 - s)
    return found, measure_many([(grey(s), m, bx, by, field) for s, m, bx, by in items], tier)


def assert_same(found: NDArray[np.float32], defined: NDArray[np.float32]) -> None:
    """Bit by bit, but for what goes through an arctangent or a logarithm."""
    assert found.shape == defined.shape
    for k, m in enumerate(MEASURES):
        if m.name in ("angle", "fractal"):
            np.testing.assert_allclose(found[:, k], defined[:, k], rtol=ULP, err_msg=m.name)
        else:
            np.testing.assert_array_equal(found[:, k], defined[:, k], err_msg=m.name)


def blob(side: int, seed: int, holes: float = 0.05) -> Mask:
    """Something smooth with a ragged edge and some holes."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    reach = 0.6 + 0.3 * np.sin(3 * np.arctan2(y, x) + seed) + 0.1 * random.random((side, side))
    mask = (x * x + y * y < reach * reach) & (random.random((side, side)) > holes)
    mask[side // 2, side // 2] = True
    return mask


masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=16)).filter(np.any)


@settings(deadline=None, max_examples=150)
@given(
    drawn=st.lists(masks, min_size=1, max_size=3),
    seed=st.integers(0, 2**32 - 1),
    field=st.sampled_from(["dark", "bright"]),
    tier=st.sampled_from(["all", "fast"]),
)
def test_any_mask_measures_alike(drawn: list[Mask], seed: int, field: str, tier: str) -> None:
    assert_same(*both(drawn, field, tier, seed))


@pytest.mark.parametrize("side", [20, 63, 64, 65, 100, 128, 200])
@pytest.mark.parametrize("field", ["dark", "bright"])
def test_blobs_measure_alike(side: int, field: str) -> None:
    assert_same(*both([blob(side, seed) for seed in range(6)], field, seed=side))

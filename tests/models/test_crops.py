"""Objects laid flat come back as they went in."""

import numpy as np

from models.crops import Crops


def test_objects_come_back_as_they_went_in() -> None:
    random = np.random.default_rng(3)
    objects = [
        (
            random.integers(0, 256, (h, w), dtype=np.uint8),
            random.random((h, w)) < 0.7,
            7 * h,
            3 * w,
        )
        for h, w in ((1, 1), (5, 9), (40, 2))
    ]
    crops = Crops.of(objects)
    assert len(crops) == 3
    assert crops.boxes.tolist() == [[7, 3, 1, 1], [35, 27, 9, 5], [280, 6, 2, 40]]
    for i, (signal, mask, _, _) in enumerate(objects):
        assert np.array_equal(crops.signal(i), signal)
        assert np.array_equal(crops.mask(i), mask)


def test_no_object_is_no_cells() -> None:
    crops = Crops.of([])
    assert len(crops) == 0
    assert crops.starts.tolist() == [0]
    assert crops.masks.size == crops.signals.size == 0

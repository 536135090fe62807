"""The measures of an object: size, shape and grey, one documented definition for each name.

The same column name means different things in different programs (``area_exc``, ``%area``,
``stddev``, ``perimareaexc``...). So every measure here carries its definition and its source, the
whole table has a version, and the instrument and the shore call this very code: a classifier
trained on shore sees what the instrument sees. Names follow ZooProcess and EcoTaxa.

Conventions, which hold for every measure:

- ``mask`` is the object's pixels as segmented. The *filled* object is the mask with its holes.
  Shape and grey are taken on the filled object, as ZooProcess does; ``area_exc`` and what is named
  after it use the mask alone.
- Lengths are in pixels, and pixels are squares: a row of 10 pixels is 10 long.
- Coordinates are those of the frame, the centre of the first pixel being (0, 0), y downwards.
- A value is always finite: a quotient by zero, and the skewness of an even grey, are 0.
- Measures of the costly tier can be left out: with ``tier="fast"`` they are 0.

They are computed by the C library if there is one; `measure_by_definition` is the definition, by
OpenCV and numpy, and the fallback, with the same values (docs/measures.md says how close).

Example::

    values = measure_crops(segmentation.crops, "dark")          # float32 [n, K]
    values[:, INDEX["feret"]]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.crops import Crops
from models.measure_formulas import formulas
from models.measure_table import INDEX, MEASURES, MEASURES_VERSION, TIERS, Measure
from models.measures_native import measure_native

__all__ = [
    "INDEX",
    "MEASURES",
    "MEASURES_VERSION",
    "TIERS",
    "Measurable",
    "Measure",
    "measure",
    "measure_by_definition",
    "measure_crops",
    "measure_many",
]

Measurable: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.bool_], int, int, str]
"""The arguments of :func:`measure`: grey, mask, bx, by, field."""


def measure(
    grey: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    bx: int,
    by: int,
    field: str,
    tier: str = "all",
) -> NDArray[np.float32]:
    """Measure one object: its values in the order of :data:`MEASURES`, ``float32 [K]``.

    ``grey`` is the background-corrected crop ``uint8 [h, w]`` (dark field: background 0; bright
    field: background 255), ``mask`` its pixels ``bool [h, w]``, ``bx`` and ``by`` the place of the
    crop's first pixel in the frame, ``field`` is "dark" or "bright", ``tier`` "all" or "fast".

    Raises ValueError if the mask is empty, the shapes differ or a word is another.
    """
    values: NDArray[np.float32] = measure_many([(grey, mask, bx, by, field)], tier)[0]
    return values


def measure_crops(crops: Crops, field: str, tier: str = "all") -> NDArray[np.float32]:
    """Measure all objects of a frame: ``float32 [n, K]``, by the C library if there is one.

    Raises ValueError for a field or a tier that is another word, and for an empty mask.
    """
    _check_words(field, tier)
    values = measure_native(crops, field, tier == "all")
    if values is not None:
        return values
    objects: list[Measurable] = []
    for i in range(len(crops)):
        bx, by = int(crops.boxes[i, 0]), int(crops.boxes[i, 1])
        signal = crops.signal(i)
        grey = signal if field == "dark" else 255 - signal
        objects.append((grey, crops.mask(i), bx, by, field))
    return measure_by_definition(objects, tier)


def measure_many(objects: Sequence[Measurable], tier: str = "all") -> NDArray[np.float32]:
    """Measure many objects of any frames: ``float32 [n, K]``, the rows of :func:`measure`."""
    values = np.zeros((len(objects), len(MEASURES)), np.float32)
    for grey, mask, _, _, field in objects:
        if grey.shape != mask.shape or grey.ndim != 2:
            raise ValueError(f"grey {grey.shape} and mask {mask.shape} must be the same [h, w]")
        _check_words(field, tier)
    for field in ("dark", "bright"):
        chosen = [i for i, one in enumerate(objects) if one[-1] == field]
        crops = Crops.of(
            (grey if field == "dark" else 255 - grey, mask, bx, by)
            for grey, mask, bx, by, _ in (objects[i] for i in chosen)
        )
        values[chosen] = measure_crops(crops, field, tier)
    return values


def measure_by_definition(objects: Sequence[Measurable], tier: str = "all") -> NDArray[np.float32]:
    """What :func:`measure_many` gives, by OpenCV and numpy: the definition of all measures."""
    if not objects:
        return np.zeros((0, len(MEASURES)), np.float32)
    _check_words(objects[0][-1], tier)
    # With OpenCV, 16 MB: only where the C library is not there.
    from models.measure_costly import NAMES as COSTLY_NAMES
    from models.measure_costly import costly
    from models.measure_pixels import of_pixels

    rows = []
    histograms = np.zeros((len(objects), 256), np.int64)
    for i, item in enumerate(objects):
        raw, histograms[i], filled = of_pixels(*item)
        rows.append(raw | (costly(filled) if tier == "all" else dict.fromkeys(COSTLY_NAMES, 0.0)))
    columns = np.array([list(row.values()) for row in rows], np.float64).T
    table = formulas(dict(zip(rows[0], columns, strict=True)), histograms)
    with np.errstate(over="ignore"):
        values = np.stack([table[m.name] for m in MEASURES], axis=1).astype(np.float32)
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _check_words(field: str, tier: str) -> None:
    if field not in ("dark", "bright"):
        raise ValueError(f'field must be "dark" or "bright", not {field!r}')
    if tier not in TIERS:
        raise ValueError(f'tier must be "all" or "fast", not {tier!r}')

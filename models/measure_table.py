"""The table of measures: name, unit, definition and source of each, in the order of the values.

``docs/measures.md`` is made from it (``python -m models.measure_table``), the EcoTaxa columns are
named by it, and a release says which version it was trained on.

Invariant: a measure never changes its place, and new ones come last, so that the columns of an
older version are the first ones of this. Add measures or change a definition: raise
:data:`MEASURES_VERSION` and give those measures that number as their ``version``; whatever was made
with an older version and uses none of them stays valid.

Example::

    names_of(1, 64)      # the columns of a record of version 1
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.measure_agreement import text_of

MEASURES_VERSION = 2

ZOOPROCESS = "ZooProcess"
IMAGEJ = "ZooProcess (ImageJ)"
SKIMAGE = "scikit-image"
OURS = "Seadrift"


@dataclass(frozen=True)
class Measure:
    """One measure.

    ``kind``: "size", "shape", "grey" or "place" (no place in a classifier). ``version``: of the
    table that has this definition first. ``tier``: "fast", or "costly" for what can be left out.
    """

    name: str
    unit: str
    definition: str
    source: str
    kind: str
    version: int = 1
    tier: str = "fast"


MEASURES: tuple[Measure, ...] = (
    Measure("area", "px", "pixels of the filled object", ZOOPROCESS, "size"),
    Measure("mean", "grey", "mean grey = intden / area", ZOOPROCESS, "grey"),
    Measure("stddev", "grey", "standard deviation of grey, divisor n - 1", IMAGEJ, "grey"),
    Measure("mode", "grey", "most frequent grey; of several, the lowest", IMAGEJ, "grey"),
    Measure("min", "grey", "lowest grey (0 = black)", ZOOPROCESS, "grey"),
    Measure("max", "grey", "highest grey (255 = white)", ZOOPROCESS, "grey"),
    Measure("x", "px", "x of the centroid, in the frame", "morphocut, PlanktoScope", "place"),
    Measure("y", "px", "y of the centroid, in the frame", "morphocut, PlanktoScope", "place"),
    Measure(
        "xm",
        "px",
        "x of the centroid weighted by signal (grey in a dark field, 255 - grey in a bright one)",
        OURS,
        "place",
    ),
    Measure("ym", "px", "y of the same", OURS, "place"),
    Measure(
        "perim.",
        "px",
        "length of the outer boundary along pixel edges, two unit steps round a corner counting "
        "as one diagonal",
        "ImageJ (traced perimeter)",
        "size",
    ),
    Measure("bx", "px", "left of the bounding box, in the frame", ZOOPROCESS, "place"),
    Measure("by", "px", "top of the bounding box, in the frame", ZOOPROCESS, "place"),
    Measure("width", "px", "width of the bounding box", ZOOPROCESS, "size"),
    Measure("height", "px", "height of the bounding box", ZOOPROCESS, "size"),
    Measure(
        "major",
        "px",
        "major axis of the ellipse with the object's area and the shape of its second moments",
        IMAGEJ,
        "size",
    ),
    Measure("minor", "px", "minor axis of the same", IMAGEJ, "size"),
    Measure(
        "angle",
        "degrees",
        "from the x axis to the major axis, anticlockwise as seen, 0 <= angle < 180; 0 if round",
        IMAGEJ,
        "place",
    ),
    Measure("circ.", "", "4 pi area / perim.^2", ZOOPROCESS, "shape"),
    Measure("feret", "px", "largest distance between two points of the boundary", IMAGEJ, "size"),
    Measure("intden", "grey", "sum of grey over the filled object", ZOOPROCESS, "grey"),
    Measure(
        "median", "grey", "lowest grey with at least half the pixels at or below", OURS, "grey"
    ),
    Measure("skew", "", "skewness of grey, m3 / m2^1.5", ZOOPROCESS, "grey"),
    Measure("kurt", "", "excess kurtosis of grey, m4 / m2^2 - 3", ZOOPROCESS, "grey"),
    Measure("%area", "%", "share of holes, 100 (1 - area_exc / area)", ZOOPROCESS, "shape"),
    Measure("xstart", "px", "x of the first pixel in reading order, in the frame", IMAGEJ, "place"),
    Measure("ystart", "px", "y of the same", IMAGEJ, "place"),
    Measure("area_exc", "px", "pixels of the object without its holes", ZOOPROCESS, "size"),
    Measure("histcum1", "grey", "lowest grey with 25 % of the pixels at or below", OURS, "grey"),
    Measure("histcum2", "grey", "the same at 50 %", OURS, "grey"),
    Measure("histcum3", "grey", "the same at 75 %", OURS, "grey"),
    Measure("convperim", "px", "perimeter of the convex hull of the pixels", OURS, "size"),
    Measure("convarea", "px", "area of the convex hull of the pixels", OURS, "size"),
    Measure("esd", "px", "equivalent spherical diameter, 2 sqrt(area / pi)", ZOOPROCESS, "size"),
    Measure("elongation", "", "major / minor", ZOOPROCESS, "shape"),
    Measure("range", "grey", "max - min", ZOOPROCESS, "grey"),
    Measure("meanpos", "", "(mean - max) / (mean - min)", ZOOPROCESS, "grey"),
    Measure("centroids", "px", "distance between (x, y) and (xm, ym)", OURS, "shape"),
    Measure("cv", "%", "100 stddev / mean", ZOOPROCESS, "grey"),
    Measure("sr", "%", "100 stddev / range", ZOOPROCESS, "grey"),
    Measure("perimareaexc", "", "perim. / sqrt(area_exc)", ZOOPROCESS, "shape"),
    Measure("feretareaexc", "", "feret / sqrt(area_exc)", ZOOPROCESS, "shape"),
    Measure("perimferet", "", "perim. / feret", ZOOPROCESS, "shape"),
    Measure("perimmajor", "", "perim. / major", ZOOPROCESS, "shape"),
    Measure("circex", "", "4 pi area_exc / perim.^2", ZOOPROCESS, "shape"),
    Measure("cdexc", "", "centroids / sqrt(area_exc)", OURS, "shape"),
    Measure("kurt_mean", "", "kurt / mean", ZOOPROCESS, "grey"),
    Measure("skew_mean", "", "skew / mean", ZOOPROCESS, "grey"),
    Measure("convperim_perim", "", "convperim / perim.", ZOOPROCESS, "shape"),
    Measure("convarea_area", "", "convarea / area", ZOOPROCESS, "shape"),
    Measure("median_mean", "grey", "median - mean", ZOOPROCESS, "grey"),
    Measure("median_mean_range", "", "(median - mean) / range", ZOOPROCESS, "grey"),
    Measure("solidity", "", "area_exc / convarea", SKIMAGE, "shape"),
    Measure("extent", "", "area_exc / (width height)", SKIMAGE, "shape"),
    Measure("eccentricity", "", "of the ellipse, sqrt(1 - (minor / major)^2)", "UVP6", "shape"),
    Measure("bounding_box_area", "px", "width height", SKIMAGE, "size"),
    Measure(
        "blur_laplacian",
        "",
        "variance of the Laplacian (4 neighbours) of the background-corrected bounding box",
        OURS,
        "grey",
    ),
    *(
        Measure(
            f"hu_moment-{k}", "", f"Hu's invariant {k} of the filled object", "Hu 1962", "shape"
        )
        for k in range(1, 8)
    ),
    Measure(
        "euler_number",
        "",
        "parts (touching at sides or corners) less holes, of the mask",
        SKIMAGE,
        "shape",
        2,
    ),
    Measure("numblobs", "", "parts of the mask", "IFCB", "shape", 2),
    Measure(
        "minferet",
        "px",
        "least distance between two parallel lines that hold the object",
        "ImageJ",
        "size",
        2,
    ),
    Measure("aspect_ratio", "", "minferet / feret", OURS, "shape", 2),
    Measure(
        "slope",
        "1/grey",
        "slope of the straight line (least squares) through the share of pixels at or below each "
        "grey, from min to max",
        OURS,
        "grey",
        2,
    ),
    *(
        Measure(
            f"gray_hu_moment-{k}",
            "",
            f"Hu's invariant {k} of the filled object, each pixel weighing its signal",
            "UVP6 (Hu 1962)",
            "shape",
            2,
        )
        for k in range(1, 8)
    ),
    Measure(
        "fractal",
        "",
        "fractal dimension of the outline by the sausage method: 2 less the slope of ln(area) over "
        "ln(2 r + 1), least squares, of the outline's pixels dilated by discs of r = 1, 2, 3, 4, 6 "
        "and 8 px",
        "Berube & Jebrak 1999",
        "shape",
        2,
        "costly",
    ),
    Measure(
        "symetrieh",
        "px",
        "pixels of the filled object whose mirror image in the major axis lies outside it",
        OURS,
        "size",
        2,
        "costly",
    ),
    Measure("symetriev", "px", "the same in the minor axis", OURS, "size", 2, "costly"),
    Measure("symetrieh_area", "", "symetrieh / area", ZOOPROCESS, "shape", 2, "costly"),
    Measure("symetriev_area", "", "symetriev / area", ZOOPROCESS, "shape", 2, "costly"),
    Measure(
        "skelarea",
        "px",
        "pixels of the filled object's skeleton (thinning of Guo & Hall 1989)",
        SKIMAGE,
        "size",
        2,
        "costly",
    ),
    Measure("skeleton_area", "", "skelarea / area", ZOOPROCESS, "shape", 2, "costly"),
    Measure(
        "thickr",
        "",
        "largest over mean distance of the filled object's pixels to the nearest pixel outside",
        OURS,
        "shape",
        2,
        "costly",
    ),
    Measure(
        "inscribed",
        "px",
        "diameter of the largest circle in the filled object: twice the largest distance to the "
        "nearest pixel outside, less 1",
        OURS,
        "size",
        2,
        "costly",
    ),
)

TIERS = ("all", "fast")
COSTLY = tuple(m.name for m in MEASURES if m.tier == "costly")
INDEX: dict[str, int] = {m.name: i for i, m in enumerate(MEASURES)}


@lru_cache(maxsize=64)
def names_of(version: int, count: int) -> tuple[str, ...]:
    """Names of ``count`` values that were measured by a version: ``measure_7`` for one that this
    version does not know or defines anew."""
    known = MEASURES if 1 <= version <= MEASURES_VERSION else ()
    names = [
        m.name if m.version <= version else f"measure_{i}" for i, m in enumerate(known[:count])
    ]
    return (*names, *(f"measure_{i}" for i in range(len(names), count)))


def missing_measures(columns: Iterable[int], tier: str) -> str:
    """In words, what a head of some columns needs that a tier leaves out; "" if nothing.

    A head must not be fed zeros for what is not measured.
    """
    costly = [MEASURES[int(c)].name for c in columns if MEASURES[int(c)].tier == "costly"]
    if tier == "all" or not costly:
        return ""
    return f'the head uses {", ".join(costly)}, which [measures] tier = "{tier}" leaves out'


def measured_in_all(measures: NDArray[np.float32], columns: Iterable[int]) -> tuple[int, ...]:
    """Of some columns those that were measured in every row of ``float32 [n, K]``: the costly ones
    are left out if one row was measured without them."""
    complete = bool((measures[:, INDEX["skelarea"]] > 0).all())  # a skeleton has a pixel at least
    return tuple(int(c) for c in columns if complete or MEASURES[int(c)].tier != "costly")


def as_markdown() -> str:
    """The text of ``docs/measures.md``."""
    lines = [
        "# Measures",
        "",
        f"Version {MEASURES_VERSION}. This page is made from `models/measure_table.py` by",
        "`python -m models.measure_table > docs/measures.md`; a test keeps it current.",
        "",
        "Grey is that of the vignette, background-corrected: in a dark field the background is 0,",
        "in a bright field 255. Pixels are squares, so a row of 10 pixels is 10 long. Shape and",
        "grey are taken on the *filled* object (its holes included) as ZooProcess does. What would",
        "be undefined (a quotient by zero, the skewness of an even grey) is 0. *Source* names the",
        "program or paper whose definition it is; Seadrift: ours, where the name is used in the",
        "field but we could not check a definition, or chose one.",
        "",
        "The costly tier can be switched off (`[measures] tier`): its columns are then 0, and",
        "`skelarea`, which is at least 1 when measured, says so. For these measures an object",
        "whose extent has more than 65,536 pixels is halved until it has not (a block of 2 x 2",
        "pixels is in the object if one of them is), and lengths are doubled again: this bounds",
        "what one costs.",
        "",
        "*Agreement* is the largest difference that the tests found and hold: from shapes of known",
        "measures (discs, ellipses, rings and capsules of 12 to 135 px at many angles and places",
        "between the pixels; most of it is what pixels do to a small shape), from other libraries",
        "on random objects, and from what a FlowCam wrote beside its masks. A measure without one",
        "follows from others by its definition, which is tested too. The C library and the",
        "definition in Python give equal values, bit by bit (`angle` and `fractal`: to one unit in",
        "the last place).",
        "",
        "| name | unit | tier | definition | source | agreement |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{m.name}` | {m.unit} | {m.tier} | {m.definition} | {m.source} "
        f"| {text_of(m.name, m.unit)} |"
        for m in MEASURES
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")

"""How well each measure agrees with what it should be: the numbers of docs/measures.md.

The tests (tests/models/test_measure_*.py) measure shapes, random objects and FlowCam's masks and
hold every number here against what they find: none may be exceeded, and for shapes none may be
more than twice what is found.

Example::

    text_of("feret", "px")     # "disc 1.5 px, ellipse 1.2 px; SciPy (pairs of hull corners): equal"
"""

from __future__ import annotations

SHAPES: dict[str, dict[str, float]] = {
    # name: {shape: largest difference}, of the truth, or absolute where ABSOLUTE or where it is 0
    "area": {"disc": 0.035, "ellipse": 0.028, "ring": 0.026, "capsule": 0.095},
    "x": {"disc": 0.049},
    "y": {"disc": 0.07},
    "perim.": {"disc": 0.074, "ellipse": 0.066, "ring": 0.059, "capsule": 0.067},
    "width": {"disc": 1.1, "ellipse": 0.99},
    "height": {"disc": 1.1, "ellipse": 0.99},
    "major": {"disc": 0.31, "ellipse": 0.96},
    "minor": {"disc": 0.44, "ellipse": 0.23},
    "angle": {"ellipse": 0.65, "capsule": 1.8},
    "circ.": {"disc": 0.15, "ellipse": 0.11, "capsule": 0.13},
    "feret": {"disc": 1.5, "ellipse": 1.2, "capsule": 1.3},
    "%area": {"ring": 0.058},
    "area_exc": {"disc": 0.035, "ring": 0.038},
    "convperim": {"disc": 0.059, "ellipse": 0.05, "capsule": 0.031},
    "convarea": {"disc": 0.095, "ellipse": 0.12, "capsule": 0.17},
    "esd": {"disc": 0.31, "ellipse": 0.24},
    "elongation": {"disc": 0.034, "ellipse": 0.053},
    "perimareaexc": {"disc": 0.085},
    "feretareaexc": {"disc": 0.077},
    "perimferet": {"disc": 0.059},
    "perimmajor": {"disc": 0.085},
    "circex": {"disc": 0.15, "ring": 0.13},
    "convperim_perim": {"disc": 0.049},
    "convarea_area": {"disc": 0.12},
    "solidity": {"disc": 0.11, "ellipse": 0.088, "ring": 0.08, "capsule": 0.15},
    "extent": {"disc": 0.14, "ring": 0.12},
    "eccentricity": {"ellipse": 0.02},
    "bounding_box_area": {"disc": 0.13},
    "hu_moment-1": {"disc": 0.002, "ellipse": 0.031},
    "hu_moment-2": {"ellipse": 0.17},
    "euler_number": {"disc": 0, "ring": 0},
    "numblobs": {"disc": 0, "ellipse": 0, "ring": 0, "capsule": 0},
    "minferet": {"disc": 1.1, "ellipse": 1.3, "capsule": 1.4},
    "aspect_ratio": {"disc": 0.12, "ellipse": 0.058, "capsule": 0.17},
    "fractal": {"disc": 0.054, "ellipse": 0.11, "capsule": 0.15},
    "symetrieh_area": {"disc": 0.012, "ellipse": 0.053, "capsule": 0.089},
    "symetriev_area": {"disc": 0.04, "ellipse": 0.053, "capsule": 0.073},
    "skelarea": {"capsule": 0.14},
    "thickr": {"disc": 0.18, "capsule": 0.2},
    "inscribed": {"disc": 2.4, "ellipse": 1.4, "ring": 2.4, "capsule": 1.6},
}
"""Discs of radius 8 to 80, ellipses of half axes 12, 6 to 60, 12, rings of radii 12, 5 to 60, 45,
capsules (lines with round ends) of length and width 30, 7 to 120, 15; ellipses and capsules at 12
angles, all at several places between the pixels."""

ABSOLUTE = (
    "x", "y", "width", "height", "major", "minor", "feret", "minferet", "inscribed", "esd", "angle",
    "euler_number", "numblobs", "symetrieh_area", "symetriev_area",
)  # fmt: skip

LIBRARIES: dict[str, tuple[str, float]] = {
    # name: (what of which library, largest difference relative to the value)
    "area": ("SciPy binary_fill_holes", 0),
    "area_exc": ("scikit-image area", 0),
    "mean": ("scikit-image intensity_mean", 1e-6),
    "stddev": ("NumPy std, ddof 1", 1e-6),
    "mode": ("NumPy bincount, argmax", 0),
    "min": ("scikit-image intensity_min", 0),
    "max": ("scikit-image intensity_max", 0),
    "x": ("scikit-image centroid", 1e-6),
    "y": ("scikit-image centroid", 1e-6),
    "xm": ("scikit-image centroid_weighted", 1e-6),
    "ym": ("scikit-image centroid_weighted", 1e-6),
    "bx": ("scikit-image bbox", 0),
    "by": ("scikit-image bbox", 0),
    "width": ("scikit-image bbox", 0),
    "height": ("scikit-image bbox", 0),
    "feret": ("SciPy pdist of the hull's corners", 1e-6),
    "intden": ("NumPy sum", 0),
    "median": ("NumPy quantile, inverted_cdf", 0),
    "histcum1": ("NumPy quantile, inverted_cdf", 0),
    "histcum2": ("NumPy quantile, inverted_cdf", 0),
    "histcum3": ("NumPy quantile, inverted_cdf", 0),
    "skew": ("SciPy skew", 1e-5),
    "kurt": ("SciPy kurtosis", 1e-5),
    "slope": ("NumPy polyfit", 1e-5),
    "convperim": ("SciPy ConvexHull", 1e-6),
    "convarea": ("SciPy ConvexHull", 1e-6),
    "esd": ("scikit-image equivalent_diameter_area", 1e-6),
    "extent": ("scikit-image extent", 1e-6),
    "bounding_box_area": ("scikit-image area_bbox", 0),
    "elongation": ("scikit-image axis_major_length / axis_minor_length, without the 1/12", 5e-3),
    "eccentricity": ("scikit-image eccentricity, without the 1/12", 2e-3),
    "angle": ("scikit-image orientation", 1e-3),
    "blur_laplacian": ("SciPy laplace, mirrored", 1e-6),
    **{f"hu_moment-{k}": ("scikit-image moments_hu", 1e-4) for k in range(1, 7)},
    "hu_moment-7": ("scikit-image moments_hu, sign turned", 1e-4),
    **{f"gray_hu_moment-{k}": ("scikit-image moments_weighted_hu", 1e-4) for k in range(1, 7)},
    "gray_hu_moment-7": ("scikit-image moments_weighted_hu, sign turned", 1e-4),
    "euler_number": ("scikit-image euler_number", 0),
    "numblobs": ("SciPy label", 0),
    "minferet": ("width over 3600 directions", 1e-3),
    "skelarea": ("scikit-image thin", 0),
    "thickr": ("SciPy distance_transform_edt", 1e-6),
    "inscribed": ("SciPy distance_transform_edt", 1e-6),
    "fractal": ("dilation by scikit-image disks", 1e-6),
}
"""On random objects of one part with holes and ragged edges."""

FLOWCAM: dict[str, tuple[str, float]] = {
    # name: (what of the listing, largest difference)
    "area_exc": ("raw_area", 0),
    "area": ("raw_filled_area", 0),
    "convperim": ("raw_convex_perimeter + 4 (its hull joins pixel centres)", 1e-4),
    "convarea": ("raw_convex_hull_area + width + height - 1 (the same)", 0),
    "feret": ("raw_feret_max", 1.06),
    "minferet": ("raw_feret_min", 1.5),
    "mean": ("intensity (objects without holes)", 0.06),
    "intden": ("sum_intensity (objects without holes)", 2),
    "stddev": ("sigma_intensity, divisor n (objects without holes)", 0.09),
    "hu_moment-1": ("circularity_hu = 1 / (2 pi hu_moment-1)", 3e-4),
}
"""On all 3,000 objects of three runs."""


TRACED_PX = 0.59
"""perim. of an object of one part, against ImageJ's tracing from its text: where it begins, one
corner may differ, by 2 - sqrt(2)."""
KOCH = 0.1
"""fractal of a Koch island, against ln 4 / ln 3."""


def text_of(name: str, unit: str) -> str:
    """What a table says of a measure; "" if it follows from others by its definition alone."""
    said = []
    if name in SHAPES:
        said.append(", ".join(_shape(name, s, w, unit) for s, w in SHAPES[name].items()))
    if name == "perim.":
        said.append(f"ImageJ's tracing, by its text: within {TRACED_PX:g} px (one corner)")
    if name == "fractal":
        said.append(f"Koch island {KOCH:g}")
    if name in LIBRARIES:
        what, within = LIBRARIES[name]
        said.append(f"{what}: {f'within {within:g} of it' if within else 'equal'}")
    if name in FLOWCAM:
        what, within = FLOWCAM[name]
        known = "" if name == "hu_moment-1" or not unit else f" {unit}"
        said.append(f"FlowCam {what}: {f'within {within:g}{known}' if within else 'equal'}")
    return "; ".join(said)


def _shape(name: str, shape: str, within: float, unit: str) -> str:
    if within == 0:
        return f"{shape} equal"
    if name in ABSOLUTE:
        return f"{shape} {within:g}{f' {unit}' if unit else ''}"
    return f"{shape} {100 * within:.2g} %"

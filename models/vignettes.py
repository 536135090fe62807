"""A ready-made vignette to what the network takes: signal, mask, field. Of whatever instrument.

ZooScan, ISIIS, FlowCam, IFCB, SPC, UVP6 and PlanktoScope all hand out small pictures of one object,
on white, black or grey. Nothing is known but the pixels, so the background is told from the border:

1. **Background**: the grey level of the border's pixels, 0 or 255 if a quarter of them has it
   (the instrument's program set it so, even where a large object is cut by the border), else their
   median. A border of all greys is no background but an object that fills the picture: then it is
   white or black, whichever more of the picture is nearly. The signal is the distance from it in
   either direction: under a microscope one animal has brighter and darker parts than the water.
2. **Threshold**: 2.5 times the border's noise, between 10 and 40 grey levels (10 alone on white is
   near ZooProcess's 243). On a background that is exactly black, everything that is not black
   belongs to the object: such vignettes were cut out by their instrument. Where nothing is above
   the threshold, half of the strongest signal takes its place.
3. **Object**: the largest connected part and each other of at least a tenth of its pixels (what a
   dim tail holds together); gaps of a pixel are closed, holes stay.

ZooProcess draws a scale bar, a caption and two corner brackets into its vignettes. They are told by
their form and taken out: else the bar would be the largest object in many a picture.

Invariant: the mask is never empty. A picture whose pixels all are of one grey shows nothing and is
refused; whatever differs by one level or more gives an object.

Example:
    >>> vignette = cut_out(grey)                       # uint8 [h, w]
    >>> vignette.signal.shape == vignette.mask.shape, vignette.field
    (True, 'bright')
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NOISE_TIMES = 2.5
THRESHOLD_LEAST, THRESHOLD_MOST = 10, 40
SET_SHARE = 0.25
"""Of the border's pixels: so many exactly white or black, and the background is that."""
NOISE_MOST = 20.0
"""Grey levels; a border that varies more is not background."""
CUT_OUT_SHARE = 0.12
"""Pixels of level 1 to 3 per black one: lossless cut-outs have fewer, JPEG's ripples more."""
PART_LEAST = 0.1
BAR_LEAST_PX, BAR_ABOVE_END_PX = 40, 8
CAPTION_PX = 19
BRACKET_PX = 11
INK = 96

UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]


class BlankVignetteError(ValueError):
    """The picture shows nothing; the message says why, in one sentence."""


@dataclass(frozen=True, eq=False)
class Vignette:
    """One object, in the tight box of its mask."""

    signal: UInt8  # [h, w], distance from the background, 0 outside the mask
    mask: Bool  # [h, w], never empty
    field: str  # "dark": brighter than the background; "bright": darker
    background: int  # the grey level that was taken for it

    @property
    def grey(self) -> UInt8:
        """Background-corrected grey as it is measured: background 0 (dark field) or 255."""
        return self.signal if self.field == "dark" else np.uint8(255) - self.signal


def cut_out(grey: UInt8) -> Vignette:
    """The main object of a vignette, ``uint8 [h, w]``.

    Raises BlankVignetteError if all pixels are of one grey, ValueError if it is no such plane.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or not grey.size:
        raise ValueError(f"expected grey uint8 [h, w], not {grey.dtype} {list(grey.shape)}")
    if int(grey.min()) == int(grey.max()):
        raise BlankVignetteError(f"no contrast: every pixel has the grey level {int(grey[0, 0])}")
    grey = without_legend(grey)
    border = _border(grey)
    background = _background(grey, border)
    difference = grey.astype(np.int16) - background
    signal = np.abs(difference).astype(np.uint8)  # at most 255
    strongest = int(signal.max())
    if not strongest:
        raise BlankVignetteError("no contrast: nothing but a scale bar and its caption")
    threshold = _threshold(signal, background, _noise(border, background), strongest)
    mask = _main_parts(signal >= threshold)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    field = "dark" if int(difference[mask].astype(np.int64).sum()) > 0 else "bright"
    kept = np.ascontiguousarray(mask[box])
    return Vignette(signal[box] * kept, kept, field, background)


def without_legend(grey: UInt8) -> UInt8:
    """The picture without ZooProcess's scale bar, caption and brackets; as it is without a bar."""
    top = _legend_top(grey < INK)
    if top is None:
        return grey
    picture = grey[:top].copy()
    ink = picture < INK
    for y, x, step in _brackets(ink):
        arm = np.arange(BRACKET_PX) * step
        picture[y, x + arm] = np.maximum(
            _row(picture, y - 1)[x + arm], _row(picture, y + 1)[x + arm]
        )
        sides = [_row(picture.T, x + by)[y + arm] for by in (-1, 1)]
        picture[y + arm, x] = np.maximum(*sides)
    return picture


def _border(grey: UInt8) -> UInt8:
    return np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])


def _background(grey: UInt8, border: UInt8) -> int:
    white, black = (int(np.count_nonzero(border == level)) for level in (255, 0))
    if max(white, black) >= SET_SHARE * len(border):
        return 255 if white > black else 0
    median = int(np.median(border))
    if _noise(border, median) <= NOISE_MOST:
        return median
    near_white, near_black = int(np.count_nonzero(grey >= 245)), int(np.count_nonzero(grey <= 10))
    return median if near_white == near_black else 255 if near_white > near_black else 0


def _noise(border: UInt8, background: int) -> float:
    """Standard deviation of the border round the background, from the median difference."""
    return 1.4826 * float(np.median(np.abs(border.astype(np.float64) - background)))


def _threshold(signal: UInt8, background: int, noise: float, strongest: int) -> int:
    if background == 0:
        black = int(np.count_nonzero(signal == 0))
        nearly = int(np.count_nonzero((signal > 0) & (signal <= 3)))
        if nearly <= CUT_OUT_SHARE * black:
            return 1
    wanted = round(min(max(NOISE_TIMES * noise, THRESHOLD_LEAST), THRESHOLD_MOST))
    return wanted if strongest >= wanted else max(1, strongest // 2)


def _main_parts(above: Bool) -> Bool:
    """The largest 8-connected part, and the others of at least PART_LEAST of its pixels."""
    import cv2

    closed = cv2.morphologyEx(
        np.pad(above.view(np.uint8), 2), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
    )[2:-2, 2:-2]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(closed), connectivity=8
    )
    area = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    area[0] = 0  # label 0 is the background
    kept: Bool = (area >= PART_LEAST * int(area.max()))[labels] & (labels > 0)
    return kept


def _legend_top(ink: Bool) -> int | None:
    """The first row of the legend, or None where there is no scale bar.

    The bar is a straight run of ink, one to four rows thick, alone in its rows, near the lower end.
    """
    height = len(ink)
    rows = [y for y in range(max(0, height - BAR_ABOVE_END_PX), height) if _is_bar(ink[y])]
    if not rows or len(rows) > 4 or rows[-1] - rows[0] + 1 != len(rows) or rows[-1] == height - 1:
        return None
    top = rows[0] - CAPTION_PX
    around = ink[[rows[0] - 2, rows[0] - 1, rows[-1] + 1]]
    return top if top > 0 and not around.any() else None


def _is_bar(row: Bool) -> bool:
    places = np.flatnonzero(row)
    return len(places) >= BAR_LEAST_PX and int(places[-1] - places[0]) + 1 == len(places)


def _brackets(ink: Bool) -> list[tuple[int, int, int]]:
    """Corners ``(y, x, step)`` of the first upper left bracket and the last lower right one."""
    n = BRACKET_PX
    height, width = ink.shape
    if height < n or width < n:
        return []
    windows = np.lib.stride_tricks.sliding_window_view
    across = np.asarray(windows(ink, n, axis=1).all(axis=-1))  # [h, w - n + 1], runs begin here
    down = np.asarray(windows(ink, n, axis=0).all(axis=-1))  # [h - n + 1, w]
    # An arm is one pixel thick: between the arms is mostly paper, inside an object is object.
    found = []
    for y, x in np.argwhere(across[: height - n + 1] & down[:, : width - n + 1])[:1].tolist():
        if ink[y + 1 : y + n, x + 1 : x + n].mean() < 0.5:
            found.append((y, x, 1))
    for y, x in np.argwhere(across[n - 1 :] & down[:, n - 1 :])[-1:].tolist():
        if ink[y : y + n - 1, x : x + n - 1].mean() < 0.5:
            found.append((y + n - 1, x + n - 1, -1))
    return found


def _row(picture: UInt8, y: int) -> UInt8:
    row: UInt8 = picture[min(max(y, 0), len(picture) - 1)]
    return row

"""Vignettes of a frame, by the C library and without it, in both fields."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.segment import Background, Segmentation, SegmentSettings, native, segment
from edge.vignettes import cut_vignettes


def found(field: str = "dark") -> Segmentation:
    """Objects of many sizes, some at the frame's edge."""
    grey = np.full((400, 500), 12, np.uint8)
    for i, centre in enumerate([(0, 0), (499, 399), (250, 0), (60, 200), (250, 200), (420, 150)]):
        cv2.circle(grey, centre, 14 + 10 * i, 120 + 20 * i, cv2.FILLED)
    grey = grey if field == "dark" else np.asarray(255 - grey, np.uint8)
    return segment(grey, Background(field), SegmentSettings(field=field))


@pytest.mark.parametrize("field", ["dark", "bright"])
@pytest.mark.parametrize("library", [True, False])
def test_each_is_the_frame_round_its_object(
    field: str, library: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = found(field)
    if not library:
        monkeypatch.setattr(native, "LIBRARY", None)
    vignettes = cut_vignettes(frame)
    assert len(vignettes) == len(frame.regions) == 6
    whole = frame.signal if field == "dark" else 255 - frame.signal
    for i, region in enumerate(frame.regions):
        height, width = region.mask.shape
        margin = min(32, max(4, max(height, width) // 8))
        left, top = max(0, region.bx - margin), max(0, region.by - margin)
        expected = whole[top : region.by + height + margin, left : region.bx + width + margin]
        np.testing.assert_array_equal(vignettes.grey(i), expected)
        assert vignettes.boxes[i, :2].tolist() == [left, top]


def test_a_frame_without_objects_has_none() -> None:
    empty = np.full((60, 70), 12, np.uint8)
    frame = segment(empty, Background("dark"), SegmentSettings(field="dark"))
    assert len(cut_vignettes(frame)) == 0


@pytest.mark.skipif(native.LIBRARY is None, reason="no C library with segmentation")
@pytest.mark.parametrize(
    "wrong",
    [(-1, 0, 2, 2), (0, 0, 6, 1), (5, 0, 1, 1), (0, 3, 1, 2), (0, 0, -1, 2), (2**31 - 1,) * 4],
)
def test_a_box_that_is_not_in_the_frame_is_refused(wrong: tuple[int, ...]) -> None:
    plane, out = np.zeros((4, 5), np.uint8), np.full(100, 7, np.uint8)
    with pytest.raises(RuntimeError, match="refused 1 boxes"):
        native.cut_boxes(plane, np.array([wrong], np.int32), False, out)
    with pytest.raises(RuntimeError, match="refused 1 boxes"):
        native.cut_boxes(plane, np.array([(0, 0, 5, 4)], np.int32), False, out[:19])
    assert (out == 7).all()
    assert native.LIBRARY is not None
    nothing = ctypes.c_void_p(None)
    room = ctypes.c_int64(100)
    assert native.LIBRARY.seadrift_cut_boxes(nothing, 4, 5, nothing, 1, 0, nothing, room) == 1


def test_objects_are_made_once_and_in_order() -> None:
    frame = found()
    assert frame.regions is frame.regions
    assert [(r.bx, r.by) for r in frame.regions] == [tuple(b[:2]) for b in frame.crops.boxes]
    assert replace(frame, message="other").regions is not frame.regions

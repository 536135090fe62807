"""Frames that no instrument should give, from pixels to classified, measured, cropped objects."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.frames import Frame, Grey
from edge.pipeline import FrameResult, Pipeline
from edge.segment import SegmentSettings
from models import factory
from models.bundle import Bundle
from models.classifier import Classifier
from models.measures import MEASURES

SIDE = 2000
RANDOM = np.random.default_rng(4)


def flat(height: int, width: int, level: int = 18) -> Grey:
    noise = np.random.default_rng(1).normal(level, 1.5, (height, width))
    return np.clip(noise, 0, 255).astype(np.uint8)


def spanning() -> Grey:
    """A cross with a frame's whole side as its arms: 2,000 px, touching every border."""
    grey = flat(SIDE, SIDE)
    cv2.line(grey, (0, SIDE // 2), (SIDE - 1, SIDE // 2 + 40), (150,), 30)
    cv2.line(grey, (SIDE // 2, 0), (SIDE // 2 - 60, SIDE - 1), (120,), 25)
    return grey


def covered() -> Grey:
    """One object over everything but a strip."""
    grey = flat(700, 900)
    grey[:, 40:] = RANDOM.integers(120, 200, (700, 860))
    return grey


FRAMES: dict[str, Grey] = {
    "noise": RANDOM.integers(0, 256, (700, 900)).astype(np.uint8),
    "salt": np.where(RANDOM.random((700, 900)) < 0.05, 255, 18).astype(np.uint8),
    "stripes of one pixel": np.tile(np.array([0, 255], np.uint8), (700, 450)),
    "saturated": np.full((700, 900), 255, np.uint8),
    "black": np.zeros((700, 900), np.uint8),
    "covered": covered(),
    "touching every border": spanning(),
    "one pixel": np.full((1, 1), 200, np.uint8),
    "one row": RANDOM.integers(0, 256, (1, 900)).astype(np.uint8),
    "one column": RANDOM.integers(0, 256, (700, 1)).astype(np.uint8),
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(Bundle.load(factory.path()))


def assert_whole(result: FrameResult, classifier: Classifier) -> None:
    """Whatever was found is inside the frame, measured, classified and cropped."""
    height, width = result.frame.grey.shape
    for found in result.objects:
        h, w = found.region.mask.shape
        assert found.region.mask.any()
        assert 0 <= found.region.bx <= width - w
        assert 0 <= found.region.by <= height - h
        assert found.measures.shape == (len(MEASURES),)
        assert np.isfinite(found.measures).all()
        assert found.taxon in classifier.classes
        assert 0 < found.score <= 1
        assert found.vignette.size >= found.region.mask.size
    counts = result.segmentation
    assert min(counts.specks, counts.faint, counts.refused, counts.dropped) >= 0


@pytest.mark.parametrize("field", ["dark", "bright", "auto"])
@pytest.mark.parametrize("name", FRAMES)
def test_no_frame_is_too_bad(name: str, field: str, classifier: Classifier) -> None:
    pipeline = Pipeline(SegmentSettings(field=field, esd_min_um=3.0), classifier)
    for _ in range(2):  # also on the background that it has left behind
        assert_whole(pipeline.process(Frame(name, 0, FRAMES[name])), classifier)
    good = flat(700, 900)
    cv2.ellipse(good, (300, 300), (40, 20), 30, 0, 360, (150,), -1)
    after = Pipeline(SegmentSettings(field="dark"), classifier).process(Frame("good", 1, good))
    assert len(after.objects) == 1


def test_an_object_of_2000_px_that_touches_every_border(classifier: Classifier) -> None:
    settings = SegmentSettings(field="dark")
    result = Pipeline(settings, classifier).process(Frame("cross", 0, spanning()))
    (cross,) = result.objects
    assert cross.region.mask.shape == (SIDE, SIDE)
    assert cross.region.touches_border
    assert (cross.region.bx, cross.region.by) == (0, 0)
    assert cross.vignette.shape == (SIDE, SIDE)
    assert_whole(result, classifier)


def test_an_object_of_one_pixel(classifier: Classifier) -> None:
    grey = np.full((200, 300), 18, np.uint8)
    grey[90, 120] = 255
    settings = SegmentSettings(field="dark", esd_min_um=0.5, close_px=0, high_pixels=1)
    result = Pipeline(settings, classifier).process(Frame("speck", 0, grey))
    (speck,) = result.objects
    assert speck.region.area_px >= 1
    assert speck.region.mask.shape[0] <= 3
    assert_whole(result, classifier)


def test_caps_count_what_they_leave_out(classifier: Classifier) -> None:
    grey = flat(900, 1200)
    for i in range(60):
        cv2.circle(grey, (60 + 110 * (i % 10), 60 + 130 * (i // 10)), 8 + i % 9, (160,), -1)
    every = Pipeline(SegmentSettings(field="dark"), classifier).process(Frame("all", 0, grey))
    assert len(every.objects) == 60
    capped = SegmentSettings(field="dark", max_regions=25)
    few = Pipeline(capped, classifier).process(Frame("few", 0, grey))
    assert (len(few.objects), few.segmentation.dropped) == (25, 35)
    smallest_kept = min(found.region.area_px for found in few.objects)
    areas = sorted((found.region.area_px for found in every.objects), reverse=True)
    assert smallest_kept >= areas[24]

"""The pipeline on a drawn scene, with the shipped release and without any; and the overlay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.frames import Frame
from edge.overlay import draw, nice_length
from edge.pipeline import FrameResult, Pipeline, likeliest
from edge.segment import SegmentSettings
from models import factory
from models.bundle import Bundle
from models.classifier import Classifier
from models.measures import INDEX, MEASURES

SETTINGS = SegmentSettings(pixel_um=10.0)


def scene(bright: bool = False) -> Frame:
    """Five ellipses of rising size on noise, one of them cut by the border."""
    grey = np.clip(np.random.default_rng(1).normal(18, 1.5, (480, 640)), 0, 255).astype(np.uint8)
    for i in range(5):
        centre = (20 + 140 * i, 100 + 60 * i)
        cv2.ellipse(grey, centre, (24 + 6 * i, 10 + 3 * i), 30 * i, 0, 360, 90 + 20 * i, -1)
    return Frame("scene.png", 0, np.asarray(255 - grey if bright else grey, np.uint8))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(Bundle.load(factory.path()), "reference")


def test_without_a_classifier_objects_are_measured_and_unclassified() -> None:
    result = Pipeline(SETTINGS).process(scene())
    assert len(result.objects) == 5
    for found in result.objects:
        assert (found.taxon, found.score, found.top) == ("", 0.0, ())
        assert found.measures.shape == (len(MEASURES),)
        esd_um = found.measures[INDEX["esd"]] * SETTINGS.pixel_um
        assert found.region.esd_um == pytest.approx(float(esd_um), rel=1e-5)
        assert found.measures[INDEX["bx"]] == found.region.bx
        assert found.measures[INDEX["area_exc"]] == found.region.area_px
    assert set(result.ms) == {"segment", "measure", "classify", "vignettes"}


def test_with_a_classifier_each_object_has_its_likeliest_taxa(classifier: Classifier) -> None:
    result = Pipeline(SETTINGS, classifier).process(scene())
    assert len(result.objects) == 5
    for found in result.objects:
        assert found.taxon in classifier.classes
        assert found.top[0] == (found.taxon, found.score)
        scores = [score for _, score in found.top]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert 0 < sum(scores) <= 1 + 1e-5
        assert found.embedding.dtype == np.uint16
        assert found.shape.shape == (4,)


def test_an_object_is_the_same_in_both_fields(classifier: Classifier) -> None:
    dark = Pipeline(SETTINGS, classifier).process(scene())
    bright = Pipeline(SETTINGS, classifier).process(scene(bright=True))
    assert len(dark.objects) == len(bright.objects)
    for one, other in zip(dark.objects, bright.objects, strict=True):
        np.testing.assert_array_equal(one.vignette, 255 - other.vignette)
        np.testing.assert_array_equal(one.embedding, other.embedding)


def test_a_frame_with_nothing_in_it_gives_no_objects(classifier: Classifier) -> None:
    empty = Frame("empty.png", 0, np.full((300, 400), 20, np.uint8))
    assert len(Pipeline(SETTINGS, classifier).process(empty).objects) == 0


def test_the_vignette_has_a_margin_inside_the_frame() -> None:
    for found in Pipeline(SETTINGS).process(scene()).objects:
        region = found.region
        h, w = region.mask.shape
        dy, dx = region.by - found.by, region.bx - found.bx
        assert 0 <= dx <= 32
        assert 0 <= dy <= 32
        assert not region.touches_border or dx == 0 or dy == 0
        np.testing.assert_array_equal(found.vignette[dy : dy + h, dx : dx + w], region.grey)
        assert found.vignette.shape[0] > h or region.touches_border


def test_likeliest_taxa_of_equals_are_the_first() -> None:
    probabilities = np.array([0.2, 0.4, 0.4, 0.0], np.float32)
    assert [name for name, _ in likeliest(probabilities, "abcd")] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("longest", "expected"), [(1, 1), (4.9, 2), (5, 5), (999, 500), (1000, 1000), (0.3, 0.2)]
)
def test_scale_bars_have_round_lengths(longest: float, expected: float) -> None:
    assert nice_length(longest) == pytest.approx(expected)


def result() -> FrameResult:
    return Pipeline(SETTINGS).process(scene())


def test_the_overlay_shows_outlines_boxes_and_a_scale_bar() -> None:
    found = result()
    picture = draw(found, 10.0)
    assert picture.shape == (480, 640, 3)
    coloured = picture.max(axis=2) != picture.min(axis=2)
    for one in found.objects:
        h, w = one.region.mask.shape
        box = coloured[one.region.by : one.region.by + h, one.region.bx : one.region.bx + w]
        assert box[0].all()
        assert box[-1].all()
        assert box[:, 0].all()
    # 1 mm = 100 pixels of 10 um, white, in the lower left corner.
    white = (picture[430:] == 255).all(axis=2)
    assert max(np.count_nonzero(row) for row in white) == pytest.approx(101, abs=2)


def test_the_overlay_of_a_tiny_frame_does_not_fail() -> None:
    tiny = Frame("tiny.png", 0, np.full((3, 5), 20, np.uint8))
    assert draw(Pipeline(SETTINGS).process(tiny), None).shape == (3, 5, 3)


def test_the_overlay_labels_what_is_classified(classifier: Classifier) -> None:
    plain = draw(result(), 10.0)
    labelled = draw(Pipeline(SETTINGS, classifier).process(scene()), 10.0)
    assert (plain != labelled).any(axis=2).sum() > 500


def test_the_fast_tier_leaves_out_the_costly_measures() -> None:
    whole, fast = (Pipeline(SETTINGS, tier=tier).process(scene()) for tier in ("all", "fast"))
    assert whole.objects
    for one, other in zip(whole.objects, fast.objects, strict=True):
        assert one.measures[INDEX["skelarea"]] >= 1
        assert other.measures[INDEX["skelarea"]] == 0
        assert one.measures[INDEX["perim."]] == other.measures[INDEX["perim."]] > 0

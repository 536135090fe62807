"""From pipeline results to records: what does not fit is made smaller, the unknown left out."""

import dataclasses

import cv2
import numpy as np
import pytest

from edge.config import AcquisitionConfig
from edge.frames import BadFrame, Frame
from edge.pipeline import FrameResult, Pipeline
from edge.records import bad_frame, frame_drafts, halved, vignette
from edge.segment import SegmentSettings
from models.brief import BRIEF, named
from models.measure_table import INDEX, MEASURES_VERSION
from wire.brief import ERROR
from wire.codec import RECORD_MAX, encode_record
from wire.records import FrameSummary, ObjectBody, Record, Vignette, as_map

ACQUISITION = AcquisitionConfig("cast", "s1", "a1", "p1", "test", 20.0)


@pytest.fixture
def result() -> FrameResult:
    """Two discs, measured and not classified."""
    grey = np.full((300, 400), 12, np.uint8)
    grey += np.random.default_rng(2).integers(0, 3, grey.shape, np.uint8)
    for x in (100, 280):
        cv2.circle(grey, (x, 150), 20, 180, -1)
    frame = Frame("f9", 9, grey, utc_ms=5, depth_m=12.5)
    return Pipeline(SegmentSettings(field="dark", pixel_um=20.0)).process(frame)


def test_the_frame_comes_first_then_objects_then_their_vignettes(result: FrameResult) -> None:
    drafts = frame_drafts(result, ACQUISITION, None)
    assert [type(d.body) for d in drafts] == [
        FrameSummary,
        ObjectBody,
        ObjectBody,
        Vignette,
        Vignette,
    ]
    assert [d.about for d in drafts] == [None, None, None, 1, 2]
    summary = drafts[0].body
    assert isinstance(summary, FrameSummary)
    assert (summary.objects, summary.frame_index, summary.depth_m) == (2, 9, 12.5)
    assert summary.lat_deg is None
    assert "lat_deg" not in as_map(summary)


def test_an_object_that_was_not_classified_says_so(result: FrameResult) -> None:
    body = frame_drafts(result, ACQUISITION, "a release")[1].body
    assert isinstance(body, ObjectBody)
    assert (body.release, body.taxon, body.score, body.top) == (None, None, None, ())
    picture = frame_drafts(result, ACQUISITION, "a release")[3].body
    assert isinstance(picture, Vignette)
    assert (picture.embedding, picture.shape) == (b"", b"")
    assert body.measures_version == MEASURES_VERSION
    assert (body.sample, body.acquisition, body.process) == ("s1", "a1", "p1")


def test_an_object_goes_short_and_its_measures_exactly_with_its_vignette(
    result: FrameResult,
) -> None:
    drafts = frame_drafts(result, ACQUISITION, None)
    body, picture = drafts[1].body, drafts[3].body
    assert isinstance(body, ObjectBody)
    assert isinstance(picture, Vignette)
    assert (body.measures, body.embedding, body.shape) == (b"", b"", b"")
    exact = dict(zip(INDEX, np.frombuffer(picture.measures, "<f4").tolist(), strict=True))
    short = named(body.measures_version, body.brief)
    assert short == {name: pytest.approx(exact[name], rel=ERROR) for name in BRIEF}
    assert (short["max"], short["min"]) == (exact["max"], exact["min"])
    assert body.esd_um == pytest.approx(exact["esd"] * 20.0, rel=ERROR)


def test_vignettes_are_exact_while_they_fit(result: FrameResult) -> None:
    item = result.objects[0]
    made = vignette(item.vignette)
    back = cv2.imdecode(np.frombuffer(made.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert back is not None
    assert np.array_equal(back, item.vignette)
    assert (made.height, made.width) == item.vignette.shape


@pytest.mark.parametrize("shape", [(1500, 2000), (10, 60_000), (2000, 3)])
def test_a_vignette_too_large_for_a_record_is_halved(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    made = dataclasses.replace(halved(noise, vignette(noise)), object_seq=2**62)
    record = Record(2**32 - 1, 2**62, "vignette", 4, 2**31, 2**62, 2**62, as_map(made))
    assert len(encode_record(record)) <= RECORD_MAX
    back = cv2.imdecode(np.frombuffer(made.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert back is not None
    assert back.shape == (made.height, made.width)


def test_a_long_reason_is_cut() -> None:
    assert len(bad_frame(BadFrame("f", 1, "x" * 5000)).reason) == 1000

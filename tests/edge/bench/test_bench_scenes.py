"""The frames that are timed hold what their names say, and the device sees it."""

from __future__ import annotations

import numpy as np
import pytest

from edge.bench import memory, scenes
from edge.bench.device import laps
from edge.bench.peers import measures, networks
from edge.bench.scenes import SETTINGS, Scene
from edge.segment import Background, segment
from models import factory
from models.bundle import Bundle


@pytest.fixture(scope="module")
def frames() -> list[Scene]:
    return scenes.of_objects((0, 12))


def test_so_many_objects_and_the_same_every_time(frames: list[Scene]) -> None:
    empty, few = (segment(s.grey, Background("dark"), SETTINGS) for s in frames)
    assert len(empty.regions) <= 1
    assert abs(len(few.regions) - len(empty.regions) - 12) <= 1
    np.testing.assert_array_equal(scenes.of_objects((12,))[0].grey, frames[1].grey)


def test_noise_is_specks_and_nothing_to_keep() -> None:
    found = segment(scenes.of_noise().grey, Background("dark"), SETTINGS)
    assert len(found.regions) == 0
    assert found.specks > 0.9 * scenes.NOISE_SPECKS


def test_real_frames_or_the_reason_why_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("SEADRIFT_DATA", str(tmp_path))
    assert "set SEADRIFT_DATA" in str(scenes.of_instruments())


def test_the_device_with_and_without_its_library(frames: list[Scene]) -> None:
    ours, plain = (laps(frames[1:], 1, native=native)[0] for native in (True, False))
    assert (ours.frame, ours.objects, ours.specks) == (plain.frame, plain.objects, plain.specks)
    assert set(ours.ms) == set(plain.ms)
    assert plain.runtime != "native"


def test_peak_memory_is_of_a_whole_process(frames: list[Scene]) -> None:
    peak = memory.peak_mb(frames[1])
    assert 30 < peak < 1000


def test_the_peers_measure_the_same_regions(frames: list[Scene]) -> None:
    pytest.importorskip("skimage")
    found = segment(frames[1].grey, Background("dark"), SETTINGS)
    labels = measures.label_image(found.regions, frames[1].grey.shape)
    areas = np.bincount(labels.ravel())[1:]
    assert areas.tolist() == [region.area_px for region in found.regions]
    assert measures.skimage_ms(labels, frames[1].grey, 1) > 0
    assert measures.morphocut_ms(labels, frames[1].grey, 1)[1] > 0


def test_dense_networks_run() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network = Bundle.load(factory.path()).network
    for session, side in ((networks.dense(network), 64), (networks.mobile(20), 96)):
        channels = session.get_inputs()[0].shape[1]
        x = np.zeros((2, channels, side, side), np.uint8)
        (out,) = session.run(None, {"x": x})
        assert out.shape[0] == 2
        assert out.shape[2:] == (1, 1)

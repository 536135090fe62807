"""The simulated instrument: same seed, same frames, whatever the order; truth that can be seen."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from edge.frames import Frame
from edge.simulator import TAXA, SimFrame, SimSettings, SimSource, Simulator, preset
from edge.simulator.drawing import Pose, blob, ellipse, rasterize
from edge.simulator.optics import Optics
from edge.simulator.scene import Organism, expected, scene

SMALL = {"width": 320, "height": 240, "specks": 20.0, "dust": 3}


def small(name: str = "darkfield", **changes: object) -> SimSettings:
    return preset(name, **{**SMALL, "density": 6.0, **changes})


def union(simulated: SimFrame) -> np.ndarray:
    """Every pixel that belongs to some organism."""
    seen = np.zeros(simulated.frame.grey.shape, bool)
    for true in simulated.truth:
        height, width = true.mask.shape
        seen[true.by : true.by + height, true.bx : true.bx + width] |= true.mask
    return seen


def same(left: SimFrame, right: SimFrame) -> bool:
    """Equal pixels, sensors and truth."""
    places = ("name", "index", "utc_ms", "lat_deg", "lon_deg", "depth_m", "temperature_c")
    return (
        np.array_equal(left.frame.grey, right.frame.grey)
        and all(getattr(left.frame, name) == getattr(right.frame, name) for name in places)
        and [(t.taxon, t.bx, t.by, t.defocus_px) for t in left.truth]
        == [(t.taxon, t.bx, t.by, t.defocus_px) for t in right.truth]
        and np.array_equal(union(left), union(right))
    )


@pytest.mark.parametrize("name", ["darkfield", "brightfield", "crowded"])
def test_a_frame_does_not_depend_on_what_was_rendered_before(name: str) -> None:
    settings = small(name)
    forwards = Simulator(settings)
    first = {index: forwards.frame(index) for index in (0, 1, 7)}
    backwards = Simulator(settings)
    for index in (7, 1, 0):
        assert same(first[index], backwards.frame(index))
    assert not np.array_equal(first[0].frame.grey, first[1].frame.grey)


def test_another_seed_is_another_sea() -> None:
    one, two = (Simulator(small(seed=seed, density=20.0)).frame(4) for seed in (1, 2))
    assert not np.array_equal(one.frame.grey, two.frame.grey)
    assert [t.bx for t in one.truth] != [t.bx for t in two.truth]


def test_a_source_resumes_at_its_start() -> None:
    settings = small(frames=5)
    whole = list(SimSource(settings))
    rest = list(SimSource(settings, start=3))
    assert [item.index for item in whole] == [0, 1, 2, 3, 4]
    assert [item.index for item in rest] == [3, 4]
    for early, late in zip(whole[3:], rest, strict=True):
        assert isinstance(early, Frame)
        assert isinstance(late, Frame)
        assert np.array_equal(early.grey, late.grey)


def test_indices_before_the_first_frame_are_refused() -> None:
    with pytest.raises(ValueError, match="start: expected 0 or more"):
        SimSource(small(), start=-1)
    with pytest.raises(ValueError, match="index: expected 0 or more"):
        Simulator(small()).frame(-1)


@pytest.mark.parametrize("name", ["darkfield", "brightfield"])
def test_masks_hold_what_organisms_add_and_nothing_else_does(name: str) -> None:
    """The same frame without organisms has the same water, specks and noise: subtract it."""
    settings = small(name, density=8.0, touching=0.0, drift=0.0)
    empty = Simulator(dataclasses.replace(settings, density=0.0))
    inhabited = Simulator(settings)
    for index in range(4):
        simulated = inhabited.frame(index)
        change = simulated.frame.grey.astype(int) - empty.frame(index).frame.grey
        signal = change if settings.field == "dark" else -change
        seen = union(simulated)
        assert seen.any()
        spread = 4 * np.sqrt(settings.read_noise_grey**2 + settings.shot_noise_grey * 255)
        unsaturated = simulated.frame.grey < 255
        assert signal[seen & unsaturated].min() > settings.visible_grey - spread
        assert np.median(signal[seen]) > 2 * settings.visible_grey
        # what is left outside are edges below the limit, where at most a few may add up
        assert signal[~seen].max() <= 2 * settings.visible_grey + spread
        assert abs(signal[~seen].mean()) < 1


def test_truth_is_tight_and_knows_the_border() -> None:
    simulator = Simulator(small(density=30.0))
    flags = []
    for index in range(5):
        for true in simulator.frame(index).truth:
            height, width = true.mask.shape
            assert true.mask.any(0)[[0, -1]].all()
            assert true.mask.any(1)[[0, -1]].all()
            assert true.area_px == true.mask.sum() > 0
            assert true.bx >= 0
            assert true.by >= 0
            assert true.bx + width <= 320
            assert true.by + height <= 240
            at_edge = true.bx == 0 or true.by == 0
            at_edge = at_edge or true.bx + width == 320 or true.by + height == 240
            assert true.border == at_edge
            assert true.defocus_px >= 0
            flags.append(true.border)
    assert 0 < sum(flags) < len(flags)


@pytest.mark.parametrize("name", ["darkfield", "brightfield"])
def test_without_organisms_there_is_only_water_and_specks(name: str) -> None:
    settings = preset(name, density=0.0, width=1024, height=768)
    simulator = Simulator(settings)
    blurred_px = settings.speck_max_um / settings.pixel_um + 5 * settings.blur_px
    for index in range(3):
        simulated = simulator.frame(index)
        assert simulated.truth == ()
        smooth = cv2.medianBlur(simulated.frame.grey, 41)
        away = np.abs(simulated.frame.grey.astype(int) - smooth) >= settings.visible_grey
        _, _, stats, _ = cv2.connectedComponentsWithStats(away.astype(np.uint8), connectivity=8)
        esd_px = 2 * np.sqrt(stats[1:, cv2.CC_STAT_AREA] / np.pi)
        assert len(esd_px) > 300  # specks are there
        assert np.mean(esd_px > blurred_px) < 0.03  # but for some that lie against each other
        assert esd_px.max() < 1.5 * blurred_px


@pytest.mark.parametrize("taxon", TAXA)
def test_each_taxon_can_be_seen_and_varies(taxon: str) -> None:
    settings = small(taxa={taxon: 1.0}, density=12.0, pixel_um=30.0, cast_depth_m=0.0)
    simulator = Simulator(settings)
    seen = [true for index in range(4) for true in simulator.frame(index).truth]
    assert {true.taxon for true in seen} == {taxon}
    assert len({true.mask.shape for true in seen}) > 3
    assert len({true.area_px for true in seen}) > 3


def test_all_taxa_appear_over_a_cast() -> None:
    settings = small(density=60.0, cast_frames=14, pixel_um=40.0)
    simulator = Simulator(settings)
    seen = {true.taxon for index in range(14) for true in simulator.frame(index).truth}
    assert seen == set(TAXA)
    assert len(TAXA) >= 12


def test_density_is_the_mean_over_the_cast_and_depth_changes_who_is_there() -> None:
    settings = SimSettings(density=40.0)
    depths = (np.arange(400) + 0.5) / 4
    totals = [sum(expected(settings, depth).values()) for depth in depths]
    assert np.mean(totals) == pytest.approx(40.0, rel=1e-3)
    shallow, deep = expected(settings, 5.0), expected(settings, 85.0)
    assert shallow["nauplius"] > 3 * deep["nauplius"]
    assert deep["Radiolaria"] > 3 * shallow["Radiolaria"]


def test_numbers_follow_poisson() -> None:
    settings = small(density=30.0, cast_depth_m=0.0)
    mean = sum(expected(settings, 0.0).values())
    counts = [len(scene(settings, index, 0.0)) for index in range(60)]
    assert np.mean(counts) == pytest.approx(mean, abs=4 * np.sqrt(mean / 60))
    assert 0.5 < np.var(counts) / mean < 1.7


def test_touching_organisms_touch() -> None:
    def joined(touching: float) -> int:
        """How many organisms share a region with another one, over some frames."""
        settings = small(width=900, height=900, density=12.0, touching=touching, defocus_px=0.0)
        simulator = Simulator(settings)
        shared = 0
        for index in range(4):
            simulated = simulator.frame(index)
            _, labels = cv2.connectedComponents(union(simulated).astype(np.uint8))
            owners: dict[int, int] = {}
            for true in simulated.truth:
                height, width = true.mask.shape
                box = labels[true.by : true.by + height, true.bx : true.bx + width]
                for label in np.unique(box[true.mask]):
                    owners[label] = owners.get(label, 0) + 1
            shared += sum(count for count in owners.values() if count > 1)
        return shared

    assert joined(1.0) > 2 * joined(0.0)


def test_noise_is_read_noise_and_shot_noise() -> None:
    water = {"density": 0.0, "specks": 0.0, "dust": 0, "falloff": 0.0, "drift": 0.0}
    for level in (20.0, 80.0, 160.0):
        settings = SimSettings(
            width=512, height=256, background_grey=level, read_noise_grey=1.5,
            shot_noise_grey=0.1, **water,
        )  # fmt: skip
        simulator = Simulator(settings)
        one, two = (simulator.frame(index).frame.grey.astype(float) for index in (0, 1))
        variance = np.var(one - two) / 2  # the fixed pattern cancels
        law = 1.5**2 + 0.1 * one.mean() + 1 / 12  # the last by rounding to 8 bits
        assert variance == pytest.approx(law, rel=0.05)


def test_brightness_drifts_slowly() -> None:
    optics = Optics.of(small(drift=0.08))
    levels = np.array([optics.brightness(index) for index in range(400)])
    assert np.abs(np.diff(levels)).max() < 0.02
    assert 0.08 < np.ptp(levels) < 0.18


def test_corners_are_darker() -> None:
    grey = Simulator(small(density=0.0, specks=0.0, dust=0, falloff=0.6)).frame(0).frame.grey
    corners = [grey[:20, :20], grey[:20, -20:], grey[-20:, :20], grey[-20:, -20:]]
    assert np.mean(corners) < 0.75 * grey[110:130, 150:170].mean()


def test_defocus_spreads_light_without_losing_it() -> None:
    settings = small()
    optics = Optics.of(settings)
    shapes = (blob(ellipse(0, 0, 0.5, 0.3), tissue=0.8),)
    pose = Pose(x=160, y=120, length_px=60)
    totals, peaks = [], []
    for defocus in (0.0, 3.0, 9.0):
        organism = Organism("dot", pose, shapes, 1.0, defocus, 0.0, (0, 0))
        matter = rasterize(shapes, pose, 320, 240, optics.margin_px(organism))
        assert matter is not None
        effect = optics.effect(matter, organism)
        totals.append(float(effect.sum()))
        peaks.append(float(effect.max()))
    assert totals[1] == pytest.approx(totals[0], rel=0.02)
    assert totals[2] == pytest.approx(totals[0], rel=0.02)
    assert peaks[0] > peaks[1] > peaks[2]


def test_what_lies_outside_the_frame_is_not_drawn() -> None:
    shapes = (blob(ellipse(0, 0, 0.5, 0.3), tissue=0.8),)
    assert rasterize(shapes, Pose(x=-500, y=120, length_px=60), 320, 240, 8) is None
    partly = rasterize(shapes, Pose(x=-10, y=120, length_px=60), 320, 240, 8)
    assert partly is not None
    assert partly.x0 == -8


def test_a_codec_flattens_the_water() -> None:
    raw, coded = (
        Simulator(small(density=0.0, specks=0.0, dust=0, jpeg_quality=quality)).frame(0).frame.grey
        for quality in (0, 40)
    )
    step = [np.abs(np.diff(grey.astype(int), axis=1)).mean() for grey in (raw, coded)]
    assert step[1] < 0.5 * step[0]

"""Settings that cannot be are refused by name; the cast is continuous."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.simulator import PRESETS, SettingsError, SimSettings, preset
from edge.simulator.cast import Cast


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("density", -1, "density: expected a number from 0 to 500, got -1"),
        ("density", 501, "density: expected a number from 0 to 500, got 501"),
        ("density", float("nan"), "density: .* got nan"),
        ("density", "many", "density: expected a number from 0 to 500, got 'many'"),
        ("width", 10, "width: expected a whole number from 32 to 8192, got 10"),
        ("width", 100.5, "width: expected a whole number .* got 100.5"),
        ("frames", True, "frames: expected a whole number .* got True"),
        ("field", "grey", "field: expected 'dark' or 'bright', got 'grey'"),
        ("pixel_um", 0, "pixel_um: expected a number from 0.1 to 500, got 0"),
        ("taxa", {"Copepod": 1.0}, "taxa: no such taxon 'Copepod'; known: Copepoda"),
        ("taxa", {"Copepoda": -1.0}, "taxa: weight of 'Copepoda': expected 0 or more"),
        ("taxa", {"Copepoda": 0.0}, "taxa: at least one taxon needs a weight above 0"),
        ("taxa", "Copepoda", "taxa: expected a table of taxon names and weights"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        SimSettings(**{name: value})


def test_a_bright_field_needs_light() -> None:
    with pytest.raises(SettingsError, match="background_grey: a bright field needs"):
        SimSettings(field="bright", background_grey=10.0, signal_grey=5.0)
    with pytest.raises(SettingsError, match="signal_grey: in a bright field at most"):
        SimSettings(field="bright", background_grey=100.0)


def test_a_misspelt_key_is_named() -> None:
    with pytest.raises(SettingsError, match="densty: no such simulator setting"):
        SimSettings.from_mapping({"densty": 40})
    with pytest.raises(SettingsError, match="preset: no such preset 'dark'"):
        SimSettings.from_mapping({"preset": "dark"})


def test_a_table_may_start_from_a_preset() -> None:
    settings = SimSettings.from_mapping({"preset": "brightfield", "seed": 9, "taxa": {"dot": 1}})
    assert settings == preset("brightfield", seed=9, taxa={"dot": 1})
    assert settings.field == "bright"
    assert SimSettings.from_mapping({"field": "bright", "seed": 9}) == preset("brightfield", seed=9)
    assert SimSettings.from_mapping({"field": "dark"}) == SimSettings()
    assert len({repr(preset(name)) for name in PRESETS}) == len(PRESETS) >= 3


def test_equal_settings_are_equal_and_their_taxa_cannot_change() -> None:
    taxa = {"dot": 1.0}
    settings = SimSettings(taxa=taxa)
    taxa["dot"] = 5.0
    assert settings == SimSettings(taxa={"dot": 1.0})


def test_the_cast_goes_down_and_up_without_a_jump() -> None:
    settings = SimSettings(cast_frames=120, cast_depth_m=80.0, fps=2.0)
    cast = Cast.of(settings)
    fixes = [cast.fix(index) for index in range(300)]
    depth = np.array([fix.depth_m for fix in fixes])
    assert depth[0] == 0.0
    assert depth[60] == pytest.approx(80.0)
    assert depth[120] == pytest.approx(0.0)
    assert np.abs(np.diff(depth)).max() == pytest.approx(80 / 60)
    assert set(np.diff([fix.utc_ms for fix in fixes])) == {500}
    assert np.abs(np.diff([fix.lat_deg for fix in fixes])).max() < 1e-5
    assert np.abs(np.diff([fix.lon_deg for fix in fixes])).max() < 1e-5
    moved = abs(fixes[-1].lat_deg - fixes[0].lat_deg) + abs(fixes[-1].lon_deg - fixes[0].lon_deg)
    assert moved > 1e-5


def test_the_thermocline_is_monotonic_and_between_surface_and_deep() -> None:
    cast = Cast.of(SimSettings(cast_depth_m=100.0))
    profile = np.array([cast.temperature_c(depth, 0.0) for depth in np.linspace(0, 100, 201)])
    assert (np.diff(profile) <= 0).all()
    assert profile[0] > 21
    assert profile[-1] < 14
    assert np.abs(np.diff(profile)).max() < 1.0


@pytest.mark.parametrize(("lat", "lon"), [(89.99999, 0.0), (-89.99999, 179.99999)])
def test_a_cast_near_a_pole_or_the_date_line_stays_on_the_globe(lat: float, lon: float) -> None:
    cast = Cast.of(SimSettings(lat_deg=lat, lon_deg=lon))
    for index in range(0, 5000, 250):
        fix = cast.fix(index)
        assert -90 <= fix.lat_deg <= 90
        assert -180 <= fix.lon_deg < 180

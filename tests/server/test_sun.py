"""Day, night, dawn and dusk, as almanacs have them."""

from datetime import UTC, datetime

import pytest

from server.sun import height_deg, sunpos

VILLEFRANCHE = (43.68, 7.32)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "lat", "lon", "height"),
    [
        # Noon of the equinox on the equator, and of the solstices on the tropics: overhead.
        ("2024-03-20T12:07:00", 0.0, 0.0, 90.0),
        ("2024-06-20T12:02:00", 23.44, 0.0, 90.0),
        ("2024-12-21T11:58:00", -23.44, 0.0, 90.0),
        # The pole's sun stands as high as its declination.
        ("2024-06-21T00:00:00", 90.0, 0.0, 23.44),
        ("2024-12-21T00:00:00", 90.0, 0.0, -23.44),
    ],
)
def test_the_sun_stands_where_it_must(moment: str, lat: float, lon: float, height: float) -> None:
    assert height_deg(ms(moment), lat, lon) == pytest.approx(height, abs=0.5)


def test_a_day_goes_from_night_by_dawn_and_day_to_dusk() -> None:
    letters = [sunpos(ms(f"2024-09-22T{hour:02}:00:00"), *VILLEFRANCHE) for hour in range(24)]
    assert "".join(letters) == "NNNNN" + "A" + "D" * 12 + "U" + "NNNNN"


def test_half_a_year_of_night_at_the_pole() -> None:
    assert {sunpos(ms(f"2024-12-21T{h:02}:00:00"), 89.0, 0.0) for h in range(24)} == {"N"}


def test_what_is_not_known_is_not_guessed() -> None:
    assert sunpos(None, 1.0, 2.0) == sunpos(5, None, 2.0) == sunpos(5, 1.0, None) == ""

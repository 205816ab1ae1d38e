"""ISPU by hand from the table of P.14/MENLHK/2020."""

import math

import pytest

from sensors.derived.ispu import Category, pollutant_index, station_index


@pytest.mark.parametrize(
    ("pollutant", "concentration", "index", "category"),
    [
        ("pm10", 50, 50, "baik"),
        ("pm10", 150, 100, "sedang"),
        ("pm10", 350, 200, "tidak_sehat"),
        ("pm10", 420, 300, "sangat_tidak_sehat"),
        ("pm10", 500, 500, "berbahaya"),
        ("pm25", 15.5, 50, "baik"),
        ("pm25", 55.4, 100, "sedang"),
        ("pm25", 150.4, 200, "tidak_sehat"),
        ("pm25", 250.4, 300, "sangat_tidak_sehat"),
        ("pm25", 500, 500, "berbahaya"),
        ("so2", 52, 50, "baik"),
        ("so2", 800, 300, "sangat_tidak_sehat"),
        ("co", 8000, 100, "sedang"),
        ("co", 45000, 500, "berbahaya"),
        ("o3", 235, 100, "sedang"),
        ("no2", 1130, 200, "tidak_sehat"),
        ("hc", 432, 300, "sangat_tidak_sehat"),
    ],
)
def test_the_bounds_of_the_table_have_its_indices(
    pollutant: str, concentration: float, index: float, category: str
) -> None:
    found = pollutant_index(pollutant, concentration)
    assert (found.value, found.category.value, found.is_beyond_table) == (index, category, False)


@pytest.mark.parametrize(
    ("pollutant", "concentration", "index"),
    [
        ("pm10", 25, 25),
        ("pm10", 100, 75),
        ("pm25", 35.45, 75),
        ("pm25", 102.9, 150),
        ("pm25", 200.4, 250),
        ("so2", 600, 250),
        ("co", 11500, 150),
        ("o3", 177.5, 75),
        ("no2", 140, 75),
    ],
)
def test_midway_between_two_bounds_the_index_is_midway(pollutant: str, concentration: float, index: float) -> None:
    assert pollutant_index(pollutant, concentration).value == pytest.approx(index, abs=1e-9)


def test_just_above_a_bound_the_next_category_begins() -> None:
    assert pollutant_index("pm25", 15.6).category == Category.SEDANG


def test_the_last_row_is_400_or_500_as_it_is_set() -> None:
    # Midway between 250.4 and 500.
    assert pollutant_index("pm25", 375.2, top=500).value == pytest.approx(400)
    assert pollutant_index("pm25", 375.2, top=400).value == pytest.approx(350)
    assert pollutant_index("pm25", 500, top=400).value == 400


def test_above_the_last_bound_the_index_stays_and_says_so() -> None:
    found = pollutant_index("pm10", 812.0)
    assert (found.value, found.category, found.is_beyond_table) == (500.0, Category.BERBAHAYA, True)


def test_nothing_in_the_air_is_index_0_and_good() -> None:
    found = pollutant_index("o3", 0.0)
    assert (found.value, found.category) == (0.0, Category.BAIK)


@pytest.mark.parametrize("concentration", [-0.1, math.nan, math.inf])
def test_a_mean_that_cannot_be_is_refused(concentration: float) -> None:
    with pytest.raises(ValueError, match="concentration"):
        pollutant_index("pm10", concentration)


def test_an_unknown_pollutant_and_another_top_are_refused() -> None:
    with pytest.raises(ValueError, match="pollutant"):
        pollutant_index("radon", 1.0)
    with pytest.raises(ValueError, match="top"):
        pollutant_index("pm10", 1.0, top=450)


def test_the_station_has_the_index_of_its_worst_pollutant() -> None:
    found = station_index({"pm10": 100.0, "pm25": 102.9, "no2": 80.0})
    assert found is not None
    assert (found.pollutant, found.category) == ("pm25", Category.TIDAK_SEHAT)
    assert found.value == pytest.approx(150)


def test_a_station_without_a_pollutant_has_no_index() -> None:
    assert station_index({}) is None

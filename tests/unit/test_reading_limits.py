"""Rain classes as BMKG's, alert levels as they are configured."""

import math
from typing import Any

import pytest

from geo.analysis.reading_limits import rain_class, read_alert_tables

# KP2C's table of the post P2C, from its bulletins.
KP2C = {
    "authority": "KP2C",
    "observed_property": "river_level",
    "unit": "cm",
    "levels": [{"name": "Siaga 1", "from": 551}, {"name": "Siaga 3", "from": 351}, {"name": "Siaga 2", "from": 451}],
}


@pytest.mark.parametrize(
    ("millimetres", "expected"),
    [
        (0.0, "cloudy"),
        (0.4, "cloudy"),
        (0.5, "light"),
        (20.0, "light"),
        (20.1, "moderate"),
        (50.0, "moderate"),
        (75.0, "heavy"),
        (100.0, "heavy"),
        (150.0, "very_heavy"),
        (150.1, "extreme"),
    ],
)
def test_a_day_of_rain_has_a_class(millimetres: float, expected: str) -> None:
    assert rain_class(millimetres) == expected


@pytest.mark.parametrize("millimetres", [-0.1, math.nan, math.inf])
def test_rain_that_cannot_be_is_refused(millimetres: float) -> None:
    with pytest.raises(ValueError, match="millimetres"):
        rain_class(millimetres)


def test_the_highest_level_that_is_reached_counts() -> None:
    (table,) = read_alert_tables({"alert_levels": [KP2C]})
    names = [level.name if (level := table.level_of(value)) else None for value in (100, 350, 351, 450, 551, 875)]
    assert names == [None, None, "Siaga 3", "Siaga 3", "Siaga 1", "Siaga 1"]


def test_without_configuration_there_is_no_level() -> None:
    assert read_alert_tables({}) == []


@pytest.mark.parametrize(
    "configured",
    [
        "high",
        [7],
        [{**KP2C, "levels": []}],
        [{**KP2C, "levels": [{"name": "Siaga"}]}],
        [{**KP2C, "levels": [{"name": "Siaga", "from": "up"}]}],
        [{**KP2C, "levels": [{"name": "Siaga", "from": "nan"}]}],
        [{"levels": []}],
    ],
)
def test_what_is_not_a_table_of_levels_is_refused(configured: Any) -> None:
    with pytest.raises(ValueError, match=r"alert_levels|could not convert"):
        read_alert_tables({"alert_levels": configured})

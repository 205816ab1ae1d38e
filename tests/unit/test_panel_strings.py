"""The words of the panel beside the map, and what it knows of limits."""

import pytest

from server.web.map.strings import STRINGS


def test_lines_of_the_air_stand_at_the_bounds_of_the_regulation() -> None:
    # P.14/MENLHK/2020: PM2.5 up to 15.5 is good, to 55.4 moderate, to 150.4 unhealthy, to 250.4 very unhealthy.
    assert STRINGS["ispu_pm25"] == "15.5 55.4 150.4 250.4"
    assert STRINGS["ispu_co"] == "4000 8000 15000 30000"


@pytest.mark.parametrize(
    "key",
    [
        *(f"reason_{name}" for name in ("no_reports_before", "period_not_begun", "no_closed_reports")),
        *(f"reason_{name}" for name in ("nothing_to_correlate", "too_little_in_common", "no_level_below")),
        *(f"reason_{name}" for name in ("too_few_areas", "constant_values", "all_neighbours")),
        *(f"events_{name}" for name in ("no_readings", "too_few_events", "too_many_events", "too_few_free_days")),
        *(f"events_{name}" for name in ("no_reports", "no_location")),
        *(f"state_{name}" for name in ("late", "silent", "flapping", "never")),
        *(f"flag_{name}" for name in ("implausible", "rate", "stuck", "spike", "doubted")),
    ],
)
def test_every_word_that_the_api_has_for_nothing_to_say_has_a_sentence(key: str) -> None:
    assert str(STRINGS[key]).strip()

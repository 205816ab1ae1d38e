"""Numbers and small drawings of the city at a glance."""

import pytest
from django.utils import translation

from server.web.city.charts import week_bars, week_lines
from server.web.city.numbers import duration, measured, within


@pytest.mark.parametrize(
    ("value", "unit", "per_day", "said"),
    [
        (39.14, "ug/m3", False, "39.1 µg/m³"),
        (13288.4, "{IDR}/kg", False, "Rp 13,288/kg"),
        (18277.0, "{vehicle}", True, "18,277 vehicles a day"),
        (315.0, "{case}", False, "315 cases"),
        (4.0, "m3/s", True, "4 m³/s a day"),
        (78.8, "1", False, "78.8"),
        (None, "mm", False, "–"),
    ],
)
def test_a_value_is_written_with_its_unit_as_people_do(
    value: float | None, unit: str, per_day: bool, said: str
) -> None:
    with translation.override("en"):
        assert measured(value, unit, per_day=per_day) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.07, "4 minutes"),
        (1.0, "1 hour"),
        (3.0, "3 hours"),
        (2.25, "2.2 hours"),
        (30.4, "30 hours"),
        (50.0, "2.1 days"),
    ],
)
def test_a_span_is_told_in_the_largest_unit_that_it_fills(hours: float, said: str) -> None:
    with translation.override("en"):
        assert duration(hours) == said


def test_a_name_inside_a_sentence_loses_its_capital_unless_it_is_a_symbol() -> None:
    assert [within(name) for name in ("River level", "PM2.5", "ISPU")] == ["river level", "PM2.5", "ISPU"]


def test_a_gap_in_a_line_is_a_gap_and_one_value_alone_is_a_dot() -> None:
    chart = week_lines([0.0, None, 10.0, 10.0, None, None, None], [5.0] + [None] * 6, label="x", limit=20.0)
    # 168 wide, seven steps of 24: the middle of the first is 12. 40 high with a margin of 3, and the limit at the top.
    assert chart.this == "M12.0 37.0h0M60.0 20.0L84.0 20.0"
    assert (chart.last, chart.mark, chart.limit) == ("M12.0 28.5h0", "M84.0 20.0h0", 3.0)


def test_without_a_value_there_is_no_line() -> None:
    chart = week_lines([None] * 7, [None] * 7, label="x")
    assert (chart.this, chart.last, chart.mark, chart.limit) == ("", "", "", None)


def test_bars_stand_on_zero_and_the_day_that_is_not_over_is_marked() -> None:
    chart = week_bars([4, 2, None, None, None, None, None], [8, 0, 1, 0, 0, 0, 0], label="x", height=41)
    heights = [(bar.name, bar.height) for bar in chart.bars if bar.height]
    assert heights == [("last", 40.0), ("last", 5.0), ("this", 20.0), ("now", 10.0)]

"""The scenario of the flood drill, and how a scenario becomes a sequence of events."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from geo.demo.drill_scenario import BadScenario, Burst, Said, Scenario, Series, Sounding, read_scenario, timeline

BEKASI = Path(__file__).parents[2] / "fixtures" / "bekasi"
FLOOD = BEKASI / "drills" / "flood.json"
HOUR = 3600


def small(**more: Any) -> Scenario:
    values = {
        "name": "flood", "city": "kota-uji", "title": "A flood", "hours": 2.0, "step_s": 600, "mark": "[LATIHAN]",
        "series": (Series("river-1", "river_level", (0.0, 1.0, 2.0), (100.0, 400.0, 200.0)),),
        "bursts": (Burst("Pasar, timur", 106.93, -6.25, 100.0, "banjir", 0.5, 1.5, 8, ("Banjir di {place}.",)),), **more,
    }  # fmt: skip
    return Scenario(**values)


def levels(events: list[Any], thing: str, code: str = "river_level") -> dict[int, float]:
    """Second -> value."""
    return {
        one.at_s: dict(one.results)[code]
        for one in events
        if isinstance(one, Sounding) and one.thing == thing and code in dict(one.results)
    }


@pytest.fixture(scope="module")
def flood() -> list[Any]:
    return timeline(read_scenario(FLOOD), seed=1, hours=14)


def test_events_come_in_the_order_of_time_from_the_first_second_to_the_last(flood: list[Any]) -> None:
    times = [event.at_s for event in flood]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (0, 14 * HOUR)


def test_p2c_rises_through_siaga_3_2_and_1_and_is_normal_again_at_the_end(flood: list[Any]) -> None:
    p2c = levels(flood, "river-p2c")
    first = {bound: min(at for at, level in p2c.items() if level >= bound) / HOUR for bound in (351, 451, 551)}
    assert 4 < first[351] < first[451] < first[551] < 8
    assert max(p2c.values()) == pytest.approx(635, abs=12)
    # Below 341 cm, short of Siaga 3 by more than the hysteresis, for longer than the half hour after which the alert closes.
    assert all(level < 341 for at, level in p2c.items() if at >= 13 * HOUR)


def test_the_crest_takes_two_to_four_hours_from_the_hills_to_p2c(flood: list[Any]) -> None:
    def crest_h(thing: str) -> float:
        found = levels(flood, thing)
        return max(found, key=lambda at: found[at]) / HOUR

    for hulu in ("river-cileungsi", "river-cikeas"):
        assert 2 <= crest_h("river-p2c") - crest_h(hulu) <= 4


def test_what_falls_in_the_hills_is_about_the_bound_of_extreme_rain(flood: list[Any]) -> None:
    assert sum(levels(flood, "river-cileungsi", "rain").values()) == pytest.approx(150, rel=0.1)


def test_the_scenario_plays_things_properties_and_categories_that_the_fixtures_have(flood: list[Any]) -> None:
    with (BEKASI / "things.csv").open(newline="", encoding="utf-8") as file:
        things = {row["slug"]: set(row["properties"].split(";")) for row in csv.DictReader(file)}
    categories = {row["slug"] for row in json.loads((BEKASI / "categories.json").read_text(encoding="utf-8"))}
    scenario = read_scenario(FLOOD)
    assert {slug: codes - things[slug] for slug, codes in scenario.measured.items() if codes - things[slug]} == {}
    assert {burst.category for burst in scenario.bursts} <= categories


def test_every_series_names_its_source_and_says_what_is_assumed() -> None:
    series = json.loads(FLOOD.read_text(encoding="utf-8"))["series"]
    assert len(series) == 11
    assert all("ssumed" in one["source"] for one in series)


def test_every_report_is_marked_and_none_comes_before_its_time(flood: list[Any]) -> None:
    said = [event for event in flood if isinstance(event, Said)]
    assert len(said) == 66
    assert all(one.text.startswith("[LATIHAN] ") for one in said)
    overflow = [one.at_s for one in said if one.category == "luapan-sungai"]
    assert len(overflow) == 8
    assert min(overflow) >= 5.75 * HOUR
    assert max(overflow) <= 8 * HOUR


def test_between_its_points_a_series_is_straight_but_for_a_little_noise() -> None:
    found = levels(timeline(small(), seed=1, hours=2), "river-1")
    assert list(found) == [600 * step for step in range(13)]
    assert found[1800] == pytest.approx(250, abs=10)
    assert found[5400] == pytest.approx(300, abs=10)


def test_the_same_seed_plays_the_same_and_another_one_another() -> None:
    assert timeline(small(), seed=1, hours=2) == timeline(small(), seed=1, hours=2)
    assert timeline(small(), seed=1, hours=2) != timeline(small(), seed=2, hours=2)


def test_of_fewer_hours_the_first_are_played_as_they_are_in_all() -> None:
    whole = timeline(small(), seed=1, hours=2)
    part = timeline(small(), seed=1, hours=1)
    assert part == [event for event in whole if event.at_s <= HOUR]
    assert len(part) < len(whole)


def test_the_place_is_named_in_the_text_without_what_follows_its_comma() -> None:
    (text,) = {event.text for event in timeline(small(), seed=1, hours=2) if isinstance(event, Said)}
    assert text == "[LATIHAN] Banjir di Pasar."


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"hours": 30}, "hours up to 23"),
        ({"step_s": 1}, "a step from 60 s"),
        ({"series": []}, "a series"),
        ({"series": [{"thing": "a", "property": "rain", "values": [[1, 0], [0, 1]]}]}, "a/rain do not ascend"),
        ({"mark": None}, "'mark' is missing"),
        ({"reports": [{"place": "x"}]}, "'texts' is missing"),
        ({"hours": "many"}, "could not convert"),
    ],
)
def test_a_scenario_that_cannot_be_played_says_what_is_wrong(tmp_path: Path, change: Any, complaint: str) -> None:
    given = {**json.loads(FLOOD.read_text(encoding="utf-8")), **change}
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({name: value for name, value in given.items() if value is not None}), encoding="utf-8")
    with pytest.raises(BadScenario, match=complaint):
        read_scenario(path)


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match="there is no scenario 'storm'"):
        read_scenario(tmp_path / "storm.json")

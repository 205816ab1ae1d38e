"""The fixtures agree with one another, and with what was published."""

import csv
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fixtures.geometry import contains, read_shapes
from fixtures.qlue_launch import LABEL, counts, reports
from geo.reports.weekly_hours import read_weekly_hours

BEKASI = Path(__file__).parents[2] / "fixtures" / "bekasi"
OFFICIAL = Path(__file__).parents[2].parent / "shared" / "data"
BOUNDARIES = [BEKASI] + ([OFFICIAL] if (OFFICIAL / "kecamatan.geojson").exists() else [])

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def load(name: str) -> Any:
    return json.loads((BEKASI / name).read_text(encoding="utf-8"))


def table(name: str) -> list[dict[str, str]]:
    with (BEKASI / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def launch():
    city = read_shapes(BEKASI / "kota.geojson")["32.75"]
    return list(reports(lambda lon, lat: contains(city, lon, lat)))


def test_slugs_and_codes_are_well_formed_and_unique():
    for name in ("agencies.json", "categories.json", "channels.json"):
        slugs = [row["slug"] for row in load(name)]
        assert len(slugs) == len(set(slugs))
        assert all(SLUG.fullmatch(slug) for slug in slugs)
    codes = [row["code"] for row in load("observed_properties.json")]
    assert len(codes) == len(set(codes))
    assert all(CODE.fullmatch(code) for code in codes)


def test_a_category_comes_after_its_parent():
    seen = set()
    for row in load("categories.json"):
        assert row["parent"] is None or row["parent"] in seen
        seen.add(row["slug"])


def test_every_topmost_category_has_targets_and_the_others_have_theirs():
    for row in load("categories.json"):
        named = {row.get("response_working_hours"), row["sla_working_hours"]}
        assert None not in named if row["parent"] is None else named == {None}


def test_a_calendar_has_hours_that_can_be_read_and_known_agencies_and_the_city_one_default():
    calendars, agencies = load("calendars.json"), {row["slug"] for row in load("agencies.json")}
    assert [row["slug"] for row in calendars if row["is_default"]] == ["kantor"]
    for row in calendars:
        assert any(read_weekly_hours(row["weekly_hours"]))
        assert set(row.get("agencies", [])) <= agencies


def test_a_sensitive_category_is_shown_on_a_grid_and_so_are_its_children():
    grid = {row["slug"]: row["public_grid_m"] for row in load("categories.json")}
    assert grid["kekerasan"] == 250
    assert all(grid[row["slug"]] >= grid[row["parent"]] for row in load("categories.json") if row["parent"])


def test_every_responsibility_names_a_known_category_and_agency_and_its_source():
    categories = {row["slug"] for row in load("categories.json")}
    agencies = {row["slug"] for row in load("agencies.json")}
    for row in load("category_agencies.json"):
        assert row["category"] in categories
        assert row["agency"] in agencies
        assert row["source"]
        assert row["valid_to"] is None or date.fromisoformat(row["valid_from"]) < date.fromisoformat(row["valid_to"])


def test_every_question_belongs_to_a_known_category_and_has_its_own_code_and_place_there():
    categories = {row["slug"] for row in load("categories.json")}
    questions = load("category_attributes.json")
    assert len(questions) == 3
    assert {row["category"] for row in questions} <= categories
    for name in ("code", "order"):
        assert len({(row["category"], row[name]) for row in questions}) == len(questions)
    assert all(SLUG.fullmatch(row["code"]) for row in questions)


def test_the_list_of_a_question_has_keys_and_names_in_both_languages():
    for row in load("category_attributes.json"):
        values = row.get("values", [])
        assert bool(values) == (row["datatype"] in ("singlevaluelist", "multivaluelist"))
        assert all(set(value) == {"key", "name_id", "name_en"} for value in values)
        assert len({value["key"] for value in values}) == len(values)


def test_a_category_has_at_most_one_lead_agency_on_any_day():
    leads: dict[str, list[tuple[str, str]]] = {}
    for row in load("category_agencies.json"):
        if row["is_lead"]:
            leads.setdefault(row["category"], []).append((row["valid_from"], row["valid_to"] or "9999-12-31"))
    for spans in leads.values():
        ordered = sorted(spans)
        assert all(before[1] <= after[0] for before, after in pairwise(ordered))


def test_street_lights_passed_from_dbmsda_to_dishub():
    lamps = [row for row in load("category_agencies.json") if row["category"] == "lampu-jalan"]
    assert [(row["agency"], row["valid_from"], row["valid_to"]) for row in lamps] == [
        ("dbmsda", "2019-01-01", "2025-01-01"),
        ("dishub", "2025-01-01", None),
    ]


def test_only_the_simulator_is_a_simulated_channel():
    assert [row["slug"] for row in load("channels.json")] == ["pot", "sorot", "qlue", "web", "staff", "simulator"]
    assert [row["slug"] for row in load("channels.json") if row["is_simulated"]] == ["simulator"]


def test_only_the_known_population_figures_are_given():
    figures = {row["code"]: int(row["population"]) for row in table("population.csv")}
    assert figures == {"32.75": 2_543_676, "32.75.01": 257_030, "32.75.03": 337_010, "32.75.07": 107_220}
    assert all(row["year"] == "2020" and row["source"] for row in table("population.csv"))


def test_properties_are_aggregated_as_what_they_are():
    rows = {row["code"]: row for row in load("observed_properties.json")}
    assert {row["domain"] for row in rows.values()} == {"environment", "traffic", "health", "economy"}
    assert {row["aggregate"] for row in rows.values()} <= {"mean", "sum", "max"}
    assert rows["rain"]["aggregate"] == "sum"
    assert [code for code, row in rows.items() if row["as_anomaly"]] == ["river_level"]
    # The record at P2C, 875 cm (March 2025, KP2C), is a plausible level.
    assert rows["river_level"]["plausible_min"] <= 100 < 875 < rows["river_level"]["plausible_max"]
    assert all(row["plausible_min"] < row["plausible_max"] for row in rows.values())


def test_at_least_sixty_simulated_things_stand_in_all_twelve_kecamatan():
    things = table("things.csv")
    assert len(things) >= 60
    assert len({row["slug"] for row in things}) == len(things)
    assert all(SLUG.fullmatch(row["slug"]) and len(row["slug"]) <= 64 for row in things)
    assert {row["kecamatan"] for row in things} - {""} == {f"32.75.{n:02d}" for n in range(1, 13)}
    assert {row["is_simulated"] for row in things} == {"true"}


def test_every_property_is_measured_by_a_thing_and_every_measured_one_is_known():
    known = {row["code"] for row in load("observed_properties.json")}
    lists = [row["properties"].split(";") for row in table("things.csv")]
    assert {code for codes in lists for code in codes} == known
    assert all(len(codes) == len(set(codes)) for codes in lists)


def test_the_columns_of_the_import_map_exist():
    assert set(load("things.map.json").values()) <= set(table("things.csv")[0])


@pytest.mark.parametrize("folder", BOUNDARIES, ids=lambda folder: folder.name)
def test_every_thing_lies_in_the_kecamatan_that_it_names(folder):
    areas = read_shapes(folder / "kecamatan.geojson")
    for row in table("things.csv"):
        found = [code for code, shape in areas.items() if contains(shape, float(row["lon"]), float(row["lat"]))]
        assert found == ([row["kecamatan"]] if row["kecamatan"] else []), row["slug"]


def test_the_two_upstream_posts_stand_outside_the_city():
    assert [row["slug"] for row in table("things.csv") if not row["kecamatan"]] == ["river-cileungsi", "river-cikeas"]


def test_the_launch_of_qlue_has_the_published_totals(launch):
    found = Counter(row["category"] for row in launch)
    assert len(launch) == 2216
    assert (found["iklan-liar"], found["pelanggaran"], found["sampah"]) == (673, 452, 285)
    assert [name for name, _ in found.most_common(5)] == [
        "iklan-liar", "pelanggaran", "sampah", "jalan-rusak", "fasilitas-umum",
    ]  # fmt: skip
    assert found == counts()


def test_the_categories_of_the_launch_are_categories_of_the_city():
    assert set(counts()) <= {row["slug"] for row in load("categories.json")}


def test_the_launch_lies_between_its_first_and_last_day_in_jakarta(launch):
    # Midnight in Jakarta is 17:00 of the day before in UTC.
    assert min(row["reported_at"] for row in launch) >= datetime(2015, 11, 10, 17, tzinfo=UTC)
    assert max(row["reported_at"] for row in launch) < datetime(2016, 3, 3, 17, tzinfo=UTC)


def test_launch_reports_come_in_order_with_ids_of_their_own(launch):
    assert [row["external_id"] for row in launch[:2]] == ["qlue-2015-0001", "qlue-2015-0002"]
    assert len({row["external_id"] for row in launch}) == 2216
    assert launch == sorted(launch, key=lambda row: row["reported_at"])


def test_every_launch_report_says_that_it_is_a_reconstruction(launch):
    assert all(row["description"].endswith(LABEL) for row in launch)


def test_the_same_seed_gives_the_same_launch_and_another_seed_another(launch):
    assert list(reports(lambda lon, lat: True))[:5] == list(reports(lambda lon, lat: True))[:5]
    assert [r["lon"] for r in reports(lambda lon, lat: True, seed=1)] != [r["lon"] for r in launch]


@pytest.mark.parametrize("folder", BOUNDARIES, ids=lambda folder: folder.name)
def test_every_launch_report_lies_inside_the_city(folder, launch):
    city = read_shapes(folder / "kota.geojson")["32.75"]
    assert [row["external_id"] for row in launch if not contains(city, row["lon"], row["lat"])] == []


def test_launch_reports_cluster(launch):
    # Spread evenly over 213 km2, 2,216 reports leave about 10 to a cell of 1 km2; hotspots gather far more.
    cells = Counter((int(row["lon"] * 110.6), int(row["lat"] * 110.6)) for row in launch)
    assert cells.most_common(1)[0][1] > 60


def test_people_report_by_day_and_on_working_days(launch):
    by_hour = Counter(row["reported_at"].hour for row in launch)
    by_weekday = Counter(row["reported_at"].weekday() for row in launch)
    assert sum(by_hour[h] for h in range(7, 20)) > 0.7 * 2216
    assert by_weekday[0] > by_weekday[6]


def test_a_point_in_a_hole_is_outside():
    ring = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    hole = [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]
    shape = {"type": "MultiPolygon", "coordinates": [[ring, hole]]}
    assert not contains(shape, 2.0, 2.0)
    assert contains(shape, 0.5, 2.0)
    assert not contains(shape, 5.0, 2.0)

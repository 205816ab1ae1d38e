"""Which open reports are taken for the same thing, on a real PostGIS.

At the latitude of these tests (6.25° south) a degree of latitude is 110,587.5 m on WGS 84 (111,132.954 - 559.822 cos 2φ +
1.175 cos 4φ, the series of the NGA): 0.0009° are 99.5 m, 0.00091° are 100.6 m.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection

from geo.models import Category, Report
from geo.reports.duplicates import QUERIES, Candidate, Nearness, duplicates_of, find_duplicates, nearness_of, score_of
from tests.factories import NOW, make_category, make_city, make_report, scatter_reports

pytestmark = pytest.mark.django_db
LON, LAT = 106.93, -6.25


@pytest.fixture(autouse=True)
def _city() -> None:
    make_city()


def at(north: float = 0.0, east: float = 0.0) -> Point:
    return Point(LON + east, LAT + north, srid=4326)


def find(category: Category | None = None, **more: Any) -> list[Candidate]:
    return find_duplicates(**{"category": category or make_category(), "location": at(), "at": NOW, **more})


def ids(found: list[Candidate]) -> list[int]:
    return [candidate.report.pk for candidate in found]


def test_a_report_within_100_m_is_found_and_one_beyond_is_not() -> None:
    near = make_report(location=at(north=0.0009))
    make_report(location=at(north=0.00091))
    (found,) = find()
    assert (found.report, found.distance_m) == (near, 100)


def test_a_report_within_14_days_before_or_after_is_found_and_one_beyond_is_not() -> None:
    last = make_report(reported_at=NOW - timedelta(days=14))
    first = make_report(reported_at=NOW - timedelta(days=14, seconds=1))
    assert ids(find()) == [last.pk]
    assert ids(find(at=NOW - timedelta(days=28, seconds=1))) == [first.pk]


@pytest.mark.parametrize(
    "changed",
    [{"status": "resolved"}, {"status": "rejected"}, {"status": "duplicate"}, {"is_public": False}],
)
def test_a_closed_and_a_hidden_report_is_no_candidate(changed: dict[str, Any]) -> None:
    make_report(**changed)
    assert find() == []


def test_a_merged_report_is_no_candidate_and_its_parent_is() -> None:
    parent, child = make_report(), make_report()
    Report.objects.filter(pk=child.pk).update(duplicate_of=parent)
    assert ids(find()) == [parent.pk]


def test_another_category_is_another_thing_even_one_below() -> None:
    below = make_category("sampah-liar", parent=make_category())
    make_report(category=below)
    assert find() == []
    assert len(find(below)) == 1


def test_a_report_is_no_duplicate_of_itself_and_one_without_a_place_has_none() -> None:
    report = make_report()
    assert duplicates_of(report) == []
    placeless = make_report(kind="aspirasi", area_code="kota-uji.1", location=None)
    assert duplicates_of(placeless) == []


def test_radius_and_period_are_inherited_one_by_one_from_the_categories_above() -> None:
    assert nearness_of(make_category("a")) == Nearness(100, 14)
    top = make_category("b", duplicate_radius_m=300, duplicate_days=30)
    middle = make_category("c", parent=top, duplicate_days=0)
    assert nearness_of(make_category("d", parent=middle)) == Nearness(300, 0)
    report = make_report(category=middle, location=at(north=0.0027))
    assert ids(find(middle)) == [report.pk]


def test_a_circle_of_categories_ends() -> None:
    first = make_category("a")
    Category.objects.filter(pk=first.pk).update(parent=make_category("b", parent=first))
    assert nearness_of(Category.objects.get(pk=first.pk)) == Nearness(100, 14)


def test_the_score_is_half_closeness_a_fifth_recency_and_three_tenths_similarity() -> None:
    score = score_of(50, timedelta(days=7), 0.4, reach_m=100, period=timedelta(days=14))
    assert score == pytest.approx(0.25 + 0.1 + 0.12)
    assert score_of(0, timedelta(0), 1, reach_m=0, period=timedelta(0)) == pytest.approx(1)


def test_similarity_is_that_of_trigrams() -> None:
    """similarity('word', 'two words') is 4/11: the trigrams "  w", " wo", "wor", "ord" of 11 (PostgreSQL's manual, pg_trgm)."""
    make_report(description="two words")
    assert find(text="word")[0].similarity == 0.364
    assert find()[0].similarity == 0


def test_the_nearest_comes_first_then_the_text_and_the_earlier_of_equals() -> None:
    same = {"description": "Pohon tumbang di jalan"}
    far = make_report(location=at(north=0.0008), **same)
    first, second = make_report(**same), make_report(**same)
    told = make_report(description="Lampu jalan mati total")
    assert ids(find()) == [first.pk, second.pk, told.pk, far.pk]
    assert ids(find(text="Lampu jalan mati")) == [told.pk, first.pk, second.pk, far.pk]
    assert ids(find(limit=2)) == [first.pk, second.pk]


def test_an_older_report_comes_after_a_newer_one_at_the_same_place() -> None:
    old = make_report(reported_at=NOW - timedelta(days=7), description="x")
    new = make_report(reported_at=NOW - timedelta(days=1), description="x")
    found = find()
    assert ids(found) == [new.pk, old.pk]
    # 0.5 + 0.2 * 13/14, and 0.5 + 0.2 * 7/14
    assert [candidate.score for candidate in found] == [0.686, 0.6]


def test_a_snapped_category_is_searched_by_its_public_places_and_tells_no_more_than_them() -> None:
    """Wherever in its cell of 500 m a report lies, the answer is the same."""
    private = make_category("kekerasan", public_grid_m=500)
    report = make_report(category=private, location=at())
    shown = report.public_location
    (before,) = find(private, location=at(north=0.001))
    Report.objects.filter(pk=report.pk).update(location=Point(shown.x + 0.0015, shown.y - 0.0015, srid=4326))
    (after,) = find(private, location=at(north=0.001))
    assert (after.distance_m, after.score) == (before.distance_m, before.score)
    assert after.distance_m == 500


def test_of_a_snapped_report_the_public_search_begins_at_its_public_place() -> None:
    private = make_category("kekerasan", public_grid_m=500)
    first, second = make_report(category=private), make_report(category=private)
    (before,) = duplicates_of(first)
    Report.objects.filter(pk=first.pk).update(location=Point(106.95, -6.28, srid=4326))
    (after,) = duplicates_of(Report.objects.get(pk=first.pk))
    assert before.report == after.report == second
    # In the same cell: that is the nearest that is said.
    assert (before.distance_m, before.score) == (after.distance_m, after.score)
    assert after.distance_m == 500


def test_the_same_real_place_is_found_though_its_cell_is_larger_than_the_radius() -> None:
    private = make_category("kekerasan", public_grid_m=1000)
    for i in range(8):
        Report.objects.all().delete()
        place = at(north=0.00123 * i, east=0.00117 * i)
        report = make_report(category=private, location=place)
        assert ids(find(private, location=place)) == [report.pk]


def test_staff_search_by_the_real_places() -> None:
    private = make_category("kekerasan", public_grid_m=1000)
    near = make_report(category=private, location=at(north=0.0005))
    make_report(category=private, location=at(north=0.004))
    (found,) = find(private, exact=True)
    # 0.0005° of latitude: 55.3 m
    assert (found.report, found.distance_m) == (near, 55)


def test_staff_search_in_their_own_city_alone() -> None:
    make_city("sebelah", west=106.8, side=0.1, districts=1)
    here = make_report(location=Point(106.9003, -6.25, srid=4326))
    there = make_report(location=Point(106.8997, -6.25, srid=4326))
    assert here.city != there.city
    assert ids(duplicates_of(here)) == [there.pk]
    assert duplicates_of(here, exact=True) == []


def test_an_address_in_the_text_of_the_question_is_masked_as_it_is_in_the_reports() -> None:
    make_report(description="[telepon]")
    assert find(text="0812-3456-7890")[0].similarity == 1


def plan(cursor: Any, **values: Any) -> Any:
    given = {
        "category_id": make_category().pk,
        "exclude_id": 0,
        "city_id": None,
        "lon": LON,
        "lat": LAT,
        "reach_m": 100,
        "start": NOW - timedelta(days=14),
        "end": NOW + timedelta(days=14),
        "text": "",
        "exact": False,
        "most": 50,
    }
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERIES.near}", given | values)
    (found,) = cursor.fetchone()
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def nodes(node: Any) -> Any:
    yield node
    for inner in node.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.parametrize("reach_m", [500, 5000])
def test_the_index_is_used_and_reads_few_rows_more_than_are_ranked(reach_m: int) -> None:
    """Of 2,001 reports 400 m and 277 m apart; at most 20 times the five that are answered."""
    scatter_reports()
    with connection.cursor() as cursor:
        whole = plan(cursor, reach_m=reach_m)
    (scan,) = [node for node in nodes(whole) if node.get("Relation Name") == "geo_report"]
    assert scan["Index Name"] == "report_open_near"
    for column in ("category_id", "public_location", "reported_at"):
        assert column in scan["Index Cond"]
    read = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    assert 5 <= read <= 100

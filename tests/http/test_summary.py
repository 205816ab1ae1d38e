"""Counts by category, in the city's days."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.factories import make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db
URL = "/api/reports/summary/"


def test_counts_and_shares_come_in_descending_order(client: Any) -> None:
    make_city()
    for slug, n in (("iklan-liar", 4), ("sampah", 2), ("pelanggaran", 3)):
        for _i in range(n):
            make_report(category=make_category(slug), channel=make_channel("qlue"))
    make_report(channel=make_channel("pot"))
    make_report(channel=make_channel("qlue"), is_public=False)
    answer = client.get(f"{URL}?channel=qlue").json()
    assert answer["total"] == 9
    assert [(row["category"], row["count"], row["share"]) for row in answer["categories"]] == [
        ("iklan-liar", 4, 44.4),
        ("pelanggaran", 3, 33.3),
        ("sampah", 2, 22.2),
    ]


def test_days_are_those_of_the_city_and_the_last_one_counts_whole(client: Any) -> None:
    make_city()
    for moment in (
        datetime(2015, 11, 10, 16, 59, 59, tzinfo=UTC),  # the 10th, 23:59:59, in Jakarta
        datetime(2015, 11, 10, 17, 0, tzinfo=UTC),  # the 11th, midnight
        datetime(2016, 3, 3, 16, 59, 59, tzinfo=UTC),  # 3 March, 23:59:59
        datetime(2016, 3, 3, 17, 0, tzinfo=UTC),  # 4 March, midnight
    ):
        make_report(reported_at=moment)
    answer = client.get(f"{URL}?start=2015-11-11&end=2016-03-03").json()
    assert answer["total"] == 2
    assert answer["period"] == {
        "start": "2015-11-11T00:00:00+07:00",
        "end": "2016-03-04T00:00:00+07:00",
        "time_zone": "Asia/Jakarta",
    }


def test_two_cities_do_not_share_a_midnight_nor_a_report(client: Any) -> None:
    make_city()
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    from django.contrib.gis.geos import Point

    at = datetime(2026, 2, 28, 16, 30, tzinfo=UTC)  # 23:30 on the 28th in Jakarta, 00:30 on 1 March in Makassar
    make_report(reported_at=at)
    there = make_report(reported_at=at, location=Point(119.43, -5.15, srid=4326))
    assert there.city.slug == "makassar"
    for city, day, total in (
        ("kota-uji", "2026-02-28", 1),
        ("kota-uji", "2026-03-01", 0),
        ("makassar", "2026-02-28", 0),
        ("makassar", "2026-03-01", 1),
    ):
        assert client.get(f"{URL}?city={city}&datetime={day}").json()["total"] == total, (city, day)


def test_summary_may_group_by_the_category_above(client: Any) -> None:
    make_city()
    above = make_category("jalan")
    for slug in ("jalan-rusak", "lampu-jalan"):
        make_report(category=make_category(slug, parent=above))
    assert [row["category"] for row in client.get(f"{URL}?group=parent").json()["categories"]] == ["jalan"]


def test_nothing_is_a_valid_summary(client: Any, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4):
        assert client.get(URL).json()["categories"] == []
    assert client.get(f"{URL}?group=x").status_code == 400

"""Counts over time: in hours, days and weeks of the city, by the same filters as everything else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.factories import make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db
URL = "/api/reports/counts/"


def counts(client: Any, query: str) -> list[tuple[str, int]]:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return [(row["start"], row["count"]) for row in answer.json()["counts"]]


def test_days_begin_at_the_citys_midnight_and_empty_ones_are_left_out(client: Any) -> None:
    make_city()
    for moment in (
        datetime(2015, 2, 28, 16, 59, 59, tzinfo=UTC),  # the 28th, 23:59:59, in Jakarta
        datetime(2015, 2, 28, 17, 0, tzinfo=UTC),  # 1 March, midnight
        datetime(2015, 3, 1, 16, 59, tzinfo=UTC),  # 1 March
        datetime(2015, 3, 3, 1, 0, tzinfo=UTC),  # 3 March
    ):
        make_report(reported_at=moment)
    assert counts(client, "start=2015-02-28&end=2015-03-03") == [
        ("2015-02-28T00:00:00+07:00", 1),
        ("2015-03-01T00:00:00+07:00", 2),
        ("2015-03-03T00:00:00+07:00", 1),
    ]


def test_hours_and_weeks_are_the_citys_too(client: Any) -> None:
    make_city()
    make_report(reported_at=datetime(2015, 3, 1, 16, 30, tzinfo=UTC))  # Sunday, 23:30 in Jakarta
    make_report(reported_at=datetime(2015, 3, 1, 17, 30, tzinfo=UTC))  # Monday, 00:30
    assert counts(client, "start=2015-03-01&end=2015-03-02&step=hour") == [
        ("2015-03-01T23:00:00+07:00", 1),
        ("2015-03-02T00:00:00+07:00", 1),
    ]
    assert counts(client, "start=2015-03-01&end=2015-03-02&step=week") == [
        ("2015-02-23T00:00:00+07:00", 1),
        ("2015-03-02T00:00:00+07:00", 1),
    ]


def test_filters_choose_and_what_is_not_public_is_not_counted(client: Any) -> None:
    make_city()
    at = datetime(2015, 3, 1, 5, 0, tzinfo=UTC)
    make_report(reported_at=at, category=make_category("sampah"), channel=make_channel("qlue"))
    make_report(reported_at=at, category=make_category("banjir"), channel=make_channel("pot"))
    make_report(reported_at=at, category=make_category("sampah"), channel=make_channel("qlue"), is_public=False)
    assert counts(client, "start=2015-03-01&end=2015-03-01") == [("2015-03-01T00:00:00+07:00", 2)]
    assert counts(client, "start=2015-03-01&end=2015-03-01&channel=qlue&category=sampah") == [
        ("2015-03-01T00:00:00+07:00", 1)
    ]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "start"),
        ("start=2020-01-01&end=2026-01-01&step=hour", "step"),
        ("start=2026-01-01&step=minute", "step"),
        ("start=2026-01-01&unknown=1", "unknown"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_name(client: Any, query: str, name: str) -> None:
    make_city()
    answer = client.get(f"{URL}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert name in answer.json()["detail"] or name in str(answer.json())


def test_no_report_is_an_answer_at_the_price_of_few_queries(client: Any, django_assert_max_num_queries: Any) -> None:
    make_city()
    with django_assert_max_num_queries(6):
        answer = client.get(f"{URL}?start=2026-03-01&end=2026-03-02").json()
    assert (answer["total"], answer["counts"], answer["step"]) == (0, [], "day")

"""`/api/board/…`: who sees the figures, of which period, and what it costs to ask again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from geo.areas.models import City
from geo.models import Agency, CityRole, Report
from geo.reports.access.principals import Principal
from geo.reports.status import change_status
from geo.reports.workflow import Status
from tests.factories import make_agency, make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db

ADDRESSES = [
    "/api/board/",
    "/api/board/agencies/",
    "/api/board/categories/",
    "/api/board/channels/",
    "/api/board/areas/",
    "/api/board/ping-pong/",
    "/api/board/closings/",
]
GROUPS = ["agencies", "categories", "channels", "areas"]


def person(city: City, role: str = "planner", **more: Any) -> User:
    user = User.objects.create(username=f"{role}-{city.slug}", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, **more)
    return user


@pytest.fixture
def staff(client: Client, city: City) -> Client:
    client.force_login(person(city))
    return client


def told(at: datetime, **fields: Any) -> Report:
    of_intake = {name: fields.pop(name) for name in ("category", "channel", "area_code") if name in fields}
    if "area_code" in of_intake:
        of_intake["kind"] = "aspirasi"  # only a wish may name an area, and no point
    report = make_report(reported_at=at, now=at, **of_intake)
    Report.objects.filter(pk=report.pk).update(**fields)
    return report


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_public_channels_and_staff_of_another_city_see_no_board(
    client: Client, city: City, key: str, address: str
) -> None:
    assert client.get(address).status_code == 403
    assert client.get(address, headers={"x-api-key": key}).status_code == 403
    client.force_login(person(make_city("kota-lain", west=108.0)))
    refused = client.get(f"{address}?city=kota-uji")
    assert (refused.status_code, refused["Cache-Control"]) == (403, "private, no-store")


@pytest.mark.parametrize("role", CityRole.Role.values)
def test_everybody_with_a_role_in_the_city_sees_its_board(client: Client, city: City, role: str) -> None:
    agency = make_agency(city) if role == "officer" else None
    client.force_login(person(city, role, agency=agency))
    assert [client.get(address).status_code for address in ADDRESSES] == [200] * len(ADDRESSES)


def test_the_period_is_the_last_thirty_days_of_the_city_with_today(staff: Client) -> None:
    before = timezone.now()
    period = staff.get("/api/board/").json()["period"]
    after = timezone.now()
    start, end = (datetime.fromisoformat(period[name]) for name in ("start", "end"))
    assert period["time_zone"] == "Asia/Jakarta"
    assert period["start"].endswith("T00:00:00+07:00")
    assert period["end"].endswith("T00:00:00+07:00")
    assert end - start == timedelta(days=30)
    assert before < end <= after + timedelta(days=1)


def test_days_of_a_given_period_are_the_citys_and_the_last_one_counts_whole(staff: Client) -> None:
    for moment in (
        datetime(2026, 1, 31, 16, 59, 59, tzinfo=UTC),  # 31 January, 23:59:59, in Jakarta
        datetime(2026, 1, 31, 17, 0, tzinfo=UTC),  # 1 February, midnight
        datetime(2026, 2, 28, 16, 59, 59, tzinfo=UTC),  # 28 February, 23:59:59
        datetime(2026, 2, 28, 17, 0, tzinfo=UTC),  # 1 March, midnight
    ):
        told(moment)
    answer = staff.get("/api/board/?start=2026-02-01&end=2026-02-28").json()
    assert answer["outcome"]["reported"] == 2
    assert answer["now"]["open"] == 4


def test_an_end_alone_ends_thirty_days_and_a_start_alone_begins_what_lasts_until_today(staff: Client) -> None:
    period = staff.get("/api/board/?end=2026-02-28").json()["period"]
    assert (period["start"], period["end"]) == ("2026-01-30T00:00:00+07:00", "2026-03-01T00:00:00+07:00")
    today = staff.get("/api/board/").json()["period"]["end"]
    assert staff.get("/api/board/?start=2026-02-01").json()["period"]["end"] == today


def test_the_board_says_what_stands_what_became_of_the_period_and_both_by_status(staff: Client, city: City) -> None:
    at = datetime(2026, 2, 10, tzinfo=UTC)
    hour = timedelta(hours=1)
    late = {"due_at": at + 20 * hour}
    told(at, status="resolved", responded_at=at + 2 * hour, closed_at=at + 30 * hour, reopened_count=1, **late)
    told(at, status="assigned", responded_at=at + 4 * hour, **late)
    told(at - timedelta(days=100), status="waiting")
    answer = staff.get("/api/board/?start=2026-02-01&end=2026-02-28").json()
    assert answer["now"] == {
        "open": 2,
        "due_soon": 0,
        "late": 1,
        "late_first_response": 0,
        "reopened": 0,
        "without_agency": 2,
    }
    assert answer["outcome"] == {
        "reported": 2,
        "resolved": 1,
        "reopened": 1,
        "handed_over": 0,
        "late": 2,
        "late_share": 1.0,
        "late_first_response": 0,
        "late_first_response_share": None,
        # Of 2 and 4 hours the 90th percentile is 0.9 of the way between them.
        "first_response_h": {"n": 2, "median": 3.0, "p90": 3.8},
        "resolution_h": {"n": 1, "median": 30.0, "p90": 30.0},
    }
    counts = {row["status"]: (row["open"], row["reported"]) for row in answer["statuses"]}
    assert list(counts) == Status.values
    assert {status: pair for status, pair in counts.items() if pair != (0, 0)} == {
        "resolved": (0, 1),
        "assigned": (1, 1),
        "waiting": (1, 0),
    }


def test_groups_have_a_slug_and_a_name_the_fullest_first_and_those_without_last(staff: Client, city: City) -> None:
    dlh, damkar = make_agency(city, "dlh"), make_agency(city, "damkar")
    now = timezone.now()
    told(now, agency=dlh)
    told(now, agency=damkar)
    told(now, agency=damkar)
    for _i in range(3):
        told(now, agency=None)
    answer = staff.get("/api/board/agencies/").json()
    assert [(row["id"], row["name"], row["now"]["open"]) for row in answer["groups"]] == [
        ("damkar", "DAMKAR", 2),
        ("dlh", "DLH", 1),
        (None, None, 3),
    ]
    assert answer["now"]["open"] == 6


def test_areas_are_districts_unless_another_level_is_asked_for(staff: Client) -> None:
    told(timezone.now(), area_code="kota-uji.1.1")
    told(timezone.now(), area_code="kota-uji.1.2")
    for query, expected in (
        ("", ["kota-uji.1"]),
        ("?level=kelurahan", ["kota-uji.1.1", "kota-uji.1.2"]),
        ("?level=kota", ["kota-uji"]),
    ):
        groups = staff.get(f"/api/board/areas/{query}").json()["groups"]
        assert [row["id"] for row in groups] == expected


@pytest.mark.parametrize("name", ["", *(f"{name}/" for name in GROUPS)])
def test_all_boards_know_the_same_filters(staff: Client, city: City, name: str) -> None:
    dlh = make_agency(city, "dlh")
    flood, qlue = make_category("banjir"), make_channel("qlue")
    told(timezone.now(), category=flood, channel=qlue, area_code="kota-uji.2", agency=dlh)
    told(timezone.now(), agency=None)
    for query, expected in (
        ("city=kota-uji", 2),
        ("area=kota-uji.2", 1),
        ("category=banjir", 1),
        ("channel=qlue", 1),
        ("agency=dlh", 1),
        ("agency=none", 1),
        ("agency=dlh,none", 2),
        ("agency=none&category=banjir", 0),
        ("start=2020-01-01&end=2020-01-02", 2),  # what is open is open now
    ):
        answer = staff.get(f"/api/board/{name}?{query}").json()
        assert answer["now"]["open"] == expected, query


OF_A_FLOOD = ["area=kota-uji.2", "category=banjir", "channel=qlue", "area=kota-uji.2.1&category=banjir&channel=qlue"]


@pytest.mark.parametrize(
    ("query", "handovers"),
    [("city=kota-uji", 6), ("start=2020-01-01&end=2020-01-02", 0), *((query, 3) for query in OF_A_FLOOD)],
)
def test_ping_pong_knows_the_filters_of_the_board(staff: Client, city: City, query: str, handovers: int) -> None:
    one, two = make_agency(city, "dlh"), make_agency(city, "dbmsda")
    to_and_fro(one, two, category=make_category("banjir"), channel=make_channel("qlue"), area_code="kota-uji.2.1")
    to_and_fro(one, two)
    pairs = staff.get(f"/api/board/ping-pong/?{query}").json()["pairs"]
    assert sum(pair["handovers"] for pair in pairs) == handovers


@pytest.mark.parametrize(
    ("query", "resolved"),
    [
        ("city=kota-uji", 2),
        ("start=2020-01-01&end=2020-01-02", 0),
        *((query, 1) for query in OF_A_FLOOD),
        ("agency=dlh", 1),
        ("agency=none", 1),
        ("agency=dlh,none", 2),
        ("agency=none&category=banjir", 0),
    ],
)
def test_closings_know_the_filters_of_the_board(staff: Client, city: City, query: str, resolved: int) -> None:
    at = timezone.now() - timedelta(hours=1)
    place = {"category": make_category("banjir"), "channel": make_channel("qlue"), "area_code": "kota-uji.2.1"}
    close(told(at, agency=make_agency(city, "dlh"), status="in_progress", **place))
    close(told(at, agency=None, status="in_progress"))
    rows = staff.get(f"/api/board/closings/?{query}").json()["agencies"]
    assert sum(row["resolved"] for row in rows) == resolved


@pytest.mark.parametrize("name", ["ping-pong", "closings"])
@pytest.mark.parametrize("named", ["area", "category", "channel", "agency"])
def test_pairs_and_closings_refuse_what_is_not_there(staff: Client, name: str, named: str) -> None:
    answer = staff.get(f"/api/board/{name}/?{named}=x")
    assert (answer.status_code, answer.json()["parameter"]) == (400, named)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("area=99", "area"),
        ("category=x", "category"),
        ("agency=x", "agency"),
        ("channel=x", "channel"),
        ("city=x", "city"),
        ("start=yesterday", "start"),
        ("start=2026-02-01&end=2026-01-01", "end"),
        ("start=2999-01-01", "start"),
        ("status=resolved", "status"),
        ("level=kecamatan", "level"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(staff: Client, query: str, named: str) -> None:
    answer = staff.get(f"/api/board/?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, named)


def test_a_level_that_is_not_there_is_a_400(staff: Client) -> None:
    answer = staff.get("/api/board/areas/?level=negara")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "level")


def in_one_minute(act: Any) -> Any:
    """What `act` gives when the minute, which is in every tag, does not end meanwhile."""
    while True:
        before = timezone.now().minute
        result = act()
        if timezone.now().minute == before:
            return result


@pytest.mark.parametrize("address", ADDRESSES)
def test_who_has_the_answer_gets_a_304_until_a_report_changes(staff: Client, address: str) -> None:
    def ask_twice() -> Any:
        first = staff.get(address)
        again = staff.get(address, headers={"if-none-match": first["ETag"]})
        told(timezone.now())
        return first, again, staff.get(address, headers={"if-none-match": first["ETag"]})

    first, again, changed = in_one_minute(ask_twice)
    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert again["ETag"] == first["ETag"] != changed["ETag"]
    assert first["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Accept-Language"} <= {name.strip() for name in first["Vary"].split(",")}


def test_a_tag_is_of_one_question_in_one_language(staff: Client) -> None:
    def tags() -> set[str]:
        return {staff.get(f"/api/board/{query}")["ETag"] for query in ("", "?lang=en", "?agency=none", "areas/")}

    assert len(in_one_minute(tags)) == 4


def test_the_figures_are_found_once_for_all_who_ask(staff: Client, city: City) -> None:
    def ask_as_two() -> tuple[Any, list[Any]]:
        first = staff.get("/api/board/agencies/")
        other = Client()
        other.force_login(person(city, "mayor"))
        with CaptureQueriesContext(connection) as captured:
            second = other.get("/api/board/agencies/")
        return (first.json(), second.json()), [one for one in captured.captured_queries if "geo_report" in one["sql"]]

    (first, second), queries = in_one_minute(ask_as_two)
    assert first == second
    assert queries == []


@pytest.mark.parametrize("name", ["", *(f"{name}/" for name in GROUPS)])
def test_a_board_asks_as_many_queries_for_many_reports_as_for_one(
    staff: Client, city: City, django_assert_max_num_queries: Any, name: str
) -> None:
    for i in range(6):
        told(
            timezone.now(),
            agency=make_agency(city, f"dinas-{i}"),
            category=make_category(f"kategori-{i}"),
            channel=make_channel(f"kanal-{i}"),
        )
    with django_assert_max_num_queries(10):
        assert staff.get(f"/api/board/{name}").json()["now"]["open"] == 6


def to_and_fro(one: Agency, two: Agency, **fields: Any) -> None:
    """A report that the first agency hands to the second, which hands it back, and gets it again."""
    boss, _is_new = User.objects.get_or_create(username="boss")
    at = timezone.now() - timedelta(hours=1)
    report = told(at, agency=one, **fields)
    for minute, agency in enumerate((two, one, two), start=1):
        report.refresh_from_db()
        change_status(
            report=report,
            status=Status.COORDINATION,
            by=Principal(user_id=boss.pk, is_superuser=True),
            now=at + timedelta(minutes=minute),
            note="Bukan wilayah kami.",
            agency=agency,
        )


def test_agencies_that_hand_a_report_to_and_fro_are_a_pair_in_each_direction(staff: Client, city: City) -> None:
    to_and_fro(make_agency(city, "dlh"), make_agency(city, "dbmsda"))
    for query in ("", "?agency=dlh"):
        assert staff.get(f"/api/board/ping-pong/{query}").json()["pairs"] == [
            {"from_agency": "dlh", "to_agency": "dbmsda", "handovers": 2, "reports": 1},
            {"from_agency": "dbmsda", "to_agency": "dlh", "handovers": 1, "reports": 1},
        ]
    make_agency(city, "damkar")
    assert staff.get("/api/board/ping-pong/?agency=damkar").json()["pairs"] == []


def close(report: Report) -> None:
    boss, _is_new = User.objects.get_or_create(username="boss")
    by = Principal(user_id=boss.pk, is_superuser=True)
    report.refresh_from_db()
    change_status(report=report, status=Status.RESOLVED, by=by, now=timezone.now(), note="Sudah diangkut.")


def test_closings_are_counted_by_the_agency_that_closed(staff: Client, city: City) -> None:
    dlh = make_agency(city, "dlh")
    make_agency(city, "damkar")
    close(told(timezone.now() - timedelta(hours=1), agency=dlh, status="in_progress"))
    (row,) = staff.get("/api/board/closings/?agency=dlh").json()["agencies"]
    assert (row["agency"], row["resolved"], row["contested"], row["contested_share"]) == ("dlh", 1, 0, 0.0)
    assert staff.get("/api/board/closings/?agency=damkar").json()["agencies"] == []

"""GET service requests, and one of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geo.models import Report, ReportPhoto
from tests.contracts.open311.asking import Open311, commit
from tests.contracts.open311.schemas import check
from tests.contracts.open311.town import SECRETS, make_reports, make_town

pytestmark = pytest.mark.django_db
ONE = "service_requests/request"
FIELDS = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode", "lat",
    "long", "media_url",
]  # fmt: skip
MARCH = {"start_date": "2021-03-01T00:00:00+07:00", "end_date": "2021-03-31T00:00:00+07:00"}
# What of the town is public, newest first; heap and puddle came in the same second, and heap after puddle.
IN_MARCH = ["nowhere", "violence", "refused", "done", "heap", "puddle"]


@pytest.fixture(scope="module")
def town(committed: None) -> dict[str, str]:  # type: ignore[override]
    make_town()
    return make_reports()


def named(town: dict[str, str], ids: list[str]) -> list[str]:
    names = {public_id: name for name, public_id in town.items()}
    return [names[public_id] for public_id in ids]


def one(open311: Open311, town: dict[str, str], name: str, **headers: str) -> dict[str, str]:
    """The texts of one request, by their names."""
    reply = open311.get(f"requests/{town[name]}", headers=headers)
    assert reply.status == 200
    (names,) = reply.names(ONE)
    return {field: reply.text(f"{ONE}/{field}") for field in names}


def test_a_request_has_every_field_in_its_order(open311: Open311, town: dict[str, str]) -> None:
    assert open311.get(f"requests/{town['puddle']}").names(ONE) == [FIELDS]


@pytest.mark.parametrize("form", ["json"])
def test_requests_json_keeps_the_published_rules(open311: Open311, town: dict[str, str]) -> None:
    check("requests", open311.get("requests").json)
    check("requests", open311.get("requests", MARCH).json)
    for name in IN_MARCH:
        check("request", open311.get(f"requests/{town[name]}").json)


def test_an_open_request_says_all_that_is_known_of_it(open311: Open311, town: dict[str, str]) -> None:
    assert one(open311, town, "puddle") == {
        "service_request_id": town["puddle"],
        "status": "open",
        "status_notes": "Submitted",
        "service_name": "Standing water",
        "service_code": "genangan",
        "description": "Air selutut di depan pasar",
        "agency_responsible": "DBMSDA",
        "service_notice": "DBMSDA deals with this, within 24 working hours.",
        "requested_datetime": "2021-03-01T12:00:00+07:00",
        "updated_datetime": "2021-03-01T12:00:00+07:00",
        "expected_datetime": "2021-03-03T16:00:00+07:00",
        "address": "Kota-Uji 1 1, Kota-Uji 1, Kota-Uji",
        "address_id": "kota-uji.1.1",
        "zipcode": "",
        "lat": "-6.25",
        "long": "106.93",
        "media_url": "",
    }


def test_times_are_w3c_with_the_offset_of_the_city(open311: Open311, town: dict[str, str]) -> None:
    told = open311.get("requests", MARCH).texts(f"{ONE}/requested_datetime")
    assert told == [
        "2021-03-05T12:00:00+07:00",
        "2021-03-04T12:00:00+07:00",
        "2021-03-03T00:00:00+07:00",
        "2021-03-02T23:59:59+07:00",
        "2021-03-01T12:00:00+07:00",
        "2021-03-01T12:00:00+07:00",
    ]


def test_updated_datetime_of_a_closed_request_is_its_closing(open311: Open311, town: dict[str, str]) -> None:
    told = one(open311, town, "done")
    assert (told["status"], told["updated_datetime"]) == ("closed", "2021-03-05T09:00:00+07:00")


def test_status_notes_say_the_status_in_words_and_the_last_public_note(open311: Open311, town: dict[str, str]) -> None:
    assert one(open311, town, "done")["status_notes"] == "Resolved: Sudah diangkut."
    assert one(open311, town, "done", **{"Accept-Language": "id"})["status_notes"] == "Selesai: Sudah diangkut."
    assert one(open311, town, "refused")["status_notes"] == "Rejected"


def test_a_closed_request_promises_nothing_any_more(open311: Open311, town: dict[str, str]) -> None:
    assert one(open311, town, "done")["service_notice"] == ""


def test_a_description_has_no_html(open311: Open311, town: dict[str, str]) -> None:
    assert one(open311, town, "heap")["description"] == "Tumpukan sampah & tikus"


def test_a_description_that_came_longer_by_another_way_is_cut_at_4000_characters(
    open311: Open311, town: dict[str, str]
) -> None:
    report = Report.objects.filter(public_id=town["heap"])
    before = report.get().public_description
    commit(lambda: report.update(public_description="a" * 4001))
    told = one(open311, town, "heap")["description"]
    commit(lambda: report.update(public_description=before))
    assert told == "a" * 3999 + "…"


def test_a_request_without_a_place_has_neither_lat_nor_long_nor_address(open311: Open311, town: dict[str, str]) -> None:
    told = one(open311, town, "nowhere")
    assert [told[name] for name in ("lat", "long", "address", "address_id", "description")] == [""] * 5


def test_media_url_is_the_first_photo_by_its_whole_address(open311: Open311, town: dict[str, str]) -> None:
    report = Report.objects.get(public_id=town["heap"])

    def add() -> None:
        for number in ("1", "2"):
            ReportPhoto.objects.create(report=report, image=f"{number}.jpg", width=1, height=1, sha256=number)

    commit(add)
    told = one(open311, town, "heap")["media_url"]
    commit(lambda: ReportPhoto.objects.all().delete())
    assert told == f"{open311.url}/api/reports/{town['heap']}/photos/1/"


def test_one_request_is_an_array_of_one(open311: Open311, town: dict[str, str]) -> None:
    assert open311.get(f"requests/{town['puddle']}").ids == [town["puddle"]]


def test_an_unknown_request_is_a_404(open311: Open311) -> None:
    reply = open311.get("requests/unknown")
    assert (reply.status, reply.errors[0][0]) == (404, "404")


def test_a_request_that_was_withdrawn_is_a_404_and_in_no_list(open311: Open311, town: dict[str, str]) -> None:
    assert open311.get(f"requests/{town['hidden']}").status == 404
    assert open311.get("requests", {"service_request_id": town["hidden"]}).ids == []
    assert "hidden" not in named(town, open311.get("requests", MARCH).ids)


def test_requests_come_newest_first_and_in_one_order_always(open311: Open311, town: dict[str, str]) -> None:
    assert named(town, open311.get("requests", MARCH).ids) == IN_MARCH


def test_service_request_id_takes_a_comma_list_and_overrides_all_else(open311: Open311, town: dict[str, str]) -> None:
    ids = f"{town['puddle']},{town['old']},unknown"
    reply = open311.get(
        "requests", {"service_request_id": ids, "status": "nonsense", "start_date": "x", "bbox": "x", "page": "7"}
    )
    assert named(town, reply.ids) == ["old", "puddle"]
    twice = open311.get("requests", {"service_request_id": [town["puddle"], town["heap"]]})
    assert sorted(named(town, twice.ids)) == ["heap", "puddle"]


def test_service_code_takes_a_comma_list(open311: Open311, town: dict[str, str]) -> None:
    found = {
        codes: named(town, open311.get("requests", {**MARCH, "service_code": codes}).ids)
        for codes in ("genangan", "genangan,kekerasan", "banjir")
    }
    assert found == {"genangan": ["puddle"], "genangan,kekerasan": ["violence", "puddle"], "banjir": []}
    # Of a service that is out of use the requests are still there.
    assert named(town, open311.get("requests", {"service_code": "usang"}).ids) == ["today"]


def test_an_unknown_service_code_among_the_filters_is_a_404(open311: Open311) -> None:
    reply = open311.get("requests", {"service_code": "genangan,unknown"})
    assert reply.status == 404
    assert "unknown" in reply.errors[0][1]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("open", ["nowhere", "violence", "heap", "puddle"]),
        ("closed", ["refused", "done"]),
        ("open,closed", IN_MARCH),
        (["open", "closed"], IN_MARCH),
        ("", IN_MARCH),
    ],
)
def test_status_takes_a_comma_list(open311: Open311, town: dict[str, str], status: Any, names: list[str]) -> None:
    assert named(town, open311.get("requests", {**MARCH, "status": status}).ids) == names


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        # Both bounds belong to the range, as they are shown: to the second. "done" came half a second after 23:59:59.
        ("2021-03-02T23:59:59+07:00", "2021-03-02T23:59:59+07:00", ["done"]),
        ("2021-03-02T17:00:00Z", "2021-03-03T00:00:00Z", ["refused"]),
        ("2021-03-02T23:59:59.4+07:00", "2021-03-02T23:59:59.4+07:00", []),
        ("2021-03-04T00:00:00Z", "", ["nowhere", "violence"]),
        ("", "2021-03-01T05:00:00Z", ["heap", "puddle"]),
        ("2021-03-01T00:00:00Z", "2021-05-30T00:00:00Z", IN_MARCH),
    ],
)
def test_start_date_and_end_date_bound_the_time_of_request(
    open311: Open311, town: dict[str, str], start: str, end: str, names: list[str]
) -> None:
    reply = open311.get("requests", {"start_date": start, "end_date": end})
    assert reply.status == 200
    assert named(town, reply.ids) == names


def test_a_plus_that_was_not_escaped_is_understood(open311: Open311, town: dict[str, str]) -> None:
    address = f"requests.{open311.form}?start_date=2021-03-05T00:00:00+07:00&end_date=2021-03-06T00:00:00+07:00"
    assert named(town, open311.send("GET", address).ids) == ["nowhere"]


@pytest.mark.parametrize(
    ("start", "end", "parameter"),
    [
        ("2021-03-01T00:00:00Z", "2021-05-30T00:00:01Z", "90 days"),
        ("2021-03-02T00:00:00Z", "2021-03-01T00:00:00Z", "end_date"),
        ("2021-03-01T00:00:00", "", "start_date"),
        ("2021-03-01", "", "start_date"),
        ("", "2021-03-01 00:00:00+07:00", "end_date"),
        ("2021-13-01T00:00:00Z", "", "start_date"),
    ],
)
def test_more_than_90_days_and_times_without_an_offset_are_a_400(
    open311: Open311, start: str, end: str, parameter: str
) -> None:
    reply = open311.get("requests", {"start_date": start, "end_date": end})
    assert reply.status == 400
    ((code, description),) = reply.errors
    assert code == "400"
    assert parameter in description


def test_without_dates_the_last_90_days_are_meant(open311: Open311, town: dict[str, str]) -> None:
    assert "today" in named(town, open311.get("requests").ids)
    assert "old" not in named(town, open311.get("requests").ids)


def test_page_and_page_size_walk_through_all_without_gap_or_repeat(open311: Open311, town: dict[str, str]) -> None:
    pages = [open311.get("requests", {**MARCH, "page": page, "page_size": 4}).ids for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [4, 2, 0]
    assert named(town, [*pages[0], *pages[1]]) == IN_MARCH


def test_bbox_holds_what_lies_in_it(open311: Open311, town: dict[str, str]) -> None:
    reply = open311.get("requests", {**MARCH, "bbox": "107,-6.3,107.1,-6.2"})
    assert named(town, reply.ids) == ["refused", "heap"]


def test_updated_after_holds_what_changed_since(open311: Open311, town: dict[str, str]) -> None:
    reply = open311.get("requests", {**MARCH, "updated_after": "2021-03-04T12:00:00+07:00"})
    assert named(town, reply.ids) == ["nowhere", "done"]


def test_empty_parameters_equal_absent_ones(open311: Open311) -> None:
    names = [
        "service_request_id",
        "service_code",
        "status",
        "page",
        "page_size",
        "bbox",
        "updated_after",
        "jurisdiction_id",
    ]
    assert open311.get("requests", {**MARCH, **dict.fromkeys(names, "")}).ids == open311.get("requests", MARCH).ids


def test_what_was_said_in_confidence_is_in_no_answer(open311: Open311, town: dict[str, str]) -> None:
    for reply in (
        open311.get("requests", MARCH),
        *(open311.get(f"requests/{town[name]}") for name in IN_MARCH),
        *(open311.get("requests", {**MARCH, "service_code": code}) for code in ("genangan", "kekerasan")),
    ):
        assert not [secret for secret in SECRETS if secret in reply.content.decode()]


def test_a_place_that_is_shown_on_a_grid_cannot_be_found_by_shrinking_a_bbox(
    open311: Open311, town: dict[str, str]
) -> None:
    violence = one(open311, town, "violence")
    lat, long = float(violence["lat"]), float(violence["long"])
    assert abs(lat - -6.2533) + abs(long - 106.9711) > 0.0005
    around_the_place = {**MARCH, "bbox": "106.97105,-6.25335,106.97115,-6.25325"}
    assert open311.get("requests", around_the_place).ids == []
    around_the_shown = {**MARCH, "bbox": f"{long - 1e-5},{lat - 1e-5},{long + 1e-5},{lat + 1e-5}"}
    assert named(town, open311.get("requests", around_the_shown).ids) == ["violence"]


def test_gets_need_no_key_and_a_wrong_one_does_no_harm(open311: Open311, town: dict[str, str]) -> None:
    assert open311.get("requests", {**MARCH, "api_key": "wrong"}, headers={"X-Api-Key": "wrong"}).status == 200


def test_not_more_than_1000_come_at_once(open311: Open311, town: dict[str, str]) -> None:
    first = Report.objects.get(public_id=town["heap"])
    same = {field.attname: getattr(first, field.attname) for field in Report._meta.concrete_fields} | {"id": None}
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    many = [
        Report(**same | {"public_id": f"m{i}", "reported_at": moment + timedelta(seconds=i // 2)}) for i in range(1001)
    ]
    commit(lambda: Report.objects.bulk_create(many))
    window = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2020-01-02T00:00:00Z"}
    first_page, second_page = (open311.get("requests", {**window, "page": page}).ids for page in (1, 2))
    commit(lambda: Report.objects.filter(public_id__startswith="m", reported_at__year=2020).delete())
    assert (len(first_page), second_page) == (1000, ["m0"])
    assert len(set(first_page)) == 1000

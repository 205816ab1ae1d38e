"""The weekly brief: a week against the week before, in figures, in words, by letter."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from geo.areas.models import Area, City
from geo.models import CityRole, HistoryEntry, OutboxMessage, Report, WeeklyBrief
from geo.operations.incidents.services import open_incident
from geo.operations.mayor.brief import Brief, Compared, Group, brief_as_json
from geo.operations.mayor.gathering import weekly_brief
from geo.operations.mayor.instructions import give_instruction
from geo.operations.mayor.rendering import as_html, as_text, changed
from geo.operations.mayor.sending import Fate, fates_of, send_brief, send_due_briefs
from geo.operations.mayor.weeks import Week, last_week, read_week, week_of, week_to_send
from geo.operations.outbox.delivery import deliver_due
from geo.placement.services import place_things
from geo.reports.access.principals import Principal
from geo.reports.models import Agency
from geo.schedule import JOBS
from sensors.observations.models import HourlyRollup
from server.core.errors import BadParameter
from tests.factories import (
    make_agency,
    make_category,
    make_city,
    make_datastream,
    make_observed_property,
    make_report,
    make_thing,
)

pytestmark = pytest.mark.django_db
JAKARTA = ZoneInfo("Asia/Jakarta")
# 2026-W09: from Monday 23 February 00:00 in Jakarta to Monday 2 March 00:00.
W09 = Week(date(2026, 2, 23))
START, END = datetime(2026, 2, 22, 17, tzinfo=UTC), datetime(2026, 3, 1, 17, tzinfo=UTC)
NOW = END + timedelta(hours=6)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EAST = Point(107.05, -6.25, srid=4326)
SUPERUSER = Principal(is_superuser=True)


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def dlh(city: City) -> Agency:
    return make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))


def told(at: datetime, **changes: Any) -> Report:
    """A report that came at a time, without times to be met unless they are given."""
    made = {name: changes.pop(name) for name in ("category", "location") if name in changes}
    report = make_report(now=at, **made)
    Report.objects.filter(pk=report.pk).update(**{"due_at": None, "response_due_at": None, **changes})
    report.refresh_from_db()
    return report


def brief_of(city: City, now: datetime = NOW, week: Week = W09) -> Brief:
    return weekly_brief(city, week, now)


def pairs(one: Any) -> dict[str, tuple[float | None, float | None]]:
    return {name: (getattr(one, name).this, getattr(one, name).last) for name in ("new", "closed", "reopened", "open", "late")}  # fmt: skip


def by_id(groups: tuple[Group, ...]) -> dict[str | None, tuple[float | None, float | None]]:
    return {one.of.id: (one.counts.new.this, one.counts.new.last) for one in groups}


def mayor(city: City, name: str = "wali", email: str = "wali@example.org") -> User:
    user = User.objects.create_user(name, email, is_staff=True)
    CityRole.objects.create(user=user, city=city, role="mayor")
    return user


# Weeks


@pytest.mark.parametrize(
    ("moment", "monday"),
    [
        ("2026-03-01T16:59:59+00:00", date(2026, 2, 23)),  # Sunday 23:59:59 in Jakarta
        ("2026-03-01T17:00:00+00:00", date(2026, 3, 2)),  # Monday 00:00
        ("2026-12-31T17:00:00+00:00", date(2026, 12, 28)),  # New Year's Day lies in the old year's last week
    ],
)
def test_a_week_goes_from_monday_to_monday_of_the_city(moment: str, monday: date) -> None:
    assert week_of(datetime.fromisoformat(moment), JAKARTA) == Week(monday)


def test_a_week_has_the_name_of_iso_8601() -> None:
    assert (W09.label, W09.before.label) == ("2026-W09", "2026-W08")
    assert Week(date(2026, 12, 28)).label == "2026-W53"
    assert (W09.start(JAKARTA), W09.end(JAKARTA)) == (START, END)
    assert read_week("2026-w09", now=NOW, zone=JAKARTA) == W09


@pytest.mark.parametrize("text", ["2026-W54", "2026-9", "last", "2026-W00", "0001-W01", "2026-W11"])
def test_what_is_no_week_or_has_not_begun_is_refused(text: str) -> None:
    with translation.override("en"), pytest.raises(BadParameter, match="week"):
        read_week(text, now=NOW, zone=JAKARTA)


def test_a_brief_is_due_from_monday_six_o_clock_of_the_city() -> None:
    six = datetime(2026, 3, 1, 23, tzinfo=UTC)  # Monday 2 March 06:00 in Jakarta
    assert week_to_send(six - timedelta(seconds=1), JAKARTA) == W09.before
    assert week_to_send(six, JAKARTA) == W09
    assert week_to_send(six + 6 * DAY, JAKARTA) == W09
    assert last_week(six - 6 * HOUR, JAKARTA) == W09


# Reports


def test_the_week_is_counted_against_the_week_before(city: City, dlh: Agency) -> None:
    told(START)
    told(END - timedelta(seconds=1))
    told(END)  # of the next week
    told(START - timedelta(seconds=1))
    # Came in the week before, closed in this one after its time.
    told(START - 3 * DAY, status="resolved", closed_at=START + DAY, due_at=START - DAY)
    # Open and late since before the week before.
    told(START - 20 * DAY, due_at=START - 10 * DAY)
    # Long done.
    told(START - 30 * DAY, status="resolved", closed_at=START - 25 * DAY)
    assert pairs(brief_of(city).totals) == {
        "new": (2, 2), "closed": (1, 0), "reopened": (0, 0), "open": (4, 3), "late": (1, 2),
    }  # fmt: skip


def test_reopenings_are_counted_in_their_week(city: City, dlh: Agency) -> None:
    report = told(START - 9 * DAY, status="reopened", reopened_count=2)
    for at in (START - DAY, START + DAY):
        HistoryEntry.objects.create(
            report=report, at=at, action="status", old={"status": "resolved"}, new={"status": "reopened"}
        )
    # A later line says the same status again: no reopening.
    HistoryEntry.objects.create(
        report=report, at=START + 2 * DAY, action="note", old={"status": "reopened"}, new={"status": "reopened"}
    )
    Report.objects.update(updated_at=START + 2 * DAY)
    assert pairs(brief_of(city).totals)["reopened"] == (1, 1)


def test_categories_and_districts_have_their_own_figures(city: City, dlh: Agency) -> None:
    flood = make_category("banjir", name_id="Banjir", name_en="Flood")
    told(START + DAY, location=EAST)
    told(START + DAY, location=EAST, category=flood)
    told(START + DAY, location=Point(107.3, -6.25, srid=4326))
    told(START - DAY)
    brief = brief_of(city)
    assert by_id(brief.categories) == {"sampah": (2, 1), "banjir": (1, 0)}
    assert by_id(brief.areas) == {"kota-uji.2": (2, 0), None: (1, 0), "kota-uji.1": (0, 1)}


def test_another_citys_reports_stay_out(city: City, dlh: Agency) -> None:
    make_city("kota-lain", west=108.0)
    told(START + DAY, location=Point(108.03, -6.25, srid=4326))
    assert pairs(brief_of(city).totals)["new"] == (0, None)


def test_the_first_week_has_none_before_it(city: City, dlh: Agency) -> None:
    told(START + DAY)
    brief = brief_of(city)
    assert not brief.has_previous
    assert pairs(brief.totals)["new"] == (1, None)
    assert brief.totals.new.change is None
    with translation.override("en"):
        text = as_text(brief)
    assert "This is the first week: there is none before it to compare with." in text
    assert "New: 1\n" in text


def test_a_week_that_is_not_over_is_compared_with_as_much_of_the_one_before(city: City, dlh: Agency) -> None:
    told(START + HOUR)
    told(START - 7 * DAY + HOUR)
    told(START - 4 * DAY)  # on a day of the week before that this week has not reached
    brief = brief_of(city, now=START + DAY)
    assert (brief.is_over, brief.until) == (False, START + DAY)
    assert pairs(brief.totals)["new"] == (1, 1)
    with translation.override("en"):
        assert "Not over: until" in as_text(brief)


def test_the_slowest_agencies_stand_first_with_their_medians(city: City, dlh: Agency) -> None:
    pothole = make_category("jalan")
    make_agency(city, "dbmsda", pothole)
    for hours in (1, 3, 8):
        told(START + DAY, responded_at=START + DAY + hours * HOUR)
    told(START - 2 * DAY, responded_at=START - 2 * DAY + 5 * HOUR)
    for hours, late in ((10, False), (30, True)):
        at = START + DAY
        closed = at + hours * HOUR
        told(at, category=pothole, status="resolved", closed_at=closed, due_at=closed + (-HOUR if late else HOUR))
    first, second = brief_of(city).agencies
    assert (first.agency.id, first.resolved, first.resolution_h, first.late_share) == (
        "dbmsda", 2, Compared(20.0, None), Compared(0.5, None),
    )  # fmt: skip
    assert (second.agency.id, second.responded, second.first_response_h) == ("dlh", 3, Compared(3.0, 5.0))
    with translation.override("en"):
        text = as_text(brief_of(city))
    assert "- DBMSDA: late 50 %; first response –; resolution 20.0 (2)\n" in text
    assert "- DLH: late –; first response 3.0 (3, ▼ down by 2.0); resolution –\n" in text


def test_an_agency_that_was_late_with_nothing_is_not_among_the_slowest(city: City, dlh: Agency) -> None:
    at = START + DAY
    told(at, status="resolved", closed_at=at + HOUR, due_at=at + 2 * HOUR)
    assert brief_of(city).agencies == ()


# Readings


def measured(code: str, *hours: tuple[datetime, float], slug: str = "", unit: str = "ug/m3", **more: Any) -> None:
    """Hourly rollups of one value each, of a thing in the city."""
    domain, aggregate = more.pop("domain", "environment"), more.pop("aggregate", "mean")
    make_observed_property(code, domain=domain, aggregate=aggregate, as_anomaly=more.pop("as_anomaly", False))
    interval = more.pop("expected_interval_s", 600)
    stream = make_datastream(
        make_thing(slug or f"pos-{code.replace('_', '-')}", **more), code, unit_ucum=unit, expected_interval_s=interval
    )
    place_things()
    HourlyRollup.objects.bulk_create(
        HourlyRollup(datastream=stream, hour=at, n=1, sum=value, min=value, max=value) for at, value in hours
    )


def domains(brief: Brief) -> dict[str, list[tuple[str, float | None, float | None, float | None, int]]]:
    return {
        one.domain: [(each.property.id or "", each.value.this, each.value.last, each.change, each.places) for each in one.measured]
        for one in brief.domains
    }  # fmt: skip


def test_the_four_domains_are_compared_by_the_places_that_measured_in_both_weeks(city: City) -> None:
    measured("pm25", (START - HOUR, 20.0), (START, 30.0), (END - HOUR, 50.0), (END, 999.0))
    measured("pm25", (START, 100.0), slug="baru")  # a new place is no change of the air
    measured("traffic_speed", (START, 24.0), domain="traffic", unit="km/h")
    # One value a day: 3 and 5 cases on two days, 4 on one day before.
    measured(
        "dengue_cases", (START - DAY, 4.0), (START, 3.0), (START + DAY, 5.0), domain="health", aggregate="sum",
        unit="{case}", expected_interval_s=86400,
    )  # fmt: skip
    brief = brief_of(city)
    assert domains(brief) == {
        "environment": [("pm25", 70.0, 20.0, 20.0, 2)],
        "traffic": [("traffic_speed", 24.0, None, None, 1)],
        "health": [("dengue_cases", 4.0, 4.0, 0.0, 1)],
        "economy": [],
    }
    with translation.override("en"):
        text = as_text(brief)
    assert "- pm25: this week 70.0 µg/m³; change ▲ up by 20.0; places 2\n" in text
    assert "- traffic_speed: this week 24.0 km/h; change not measured in the week before; places 1\n" in text
    assert "- dengue_cases: this week 4.0 case per day; change = no change; places 1\n" in text
    assert "ECONOMY\nNothing was measured in this week.\n" in text


def test_rain_is_told_per_day_that_was_measured(city: City) -> None:
    # Of 24 hours of which six were measured: 12 mm in a quarter of a day.
    measured("rain", *((START + i * HOUR, 2.0) for i in range(6)), aggregate="sum", unit="mm")
    assert domains(brief_of(city))["environment"] == [("rain", 48.0, None, None, 1)]


def test_decibels_are_averaged_as_energies(city: City) -> None:
    # 10 log10((10^6 + 10^7) / 2) = 67.404 dB, and not 65.
    measured("noise", (START, 60.0), (START + HOUR, 70.0), unit="dB[SPL]")
    ((_code, value, *_rest),) = domains(brief_of(city))["environment"]
    assert value == pytest.approx(67.404, abs=0.001)


def test_of_a_rivers_level_only_the_change_is_told(city: City) -> None:
    measured("river_level", (START - HOUR, 100.0), (START, 112.0), unit="cm", as_anomaly=True, slug="katulampa")
    measured("river_level", (START - HOUR, 900.0), (START, 902.0), unit="cm", as_anomaly=True, slug="bekasi")
    brief = brief_of(city)
    assert domains(brief)["environment"] == [("river_level", None, None, 7.0, 2)]
    with translation.override("en"):
        assert "- river_level: this week –; change ▲ up by 7.0 cm; places 2\n" in as_text(brief)


def test_what_was_not_measured_is_named_and_what_is_simulated_is_said_to_be(city: City) -> None:
    make_observed_property("so2", name_id="Sulfur dioksida", name_en="Sulphur dioxide")
    measured("pm25", (START, 10.0), is_simulated=True)
    measured("no2", (START - HOUR, 5.0))  # in the week before only
    measured("o3", (START, 5.0), slug="jauh", location=Point(110.0, -6.25, srid=4326))  # in no area of the city
    brief = brief_of(city)
    assert [one.id for one in brief.domains[0].not_measured] == ["no2", "o3", "so2"]
    with translation.override("en"):
        text = as_text(brief)
    assert "Not measured: no2, o3, Sulphur dioxide.\n" in text
    assert "- pm25 (simulated): this week 10.0 µg/m³" in text


# Instructions, incidents, the whole


def test_unfulfilled_instructions_and_open_incidents_are_listed(city: City, dlh: Agency) -> None:
    wali = mayor(city)
    told(START - DAY)
    by = Principal(user_id=wali.pk, is_superuser=True)
    target = Area.objects.get(code="kota-uji.1")
    for at, deadline in ((START + DAY, START + 2 * DAY), (START - DAY, NOW + DAY)):
        give_instruction(city=city, agency=dlh, target=target, deadline=deadline, text="Rahasia", by=by, now=at)
    open_incident(city=city, title="Sampah pasar", reports=[told(START + DAY)], by=SUPERUSER, now=START + DAY)
    brief = brief_of(city)
    assert (brief.instructions_given, brief.instructions_confirmed) == (Compared(1, 1), Compared(0, 0))
    assert (brief.unfulfilled, brief.unfulfilled_late) == (2, 1)
    assert [(one.target, one.is_late) for one in brief.instructions] == [("Kota-Uji 1", True), ("Kota-Uji 1", False)]
    assert [(one.title, one.reports) for one in brief.incidents] == [("Sampah pasar", 1)]
    with translation.override("en"):
        text = as_text(brief)
    assert "Unfulfilled: 2, of them late: 1\n" in text
    assert "- DLH: about Kota-Uji 1; state open; deadline 25 February 2026 00:00 (late)\n" in text
    assert "Rahasia" not in text


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (3, {}, "▲ 3 more"),
        (-2, {}, "▼ 2 fewer"),
        (0, {}, "= no change"),
        (None, {}, ""),
        (0.04, {"decimals": 1, "level": True}, "= no change"),
        (-0.06, {"decimals": 1, "level": True}, "▼ down by 0.1"),
        (1234.5, {"decimals": 1, "level": True}, "▲ up by 1,234.5"),
    ],
)
def test_a_change_is_said_in_words_and_by_an_arrow(change: float | None, more: dict[str, Any], words: str) -> None:
    with translation.override("en"):
        assert changed(change, **more) == words


def test_an_empty_week_says_so_everywhere(city: City) -> None:
    with translation.override("en"):
        lines = as_text(brief_of(city)).splitlines()
    assert lines[0] == "WEEKLY BRIEF OF KOTA UJI, 2026-W09"
    assert lines[1] == "23 February 2026 to 1 March 2026"
    for told_so in (
        "No report came in, was closed or stood open.",
        "No agency answered, closed or owed anything.",
        "Nothing was measured in this week.",
        "No instruction is unfulfilled.",
        "No incident is open.",
    ):
        assert told_so in lines


def test_the_page_fetches_nothing_and_the_json_has_the_citys_times(city: City, dlh: Agency) -> None:
    told(START + DAY)
    page, policy = as_html(brief_of(city))
    assert "<td>Sampah</td>" in page
    assert policy.startswith("default-src 'none'")
    said = json.loads(json.dumps(brief_as_json(brief_of(city))))
    assert said["week"] == "2026-W09"
    assert said["period"]["start"] == "2026-02-23T00:00:00+07:00"
    assert said["reports"]["total"]["new"] == {"this_week": 1, "last_week": None, "change": None}


def test_it_takes_as_many_statements_however_much_there_is(city: City, dlh: Agency) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            brief_of(city)
        return len(asked)

    told(START + DAY)
    measured("pm25", (START, 1.0))
    few = statements()
    for i in range(4):
        make_agency(city, f"dinas-{i}", category := make_category(f"hal-{i}"))
        told(START + DAY, category=category, location=EAST)
        measured(f"gas{i}", (START, 1.0))
    assert statements() == few
    assert few <= 16


# Sending


def test_it_is_sent_once_per_week_and_late_after_an_outage(city: City) -> None:
    told(START - 60 * DAY)
    mayor(city)
    mayor(city, "wakil", "wakil@example.org")
    mayor(city, "tanpa-surat", "")
    six = datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert send_due_briefs(six - timedelta(minutes=1)) == "2 letters"  # of the week before: nothing ran on its Monday
    assert send_due_briefs(six) == "2 letters"
    assert send_due_briefs(six + HOUR) == ""
    assert send_due_briefs(six + 17 * DAY) == "2 letters"
    sent = WeeklyBrief.objects.order_by("week").values_list("week", "recipients")
    assert list(sent) == [("2026-W08", 2), ("2026-W09", 2), ("2026-W11", 2)]
    assert OutboxMessage.objects.count() == 6


def test_without_a_mayor_nothing_is_noted_and_who_becomes_one_is_told_of_the_last_week(city: City) -> None:
    told(START + DAY)
    six = datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert send_due_briefs(six) == ""
    assert not WeeklyBrief.objects.exists()
    mayor(city)
    assert send_due_briefs(six + DAY) == "1 letter"
    assert WeeklyBrief.objects.get().week == "2026-W09"


def test_a_new_mayor_of_a_city_that_has_just_begun_is_first_sent_a_week_of_which_there_is_something_to_tell(
    city: City, dlh: Agency
) -> None:
    mayor(city)
    six = datetime(2026, 3, 1, 23, tzinfo=UTC)
    at, target = END + DAY, Area.objects.get(code="kota-uji.1")
    told(at)
    open_incident(city=city, title="Banjir", reports=[], by=SUPERUSER, now=at)
    give_instruction(city=city, agency=dlh, target=target, deadline=at + DAY, text="x", by=SUPERUSER, now=at)
    measured("pm25", (END, 30.0))
    OutboxMessage.objects.all().delete()
    assert send_due_briefs(six + 2 * DAY) == ""
    assert not WeeklyBrief.objects.exists()
    assert send_due_briefs(six + 7 * DAY) == "1 letter"
    assert WeeklyBrief.objects.get().week == "2026-W10"


def test_a_quiet_week_of_a_city_that_has_begun_is_told_of(city: City) -> None:
    mayor(city)
    told(START - 60 * DAY, status="resolved", closed_at=START - 50 * DAY)
    assert send_brief(city=city, week=W09, now=NOW) == 1


@pytest.mark.parametrize("begun_by", ["a report", "a reading", "an incident", "an instruction"])
def test_a_brief_is_empty_until_the_city_has_begun(begun_by: str, city: City, dlh: Agency) -> None:
    assert brief_of(city).is_empty
    if begun_by == "a report":
        told(END - HOUR)
    elif begun_by == "a reading":
        measured("pm25", (START, 30.0))
    elif begun_by == "an incident":
        open_incident(city=city, title="Banjir", reports=[], by=SUPERUSER, now=END - HOUR)
    else:
        target, at = Area.objects.get(code="kota-uji.1"), END - HOUR
        give_instruction(city=city, agency=dlh, target=target, deadline=NOW, text="x", by=SUPERUSER, now=at)
    assert not brief_of(city).is_empty


def test_the_schedule_sends_it() -> None:
    assert [job.every for job in JOBS if job.run is send_due_briefs] == [timedelta(minutes=10)]


def test_the_letter_is_the_brief_as_text_and_page(city: City, dlh: Agency) -> None:
    mayor(city)
    told(START + DAY)
    send_brief(city=city, week=W09, now=datetime.now(UTC))
    assert OutboxMessage.objects.get().payload.keys() == {"user", "city", "week", "to"}
    deliver_due()
    (letter,) = mail.outbox
    assert letter.to == ["wali@example.org"]
    assert "2026-W09" in letter.subject
    assert "- Sampah: " in letter.body
    assert "/api/brief/?city=kota-uji&week=2026-W09&f=html" in letter.body
    ((page, kind),) = letter.alternatives  # type: ignore[attr-defined]
    assert kind == "text/html"
    assert "<td>Sampah</td>" in page


def test_who_is_no_mayor_any_more_gets_no_letter(city: City) -> None:
    mayor(city)
    told(START + DAY)
    send_brief(city=city, week=W09, now=datetime.now(UTC))
    CityRole.objects.all().delete()
    deliver_due()
    assert mail.outbox == []
    assert OutboxMessage.objects.get().state == "dead"
    assert fates_of(WeeklyBrief.objects.all()) == {WeeklyBrief.objects.get().pk: {Fate.REFUSED: 1}}


def test_a_letter_waits_for_the_mail_server_until_the_next_brief_is_due(city: City) -> None:
    mayor(city)
    told(START + DAY)
    six = datetime(2026, 3, 1, 23, tzinfo=UTC)
    send_due_briefs(six + 3 * DAY)  # after an outage, on Thursday
    assert OutboxMessage.objects.get().give_up_at == six + 7 * DAY


@pytest.mark.parametrize("is_back", [True, False])
def test_what_could_not_be_sent_in_time_is_shown_as_too_late_and_the_next_brief_is_sent(
    is_back: bool, city: City, settings: Any, admin_client: Client
) -> None:
    mayor(city)
    told(START - 60 * DAY)
    now = datetime.now(UTC)
    last = week_to_send(now, JAKARTA)
    send_brief(city=city, week=last.before, now=now - 8 * DAY)
    if not is_back:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    deliver_due()
    assert mail.outbox == []
    (brief,) = WeeklyBrief.objects.all()
    assert fates_of([brief]) == {brief.pk: {Fate.TOO_LATE: 1}}
    for path in ("/admin/geo/weeklybrief/", f"/admin/geo/weeklybrief/{brief.pk}/change/"):
        assert "1 too late" in admin_client.get(path, headers={"accept-language": "en"}).content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send_brief(city=city, week=last, now=now)
    assert fates_of([WeeklyBrief.objects.get(week=last.label)]).popitem()[1] == {Fate.WAITING: 1}
    deliver_due(now=lambda: now + HOUR)
    assert [last.label in letter.subject for letter in mail.outbox] == [True]
    assert fates_of([WeeklyBrief.objects.get(week=last.label)]).popitem()[1] == {Fate.DELIVERED: 1}


def test_the_admin_shows_briefs_to_administrators_of_their_own_city_alone(
    city: City, dlh: Agency, client: Client
) -> None:
    brief = WeeklyBrief.objects.create(city=city, week="2026-W09", sent_at=NOW, recipients=1)
    user = User.objects.create_user("admin-lain", is_staff=True)
    CityRole.objects.create(user=user, city=make_city("kota-lain", west=108.0), role="administrator")
    CityRole.objects.create(user=user, city=city, role="officer", agency=dlh)
    client.force_login(user)
    assert client.get(f"/admin/geo/weeklybrief/{brief.pk}/change/").status_code == 302
    CityRole.objects.filter(user=user, city=city).update(role="administrator", agency=None)
    assert client.get(f"/admin/geo/weeklybrief/{brief.pk}/change/").status_code == 200


def test_a_command_prints_the_brief_in_three_forms_and_sends_it_once(city: City) -> None:
    def printed(*arguments: str) -> str:
        out = StringIO()
        call_command("weekly_brief", *arguments, stdout=out)
        return out.getvalue()

    mayor(city)
    assert printed("--week", "2026-W09", "--send").endswith("0 letters (sent already, no mayor, or nothing to tell)\n")
    told(START + DAY)
    assert printed("--week", "2026-W09", "--lang", "en").startswith("WEEKLY BRIEF OF KOTA UJI, 2026-W09\n")
    assert printed("--format", "html").startswith("<!doctype html>")
    assert json.loads(printed("--week", "2026-W09", "--format", "json"))["week"] == "2026-W09"
    assert printed("--week", "2026-W09", "--send") == "2026-W09 of kota-uji: 1 letter\n"
    assert printed("--week", "2026-W09", "--send").endswith("0 letters (sent already, no mayor, or nothing to tell)\n")
    this_week = week_of(datetime.now(UTC), JAKARTA).label
    for wrong in (["--week", "2026"], ["--city", "nowhere"], ["--week", this_week, "--send"]):
        with pytest.raises(CommandError):
            printed(*wrong)

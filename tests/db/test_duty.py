"""The duty desk: what nobody takes climbs the on-call list, shifts hand over, and the situation is one report."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from geo.areas.models import City
from geo.models import AlertRule, CityRole, Escalation, OnCallLevel, OutboxMessage, Report, Shift
from geo.operations.duty.escalation import escalate_due, signing_key
from geo.operations.duty.rendering import as_html, as_text
from geo.operations.duty.shifts import default_start, end_shift, start_shift
from geo.operations.duty.situation import situation
from geo.operations.incidents.services import open_incident
from geo.operations.outbox.delivery import deliver_due
from geo.operations.outbox.transports import signature
from geo.placement.services import place_things
from geo.reports.access.principals import Grant, Principal, Role
from geo.reports.status import change_status
from geo.reports.workflow import Status
from geo.schedule import JOBS
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_observations
from server.core.errors import Conflict, Forbidden
from tests.factories import NOW, make_agency, make_category, make_city, make_datastream, make_report, make_thing
from tests.receiver import Receiver
from tests.saved_analyses import staff
from tests.sensor_factories import columns_of

pytestmark = pytest.mark.django_db
SINCE = NOW - timedelta(days=1)
DISPATCHING = Principal(is_superuser=True)


@pytest.fixture
def city() -> City:
    city = make_city()
    make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))
    return city


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


def level(city: City, position: int, after_minutes: int, **more: Any) -> OnCallLevel:
    values = {"name": f"Piket {position}", "email": f"piket{position}@example.org", "active_since": SINCE, **more}
    return OnCallLevel.objects.create(city=city, position=position, after_minutes=after_minutes, **values)


def overdue(minutes: int = 0, **more: Any) -> Report:
    """A report whose first response was due so many minutes before NOW."""
    values = {"now": NOW - timedelta(hours=8), **more}
    report = make_report(**values)
    Report.objects.filter(pk=report.pk).update(response_due_at=NOW - timedelta(minutes=minutes))
    report.refresh_from_db()
    return report


def climbs() -> list[tuple[int, int, int]]:
    """(position of the level, report, episode) of each, in the order in which they came."""
    return list(Escalation.objects.order_by("id").values_list("level__position", "subject_id", "episode"))


def after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_what_nobody_takes_climbs_level_by_level_and_each_once(city: City) -> None:
    level(city, 1, 0)
    level(city, 2, 30)
    report = overdue(0)
    assert escalate_due(NOW) == ""  # due now is not overdue
    assert escalate_due(after(1)) == "1 told to 1 on call"
    assert escalate_due(after(2)) == ""
    assert climbs() == [(1, report.pk, 0)]
    assert escalate_due(after(29)) == ""
    assert escalate_due(after(30)) == "1 told to 1 on call"
    assert climbs() == [(1, report.pk, 0), (2, report.pk, 0)]
    assert OutboxMessage.objects.filter(topic="duty.escalation").count() == 2


def test_it_stops_when_somebody_takes_it(city: City) -> None:
    level(city, 1, 0)
    level(city, 2, 30)
    report = overdue(5)
    escalate_due(NOW)
    change_status(report=report, status=Status.IN_PROGRESS, by=DISPATCHING, now=after(10))
    assert escalate_due(after(60)) == ""
    assert climbs() == [(1, report.pk, 0)]


def test_what_came_due_while_nothing_ran_is_told_once_to_each_level(city: City) -> None:
    level(city, 1, 0)
    level(city, 2, 30)
    level(city, 3, 300)
    report = overdue(0)
    assert escalate_due(after(120)) == "2 told to 2 on call"
    assert climbs() == [(1, report.pk, 0), (2, report.pk, 0)]
    assert escalate_due(after(121)) == ""


def test_a_reopened_report_climbs_again_from_when_it_was_reopened(city: City) -> None:
    level(city, 1, 20)
    report = overdue(30)
    escalate_due(NOW)
    change_status(report=report, status=Status.REJECTED, by=DISPATCHING, now=after(1), note="Bukan sampah")
    change_status(report=report, status=Status.REOPENED, by=DISPATCHING, now=after(40), note="Masih ada")
    # Wherever the clocks put its first response, it was due before.
    Report.objects.filter(pk=report.pk).update(response_due_at=NOW - timedelta(minutes=30))
    assert escalate_due(after(59)) == ""
    assert escalate_due(after(60)) == "1 told to 1 on call"
    assert climbs() == [(1, report.pk, 0), (1, report.pk, 1)]
    assert Escalation.objects.order_by("id").last().waiting_since == after(40)  # type: ignore[union-attr]


def test_a_new_level_is_not_called_for_what_was_late_before_it_was_there(city: City) -> None:
    level(city, 1, 30, active_since=NOW)
    overdue(31)  # it would have been told at NOW - 1 min
    fresh = overdue(30)
    assert escalate_due(after(1)) == "1 told to 1 on call"
    assert climbs() == [(1, fresh.pk, 0)]


def test_a_level_of_some_categories_is_called_for_these_and_all_below(city: City) -> None:
    water = make_category("air")
    only_water = level(city, 1, 0)
    only_water.categories.add(water)
    overdue(5)
    flood = overdue(5, category=make_category("banjir", parent=water))
    escalate_due(NOW)
    assert climbs() == [(1, flood.pk, 0)]


def test_a_level_that_is_off_or_of_another_city_is_not_called(city: City) -> None:
    level(city, 1, 0, is_active=False)
    level(make_city("kota-lain", west=108.0), 1, 0)
    overdue(5)
    assert escalate_due(NOW) == ""


def test_reports_without_a_target_and_those_that_follow_another_climb_nothing(city: City) -> None:
    level(city, 1, 0)
    parent, child = overdue(5), overdue(5)
    Report.objects.filter(pk=child.pk).update(duplicate_of=parent)
    make_report(now=NOW - timedelta(days=3))
    Report.objects.exclude(pk__in=[parent.pk, child.pk]).update(response_due_at=None)
    escalate_due(NOW)
    assert climbs() == [(1, parent.pk, 0)]


def test_a_flood_night_is_one_letter_a_run(city: City, mailoutbox: list[Any]) -> None:
    level(city, 1, 0)
    reports = [overdue(60 - i) for i in range(25)]
    assert escalate_due(NOW) == "25 told to 1 on call"
    deliver_due(now=lambda: NOW)
    (letter,) = mailoutbox
    assert letter.to == ["piket1@example.org"]
    # The twenty that wait longest are named, and five more.
    assert [report.public_id for report in reports if report.public_id in letter.body] == [
        report.public_id for report in reports[:20]
    ]
    assert "25" in letter.subject
    # Due at 04:00 UTC: 11:00 in Jakarta.
    assert re.search(rf"{reports[0].public_id}.* 11:00", letter.body)


def test_a_letter_leaves_out_what_was_taken_before_it_was_sent(city: City, mailoutbox: list[Any]) -> None:
    level(city, 1, 0)
    taken, left = overdue(5), overdue(5)
    escalate_due(NOW)
    change_status(report=taken, status=Status.IN_PROGRESS, by=DISPATCHING, now=after(1))
    deliver_due(now=lambda: after(2))
    (letter,) = mailoutbox
    assert left.public_id in letter.body
    assert taken.public_id not in letter.body


def test_nobody_is_called_for_what_was_all_taken_before(city: City, mailoutbox: list[Any]) -> None:
    level(city, 1, 0)
    report = overdue(5)
    escalate_due(NOW)
    change_status(report=report, status=Status.IN_PROGRESS, by=DISPATCHING, now=after(1))
    deliver_due(now=lambda: after(2))
    assert mailoutbox == []
    message = OutboxMessage.objects.get(topic="duty.escalation")
    assert (message.state, message.last_error) == ("dead", "somebody has taken all of it meanwhile")


def test_a_user_is_written_to_at_the_address_of_the_account(city: City, mailoutbox: list[Any]) -> None:
    user = staff("ani", city, email="ani@example.org")
    level(city, 1, 0, email="", user=user)
    overdue(5)
    escalate_due(NOW)
    deliver_due(now=lambda: NOW)
    assert [letter.to for letter in mailoutbox] == [["ani@example.org"]]


def test_who_has_lost_the_role_in_the_city_is_not_called_any_more(city: City, mailoutbox: list[Any]) -> None:
    user = staff("ani", city, make_city("kota-lain", west=108.0), email="ani@example.org")
    level(city, 1, 0, email="", user=user)
    overdue(5)
    escalate_due(NOW)
    CityRole.objects.get(user=user, city=city).delete()
    deliver_due(now=lambda: NOW)
    assert mailoutbox == []


def test_a_message_to_the_on_call_list_holds_ids_and_a_time_alone(city: City) -> None:
    called = level(city, 1, 0)
    overdue(5, description="Hubungi saya 081234567890")
    escalate_due(NOW)
    message = OutboxMessage.objects.get(topic="duty.escalation")
    assert message.payload == {"to": "on-call", "level": called.pk, "raised_at": "2026-03-01T05:00:00+00:00"}


def test_a_webhook_is_called_with_signed_json(city: City, receiver: Receiver) -> None:
    called = level(city, 2, 0, email="", webhook_url=f"{receiver.url}/piket")
    report = overdue(5)
    escalate_due(NOW)
    deliver_due(now=lambda: NOW)
    (request,) = receiver.received
    body = json.loads(request.body)
    assert (request.path, body["event"], body["city"], body["level"], body["count"]) == (
        "/piket", "duty.escalation", "kota-uji", 2, 1,
    )  # fmt: skip
    (told,) = body["reports"]
    assert (told["id"], told["category"], told["waiting_since"]) == (
        report.public_id, "Sampah", "2026-03-01T04:55:00Z",
    )  # fmt: skip
    timestamp = request.headers["x-pantau-timestamp"]
    assert request.headers["x-pantau-signature"] == signature(
        request.body, timestamp=timestamp, key=signing_key(called).encode()
    )


def test_the_on_call_list_is_looked_at_every_minute() -> None:
    (job,) = [job for job in JOBS if job.run is escalate_due]
    assert job.every == timedelta(minutes=1)


@pytest.mark.parametrize(
    "given",
    [{}, {"email": "a@example.org", "webhook_url": "https://example.org/"}, {"webhook_url": "http://10.0.0.1/"}],
)
def test_a_level_names_one_way_to_call_that_may_be_called(given: dict[str, str], city: City) -> None:
    one = OnCallLevel(city=city, position=1, name="Piket", after_minutes=0, **given)
    with pytest.raises(ValidationError):
        one.full_clean()


def test_only_who_has_a_role_in_the_city_can_be_on_call(city: City) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    here, there = (staff(name, of, email=f"{name}@example.org") for name, of in (("ani", city), ("budi", elsewhere)))
    citizen = User.objects.create(username="citra", email="citra@example.org")
    for user in (there, citizen):
        with pytest.raises(ValidationError, match=r"no role|tidak punya peran"):
            OnCallLevel(city=city, position=1, name="Piket", after_minutes=0, user=user).full_clean()
    OnCallLevel(city=city, position=1, name="Piket", after_minutes=0, user=here).full_clean()


def test_a_user_without_an_address_cannot_be_on_call(city: City) -> None:
    user = staff("ani", city)
    with pytest.raises(ValidationError, match=r"e-mail|surel"):
        OnCallLevel(city=city, position=1, name="Piket", after_minutes=0, user=user).full_clean()


# The situation


def settled(**more: Any) -> Report:
    """A report with the due time and state that are given, whatever the clocks would say."""
    changes = {name: more.pop(name) for name in ("due_at", "response_due_at", "status", "closed_at") if name in more}
    report = make_report(**more)
    Report.objects.filter(pk=report.pk).update(**{"due_at": None, "response_due_at": None, **changes})
    report.refresh_from_db()
    return report


def test_the_situation_counts_by_category_and_district(city: City) -> None:
    flood = make_category("banjir", name_id="Banjir", name_en="Flood")
    east = Point(107.05, -6.25, srid=4326)
    hour = timedelta(hours=1)
    settled(now=NOW - hour)
    settled(now=NOW - 30 * hour, due_at=NOW - hour, category=flood, location=east)
    settled(now=NOW - 30 * hour, due_at=NOW + hour, category=flood)
    settled(now=NOW - 30 * hour, status="resolved", closed_at=NOW - 2 * hour, due_at=NOW - 3 * hour, location=east)
    settled(now=NOW - 90 * hour, status="resolved", closed_at=NOW - 80 * hour)
    said = situation(city, NOW - 6 * hour, NOW)
    assert said["totals"] == {"new": 1, "open": 3, "late": 1, "closed": 1}
    assert [(one["category"], one["new"], one["open"], one["late"], one["closed"]) for one in said["categories"]] == [
        ("banjir", 0, 2, 1, 0),
        ("sampah", 1, 1, 0, 1),
    ]
    assert [(one["area"], one["new"], one["open"], one["late"], one["closed"]) for one in said["areas"]] == [
        ("kota-uji.1", 1, 2, 0, 0),
        ("kota-uji.2", 0, 1, 1, 1),
    ]


def test_reports_outside_every_area_are_counted_as_that(city: City) -> None:
    settled(now=NOW - timedelta(hours=1), location=Point(107.3, -6.25, srid=4326))
    (outside,) = situation(city, SINCE, NOW)["areas"]
    assert (outside["area"], outside["name"], outside["open"]) == (None, None, 1)


def test_the_situation_names_open_incidents_and_what_nobody_takes(city: City) -> None:
    waiting = overdue(90)
    closed = settled(status="resolved", closed_at=NOW)
    open_incident(city=city, title="Sampah pasar", reports=[waiting, closed], by=DISPATCHING, now=NOW)
    level(city, 1, 0)
    level(city, 2, 60)
    escalate_due(NOW)
    said = situation(city, SINCE, NOW)
    (incident,) = said["incidents"]
    assert (incident["title"], incident["report_count"], incident["open_report_count"]) == ("Sampah pasar", 2, 1)
    assert said["unanswered"]["count"] == 1
    (longest,) = said["unanswered"]["longest"]
    assert (longest["report"], longest["since"], longest["level"]) == (waiting.public_id, "2026-03-01T03:30:00Z", 2)
    assert said["escalations"] == {
        "count": 2,
        "levels": [{"position": 1, "name": "Piket 1", "count": 1}, {"position": 2, "name": "Piket 2", "count": 1}],
    }


ALERTS = [
    {"authority": "BBWS", "observed_property": "river_level", "unit": "cm", "source": None,
     "levels": [{"name": "Siaga 3", "from": 200}, {"name": "Siaga 2", "from": 350}]}
]  # fmt: skip


def gauge(slug: str, *results: tuple[str, float], alert_levels: Any = ALERTS, **more: Any) -> None:
    """With the city's rule for gauges, which has the levels that its authority has configured on each."""
    city = City.objects.get(slug="kota-uji")
    AlertRule.objects.get_or_create(city=city, authority="BBWS", observed_property="river_level", unit="cm")
    thing = make_thing(slug, name=slug.upper(), properties={"alert_levels": alert_levels}, **more)
    stream = make_datastream(thing, "river_level", unit_ucum="cm", expected_interval_s=600)
    ensure_partitions({date(2026, 3, 1)})
    write_observations(columns_of(*((stream, at, value) for at, value in results)))
    place_things()


def test_sensors_above_their_levels_are_named_with_the_highest_that_they_reach(city: City) -> None:
    gauge("p1", ("2026-03-01T04:40:00Z", 100.0), ("2026-03-01T04:50:00Z", 351.5))
    gauge("p2", ("2026-03-01T04:40:00Z", 400.0), ("2026-03-01T04:50:00Z", 199.9))
    gauge("p3", ("2026-03-01T01:00:00Z", 200.0))
    said = situation(city, SINCE, NOW)
    assert [
        (one["thing"], one["result"], one["level"], one["authority"], one["is_silent"]) for one in said["sensors"]
    ] == [("p1", 351.5, "Siaga 2", "BBWS", False), ("p3", 200.0, "Siaga 3", "BBWS", True)]
    assert said["unreadable_levels"] == []


def test_levels_that_cannot_be_read_are_named_and_hide_no_others(city: City) -> None:
    gauge("p1", ("2026-03-01T04:50:00Z", 351.5))
    gauge("rusak", ("2026-03-01T04:50:00Z", 351.5), alert_levels=[{"authority": "BBWS"}])
    said = situation(city, SINCE, NOW)
    assert [one["thing"] for one in said["sensors"]] == ["p1"]
    assert said["unreadable_levels"] == ["rusak"]


def test_a_sensor_of_another_city_is_not_in_it(city: City) -> None:
    make_city("kota-lain", west=108.0)
    gauge("p1", ("2026-03-01T04:50:00Z", 351.5), location=Point(108.03, -6.25, srid=4326))
    assert situation(city, SINCE, NOW)["sensors"] == []


def test_the_situation_asks_as_much_of_many_reports_as_of_one(city: City) -> None:
    counts = []
    for n in (1, 12):
        for _i in range(n):
            report = overdue(5, category=make_category(f"k-{n}-{_i}"))
            open_incident(city=city, title="x", reports=[report], by=DISPATCHING, now=NOW)
        with CaptureQueriesContext(connection) as queries:
            situation(city, SINCE, NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10


def test_an_empty_city_is_said_in_words_in_indonesian_and_in_english(city: City) -> None:
    said = situation(city, NOW - timedelta(hours=6), NOW)
    with translation.override("id"):
        assert as_text(said).splitlines() == [
            "LAPORAN SITUASI KOTA UJI",
            "Per 1 Maret 2026 12:00 WIB, sejak 1 Maret 2026 06:00 WIB",
            "",
            "LAPORAN",
            "Tidak ada laporan terbuka, dan tidak ada yang masuk atau ditutup dalam waktu ini.",
            "",
            "MENURUT KATEGORI",
            "Tidak ada yang dihitung.",
            "",
            "MENURUT WILAYAH",
            "Tidak ada yang dihitung.",
            "",
            "BELUM DIAMBIL SIAPA PUN",
            "Tidak ada yang menunggu tanggapan pertama yang terlambat.",
            "",
            "PIKET YANG DIPANGGIL",
            "Tidak ada yang dipanggil dalam waktu ini.",
            "",
            "INSIDEN TERBUKA",
            "Tidak ada insiden yang terbuka.",
            "",
            "SENSOR DI ATAS AMBANG",
            "Tidak ada sensor di atas ambang siaga.",
        ]
    with translation.override("en"):
        assert as_text(said).splitlines()[:2] == [
            "SITUATION REPORT OF KOTA UJI",
            "As of 1 March 2026 12:00 WIB, since 1 March 2026 06:00 WIB",
        ]


def test_the_text_has_its_tables_in_columns(city: City) -> None:
    settled(now=NOW - timedelta(hours=1), due_at=NOW - timedelta(minutes=1))
    with translation.override("en"):
        lines = as_text(situation(city, SINCE, NOW)).splitlines()
    at = lines.index("BY CATEGORY")
    assert lines[at + 1 : at + 3] == ["Category  New  Open  Late  Closed", "Rubbish     1     1     1       0"]


def test_the_page_fetches_nothing_and_escapes_what_people_wrote(city: City) -> None:
    open_incident(city=city, title="<script>alert(1)</script>", reports=[], by=DISPATCHING, now=NOW)
    page, policy = as_html(situation(city, SINCE, NOW), note="<b>baik</b>")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;baik&lt;/b&gt;" in page
    assert not re.search(r"(?:src|href)=\"(?!data:,)", page)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")


# Shifts


def test_a_shift_ends_with_what_it_hands_over_and_the_next_one_reads_it(city: City) -> None:
    user = User.objects.create(username="ani")
    CityRole.objects.create(user=user, city=city, role="dispatcher")
    by = Principal(user_id=user.pk, grants=(Grant(Role.DISPATCHER, city.pk),))
    shift = start_shift(city=city, by=by, now=NOW)
    assert default_start(city, after(60)) == NOW
    settled(now=after(10))
    end_shift(shift=shift, by=by, now=after(480), note="Pompa 3 rusak, teknisi datang pukul 21.")
    kept = Shift.objects.get()
    assert (kept.started_by, kept.ended_by, kept.ended_at) == (user, user, after(480))
    assert kept.note == "Pompa 3 rusak, teknisi datang pukul 21."
    assert kept.log is not None
    assert (kept.log["start"], kept.log["as_of"]) == ("2026-03-01T05:00:00Z", "2026-03-01T13:00:00Z")
    assert kept.log["totals"] == {"new": 1, "open": 1, "late": 0, "closed": 0}
    # What happens later does not change what was handed over.
    settled(now=after(500))
    assert Shift.objects.get().log == kept.log
    assert as_text(kept.log, kept.note).splitlines()[4] == "Pompa 3 rusak, teknisi datang pukul 21."


def test_without_a_shift_the_situation_tells_of_six_hours(city: City) -> None:
    assert default_start(city, NOW) == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)


def test_one_shift_is_open_per_city_and_the_second_is_told_whose(city: City) -> None:
    user = User.objects.create(username="ani")
    shift = start_shift(city=city, by=Principal(user_id=user.pk, is_superuser=True), now=NOW)
    start_shift(city=make_city("kota-lain", west=108.0), by=DISPATCHING, now=NOW)
    with pytest.raises(Conflict) as refused:
        start_shift(city=city, by=DISPATCHING, now=after(1))
    assert refused.value.extra["current"] == {
        "id": shift.pk,
        "started_at": "2026-03-01T05:00:00+00:00",
        "started_by": "ani",
    }
    end_shift(shift=shift, by=DISPATCHING, now=after(2))
    with pytest.raises(Conflict):
        end_shift(shift=shift, by=DISPATCHING, now=after(3))
    assert start_shift(city=city, by=DISPATCHING, now=after(4)).pk != shift.pk


@pytest.mark.parametrize("role", [Role.OFFICER, Role.PLANNER, Role.MAYOR])
def test_others_than_dispatchers_take_no_shift(role: str, city: City) -> None:
    by = Principal(grants=(Grant(role, city.pk, make_agency(city, "dlh").pk),))
    with pytest.raises(Forbidden):
        start_shift(city=city, by=by, now=NOW)
    with pytest.raises(Forbidden):
        end_shift(shift=start_shift(city=city, by=DISPATCHING, now=NOW), by=by, now=after(1))


def test_the_command_prints_the_situation_in_three_forms(city: City) -> None:
    def printed(*arguments: str) -> str:
        out = StringIO()
        call_command("situation_report", *arguments, stdout=out)
        return out.getvalue()

    assert printed().startswith("LAPORAN SITUASI KOTA UJI\n")
    assert printed("--lang", "en", "--hours", "2").startswith("SITUATION REPORT OF KOTA UJI\n")
    assert printed("--format", "html").startswith("<!doctype html>")
    said = json.loads(printed("--format", "json", "--hours", "2"))
    span = datetime.fromisoformat(said["as_of"]) - datetime.fromisoformat(said["start"])
    assert (said["city"], span) == ("kota-uji", timedelta(hours=2))
    for wrong in (["--city", "nowhere"], ["--hours", "0"], ["--hours", "9999"]):
        with pytest.raises(CommandError):
            call_command("situation_report", *wrong)

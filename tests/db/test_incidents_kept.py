"""Incidents that people keep, and the one message that all who reported one get; on a real PostGIS."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from geo.areas.models import City
from geo.channels.models import ChannelConnection
from geo.models import (
    Agency,
    Area,
    HistoryEntry,
    HistoryNote,
    Incident,
    IncidentReport,
    OutboxMessage,
    Report,
    Subscription,
)
from geo.operations.incidents.messages import message_reporters
from geo.operations.incidents.services import change_reports, close_incident, edit_incident, open_incident
from geo.operations.outbox.delivery import deliver_due
from geo.reports.access.principals import Grant, Principal, Role
from geo.reports.insertion import Contact
from geo.reports.merging import merge_reports
from geo.reports.notes import add_note
from geo.reports.status import change_status
from geo.reports.workflow import Status
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, make_agency, make_category, make_channel, make_city, make_report
from tests.saved_analyses import staff

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
MESSAGE = "Pompa sudah menyala, air mulai surut."


@pytest.fixture
def city() -> City:
    city = make_city()
    make_agency(city, "bpbd", make_category("banjir", name_id="Banjir", name_en="Flood"))
    return city


@pytest.fixture
def dispatcher(city: City) -> Principal:
    return Principal(grants=(Grant(Role.DISPATCHER, city.pk),), origin="api")


def floods(n: int, **more: Any) -> list[Report]:
    return [make_report(category=make_category("banjir"), **more) for _i in range(n)]


def opened(city: City, reports: Sequence[Report], by: Principal, **more: Any) -> Incident:
    return open_incident(**{"city": city, "title": "Banjir Jatiasih", "reports": reports, "by": by, "now": NOW, **more})


def members(incident: Incident) -> set[str]:
    return set(incident.members.values_list("report__public_id", flat=True))


def ids(reports: Sequence[Report]) -> set[str]:
    return {report.public_id for report in reports}


def test_an_incident_takes_its_category_and_the_smallest_area_from_its_reports(
    city: City, dispatcher: Principal
) -> None:
    # kota-uji.1 reaches from 106.9 to 107.0; its subdistricts meet at 106.95.
    west, east = (
        make_report(category=make_category("banjir"), location=Point(x, -6.25, srid=4326)) for x in (106.94, 106.96)
    )
    incident = opened(city, [west, east], dispatcher)
    assert members(incident) == ids([west, east])
    assert incident.category is not None
    assert incident.category.slug == "banjir"
    assert incident.area is not None
    assert incident.area.code == "kota-uji.1"
    assert (incident.status, incident.is_public, incident.opened_at, incident.closed_at) == ("open", False, NOW, None)


def test_reports_of_two_categories_give_an_incident_none(city: City, dispatcher: Principal) -> None:
    mixed = [*floods(1), make_report(category=make_category("sampah"))]
    assert opened(city, mixed, dispatcher).category is None


def test_an_incident_may_be_opened_before_its_first_report(city: City, dispatcher: Principal) -> None:
    incident = opened(city, [], dispatcher)
    assert (members(incident), incident.category, incident.area) == (set(), None, None)
    late = floods(1)
    change_reports(incident=incident, add=late, by=dispatcher, now=LATER)
    assert members(incident) == ids(late)


def test_who_subscribed_to_incidents_is_told_of_public_ones_alone(city: City, dispatcher: Principal) -> None:
    here = Area.objects.get(code="kota-uji.1")
    usual = {"kind": "email", "city": city, "events": ["incident"], "created_at": NOW, "confirmed_at": NOW}
    told = Subscription.objects.create(**usual, email="siti@example.org", scope="area", area=here)
    elsewhere = Area.objects.get(code="kota-uji.2")
    Subscription.objects.create(**usual, email="budi@example.org", scope="area", area=elsewhere)
    close_incident(incident=opened(city, floods(1), dispatcher), by=dispatcher, now=LATER)
    assert news() == []
    incident = opened(city, floods(1), dispatcher, is_public=True)
    close_incident(incident=incident, by=dispatcher, now=LATER)
    assert [(one["subscription"], one["title_en"], one["at"][:13]) for one in news()] == [
        (str(told.key), "An incident was opened: Banjir Jatiasih", NOW.isoformat()[:13]),
        (str(told.key), "An incident was closed: Banjir Jatiasih", LATER.isoformat()[:13]),
    ]
    assert {one["path"] for one in news()} == {f"/api/incidents/{incident.public_id}/"}
    assert all("Banjir Jatiasih" in one["title_id"] for one in news())


def test_an_incident_is_told_of_once_it_is_public_and_never_while_hidden(city: City, dispatcher: Principal) -> None:
    Subscription.objects.create(
        kind="email", city=city, events=["incident"], created_at=NOW, confirmed_at=NOW, email="siti@example.org",
        scope="city",
    )  # fmt: skip
    incident = opened(city, floods(1), dispatcher)
    edit_incident(incident=incident, by=dispatcher, now=NOW, is_public=True)
    edit_incident(incident=incident, by=dispatcher, now=NOW, title="Banjir Bekasi", is_public=True)
    assert [one["incident"] for one in news()] == [incident.public_id]
    edit_incident(incident=incident, by=dispatcher, now=NOW, is_public=False)
    assert news() == []  # what had not left is taken back
    edit_incident(incident=incident, by=dispatcher, now=NOW, is_public=True)
    OutboxMessage.objects.update(state="delivered")
    edit_incident(incident=incident, by=dispatcher, now=NOW, is_public=False)
    edit_incident(incident=incident, by=dispatcher, now=NOW, is_public=True)
    assert [one["title_en"] for one in news()] == ["An incident was opened: Banjir Bekasi"]


def news() -> list[dict[str, Any]]:
    return list(OutboxMessage.objects.filter(topic="notice.incident").order_by("id").values_list("payload", flat=True))


def test_a_title_holds_no_telephone_number(city: City, dispatcher: Principal) -> None:
    assert opened(city, [], dispatcher, title="Banjir, hubungi 081234567890").title == "Banjir, hubungi [telepon]"


def test_joining_and_leaving_stand_in_the_history_with_who_and_from_where(city: City, dispatcher: Principal) -> None:
    (report,) = floods(1)
    incident = opened(city, [report], dispatcher)
    change_reports(incident=incident, remove=[report], by=dispatcher, now=LATER)
    lines = HistoryEntry.objects.filter(report=report, action__startswith="incident").order_by("id")
    assert list(lines.values_list("action", "old", "new", "at", "origin")) == [
        ("incident_joined", {}, {"incident": incident.public_id}, NOW, "api"),
        ("incident_left", {"incident": incident.public_id}, {}, LATER, "api"),
    ]
    assert members(incident) == set()


def test_a_report_that_is_there_is_added_once(city: City, dispatcher: Principal) -> None:
    reports = floods(2)
    incident = opened(city, reports[:1], dispatcher)
    change_reports(incident=incident, add=reports, by=dispatcher, now=LATER)
    assert members(incident) == ids(reports)
    assert HistoryEntry.objects.filter(action="incident_joined").count() == 2


def test_a_report_is_in_one_open_incident_at_most(city: City, dispatcher: Principal) -> None:
    (report,) = floods(1)
    first = opened(city, [report], dispatcher)
    with pytest.raises(Conflict) as refused:
        opened(city, [report], dispatcher, title="Lain")
    assert refused.value.extra == {"incidents": {report.public_id: first.public_id}}
    assert Incident.objects.count() == 1
    other = Incident.objects.create(city=city, title="Lain", opened_at=NOW)
    with pytest.raises(IntegrityError, match="one_open_incident_per_report"), transaction.atomic():
        IncidentReport.objects.create(incident=other, report=report, added_at=NOW)
    close_incident(incident=first, by=dispatcher, now=LATER)
    assert members(opened(city, [report], dispatcher, title="Lagi")) == {report.public_id}


def test_a_closed_incident_takes_no_reports_and_is_closed_once(city: City, dispatcher: Principal) -> None:
    reports = floods(2)
    incident = close_incident(incident=opened(city, reports[:1], dispatcher), by=dispatcher, now=LATER)
    assert (incident.status, incident.closed_at) == ("closed", LATER)
    with pytest.raises(Conflict):
        change_reports(incident=incident, add=reports[1:], by=dispatcher, now=LATER)
    with pytest.raises(Conflict):
        close_incident(incident=incident, by=dispatcher, now=LATER)
    # Its reports go on as they are.
    assert set(Report.objects.values_list("status", flat=True)) == {"submitted"}


def test_a_report_of_another_city_is_refused_by_name(city: City, dispatcher: Principal) -> None:
    make_city("kota-lain", west=108.0)
    stranger = make_report(category=make_category("banjir"), location=Point(108.03, -6.25, srid=4326))
    everywhere = Principal(is_superuser=True)
    with pytest.raises(InvalidFields, match=stranger.public_id):
        opened(city, [stranger], everywhere)
    assert not Incident.objects.exists()


def test_a_report_cannot_be_added_and_removed_at_once(city: City, dispatcher: Principal) -> None:
    reports = floods(1)
    incident = opened(city, reports, dispatcher)
    with pytest.raises(InvalidFields, match=reports[0].public_id):
        change_reports(incident=incident, add=reports, remove=reports, by=dispatcher, now=LATER)


@pytest.mark.parametrize("role", [Role.OFFICER, Role.PLANNER, Role.MAYOR, None])
def test_only_dispatchers_and_administrators_keep_incidents(
    role: str | None, city: City, dispatcher: Principal
) -> None:
    agency = make_agency(city, "bpbd")
    by = Principal(grants=(Grant(role, city.pk, agency.pk),)) if role else Principal()
    incident = opened(city, floods(1), dispatcher)
    for write in (
        lambda: opened(city, [], by),
        lambda: edit_incident(incident=incident, title="x", by=by),
        lambda: change_reports(incident=incident, by=by, now=LATER),
        lambda: close_incident(incident=incident, by=by, now=LATER),
        lambda: message_reporters(incident=incident, text="x", by=by, now=LATER),
    ):
        with pytest.raises(Forbidden):
            write()
    administrator = Principal(grants=(Grant(Role.ADMINISTRATOR, city.pk),))
    assert close_incident(incident=incident, by=administrator, now=LATER).status == "closed"


def test_a_dispatcher_of_one_district_cannot_take_in_a_report_of_the_next(city: City) -> None:
    district = city.areas.get(code="kota-uji.1")
    by = Principal(grants=(Grant(Role.DISPATCHER, city.pk, None, district.pk),))
    next_door = make_report(category=make_category("banjir"), location=Point(107.05, -6.25, srid=4326))
    with pytest.raises(Forbidden):
        opened(city, [next_door], by)


def test_one_message_reaches_every_reporter_in_public_and_once(
    city: City, dispatcher: Principal, mailoutbox: list[Any]
) -> None:
    siti = Contact("Siti Rahma", "081234567890", "siti@example.org")
    first, again = floods(2, contact=siti)
    (budi,) = floods(1, contact=Contact("Budi", "", "BUDI@example.org"))
    (nobody,) = floods(1)
    incident = opened(city, [first, again, budi, nobody], dispatcher)
    told = message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER)
    assert (set(told.reports), told.refused, told.emails) == (ids([first, again, budi, nobody]), (), 2)
    notes = HistoryNote.objects.filter(is_public=True)
    assert sorted(notes.values_list("report__public_id", "text")) == sorted((one, MESSAGE) for one in told.reports)
    lines = HistoryEntry.objects.filter(action="note")
    assert {(line.at, line.old["status"], line.new["status"], line.origin) for line in lines} == {
        (LATER, "submitted", "submitted", "api")
    }
    deliver_due(now=lambda: LATER)
    letters = [mail for mail in mailoutbox if MESSAGE in mail.body]
    assert sorted(mail.to[0].lower() for mail in letters) == ["budi@example.org", "siti@example.org"]
    for mail in letters:
        assert "081234567890" not in mail.body + mail.subject
        assert "Siti" not in mail.body + mail.subject
    to_budi = next(mail for mail in letters if "BUDI" in mail.to[0])
    assert budi.public_id in to_budi.subject


def test_a_message_names_no_reporter(city: City, dispatcher: Principal) -> None:
    reports = floods(1, contact=Contact("Siti Rahma", "", "")) + floods(1)
    incident = opened(city, reports, dispatcher)
    message_reporters(incident=incident, text="Terima kasih Siti Rahma, 081234567890", by=dispatcher, now=LATER)
    assert set(HistoryNote.objects.values_list("text", flat=True)) == {"Terima kasih [nama], [telepon]"}


def test_outgoing_messages_hold_no_text_and_no_address(city: City, dispatcher: Principal) -> None:
    (report,) = floods(1, contact=Contact("Siti Rahma", "", "siti@example.org"))
    incident = opened(city, [report], dispatcher)
    message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER)
    (message,) = OutboxMessage.objects.filter(topic="incident.message")
    note = HistoryNote.objects.get(report=report)
    assert message.payload == {
        "to": "reporter",
        "report": report.public_id,
        "incident": incident.public_id,
        "note": note.pk,
    }


def test_a_letter_whose_note_was_erased_is_not_sent(city: City, dispatcher: Principal, mailoutbox: list[Any]) -> None:
    incident = opened(city, floods(1, contact=Contact("", "", "siti@example.org")), dispatcher)
    message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER)
    HistoryNote.objects.all().delete()
    deliver_due(now=lambda: LATER)
    assert not [mail for mail in mailoutbox if MESSAGE in mail.body]
    message = OutboxMessage.objects.get(topic="incident.message")
    assert (message.state, message.last_error) == ("dead", "the note that this letter tells of was erased")


def test_the_channels_of_the_reports_are_told_with_the_message(city: City, dispatcher: Principal) -> None:
    pot = make_channel("pot", city=city)
    ChannelConnection.objects.create(channel=pot, adapter="open311", status_url="https://pot.example.org/status")
    reports = floods(2, channel=pot)
    incident = opened(city, reports, dispatcher)
    message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER)
    told = OutboxMessage.objects.filter(topic="report.status").values_list("payload", flat=True)
    assert sorted((one["report"], one["status"], one["note"]) for one in told) == sorted(
        (report.public_id, "submitted", MESSAGE) for report in reports
    )


def test_what_was_merged_into_a_report_of_the_incident_is_told_too(city: City, dispatcher: Principal) -> None:
    parent, child = floods(2)
    merge_reports(parent=parent, children=[child], by=Principal(is_superuser=True), now=NOW)
    incident = opened(city, [parent], dispatcher)
    assert set(message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER).reports) == ids(
        [parent, child]
    )


def test_a_message_with_a_step_names_the_reports_that_may_not_take_it(city: City, dispatcher: Principal) -> None:
    fresh, done = floods(2)
    change_status(report=done, status=Status.REJECTED, by=dispatcher, now=NOW, note="Bukan banjir")
    incident = opened(city, [fresh, done], dispatcher)
    told = message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER, status=Status.IN_PROGRESS)
    assert [report for report, _reason in told.refused] == [done.public_id]
    assert told.refused[0][1]
    assert dict(Report.objects.values_list("public_id", "status")) == {
        fresh.public_id: "in_progress",
        done.public_id: "rejected",
    }
    # The refused one is told all the same; nobody is told twice.
    assert sorted(HistoryNote.objects.filter(text=MESSAGE).values_list("report_id", flat=True)) == [fresh.pk, done.pk]


def test_a_step_takes_what_follows_along_and_tells_it_once(city: City, dispatcher: Principal) -> None:
    parent, child = floods(2)
    merge_reports(parent=parent, children=[child], by=Principal(is_superuser=True), now=NOW)
    incident = opened(city, [parent, child], dispatcher)
    told = message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER, status=Status.IN_PROGRESS)
    assert told.refused == ()
    assert set(Report.objects.values_list("status", flat=True)) == {"in_progress"}
    assert HistoryNote.objects.filter(text=MESSAGE).count() == 2


def test_a_message_alone_is_nobodys_first_response_and_one_with_a_step_is_that_of_each_who_takes_it(
    city: City, dispatcher: Principal
) -> None:
    reports = floods(3)
    incident = opened(city, reports, dispatcher)
    message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=NOW + timedelta(minutes=10))
    assert set(Report.objects.values_list("responded_at", flat=True)) == {None}
    change_status(
        report=reports[0], status=Status.ASSIGNED, by=dispatcher, now=NOW + timedelta(minutes=20), agency=bpbd()
    )
    message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER, status=Status.IN_PROGRESS)
    answered = Report.objects.order_by("id").values_list("responded_at", flat=True)
    assert list(answered) == [NOW + timedelta(minutes=20), LATER, LATER]


def bpbd() -> Agency:
    return Agency.objects.get(slug="bpbd")


def test_an_empty_message_and_an_incident_of_nobody_are_refused(city: City, dispatcher: Principal) -> None:
    incident = opened(city, floods(1), dispatcher)
    with pytest.raises(InvalidFields):
        message_reporters(incident=incident, text="  ", by=dispatcher, now=LATER)
    with pytest.raises(Conflict):
        message_reporters(incident=opened(city, [], dispatcher), text=MESSAGE, by=dispatcher, now=LATER)


def test_a_message_that_fails_half_way_leaves_nothing(city: City, dispatcher: Principal) -> None:
    """One of the reports is not theirs to deal with, since it was taken in by another dispatcher."""
    inside, outside = (
        make_report(category=make_category("banjir"), location=Point(x, -6.25, srid=4326)) for x in (106.93, 107.05)
    )
    incident = opened(city, [inside, outside], dispatcher)
    of_district = Principal(grants=(Grant(Role.DISPATCHER, city.pk, None, city.areas.get(code="kota-uji.1").pk),))
    with pytest.raises(Forbidden):
        message_reporters(incident=incident, text=MESSAGE, by=of_district, now=LATER, status=Status.IN_PROGRESS)
    assert not HistoryNote.objects.exists()
    assert set(Report.objects.values_list("status", flat=True)) == {"submitted"}


def test_forty_reports_are_told_in_few_statements_of_its_own(city: City, dispatcher: Principal) -> None:
    """What each listener asks for each report comes beside it: only statements that do not grow are counted."""
    counts = []
    for n in (10, 40):
        incident = opened(city, floods(n, contact=Contact("", "", "siti@example.org")), dispatcher)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            message_reporters(incident=incident, text=MESSAGE, by=dispatcher, now=LATER)
        written = [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE"))]
        counts.append(len(written))
        close_incident(incident=incident, by=dispatcher, now=LATER)
    assert counts[0] == counts[1] <= 8


def test_a_note_moves_the_report_on_for_those_who_ask_what_changed(city: City, dispatcher: Principal) -> None:
    (report,) = floods(1)
    noted = add_note(report=report, text="Kami ke sana.", by=dispatcher, now=LATER)
    stored = Report.objects.get(pk=report.pk)
    assert (stored.updated_at, noted.updated_at, stored.status) == (LATER, LATER, "submitted")
    assert (stored.responded_at, stored.handover_count) == (None, 0)


def test_a_note_among_officers_tells_nobody_outside(city: City, dispatcher: Principal) -> None:
    pot = make_channel("pot", city=city)
    ChannelConnection.objects.create(channel=pot, adapter="qlue", status_url="https://pot.example.org/status")
    (report,) = floods(1, channel=pot, external_id="7")
    add_note(report=report, text="Hubungi RT 081234567890", by=dispatcher, now=LATER, is_public=False)
    note = HistoryNote.objects.get()
    assert (note.text, note.is_public) == ("Hubungi RT 081234567890", False)
    assert not OutboxMessage.objects.filter(topic="report.status").exists()


def test_only_those_who_deal_with_a_report_write_notes_on_it(city: City) -> None:
    (report,) = floods(1)
    with pytest.raises(Forbidden):
        add_note(report=report, text="x", by=Principal(grants=(Grant(Role.MAYOR, city.pk),)), now=LATER)
    assert not HistoryNote.objects.exists()


def test_an_incident_of_the_layer_is_kept_with_the_same_reports(city: City, client: Any, dispatcher: Principal) -> None:
    """Five reports 11 m apart within 80 minutes, and one an hour's drive away."""
    begins = datetime.now(UTC) - timedelta(hours=3)
    burst = [
        make_report(
            category=make_category("banjir"),
            location=Point(106.93 + i * 0.0001, -6.25, srid=4326),
            reported_at=begins + timedelta(minutes=20 * i),
            now=begins + timedelta(hours=2),
        )
        for i in range(5)
    ]
    make_report(category=make_category("banjir"), location=Point(106.99, -6.21, srid=4326), now=begins)
    client.force_login(staff("piket", city, role="dispatcher"))
    sent = {"title": "Banjir Jatiasih", "from_layer": {"report": burst[3].public_id}}
    answer = client.post("/api/incidents/", json.dumps(sent), content_type="application/json")
    assert answer.status_code == 201, answer.content
    layer = client.get("/layers/incidents.geojson")
    (feature,) = json.loads(b"".join(layer.streaming_content))["features"]
    assert answer.json()["reports"] == feature["properties"]["report_ids"].split(",")
    assert set(answer.json()["reports"]) == ids(burst)

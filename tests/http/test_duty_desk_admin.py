"""A dispatcher's day in the admin, without any other tool: shifts, alerts, incidents, and what stands first in the morning."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from geo.areas.models import City
from geo.models import Alert, CityRole, HistoryEntry, Incident, OutboxMessage, Report, Shift
from geo.operations.duty.today import today_of as of_today
from geo.reports.access.principals import principal_of_user as principal
from geo.reports.insertion import Contact
from tests.alerts import make_alert
from tests.factories import make_agency, make_category, make_city, make_report
from tests.saved_analyses import staff

pytestmark = pytest.mark.django_db
SHIFT, INCIDENT, ALERT = "/admin/geo/shift/", "/admin/geo/incident/", "/admin/geo/alert/"


@pytest.fixture(autouse=True)
def city() -> City:
    city = make_city()
    make_agency(city, "dlh", make_category("sampah", name_id="Sampah", name_en="Rubbish"))
    return city


def signed_in(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def dispatcher(city: City) -> Client:
    return signed_in(staff("piket", city, role="dispatcher"))


@pytest.fixture
def planner(city: City) -> Client:
    return signed_in(staff("perencana", city))


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def send(client: Client, path: str, **given: Any) -> str:
    """The page that follows."""
    answer = client.post(path, given, follow=True)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def opened(city: City, *reports: Report, title: str = "Banjir Jatiasih") -> Incident:
    """By the page, of these reports."""
    client = signed_in(staff(f"pembuka-{Incident.objects.count()}", city, role="dispatcher"))
    send(client, f"{INCIDENT}add/", city=city.pk, title=title, reports=" ".join(one.public_id for one in reports))
    return Incident.objects.latest("id")


def test_a_shift_is_begun_handed_over_and_its_log_read(city: City, dispatcher: Client) -> None:
    assert "Add" in page(dispatcher, SHIFT)
    shown = send(dispatcher, f"{SHIFT}add/", city=city.pk)
    shift = Shift.objects.get()
    assert (shift.started_by.get_username() if shift.started_by else "", shift.ended_at) == ("piket", None)
    assert "The shift has begun." in shown
    assert 'href="../end/"' in shown
    make_report(now=datetime.now(UTC))
    assert "1 new, 1 open" in page(dispatcher, f"{SHIFT}{shift.pk}/end/")
    ended = send(dispatcher, f"{SHIFT}{shift.pk}/end/", note="Pompa 3 rusak.")
    assert "Pompa 3 rusak." in ended
    assert "1 new, 1 open" in ended
    assert f"/api/duty/shifts/{shift.pk}/?f=html" in ended
    assert 'href="../end/"' not in ended
    shift.refresh_from_db()
    assert shift.note == "Pompa 3 rusak."


def test_a_second_shift_is_refused_beside_the_form(city: City, dispatcher: Client) -> None:
    send(dispatcher, f"{SHIFT}add/", city=city.pk)
    assert "A shift is open; end it first." in send(dispatcher, f"{SHIFT}add/", city=city.pk)
    assert Shift.objects.count() == 1


def test_what_was_typed_is_still_there_when_a_shift_has_ended_meanwhile(city: City, dispatcher: Client) -> None:
    shift = Shift.objects.create(city=city, started_at=datetime.now(UTC), ended_at=datetime.now(UTC))
    shown = send(dispatcher, f"{SHIFT}{shift.pk}/end/", note="Pompa 3 rusak.")
    assert "This shift has ended already." in shown
    assert ">\nPompa 3 rusak.</textarea>" in shown


def test_who_does_not_dispatch_begins_and_ends_no_shift(city: City, planner: Client) -> None:
    shift = Shift.objects.create(city=city, started_at=datetime.now(UTC))
    mayor = signed_in(staff("walikota", city, role="mayor"))
    for client in (planner, mayor):
        assert client.post(f"{SHIFT}add/", {"city": city.pk}).status_code == 403
        assert client.post(f"{SHIFT}{shift.pk}/end/", {}).status_code in (302, 403, 404)
    shift.refresh_from_db()
    assert shift.ended_at is None


def test_a_shift_is_begun_in_the_own_city_alone(dispatcher: Client) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    assert "errorlist" in send(dispatcher, f"{SHIFT}add/", city=elsewhere.pk)
    assert not Shift.objects.exists()


def test_an_incident_is_opened_of_chosen_reports_and_shown_in_words(city: City, dispatcher: Client) -> None:
    one, two = make_report(), make_report()
    assert one.public_id in page(dispatcher, f"{INCIDENT}add/?reports={one.public_id}")
    ids = f"{one.public_id},\n{two.public_id}"
    shown = send(dispatcher, f"{INCIDENT}add/", city=city.pk, title="Sampah pasar", reports=ids)
    incident = Incident.objects.get()
    assert (incident.title, incident.members.count()) == ("Sampah pasar", 2)
    assert "The incident was opened. It has 2 reports." in shown
    assert "<td>Rubbish</td>" in shown
    assert f"{one.pk} in {incident.pk}" not in shown
    assert HistoryEntry.objects.filter(report=one, action="incident_joined", origin="admin").count() == 1


def test_an_incident_is_opened_of_the_open_reports_of_a_category_an_area_and_days(
    city: City, dispatcher: Client
) -> None:
    flood = make_category("banjir", name_id="Banjir", name_en="Flood")
    west = city.areas.get(code="kota-uji.1")
    days = [datetime(2026, 3, day, 5, tzinfo=UTC) for day in (1, 2, 3)]
    within = [make_report(category=flood, reported_at=at, now=at) for at in days[:2]]
    make_report(category=flood, reported_at=days[2], now=days[2])
    make_report(reported_at=days[0], now=days[0])
    make_report(category=flood, reported_at=days[0], now=days[0], status="resolved", closed_at=days[1])
    given = {"city": city.pk, "title": "Banjir", "category": flood.pk, "area": west.pk}
    send(dispatcher, f"{INCIDENT}add/", **given, first_day="2026-03-01", last_day="2026-03-02")
    incident = Incident.objects.get()
    assert set(incident.members.values_list("report_id", flat=True)) == {report.pk for report in within}
    assert (incident.category, incident.area) == (flood, west)


def test_what_an_incident_cannot_have_is_said_at_its_field_and_nothing_typed_is_lost(
    city: City, dispatcher: Client
) -> None:
    taken = make_report()
    opened(city, taken)
    shown = send(dispatcher, f"{INCIDENT}add/", city=city.pk, title="Lagi", reports=taken.public_id)
    assert "In another open incident already" in shown
    assert 'value="Lagi"' in shown
    assert f"{taken.public_id}</textarea>" in shown
    assert "There are no such reports: TIDAKADA" in send(
        dispatcher, f"{INCIDENT}add/", city=city.pk, title="Lagi", reports="TIDAKADA"
    )
    assert Incident.objects.count() == 1


def test_reports_are_added_to_an_incident_and_taken_out_again(city: City, dispatcher: Client) -> None:
    first, more = make_report(), make_report()
    incident = opened(city, first)
    path = f"{INCIDENT}{incident.pk}/reports/"
    assert first.public_id in page(dispatcher, path)
    assert "It has 2 reports." in send(dispatcher, path, add=more.public_id)
    assert "It has 1 report." in send(dispatcher, path, remove=[first.pk])
    assert list(incident.members.values_list("report_id", flat=True)) == [more.pk]


def test_one_message_reaches_all_reporters_of_an_incident(city: City, dispatcher: Client) -> None:
    one, two = make_report(contact=Contact(email="warga@example.org")), make_report()
    incident = opened(city, one, two)
    path = f"{INCIDENT}{incident.pk}/message/"
    assert "errorlist" in send(dispatcher, path, text=" ")
    shown = send(dispatcher, path, text="Pompa sedang dikirim.", status="in_progress")
    assert "The message stands on 2 reports. 1 e-mail goes out." in shown
    assert set(Report.objects.values_list("status", flat=True)) == {"in_progress"}
    assert OutboxMessage.objects.filter(topic="incident.message").count() == 1


def test_a_report_that_may_not_take_the_step_is_named(city: City, dispatcher: Client) -> None:
    report = make_report()
    incident = opened(city, report)
    shown = send(dispatcher, f"{INCIDENT}{incident.pk}/message/", text="Sudah.", status="submitted")
    assert f"Report {report.public_id}: " in shown
    assert "The message stands on 1 report." in shown


def test_an_incident_is_closed_once(city: City, dispatcher: Client) -> None:
    incident = opened(city, make_report())
    path = f"{INCIDENT}{incident.pk}/close/"
    shown = send(dispatcher, path)
    assert "The incident is closed." in shown
    assert 'href="../close/"' not in shown
    assert "The incident is closed already." in send(dispatcher, path)


def test_who_does_not_dispatch_reads_an_incident_and_what_they_may_see_of_its_reports(
    city: City, planner: Client
) -> None:
    shown, hidden = make_report(), make_report(is_public=False)
    incident = opened(city, shown, hidden)
    read = page(planner, f"{INCIDENT}{incident.pk}/change/")
    assert "2 reports" in read
    assert (shown.public_id in read, hidden.public_id in read) == (True, False)
    assert 'href="../close/"' not in read
    for name in ("reports", "message", "close"):
        assert planner.post(f"{INCIDENT}{incident.pk}/{name}/", {"text": "x"}).status_code == 403
    assert planner.post(f"{INCIDENT}add/", {"city": city.pk, "title": "x"}).status_code == 403
    assert Incident.objects.get().status == "open"


def test_a_dispatcher_of_another_city_finds_no_incident_here(city: City) -> None:
    incident = opened(city, make_report())
    stranger = signed_in(staff("jauh", make_city("kota-lain", west=108.0), role="dispatcher"))
    assert stranger.post(f"{INCIDENT}{incident.pk}/close/", {}).status_code == 404


def test_an_alert_is_acknowledged_and_closed_from_its_page_which_has_nothing_to_save(
    city: City, dispatcher: Client
) -> None:
    alert = make_alert(city)
    path = f"{ALERT}{alert.pk}/"
    shown = page(dispatcher, f"{path}change/")
    assert "400.0 cm" in shown
    assert 'class="submit-row"' not in shown
    assert [name in shown for name in ("../acknowledge/", "../incident/", "../close/")] == [True] * 3
    shown = send(dispatcher, f"{path}acknowledge/", note="Pintu air dibuka")
    assert "The alert is acknowledged." in shown
    assert "Pintu air dibuka" in shown
    assert "../acknowledge/" not in shown
    again = send(dispatcher, f"{path}acknowledge/", note="Lagi")
    assert "The alert is acknowledged already." in again
    assert ">\nLagi</textarea>" in again
    send(dispatcher, f"{path}close/")
    alert.refresh_from_db()
    assert alert.closed_at is not None
    assert alert.acknowledged_by is not None
    assert alert.acknowledged_by.get_username() == "piket"


def test_an_incident_is_opened_of_an_alert(city: City, dispatcher: Client) -> None:
    alert = make_alert(city)
    assert "The incident was opened." in send(dispatcher, f"{ALERT}{alert.pk}/incident/", title="", is_public="on")
    incident = Incident.objects.get()
    assert (incident.title, incident.is_public) == ("Siaga 3: P2C", True)
    assert Alert.objects.get().acknowledged_at is not None


def test_who_does_not_dispatch_in_the_city_takes_no_step_of_an_alert(city: City, planner: Client) -> None:
    alert = make_alert(city)
    elsewhere = signed_in(staff("jauh", make_city("kota-lain", west=108.0), role="dispatcher"))
    for client in (planner, elsewhere):
        for name in ("acknowledge", "incident", "close"):
            assert client.post(f"{ALERT}{alert.pk}/{name}/", {}).status_code in (302, 403, 404)
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.closed_at, alert.incident) == (None, None, None)


def test_the_first_page_leads_to_the_situation_the_brief_the_alerts_and_the_shift(
    city: City, dispatcher: Client
) -> None:
    make_alert(city)
    make_alert(city, 2, acknowledged_at=datetime.now(UTC))
    shown = page(dispatcher, "/admin/")
    assert "/api/duty/situation/?city=kota-uji&amp;f=html" in shown
    assert "/api/brief/?city=kota-uji&amp;f=html" in shown
    assert "1 open alert waits to be acknowledged" in shown
    assert "No shift runs" in shown
    listed = f"{ALERT}?closed_at__isempty=1&acknowledged_at__isempty=1&city__id__exact={city.pk}"
    assert page(dispatcher, listed).count('class="action-select"') == 1
    send(dispatcher, f"{SHIFT}add/", city=city.pk)
    assert "Your shift, since" in page(dispatcher, "/admin/")
    other = signed_in(staff("pengganti", city, role="dispatcher"))
    assert "Shift of piket, since" in page(other, "/admin/")
    for path in ("/api/duty/situation/?city=kota-uji&f=html", "/api/brief/?city=kota-uji&f=html"):
        assert dispatcher.get(path).status_code == 200


def test_the_first_page_says_nothing_of_today_to_who_oversees_no_city(city: City, planner: Client) -> None:
    assert "/api/duty/situation/" not in page(planner, "/admin/")
    assert "/api/duty/situation/" not in page(signed_in(staff("piket", city, role="dispatcher")), "/admin/geo/")
    mayor = page(signed_in(staff("walikota", city, role="mayor")), "/admin/")
    assert "/api/duty/situation/" in mayor
    assert "/admin/geo/shift/add/" not in mayor


def test_today_asks_as_much_of_many_cities_as_of_one(
    city: City, dispatcher: Client, planner: Client, django_assert_num_queries: Any
) -> None:
    by = principal(User.objects.get(username="perencana"))
    with django_assert_num_queries(0):
        assert not of_today(by)
    user = User.objects.get(username="piket")
    for n in (1, 3):
        for i in range(n - 1):
            CityRole.objects.create(user=user, city=make_city(f"kota-{i}", west=108.0 + i), role="dispatcher")
        by = principal(user)
        with django_assert_num_queries(3):
            assert len(of_today(by)) == n


def test_ticked_reports_lead_to_the_form_of_an_incident(dispatcher: Client) -> None:
    first, second = make_report(), make_report()
    chosen = {"action": "open_incident_of_chosen", "_selected_action": [first.pk, second.pk]}
    answer = dispatcher.post("/admin/geo/report/", chosen)
    assert (answer.status_code, answer.url) == (  # type: ignore[attr-defined]
        302,
        f"/admin/geo/incident/add/?reports={first.public_id}+{second.public_id}",
    )
    assert f"{first.public_id} {second.public_id}" in page(dispatcher, answer.url)  # type: ignore[attr-defined]


def test_incident_s_page_shows_who_did_what(dispatcher: Client, city: City) -> None:
    dispatcher.post(
        "/admin/geo/incident/add/", {"city": city.pk, "title": "Banjir", "reports": make_report().public_id}
    )
    shown = page(dispatcher, f"/admin/geo/incident/{Incident.objects.get().pk}/change/")
    assert "piket: opened (not public, added: 1)" in shown


def test_mayor_is_led_from_a_report_to_an_instruction_and_a_dispatcher_is_not(dispatcher: Client, city: City) -> None:
    report = make_report()
    address, link = f"/admin/geo/report/{report.pk}/change/", f"/admin/geo/instruction/add/?report={report.public_id}"
    mayor = signed_in(staff("wali", city, role="mayor"))
    assert link in page(mayor, address)
    assert link not in page(dispatcher, address)

"""A reporter's link: what it opens, what it lets its holder do, when it ends, and that it is asked by letter."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from geo.models import CityRole, Closing, HistoryEntry, HistoryNote, OutboxMessage, Report
from geo.operations.board.figures import Question
from geo.operations.closing.figures import ClosingFigures, closings
from geo.operations.notifications.email_transport import send_letter
from geo.operations.outbox.transports import Refused
from geo.reports.access.links import HEADER, make_link
from geo.reports.access.principals import Principal
from geo.reports.insertion import Contact
from geo.reports.merging import merge_reports, split_report
from geo.reports.personal_data.person import erase_person, read_person
from tests.factories import make_agency, make_category, make_report
from tests.workflow_paths import bring_to, take_step

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city", "categories")]

URL = "/api/report-link/"
FORM = {"category": "sampah", "lon": 106.93, "lat": -6.25, "description": "Tumpukan sampah"}
SITI = "siti@example.org"


def now() -> datetime:
    return datetime.now(UTC)


def submit(client: Client, **more: Any) -> Any:
    return client.post("/api/reports/", json.dumps(FORM | more), content_type="application/json")


def sent(client: Client, **more: Any) -> tuple[Report, str]:
    """A report that came in over HTTP, and the token that came with the answer."""
    told = submit(client, **more).json()
    return Report.objects.get(public_id=told["id"]), told["link"]["token"]


def read(client: Client, token: str) -> Any:
    return client.get(URL, headers={HEADER: token})


def write(client: Client, what: str, token: str, **body: Any) -> Any:
    return client.post(f"{URL}{what}/", json.dumps(body), content_type="application/json", headers={HEADER: token})


def letters(topic: str) -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(transport="email", topic=topic).order_by("id"))


def test_answer_to_a_report_holds_the_link_once(client: Client) -> None:
    first = submit(client, external_id="a-1")
    again = submit(client, external_id="a-1")
    assert (first.status_code, again.status_code) == (201, 200)
    link = first.json()["link"]
    assert link["url"] == f"http://testserver/report/mine/#{link['token']}"
    assert again.json()["link"] is None
    assert first["Cache-Control"] == "private, no-store"


def test_channel_whose_answer_was_lost_is_told_the_same_link_again(client: Client, key: str) -> None:
    body, headers = json.dumps(FORM | {"external_id": "Q-1"}), {"X-Api-Key": key}
    answers = [client.post("/api/reports/", body, "application/json", headers=headers) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    tokens = [answer.json()["link"]["token"] for answer in answers]
    assert tokens[0] == tokens[1]
    assert read(client, tokens[1]).json()["id"] == answers[0].json()["id"]


def test_officer_who_writes_a_report_down_does_not_become_its_reporter(client: Client) -> None:
    user = User.objects.create_user("petugas", password="a long password", is_staff=True)
    report, _token = sent(client)
    CityRole.objects.create(user=user, city=report.city, role=CityRole.Role.DISPATCHER)
    client.force_login(user)
    assert submit(client).json()["link"] is None


def test_holder_reads_the_report_as_the_public_does_and_what_they_can_do(client: Client) -> None:
    report, token = sent(client, name="Siti Rahmawati", phone="081234567890", email=SITI)
    answer = read(client, token)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    told = answer.json()
    assert (told["id"], told["status"], told["description"]) == (report.public_id, "submitted", "Tumpukan sampah")
    assert (told["reopenable_until"], told["can_be_confirmed"], told["answer"]) == (None, False, None)
    assert [line["status"] for line in told["history"]] == ["submitted"]
    for secret in ("Rahmawati", "081234567890", SITI):
        assert secret not in answer.content.decode()


def test_report_that_was_hidden_is_there_for_its_reporter(client: Client) -> None:
    report, token = sent(client)
    Report.objects.filter(pk=report.pk).update(is_public=False)
    assert client.get(f"/api/reports/{report.public_id}/").status_code == 404
    assert read(client, token).json()["id"] == report.public_id


@pytest.mark.parametrize("path", ["", "reopen/", "confirm/"])
def test_without_a_link_nobody_gets_in(client: Client, path: str) -> None:
    ask = client.get if not path else client.post
    answer = ask(URL + path)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'ReportLink realm="X-Report-Link"')
    assert answer["Content-Type"] == "application/problem+json"


def test_session_is_no_link(client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin", password="a long password"))
    assert client.get(URL).status_code == 401


def test_token_that_was_changed_is_no_link(client: Client) -> None:
    report, token = sent(client)
    other, _token = sent(client)
    forged = make_link(other, now=now()).partition(":")[0] + ":" + token.partition(":")[2]
    for wrong in (forged, token[:-1], token.swapcase(), "x", "", "ä" * 10, "a" * 5000):
        assert read(client, wrong.encode().decode("latin-1")).status_code == 401
    assert read(client, token).json()["id"] == report.public_id


def test_link_ends_after_its_days(client: Client, settings: Any) -> None:
    settings.REPORT_LINK_DAYS = 30
    report, _token = sent(client)
    assert read(client, make_link(report, now=now() - timedelta(days=29))).status_code == 200
    assert read(client, make_link(report, now=now() - timedelta(days=30, minutes=1))).status_code == 401


def test_link_ends_when_the_persons_data_is_erased(client: Client) -> None:
    _report, token = sent(client, email=SITI)
    erase_person(read_person(email=SITI), now=now())
    assert read(client, token).status_code == 401
    assert write(client, "reopen", token, reason="Belum").status_code == 401


def test_reporter_opens_a_closed_report_again(client: Client) -> None:
    report, token = sent(client)
    bring_to(report, "resolved", now=now())
    until = read(client, token).json()["reopenable_until"]
    report.refresh_from_db()
    assert report.closed_at is not None
    assert datetime.fromisoformat(until) == report.closed_at + timedelta(days=14)
    answer = write(client, "reopen", token, reason="Sampah masih ada, telepon 081234567890")
    assert (answer.status_code, answer.json()["status"], answer.json()["reopenable_until"]) == (200, "reopened", None)
    report.refresh_from_db()
    assert (report.status, report.reopened_count, report.closed_at) == ("reopened", 1, None)


def test_history_of_a_reopening_says_that_it_came_by_link_and_the_public_reads_no_reason(client: Client) -> None:
    report, token = sent(client)
    bring_to(report, "rejected", now=now())
    write(client, "reopen", token, reason="Sampah masih ada")
    line = HistoryEntry.objects.filter(report=report).latest("id")
    assert (line.old, line.new) == ({"status": "rejected"}, {"status": "reopened"})
    assert (line.user_id, line.channel_id, line.origin) == (None, None, "link")
    assert HistoryNote.objects.get(pk=line.note_id).text == "Sampah masih ada"
    assert client.get(f"/api/reports/{report.public_id}/").json()["history"][-1]["note"] is None


def test_reopening_is_over_after_the_days_for_it(client: Client) -> None:
    report, token = sent(client)
    bring_to(report, "resolved", now=now() - timedelta(days=14, minutes=1))
    assert read(client, token).json()["reopenable_until"] is None
    answer = write(client, "reopen", token, reason="Belum")
    assert answer.status_code == 409
    assert "14" in answer.json()["detail"]
    report.refresh_from_db()
    assert report.status == "resolved"


def test_open_report_is_not_opened_again_and_says_how_it_is(client: Client) -> None:
    _report, token = sent(client)
    answer = write(client, "reopen", token, reason="Belum")
    assert (answer.status_code, answer.json()["current"]["status"]) == (409, "submitted")


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("reopen", {}, "reason"),
        ("reopen", {"reason": "  "}, "reason"),
        ("reopen", {"reason": "x" * 2001}, "reason"),
        ("confirm", {}, "is_done"),
        ("confirm", {"is_done": "perhaps"}, "is_done"),
        ("confirm", {"is_done": True, "comment": "x" * 2001}, "comment"),
    ],
)
def test_what_is_missing_or_too_long_is_named(client: Client, what: str, body: dict[str, Any], field: str) -> None:
    report, token = sent(client)
    bring_to(report, "resolved", now=now())
    answer = write(client, what, token, **body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_reporter_confirms_and_says_otherwise_later(client: Client) -> None:
    report, token = sent(client)
    bring_to(report, "resolved", now=now())
    assert read(client, token).json()["can_be_confirmed"] is True
    told = write(client, "confirm", token, is_done=True).json()
    assert (told["answer"]["is_done"], told["status"]) == (True, "resolved")
    told = write(client, "confirm", token, is_done=False, comment="Sudah kotor lagi").json()
    assert (told["answer"]["is_done"], told["status"]) == (False, "resolved")
    assert Closing.objects.get(report=report).is_done is False
    lines = HistoryEntry.objects.filter(report=report, action="answered").order_by("id")
    assert [(line.old, line.new, line.origin) for line in lines] == [
        ({}, {"is_done": True}, "link"),
        ({"is_done": True}, {"is_done": False}, "link"),
    ]


def test_same_answer_again_leaves_one_line(client: Client) -> None:
    report, token = sent(client)
    bring_to(report, "resolved", now=now())
    answers = [write(client, "confirm", token, is_done=True).json()["answer"] for _time in range(2)]
    assert answers[0] == answers[1]
    assert HistoryEntry.objects.filter(report=report, action="answered").count() == 1


def test_comment_is_read_by_staff_alone_and_goes_with_the_persons_data(client: Client) -> None:
    report, token = sent(client, email=SITI)
    bring_to(report, "resolved", now=now())
    write(client, "confirm", token, is_done=False, comment="Rumah saya nomor 12")
    assert "nomor 12" not in client.get(f"/api/reports/{report.public_id}/").content.decode()
    assert report.notes.get(text="Rumah saya nomor 12").is_public is False
    erase_person(read_person(email=SITI), now=now())
    assert not HistoryNote.objects.filter(text__contains="nomor 12").exists()


@pytest.mark.parametrize("status", ["submitted", "rejected"])
def test_only_what_is_resolved_is_confirmed(client: Client, status: str) -> None:
    report, token = sent(client)
    bring_to(report, status, now=now())
    answer = write(client, "confirm", token, is_done=True)
    assert (answer.status_code, answer.json()["current"]) == (409, {"status": status})


def test_each_reporter_of_a_group_answers_for_themselves_and_may_open_it_again(client: Client) -> None:
    parent, its_token = sent(client)
    child, child_token = sent(client)
    merge_reports(parent=parent, children=[child], by=Principal(is_superuser=True), now=now())
    bring_to(parent, "resolved", now=now())
    write(client, "confirm", its_token, is_done=True)
    assert read(client, child_token).json()["answer"] is None
    told = write(client, "reopen", child_token, reason="Di depan rumah saya belum").json()
    assert (told["id"], told["status"]) == (child.public_id, "reopened")
    assert read(client, its_token).json()["status"] == "reopened"
    answers = dict(Closing.objects.values_list("report_id", "is_done"))
    assert answers == {parent.pk: True, child.pk: False}


def test_writes_by_one_link_are_limited(client: Client) -> None:
    _report, token = sent(client)
    statuses = [write(client, "confirm", token, is_done=True).status_code for _time in range(11)]
    assert statuses == [409] * 10 + [429]
    assert int(write(client, "confirm", token, is_done=True)["Retry-After"]) <= 601
    assert read(client, token).status_code == 200


def test_reporter_with_an_address_gets_the_link_and_then_the_question(client: Client) -> None:
    report, _token = sent(client, email=SITI)
    (receipt,) = letters("report.received")
    bring_to(report, "resolved", now=now())
    (question,) = letters("report.resolved")
    for message in (receipt, question):
        assert SITI not in json.dumps(message.payload)
        send_letter(message)
    assert [letter.to for letter in mail.outbox] == [[SITI], [SITI]]
    for letter in mail.outbox:
        assert report.public_id in letter.subject
        found = re.search(r"/report/mine/#(\S+)", str(letter.body))
        assert found is not None
        assert read(client, found[1]).json()["id"] == report.public_id
        # Whoever types in a stranger's address writes nothing to them.
        assert "Tumpukan" not in str(letter.body)


def test_who_left_no_address_is_not_written_to(client: Client) -> None:
    report, _token = sent(client, phone="081234567890")
    bring_to(report, "resolved", now=now())
    assert (letters("report.received"), letters("report.resolved")) == ([], [])


def test_every_reporter_of_a_group_is_asked(client: Client) -> None:
    parent, _token = sent(client, email=SITI)
    child, _token = sent(client, email="budi@example.org")
    merge_reports(parent=parent, children=[child], by=Principal(is_superuser=True), now=now())
    bring_to(parent, "resolved", now=now())
    asked = {message.payload["report"] for message in letters("report.resolved")}
    assert asked == {parent.public_id, child.public_id}


def test_question_that_came_too_late_is_not_sent(client: Client) -> None:
    report, token = sent(client, email=SITI)
    bring_to(report, "resolved", now=now())
    (question,) = letters("report.resolved")
    write(client, "confirm", token, is_done=True)
    with pytest.raises(Refused):
        send_letter(question)
    assert mail.outbox == []


def test_one_address_gets_five_receipts_an_hour_at_the_most(client: Client) -> None:
    for _number in range(7):
        make_report(contact=Contact(email="Korban@example.org"), now=datetime(2026, 3, 1, 5, 10, tzinfo=UTC))
    make_report(contact=Contact(email=SITI), now=datetime(2026, 3, 1, 5, 10, tzinfo=UTC))
    assert len(letters("report.received")) == 6
    make_report(contact=Contact(email="korban@example.org"), now=datetime(2026, 3, 1, 6, 0, tzinfo=UTC))
    assert len(letters("report.received")) == 7


def period(city: Any, start: datetime, end: datetime) -> Question:
    return Question(city_id=city.pk, start=start, end=end, now=now())


def test_figures_count_a_reopening_against_the_closing_that_it_undid(client: Client, city: Any) -> None:
    make_agency(city, "dlh", make_category())
    opened, disputed, both, confirmed, unanswered = (sent(client) for _number in range(5))
    moment = now()
    for report, _token in (opened, disputed, both, confirmed, unanswered):
        bring_to(report, "resolved", now=moment)
    take_step(opened[0], "reopened", now=moment + timedelta(days=3))
    write(client, "confirm", disputed[1], is_done=False)
    write(client, "confirm", both[1], is_done=False)
    write(client, "reopen", both[1], reason="Belum")
    write(client, "confirm", confirmed[1], is_done=True)
    (figures,) = closings(period(city, moment, moment + timedelta(seconds=1)))
    assert figures == ClosingFigures("dlh", resolved=5, confirmed=1, disputed=2, reopened=2, contested=3)
    assert figures.contested_share == 0.6
    # Half-open, and by the time of the closing.
    assert closings(period(city, moment - timedelta(days=1), moment)) == []
    assert closings(period(city, moment + timedelta(seconds=1), moment + timedelta(days=9))) == []


def test_closing_again_is_another_closing(client: Client, city: Any) -> None:
    report, token = sent(client)
    moment = now() - timedelta(hours=1)
    bring_to(report, "resolved", now=moment)
    write(client, "reopen", token, reason="Belum")
    bring_to(report, "resolved", now=now())
    assert [row.resolved for row in closings(period(city, moment, now() + timedelta(days=1)))] == [2]
    assert read(client, token).json()["answer"] is None


def test_report_that_is_split_from_a_resolved_group_was_not_closed(client: Client, city: Any) -> None:
    parent, _token = sent(client)
    child, _token = sent(client)
    merge_reports(parent=parent, children=[child], by=Principal(is_superuser=True), now=now())
    bring_to(parent, "resolved", now=now())
    split_report(report=child, by=Principal(is_superuser=True), now=now())
    assert list(Closing.objects.values_list("report_id", "reopened_at")) == [(parent.pk, None)]

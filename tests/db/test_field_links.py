"""Field links: who gets one and when, how it goes out, and what ends it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apprise.plugins.telegram import NotifyTelegram
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from geo.models import (
    Agency,
    AgencyContact,
    Area,
    DeliveryAttempt,
    FieldLink,
    HistoryEntry,
    OutboxMessage,
    Report,
    ReportContact,
    ReportEvidence,
)
from geo.operations.field_links.gateways import _service, check_gateway
from geo.operations.field_links.links import LinkEnded, principal_of_link, read_field_link, token_of
from geo.operations.field_links.services import accept, close, end_links, hand_over, send_links
from geo.operations.outbox.delivery import deliver_due
from geo.reports.access.principals import Grant, Link, Principal, Role
from geo.reports.workflow import Actor
from server.core.errors import Conflict, Forbidden, InvalidFields, NotFound
from tests.factories import make_agency, make_category, make_city, make_report
from tests.mail_server import MailServer
from tests.pictures import plain
from tests.receiver import Answer, Receiver
from tests.workflow_paths import bring_to, take_step

pytestmark = [
    pytest.mark.django_db,
    # Of the modules that Apprise loads: one for signed letters, which is not used here.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]

SECRET = "kunci-gerbang-rahasia"


@pytest.fixture
def report() -> Report:
    """Assigned to the agency dlh, in kota-uji.1.1."""
    make_agency(make_city(), "dlh", make_category())
    return bring_to(make_report(now=timezone.now(), description="Sampah, telepon 081234567890"), "assigned")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


def contact(report: Report, address: str = "piket@dlh.example", **more: Any) -> AgencyContact:
    kind = "email" if "://" not in address else "apprise"
    values = {"agency": report.agency, "name": "Piket", "kind": kind, "address": address, **more}
    return AgencyContact.objects.create(**values)


def dispatcher(report: Report) -> Principal:
    return Principal(user_id=None, grants=(Grant(Role.DISPATCHER, report.city_id),), origin="api")


def sent(report: Report, **more: Any) -> FieldLink:
    """A link to a contact of the report's agency."""
    contact(report, **more)
    return send_links(report=report, by=dispatcher(report), now=timezone.now())[0]


def ending(link: FieldLink) -> str:
    link.refresh_from_db()
    return link.ending


def works_by_link(agency: Agency | None) -> None:
    assert agency is not None
    Agency.objects.filter(pk=agency.pk).update(works_by_link=True)


def test_the_link_makes_its_holder_an_officer_of_the_agency_for_this_report_alone(report: Report) -> None:
    link = read_field_link(token_of(sent(report)), now=timezone.now())
    by = principal_of_link(link)
    assert by.link == Link(report.pk, Actor.OFFICER, report.agency_id)
    other = make_report()
    Report.objects.filter(pk=other.pk).update(agency=report.agency)
    other.refresh_from_db()
    assert (by.may_handle(report), by.may_handle(other), by.may_see_contact(report)) == (True, False, False)


def test_a_token_that_was_changed_or_made_up_is_none_of_ours(report: Report) -> None:
    token = token_of(sent(report))
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), token[1:], "x", "", "a" * 5000, token.split(".")[0]):
        with pytest.raises(NotFound):
            read_field_link(wrong, now=timezone.now())


def test_a_link_is_good_for_seventy_two_hours_and_not_a_second_longer(report: Report) -> None:
    contact(report)
    at = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    (link,) = send_links(report=report, by=dispatcher(report), now=at)
    assert link.expires_at == datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
    assert read_field_link(token_of(link), now=datetime(2026, 3, 4, 4, 59, 59, tzinfo=UTC)) == link
    with pytest.raises(LinkEnded):
        read_field_link(token_of(link), now=datetime(2026, 3, 4, 5, 0, tzinfo=UTC))


def test_only_dispatchers_send_and_withdraw_links(report: Report) -> None:
    contact(report)
    officer = Principal(user_id=None, grants=(Grant(Role.OFFICER, report.city_id, report.agency_id),))
    with pytest.raises(Forbidden):
        send_links(report=report, by=officer, now=timezone.now())
    with pytest.raises(Forbidden):
        end_links(report=report, by=officer, now=timezone.now())
    assert not FieldLink.objects.exists()


def test_without_a_contact_there_is_nobody_to_send_a_link_to(report: Report) -> None:
    contact(report, is_active=False)
    with translation.override("en"), pytest.raises(Conflict, match=r"^DLH has no contact for this report; add one"):
        send_links(report=report, by=dispatcher(report), now=timezone.now())
    assert not OutboxMessage.objects.filter(topic="field-link").exists()


def test_a_contact_of_an_area_gets_the_reports_of_that_area_alone(report: Report) -> None:
    assert report.area is not None
    assert report.area.code == "kota-uji.1.1"
    for name, code in (
        ("Kota", None),
        ("Kecamatan", "kota-uji.1"),
        ("Lurah", "kota-uji.1.1"),
        ("Lain", "kota-uji.1.2"),
    ):
        contact(report, name=name, area=Area.objects.get(code=code) if code else None)
    links = send_links(report=report, by=dispatcher(report), now=timezone.now())
    assert [link.contact.name for link in links] == ["Kota", "Kecamatan", "Lurah"]


def test_an_agency_that_works_by_link_gets_one_when_a_report_is_assigned_to_it() -> None:
    agency = make_agency(make_city(), "dlh", make_category())
    works_by_link(agency)
    report = make_report(now=timezone.now())
    contact(report)
    assert not FieldLink.objects.exists()
    bring_to(report, "assigned", now=timezone.now())
    assert FieldLink.objects.get().agency == agency
    assert OutboxMessage.objects.filter(topic="field-link").count() == 1


def test_an_agency_that_does_not_work_by_link_gets_none_by_itself(report: Report) -> None:
    contact(report)
    take_step(report, "coordination", agency=make_agency(report.city, "dbmsda"), now=timezone.now())
    assert not FieldLink.objects.exists()


def test_a_handover_ends_the_link_of_the_one_and_sends_one_to_the_other_once(report: Report) -> None:
    first, other = sent(report), make_agency(report.city, "dbmsda")
    works_by_link(other)
    contact(report, agency=other, name="Lain")
    take_step(report, "coordination", agency=other, now=timezone.now())
    assert ending(first) == "left"
    # The new agency's turn has begun, and its link is good: being assigned sends no second one.
    take_step(report, "assigned", now=timezone.now())
    assert [link.contact.name for link in FieldLink.objects.filter(revoked_at=None)] == ["Lain"]
    assert FieldLink.objects.count() == 2


def test_a_link_does_not_come_back_with_the_report(report: Report) -> None:
    link, own, other = sent(report), report.agency, make_agency(report.city, "dbmsda")
    take_step(report, "coordination", agency=other, now=timezone.now())
    take_step(report, "coordination", agency=own, now=timezone.now())
    assert Report.objects.get(pk=report.pk).agency == own
    with pytest.raises(LinkEnded):
        read_field_link(token_of(link), now=timezone.now())


def test_closing_ends_every_link_and_reopening_sends_a_new_one_to_who_works_by_them(report: Report) -> None:
    link = sent(report)
    works_by_link(report.agency)
    take_step(report, "resolved", now=timezone.now())
    assert ending(link) == "closed"
    take_step(report, "reopened", now=timezone.now())
    again = FieldLink.objects.get(revoked_at=None)
    assert again.pk != link.pk
    assert read_field_link(token_of(again), now=timezone.now()) == again


def test_sending_again_ends_the_link_before(report: Report) -> None:
    first = sent(report)
    (second,) = send_links(report=report, by=dispatcher(report), now=timezone.now())
    assert (ending(first), ending(second)) == ("replaced", "")


def test_a_withdrawn_link_cannot_be_used_by_who_has_read_it_before(report: Report) -> None:
    link = read_field_link(token_of(sent(report)), now=timezone.now())
    assert end_links(report=report, by=dispatcher(report), now=timezone.now()) == 1
    for use in (
        lambda: accept(link=link, now=timezone.now()),
        lambda: close(link=link, note="Sudah", photo=None, now=timezone.now()),
        lambda: hand_over(link=link, agency=None, reason="x", now=timezone.now()),
    ):
        with pytest.raises(LinkEnded):
            use()
    report.refresh_from_db()
    assert report.status == "assigned"


def test_of_a_photo_that_arrives_when_the_link_was_withdrawn_nothing_is_kept(
    report: Report, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    link = read_field_link(token_of(sent(report)), now=timezone.now())
    end_links(report=report, by=dispatcher(report), now=timezone.now())
    with pytest.raises(LinkEnded):
        close(link=link, note="Sudah", photo=plain(), now=timezone.now())
    assert not ReportEvidence.objects.exists()
    assert not report.history.filter(action="evidence").exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_where_the_step_cannot_be_taken_the_photo_is_kept_and_the_link_stays_good(report: Report) -> None:
    link = sent(report)
    with pytest.raises(InvalidFields, match="note"):
        close(link=link, note=" ", photo=plain(), now=timezone.now())
    assert ReportEvidence.objects.get().report == report
    assert report.history.filter(action="evidence").count() == 1
    link.refresh_from_db()
    assert (link.used, link.revoked_at) == ("", None)
    close(link=link, note="Sudah", photo=plain(), now=timezone.now())
    assert (ReportEvidence.objects.count(), Report.objects.get().status) == (1, "resolved")


def test_a_link_of_a_contact_that_was_switched_off_opens_nothing(report: Report) -> None:
    link = sent(report)
    AgencyContact.objects.update(is_active=False)
    with pytest.raises(LinkEnded):
        read_field_link(token_of(link), now=timezone.now())


def test_history_says_to_whom_by_number_and_holds_no_address(report: Report) -> None:
    link = sent(report)
    line = HistoryEntry.objects.filter(report=report).latest("id")
    assert (line.action, line.new, line.origin) == ("field_link", {"contacts": [link.contact_id]}, "api")


def test_a_letter_brings_the_link_and_neither_the_reporter_nor_the_words(report: Report, settings: Any) -> None:
    ReportContact.objects.create(report=report, name="Siti Rahma", phone="081234567890")
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.LINK_URL = "https://pantau.example"
        link = sent(report)
        assert deliver_due().sent == 1
        (taken,) = server.taken
    assert taken.recipient == "piket@dlh.example"
    assert f"https://pantau.example/field/{token_of(link)}/" in taken.text
    assert "DLH" in taken.text
    assert "Sampah" in str(taken.letter["Subject"])
    assert not {word for word in ("Siti", "081234567890", "telepon") if word in taken.text}
    link.refresh_from_db()
    assert link.sent_at is not None


def test_a_gateway_of_the_citys_own_is_posted_json_with_its_headers(report: Report, receiver: Receiver) -> None:
    link = sent(report, address=f"json://127.0.0.1:{receiver.port}/kirim?ke=grup&+Authorization={SECRET}")
    assert deliver_due().sent == 1
    (request,) = receiver.received
    assert (request.method, request.path) == ("POST", "/kirim?ke=grup")
    assert request.headers["authorization"] == SECRET
    said = json.loads(request.body)
    assert token_of(link) in said["message"]
    assert said["type"] == "info"
    assert "Sampah" in said["title"]


def test_the_secret_of_a_gateway_stands_neither_in_messages_nor_in_the_record_of_tries(
    report: Report, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = lambda _request: Answer(status=503)
    sent(report, address=f"json://127.0.0.1:{receiver.port}/{SECRET}?+Authorization={SECRET}")
    assert deliver_due().failed == 1
    message, attempt = OutboxMessage.objects.get(topic="field-link"), DeliveryAttempt.objects.get()
    assert attempt.status_code == 503
    told = f"{message.payload} {message.destination} {message.last_error} {attempt.error} {caplog.text}"
    assert SECRET not in told
    assert set(message.payload) == {"link"}


def test_a_gateway_in_a_private_network_is_not_called(report: Report, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    with Receiver() as closed:
        sent(report, address=f"json://127.0.0.1:{closed.port}/")
        assert deliver_due().dead == 1
        assert closed.received == []


def test_a_service_is_called_by_apprise_and_its_refusal_waits_without_its_key(
    report: Report, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = "123456789:abcdefg_hijklmnop"
    caplog.set_level("DEBUG")
    with Receiver() as telegram:
        # The vendor's address, led to this machine.
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{telegram.url}/bot")
        link = sent(report, address=f"tgram://{token}/12315544/")
        telegram.answer = lambda _request: Answer(status=500)
        assert deliver_due().failed == 1
        telegram.answer = lambda _request: Answer(body=b'{"ok": true, "result": {}}')
        assert deliver_due(now=lambda: timezone.now() + timedelta(minutes=5)).sent == 1
        assert telegram.received[-1].path == f"/bot{token}/sendMessage"
        assert token_of(link) in json.loads(telegram.received[-1].body)["text"].replace("\\", "")
    assert token not in caplog.text + " ".join(DeliveryAttempt.objects.values_list("error", flat=True))


def test_a_link_that_ended_before_it_went_out_is_not_sent(report: Report, receiver: Receiver) -> None:
    sent(report, address=f"json://127.0.0.1:{receiver.port}/")
    end_links(report=report, by=dispatcher(report), now=timezone.now())
    assert deliver_due().dead == 1
    assert receiver.received == []


@pytest.mark.parametrize(
    "url",
    [
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        "jsons://gerbang.example/kirim?+Authorization=x",
        "form://gerbang.example:8080/",
        "discord://123456/abcdef",
    ],
)
def test_known_gateways_are_accepted(url: str) -> None:
    check_gateway(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "syslog://",
        "dbus://",
        "mailto://user:pass@example.org",
        "http://127.0.0.1/",
        "json://",
        "json://user:pass@gerbang.example/",
        "json://gerbang.example/ a",
        "tgram://",
        "tgram://123456789:abcdefg_hijklmnop/12315544/?verify=no",
        "tgram://123456789:abcdefg_hijklmnop/12315544/?RTO=9999",
        "json://[",
        "json://gerbang.example/?+Authorization=kunci%0d%0aX-Lain:%20a",
        "json://gerbang.example/?+Authorization%00=kunci",
    ],
)
def test_what_might_go_anywhere_or_nowhere_is_no_gateway(url: str) -> None:
    with pytest.raises(ValidationError):
        check_gateway(url)


def test_a_gateways_address_is_one_service_however_many_it_names() -> None:
    """A comma would part them, and only the first was looked at."""
    one = _service("tgram://123456789:abcdefg_hijklmnopabcdefg_hijklmnop/12315544/,json://127.0.0.1/latest")
    assert type(one).__name__ == "NotifyTelegram"
    assert _service("json://127.0.0.1/latest") is None

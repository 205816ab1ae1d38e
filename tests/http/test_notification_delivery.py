"""What subscribers get: over real HTTP and by a real mail server, signed, once, and without a word about a person."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from geo.areas.models import City
from geo.models import Area, DeliveryAttempt, Destination, OutboxMessage, Report, ReportContact, Subscription
from geo.operations.notifications import email_transport
from geo.operations.notifications.email_transport import Letter, Recipient, enqueue_to_reporter, register_letter
from geo.operations.notifications.services import rotate_key
from geo.operations.notifications.webhook import signing_key
from geo.operations.outbox.delivery import Delivered, deliver_due
from geo.reports.insertion import Contact
from geo.reports.workflow import Status
from server.run.ports import unused_port
from tests.factories import NOW, make_category, make_city, make_report
from tests.mail_server import MailServer
from tests.receiver import Answer, Receiver
from tests.workflow_paths import bring_to, take_step

pytestmark = pytest.mark.django_db

PHONE, EMAIL, NAME = "0812-3456-7890", "siti.rahma@example.org", "Siti Rahma"
TEXT = f"Saya {NAME}, telepon {PHONE}, surel {EMAIL}. Sampah menumpuk."
MASKED = "Saya [nama], telepon [telepon], surel [e-mail]. Sampah menumpuk."


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    with Receiver() as opened:
        yield opened


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with MailServer() as opened:
        use(settings, opened.port)
        yield opened


def use(settings: Any, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.DEFAULT_FROM_EMAIL = "Pantau <pantau@bekasi.example>"
    settings.LINK_URL = "https://pantau.example"


def subscribe(city: City, **more: Any) -> Subscription:
    kind = more.pop("kind", "email")
    way = {"email": "warga@example.net"} if kind == "email" else {}
    values = {"events": ["submitted", "status"], "scope": "city", "confirmed_at": NOW, **way, **more}
    return Subscription.objects.create(kind=kind, city=city, created_at=NOW, **values)


def subscribe_webhook(city: City, receiver: Receiver, **more: Any) -> Subscription:
    owner, _is_new = User.objects.get_or_create(username="perencana")
    return subscribe(city, kind="webhook", url=f"{receiver.url}/terima", owner=owner, **more)


def report_of_siti(**more: Any) -> Report:
    """She left no address of her own, so that nothing is written to her."""
    return make_report(description=TEXT, contact=Contact(NAME, PHONE), **more)


def report_with_address() -> Report:
    report = report_of_siti()
    ReportContact.objects.filter(report=report).update(email=EMAIL)
    return report


def deliver(after: timedelta = timedelta(0)) -> Delivered:
    def clock() -> datetime:
        return NOW + after

    return deliver_due(now=clock)


def test_a_webhook_is_told_what_the_public_may_know_signed_by_its_key(city: City, receiver: Receiver) -> None:
    subscription = subscribe_webhook(city, receiver)
    report = report_of_siti()
    assert deliver() == Delivered(sent=1)
    (request,) = receiver.received
    message = OutboxMessage.objects.get()
    timestamp = request.headers["x-pantau-timestamp"]
    expected = hmac.new(signing_key(subscription).encode(), timestamp.encode() + b"." + request.body, hashlib.sha256)
    assert request.headers["x-pantau-signature"] == f"sha256={expected.hexdigest()}"
    assert request.headers["x-pantau-delivery"] == str(message.key)
    assert json.loads(request.body) == {
        "id": str(message.key),
        "event": "submitted",
        "at": "2026-03-01T05:00:00+00:00",
        "subscription": str(subscription.key),
        "note": "",
        "report": {
            "id": report.public_id,
            "url": f"http://127.0.0.1:8000/api/reports/{report.public_id}/",
            "city": "kota-uji",
            "category": "sampah",
            "kind": "laporan",
            "status": "submitted",
            "description": MASKED,
            "location": {"type": "Point", "coordinates": [106.93, -6.25]},
            "area": "kota-uji.1.1",
            "area_name": "Kota-Uji 1 1",
            "agency": None,
            "reported_at": "2026-03-01T05:00:00Z",
            "updated_at": "2026-03-01T05:00:00Z",
            "closed_at": None,
        },
    }


def test_steps_of_a_report_arrive_in_their_order_with_their_public_notes(city: City, receiver: Receiver) -> None:
    report = report_of_siti()
    subscribe_webhook(city, receiver, events=["status"])
    take_step(report, Status.ASSIGNED)
    take_step(report, Status.IN_PROGRESS, now=NOW + timedelta(minutes=1), note=f"Hubungi {PHONE}")
    take_step(report, Status.WAITING, now=NOW + timedelta(minutes=2), note="rahasia", note_is_public=False)
    assert deliver(timedelta(minutes=2)) == Delivered(sent=3)
    told = [json.loads(request.body) for request in receiver.received]
    assert [(each["old"], each["new"], each["note"]) for each in told] == [
        ("submitted", "assigned", ""),
        ("assigned", "in_progress", "Hubungi [telepon]"),
        ("in_progress", "waiting", ""),
    ]


def test_a_second_try_has_the_same_id_and_the_log_has_both(city: City, receiver: Receiver) -> None:
    subscribe_webhook(city, receiver)
    report_of_siti()
    receiver.answer = lambda _request: Answer(503)
    assert deliver() == Delivered(failed=1)
    receiver.answer = lambda _request: Answer(200)
    assert deliver(timedelta(minutes=1)) == Delivered(sent=1)
    first, second = receiver.received
    assert first.headers["x-pantau-delivery"] == second.headers["x-pantau-delivery"]
    assert json.loads(first.body)["id"] == json.loads(second.body)["id"]
    assert list(DeliveryAttempt.objects.order_by("id").values_list("is_success", "status_code")) == [
        (False, 503),
        (True, 200),
    ]


def test_a_worker_that_dies_after_sending_repeats_that_message_alone(
    city: City, receiver: Receiver, monkeypatch: Any
) -> None:
    """The answer has come, and the process ends before it is noted: with the same id, it is sent once more."""
    subscribe_webhook(city, receiver)
    report_of_siti()
    report_of_siti()

    class Killed(BaseException):
        pass

    def die(*_arguments: Any) -> None:
        raise Killed

    monkeypatch.setattr("geo.operations.outbox.delivery._record", die)
    with pytest.raises(Killed), transaction.atomic():
        deliver()
    monkeypatch.undo()
    assert len(receiver.received) == 1
    assert deliver() == Delivered(sent=2)
    ids = [request.headers["x-pantau-delivery"] for request in receiver.received]
    assert sorted(ids.count(each) for each in set(ids)) == [1, 2]


def test_a_webhook_whose_name_leads_into_a_private_network_by_now_is_not_called(
    city: City, receiver: Receiver, settings: Any
) -> None:
    subscribe_webhook(city, receiver)
    report_of_siti()
    settings.OUTBOUND_ALLOW = []
    assert deliver() == Delivered(dead=1)
    assert receiver.received == []


def test_a_webhook_that_is_down_holds_up_no_other_at_the_same_host(city: City, receiver: Receiver) -> None:
    bad = subscribe_webhook(city, receiver)
    subscribe_webhook(city, receiver)
    report_of_siti()
    receiver.answer = lambda request: Answer(500 if str(bad.key).encode() in request.body else 200)
    assert deliver() == Delivered(sent=1, failed=1)


def test_after_a_rotation_the_old_key_signs_nothing(city: City, receiver: Receiver) -> None:
    subscription = subscribe_webhook(city, receiver)
    report_of_siti()
    rotated = rotate_key(subscription=subscription)
    deliver()
    (request,) = receiver.received
    signed = request.headers["x-pantau-timestamp"].encode() + b"." + request.body
    new = hmac.new(signing_key(rotated).encode(), signed, hashlib.sha256).hexdigest()
    assert request.headers["x-pantau-signature"] == f"sha256={new}"
    assert signing_key(subscription) != signing_key(rotated)


def test_what_was_hidden_or_ended_before_it_left_is_not_sent(
    city: City, receiver: Receiver, server: MailServer
) -> None:
    subscribe_webhook(city, receiver)
    letters = subscribe(city)
    Report.objects.filter(pk=report_of_siti().pk).update(is_public=False)
    assert deliver() == Delivered(dead=2)
    report_of_siti()
    letters.delete()
    assert deliver() == Delivered(sent=1, dead=1)
    assert (len(receiver.received), server.taken) == (1, [])


def test_a_letter_says_what_the_public_may_know_and_how_to_end_it(city: City, server: MailServer) -> None:
    subscribe(city, language="en", area=Area.objects.get(code="kota-uji.1"), scope="area")
    report = report_of_siti(category=make_category("sampah", name_en="Rubbish"))
    assert deliver() == Delivered(sent=1)
    (taken,) = server.taken
    letter = taken.letter
    assert (taken.sender, taken.recipient) == ("pantau@bekasi.example", "warga@example.net")
    assert letter["Subject"] == "New report: Rubbish, Kota-Uji 1 1"
    assert letter["From"] == "Pantau <pantau@bekasi.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"] == f"<{OutboxMessage.objects.get().key}@bekasi.example>"
    assert letter.get_content_type() == "text/plain"
    end = letter["List-Unsubscribe"].strip(" <>")
    assert end.startswith("https://pantau.example/api/subscriptions/end/")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"> {MASKED}" in taken.text
    assert f"https://pantau.example/api/reports/{report.public_id}/" in taken.text
    assert end in taken.text
    assert "area Kota-Uji 1, Kota Uji" in taken.text


def test_a_letter_of_a_step_tells_the_new_status_in_the_readers_language(city: City, server: MailServer) -> None:
    report = report_of_siti()
    subscribe(city, language="en")
    subscribe(city, email="lain@example.net")
    bring_to(report, Status.ASSIGNED)
    assert deliver() == Delivered(sent=2)
    subjects = {taken.recipient: taken.letter["Subject"] for taken in server.taken}
    assert subjects == {
        "warga@example.net": "Assigned: Sampah, Kota-Uji 1 1",
        "lain@example.net": "Disposisi: Sampah, Kota-Uji 1 1",
    }


def test_no_message_holds_a_word_about_the_reporter_or_the_reader(
    city: City, receiver: Receiver, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    subscribe_webhook(city, receiver)
    subscribe(city)
    report = report_of_siti()
    bring_to(report, Status.IN_PROGRESS, note=f"Sudah bicara dengan {NAME}, {PHONE}")
    while deliver().sent:
        pass
    sent = [request.body.decode() for request in receiver.received] + [taken.text for taken in server.taken]
    stored = [json.dumps(payload) for payload in OutboxMessage.objects.values_list("payload", flat=True)]
    assert len(sent) == 4
    for text in [*sent, *stored, caplog.text]:
        assert not {word for word in (NAME, PHONE, "081234567890", EMAIL, "warga@example.net") if word in text}


def test_while_the_mail_server_is_away_letters_wait_and_then_arrive(city: City, settings: Any) -> None:
    port = unused_port()
    use(settings, port)
    subscribe(city)
    subscribe(city, email="lain@example.net")
    report_of_siti()
    assert deliver() == Delivered(failed=1)  # one try of the server, not of each letter
    assert Destination.objects.get().name == "email"
    assert OutboxMessage.objects.filter(state="pending").count() == 2
    with MailServer() as server:
        use(settings, server.port)
        assert deliver(timedelta(minutes=1)) == Delivered(sent=2)
        assert {taken.recipient for taken in server.taken} == {"warga@example.net", "lain@example.net"}


def test_a_recipient_whom_the_server_refuses_is_given_up_and_holds_up_nobody(city: City, server: MailServer) -> None:
    subscribe(city)
    subscribe(city, email="hilang@example.net")
    report_of_siti()
    server.answer_recipient = lambda who: f"550 {who} is unknown" if who.startswith("hilang") else "250 OK"
    assert deliver() == Delivered(sent=1, dead=1)
    dead = OutboxMessage.objects.get(state="dead")
    assert "550" in dead.last_error
    assert "hilang" not in dead.last_error
    assert DeliveryAttempt.objects.get(message=dead).status_code == 550


def test_a_recipient_who_is_put_off_is_tried_again(city: City, server: MailServer) -> None:
    subscribe(city)
    report_of_siti()
    server.answer_recipient = lambda _who: "450 come again"
    assert deliver() == Delivered(failed=1)
    server.answer_recipient = lambda _who: "250 OK"
    assert deliver(timedelta(minutes=1)) == Delivered(sent=1)


def _compose(message: OutboxMessage) -> Letter:
    return Letter("Apakah sudah selesai?\nBcc: x@example.org", f"Laporan {message.payload['report']}")


register_letter("test.reporter", _compose)


def test_a_reporter_is_written_to_without_their_address_in_the_outbox(city: City, server: MailServer) -> None:
    report = report_with_address()
    with transaction.atomic():
        message = enqueue_to_reporter(report=report, topic="test.reporter", now=NOW, extra={"n": 1})
        assert enqueue_to_reporter(report=make_report(), topic="test.reporter", now=NOW) is None
    assert message is not None
    assert message.payload == {"report": report.public_id, "to": "reporter", "n": 1}
    assert deliver() == Delivered(sent=1)
    (taken,) = server.taken
    assert taken.recipient == EMAIL
    assert taken.letter["Subject"] == "Apakah sudah selesai? Bcc: x@example.org"
    assert taken.letter["Bcc"] is None
    assert "List-Unsubscribe" not in taken.letter


def test_a_reporter_whose_address_was_erased_meanwhile_is_not_written_to(city: City, server: MailServer) -> None:
    report = report_with_address()
    with transaction.atomic():
        enqueue_to_reporter(report=report, topic="test.reporter", now=NOW)
    ReportContact.objects.filter(report=report).delete()
    assert deliver() == Delivered(dead=1)
    assert server.taken == []


def test_an_address_that_is_none_is_given_up(city: City, server: MailServer) -> None:
    report = report_with_address()
    ReportContact.objects.filter(report=report).update(email="siti at home")
    with transaction.atomic():
        enqueue_to_reporter(report=report, topic="test.reporter", now=NOW)
    assert deliver() == Delivered(dead=1)


def test_two_letters_of_one_topic_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"test\.reporter"):
        register_letter("test.reporter", lambda _message: Letter("", ""))
    with pytest.raises(ValueError, match="reporter"):
        email_transport.register_recipient("reporter", lambda _payload: Recipient("a@example.org"))

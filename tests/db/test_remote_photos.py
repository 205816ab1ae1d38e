"""Photos that are named by their addresses, fetched by the delivery worker from a server on this machine."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import translation
from PIL import Image

from geo.operations.outbox.delivery import Delivered, deliver_due
from geo.operations.outbox.models import Destination, OutboxMessage
from geo.operations.outbox.remote_photos import enqueue_photos, fetch_photo
from geo.operations.outbox.transports import is_in_background, sender
from geo.reports.models import Report, ReportPhoto
from geo.reports.photos.cleaning import _turn_to_decode
from tests.factories import NOW, make_city, make_report
from tests.photo_files import encoded, tagged
from tests.receiver import Answer, Receiver

COLOURS = ("red", "green", "blue", "white", "black", "yellow")
PHOTOS = {f"/{colour}.jpg": encoded(Image.new("RGB", (640, 480), colour), "JPEG", exif=tagged()) for colour in COLOURS}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    """Has the photos, and answers 404 to all else."""
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]

    def answer(request: Any) -> Answer:
        content = PHOTOS.get(request.path.partition("?")[0])
        return Answer(404) if content is None else Answer(200, content)

    with Receiver(answer) as opened:
        yield opened


@pytest.fixture
def report() -> Report:
    make_city()
    return make_report()


def enqueue(report: Report, *urls: str) -> int:
    with transaction.atomic():
        return enqueue_photos(report_urls=[(report.pk, url) for url in urls], now=NOW)


def deliver(report: Report, url: str) -> OutboxMessage:
    """One try at one photo; the message as it is after it."""
    enqueue(report, url)
    deliver_due(now=lambda: NOW)
    return OutboxMessage.objects.latest("id")


def files(settings: Any) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_photo_is_fetched_cleaned_and_stored_under_its_report(report: Report, server: Receiver, settings: Any) -> None:
    message = deliver(report, f"{server.url}/red.jpg")
    assert (message.state, message.last_error) == ("delivered", "")
    photo = report.photos.get()
    assert (photo.width, photo.height) == (640, 480)
    assert photo.taken_at == datetime(2026, 3, 1, 4, 58, 30, tzinfo=UTC)
    assert len(files(settings)) == 2
    assert not any(b"Exif" in path.read_bytes() for path in files(settings))


def test_photo_that_comes_while_others_are_decoded_for_long_is_fetched_again_later(
    report: Report, server: Receiver, monkeypatch: Any
) -> None:
    monkeypatch.setattr("geo.reports.photos.cleaning.WAIT_S", 0.01)
    with _turn_to_decode():
        message = deliver(report, f"{server.url}/red.jpg")
    assert (message.state, report.photos.count()) == ("pending", 0)
    assert message.next_attempt_at > NOW
    assert "Many photos" in message.last_error


def test_message_names_the_report_as_the_public_does_and_its_destination_is_the_server(
    report: Report, server: Receiver
) -> None:
    url = f"{server.url}/red.jpg?key=1"
    assert enqueue(report, url) == 1
    message = OutboxMessage.objects.get()
    assert (message.transport, message.topic, message.destination, message.payload) == (
        "photo",
        "photo.fetch",
        f"photo:127.0.0.1:{server.port}",
        {"report": report.public_id, "url": url},
    )
    assert message.give_up_at == NOW + timedelta(hours=24)
    assert is_in_background("photo")
    assert sender("photo") is fetch_photo


def test_report_was_changed_when_its_photo_has_come(report: Report, server: Receiver) -> None:
    before = report.updated_at
    deliver(report, f"{server.url}/red.jpg")
    report.refresh_from_db()
    assert report.updated_at > before


def test_same_photo_comes_once_by_however_many_messages(report: Report, server: Receiver, settings: Any) -> None:
    deliver(report, f"{server.url}/red.jpg")
    changed_at = Report.objects.get().updated_at
    again = deliver(report, f"{server.url}/red.jpg?again")
    assert again.state == "delivered"
    fetch_photo(again)  # as after a worker that was killed before it had noted that
    assert report.photos.count() == 1
    assert len(files(settings)) == 2
    assert Report.objects.get().updated_at == changed_at


def test_message_whose_photo_is_stored_already_has_arrived_though_the_report_is_full(
    report: Report, server: Receiver
) -> None:
    urls = [f"{server.url}{path}" for path in PHOTOS]
    enqueue(report, *urls[:5])
    assert deliver_due(now=lambda: NOW) == Delivered(sent=5)
    assert deliver(report, urls[0]).state == "delivered"
    sixth = deliver(report, urls[5])
    assert (sixth.state, sixth.last_error) == ("dead", "At most 5 photos go with a report.")
    assert report.photos.count() == 5


def test_two_workers_do_not_give_a_report_more_photos_than_it_may_have(server: Receiver, settings: Any) -> None:
    make_city()
    sent = [SimpleUploadedFile(path, PHOTOS[path]) for path in list(PHOTOS)[:4]]
    report = make_report(photos=sent)
    urls = [f"{server.url}{path}" for path in list(PHOTOS)[4:]]
    enqueue(report, *urls)
    together = threading.Barrier(2, timeout=30)

    def work(message: OutboxMessage) -> str:
        try:
            together.wait()
            fetch_photo(message)
            return "stored"
        except Exception as error:
            return type(error).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(work, OutboxMessage.objects.all()))
    assert outcomes == ["Refused", "stored"]
    assert report.photos.count() == 5
    assert len(files(settings)) == 10


@pytest.mark.parametrize(
    "content",
    [b"<!doctype html>", b"<svg/>", b"", next(iter(PHOTOS.values()))[:3000]],
    ids=["page", "svg", "nothing", "half"],
)
def test_what_is_no_photo_is_given_up_and_leaves_nothing(
    report: Report, server: Receiver, settings: Any, content: bytes
) -> None:
    server.answer = lambda _request: Answer(200, content, {"Content-Type": "image/jpeg"})
    message = deliver(report, f"{server.url}/red.jpg")
    assert (message.state, message.last_error) == (
        "dead",
        "the photo: not a JPEG, PNG or WebP image that can be read",
    )
    assert not ReportPhoto.objects.exists()
    assert files(settings) == []


def test_more_than_ten_megabytes_are_given_up(report: Report, server: Receiver) -> None:
    server.answer = lambda _request: Answer(200, PHOTOS["/red.jpg"] + bytes(10_000_000))
    message = deliver(report, f"{server.url}/red.jpg?key=SECRET")
    assert message.state == "dead"
    assert "sent more than 10000000 bytes" in message.last_error
    assert not ReportPhoto.objects.exists()


@pytest.mark.parametrize("status", [204, 301, 403, 404, 410])
def test_server_that_has_no_such_photo_is_not_asked_again(report: Report, server: Receiver, status: int) -> None:
    server.answer = lambda _request: Answer(status, b"", {"Location": "http://127.0.0.1:1/"})
    message = deliver(report, f"{server.url}/red.jpg")
    assert (message.state, message.last_error) == ("dead", f"The photo's server answered {status}.")
    assert Destination.objects.get().failures == 0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_server_that_cannot_now_is_asked_again_later(report: Report, server: Receiver, status: int) -> None:
    whole, server.answer = server.answer, lambda _request: Answer(status, b"", {"Retry-After": "60"})
    assert deliver(report, f"{server.url}/red.jpg").state == "pending"
    assert Destination.objects.get().failures == 1
    server.answer = whole
    assert deliver_due(now=lambda: NOW + timedelta(minutes=2)) == Delivered(sent=1)
    assert report.photos.count() == 1


def test_address_in_a_private_network_is_not_called(report: Report, server: Receiver, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    assert deliver(report, f"{server.url}/red.jpg").state == "dead"
    assert server.received == []


@pytest.mark.parametrize("change", [{"is_public": False}, {"anonymised_at": NOW}], ids=["withdrawn", "anonymised"])
def test_report_that_was_taken_back_or_anonymised_takes_no_photo_and_nobody_is_called(
    report: Report, server: Receiver, change: dict[str, Any]
) -> None:
    Report.objects.update(**change)
    assert deliver(report, f"{server.url}/red.jpg").state == "dead"
    assert server.received == []
    assert not ReportPhoto.objects.exists()


def test_report_that_is_anonymised_while_its_photo_is_on_the_way_takes_it_no_more(
    report: Report, server: Receiver, settings: Any
) -> None:
    whole = server.answer

    def answer(request: Any) -> Answer:
        Report.objects.update(anonymised_at=NOW)
        connection.close()  # of the server's thread
        return whole(request)

    server.answer = answer
    assert deliver(report, f"{server.url}/red.jpg").state == "dead"
    assert not ReportPhoto.objects.exists()
    assert files(settings) == []


def test_message_of_a_report_that_is_gone_is_given_up(report: Report, server: Receiver) -> None:
    enqueue(report, f"{server.url}/red.jpg")
    OutboxMessage.objects.update(payload={"report": "nosuchreport", "url": f"{server.url}/red.jpg"})
    assert deliver_due(now=lambda: NOW) == Delivered(dead=1)


def test_photo_is_asked_for_again_while_the_storage_is_away(
    report: Report, server: Receiver, settings: Any, tmp_path: Path
) -> None:
    whole, settings.MEDIA_ROOT = settings.MEDIA_ROOT, tmp_path / "full"
    settings.MEDIA_ROOT.write_text("a file, where a folder should be")
    assert deliver(report, f"{server.url}/red.jpg").state == "pending"
    settings.MEDIA_ROOT = whole
    assert deliver_due(now=lambda: NOW + timedelta(minutes=2)) == Delivered(sent=1)
    assert report.photos.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "foto.jpg",
        "ftp://example.org/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://",
        "http:///a.jpg",
        "http://user:password@example.org/a.jpg",
        "http://example.org:99999/a.jpg",
        "http://[::1/a.jpg",
        "http://example.org/a b.jpg",
        "http://example.org/a.jpg\r\nHost: other",
        "http://example.org/\ud800.jpg",
        "http://example.org/" + 1982 * "a",
    ],
)
def test_what_is_no_address_of_a_photo_is_left_out(report: Report, url: str) -> None:
    assert enqueue(report, url, "https://example.org/a.jpg") == 1
    assert OutboxMessage.objects.get().payload["url"] == "https://example.org/a.jpg"


def test_address_of_2000_characters_is_taken(report: Report) -> None:
    assert enqueue(report, "http://example.org/" + 1981 * "a") == 1


def test_log_tells_which_photo_was_left_out_and_not_the_query_of_its_address(
    report: Report, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = [f"https://example.org/{number}.jpg?key=SECRET" for number in range(6)]
    assert enqueue(report, *urls, "geheim: SECRET") == 5
    assert "https://example.org/5.jpg" in caplog.text
    assert "14 characters that are no address" in caplog.text
    assert "SECRET" not in caplog.text


def test_address_that_is_named_twice_is_fetched_once(report: Report) -> None:
    assert enqueue(report, "https://example.org/a.jpg", "https://example.org/a.jpg") == 1


def test_photos_of_many_reports_are_written_down_in_a_few_statements(
    report: Report, django_assert_max_num_queries: Any
) -> None:
    reports = [report.pk] + [make_report().pk for _i in range(9)]
    pairs = [(pk, f"https://example.org/{number}.jpg") for pk in reports for number in range(3)]
    with transaction.atomic(), django_assert_max_num_queries(2):
        assert enqueue_photos(report_urls=pairs, now=NOW) == 30
    assert OutboxMessage.objects.count() == 30

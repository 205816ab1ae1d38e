"""Personal data goes when it was kept long enough, once, and the public sees no difference."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import connection, connections, transaction

from geo.models import (
    Category,
    DeadLetter,
    DeliveryAttempt,
    HistoryNote,
    OutboxMessage,
    Report,
    ReportContact,
    ReportPhoto,
    ReportSupport,
)
from geo.operations.outbox.delivery import Delivered, deliver_due, replay_dead
from geo.reports.insertion import Contact
from geo.reports.personal_data.retention import anonymise_due
from geo.reports.services import refresh_public_points, support_report
from tests.factories import NOW, make_category, make_channel, make_city, make_report

DAY = timedelta(days=1)
EXACT = Point(106.93123, -6.25321, srid=4326)


@pytest.fixture(autouse=True)
def _two_years(settings: Any) -> None:
    settings.RETENTION_DAYS = 730


def personal_report(**more: Any) -> Report:
    values = {
        "description": "Hubungi 081234567890",
        "location": EXACT,
        "contact": Contact("Siti Rahma", "081234567890", "siti@example.org"),
        "device_hash": "d1",
        "address": "Jalan Mawar 12",
        "attributes": {"luas": "3"},
        "status": "resolved",
        "closed_at": NOW,
    }
    return make_report(**{**values, **more})


@pytest.mark.django_db
def test_what_is_personal_goes_and_what_is_public_stays() -> None:
    make_city()
    report = personal_report(category=make_category("kekerasan", public_grid_m=500))
    HistoryNote.objects.create(report=report, text="Pelapor: Siti Rahma", is_public=False)
    HistoryNote.objects.create(report=report, text="Sudah diperbaiki", is_public=True)
    ReportPhoto.objects.create(report=report, image="a.jpg", width=1, height=1, sha256="x", taken_at=NOW, distance_m=7)
    public = (report.public_location.coords, report.public_area_id, report.updated_at)
    assert report.location.coords == (106.93123, -6.25321)

    assert anonymise_due(NOW + 731 * DAY) == 1

    after = Report.objects.get(pk=report.pk)
    assert (after.description, after.public_description) == ("Hubungi [telepon]", "Hubungi [telepon]")
    assert (after.address, after.attributes) == ("", {})
    assert after.location.coords == after.public_location.coords == public[0]
    assert after.area_id == after.public_area_id == public[1]
    assert after.updated_at == public[2]
    assert after.anonymised_at == NOW + 731 * DAY
    assert not ReportContact.objects.exists()
    assert sorted(HistoryNote.objects.values_list("text", flat=True)) == ["", "Sudah diperbaiki"]
    assert ReportPhoto.objects.values_list("taken_at", "distance_m").get() == (None, None)
    line = after.history.order_by("id").last()
    assert (line.action, line.old, line.new, line.user_id) == ("anonymised", {}, {}, None)


@pytest.mark.django_db
def test_supports_still_count_and_no_device_is_behind_them() -> None:
    make_city()
    wish = personal_report(kind="aspirasi", status="submitted")
    for device in ("d1", "d2"):
        support_report(report=wish, device_hash=device, now=NOW)
    Report.objects.filter(pk=wish.pk).update(status="resolved")
    anonymise_due(NOW + 731 * DAY)
    assert Report.objects.get(pk=wish.pk).support_count == 2
    kept = list(ReportSupport.objects.order_by("id").values_list("id", "device_hash"))
    assert [device for _id, device in kept] == [f"erased:{number}" for number, _device in kept]
    assert len(kept) == 2


@pytest.mark.django_db
def test_doing_it_twice_does_it_once() -> None:
    make_city()
    report = personal_report()
    assert [anonymise_due(NOW + days * DAY) for days in (731, 731, 800)] == [1, 0, 0]
    assert report.history.filter(action="anonymised").count() == 1


@pytest.mark.django_db
def test_a_report_that_was_written_to_since_is_due_again_after_as_many_days() -> None:
    make_city()
    report = personal_report()
    anonymise_due(NOW + 731 * DAY)
    Report.objects.filter(pk=report.pk).update(description="Siti lagi", updated_at=NOW + 900 * DAY)
    assert anonymise_due(NOW + 1600 * DAY) == 0
    assert anonymise_due(NOW + 1631 * DAY) == 1
    assert Report.objects.get(pk=report.pk).description == "Hubungi [telepon]"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "days"), [("resolved", 730), ("rejected", 730), ("submitted", 1460), ("waiting", 1460)]
)
def test_an_open_report_keeps_its_data_twice_as_long(status: str, days: int) -> None:
    make_city()
    personal_report(status=status)
    assert anonymise_due(NOW + days * DAY) == 0
    assert anonymise_due(NOW + days * DAY + timedelta(seconds=1)) == 1


@pytest.mark.django_db
def test_days_are_those_of_the_category_or_of_the_nearest_above_that_says_some() -> None:
    make_city()
    root = make_category("sosial", retention_days=100)
    middle = make_category("keluarga", parent=root)
    leaf = make_category("kekerasan", parent=middle, retention_days=10)
    below = make_category("anak", parent=leaf)
    other = make_category("sampah")
    reports = {c.slug: personal_report(category=c) for c in (root, middle, leaf, below, other)}

    def gone(days: int) -> set[str]:
        anonymise_due(NOW + days * DAY)
        done = set(Report.objects.exclude(anonymised_at=None).values_list("pk", flat=True))
        return {slug for slug, report in reports.items() if report.pk in done}

    assert gone(10) == set()
    assert gone(11) == {"kekerasan", "anak"}
    assert gone(101) == {"kekerasan", "anak", "keluarga", "sosial"}
    assert gone(731) == {"kekerasan", "anak", "keluarga", "sosial", "sampah"}


@pytest.mark.django_db
def test_batches_together_reach_every_report() -> None:
    make_city()
    for _i in range(5):
        personal_report()
    assert anonymise_due(NOW + 731 * DAY, batch=2) == 5
    assert not ReportContact.objects.exists()


@pytest.mark.django_db
def test_a_finer_grid_later_does_not_bring_the_exact_place_back() -> None:
    make_city()
    category = make_category("kekerasan", public_grid_m=500)
    report = personal_report(category=category)
    anonymise_due(NOW + 731 * DAY)
    Category.objects.filter(pk=category.pk).update(public_grid_m=0)
    refresh_public_points(category=category, now=NOW)
    after = Report.objects.get(pk=report.pk)
    assert after.public_location.distance(EXACT) > 0.0001
    assert after.public_location.coords == report.public_location.coords


@pytest.mark.django_db
def test_a_report_without_a_point_keeps_the_area_that_it_named() -> None:
    make_city()
    wish = personal_report(kind="aspirasi", location=None, area_code="kota-uji.2", address="")
    anonymise_due(NOW + 731 * DAY)
    after = Report.objects.get(pk=wish.pk)
    assert (after.area.code, after.public_area.code, after.location, after.location_flag) == (
        "kota-uji.2", "kota-uji.2", None, "area",
    )  # fmt: skip


@pytest.mark.django_db
def test_old_dead_letters_go_and_younger_ones_stay() -> None:
    make_city()
    for number, at in (("1", NOW), ("2", NOW + 2 * DAY)):
        DeadLetter.objects.create(
            channel=make_channel(), external_id=number, payload={"profile_name": "Siti"}, reason="x", received_at=at
        )
    anonymise_due(NOW + 731 * DAY)
    assert list(DeadLetter.objects.values_list("external_id", flat=True)) == ["2"]


def outgoing(report: Report, topic: str, state: str, **more: Any) -> OutboxMessage:
    """As geo.channels.outgoing and geo.operations.outbox.remote_photos write them."""
    payload = {"report": report.public_id, **more}
    message = OutboxMessage.objects.create(
        transport="photo" if topic == "photo.fetch" else "channel",
        destination="img.example" if topic == "photo.fetch" else "channel:pot",
        topic=topic,
        payload=payload,
        state=state,
        created_at=NOW,
        next_attempt_at=NOW + 5000 * DAY,
        finished_at=None if state == "pending" else NOW,
    )
    DeliveryAttempt.objects.create(message=message, at=NOW, is_success=False, error="away", duration_ms=1)
    return message


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["pending", "delivered", "dead"])
def test_addresses_of_photos_go_with_what_else_is_personal(state: str) -> None:
    make_city()
    outgoing(personal_report(), "photo.fetch", state, url="https://img.example/siti.jpg")
    other = outgoing(personal_report(status="submitted"), "photo.fetch", state, url="https://img.example/2.jpg")
    assert anonymise_due(NOW + 731 * DAY) == 1
    assert OutboxMessage.objects.filter(topic="photo.fetch").get() == other
    assert DeliveryAttempt.objects.get().message == other


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "note"), [("pending", "Terima kasih"), ("delivered", ""), ("dead", "")])
def test_statuses_that_were_sent_keep_neither_note_nor_the_senders_id(state: str, note: str) -> None:
    make_city()
    told = {"channel": "pot", "external_id": "POT-1", "status": "resolved", "note": "Terima kasih", "at": "2026-03-01"}
    message = outgoing(personal_report(), "report.status", state, **told)
    anonymise_due(NOW + 731 * DAY)
    message.refresh_from_db()
    assert message.state == state
    assert message.payload["note"] == note
    assert message.payload["external_id"] == ("POT-1" if note else "")
    assert (message.payload["status"], message.payload["channel"]) == ("resolved", "pot")


@pytest.mark.django_db
def test_a_status_whose_words_were_erased_is_not_sent_again() -> None:
    make_city()
    told = {"channel": "pot", "external_id": "POT-1", "status": "resolved", "note": "x", "at": "2026-03-01"}
    message = outgoing(personal_report(), "report.status", "dead", **told)
    # The letters to its reporter are another matter.
    OutboxMessage.objects.exclude(pk=message.pk).delete()
    anonymise_due(NOW + 731 * DAY)
    assert replay_dead(NOW + 732 * DAY).messages == 1
    assert deliver_due(now=lambda: NOW + 732 * DAY) == Delivered(dead=1)
    message.refresh_from_db()
    assert "erased" in message.last_error


@pytest.mark.django_db(transaction=True)
def test_a_photo_on_its_way_does_not_hold_up_the_anonymising() -> None:
    make_city()
    report = personal_report()
    held = outgoing(report, "photo.fetch", "pending", url="https://img.example/1.jpg")
    outgoing(report, "photo.fetch", "pending", url="https://img.example/2.jpg")
    done: list[int] = []

    def run() -> None:
        try:
            done.append(anonymise_due(NOW + 731 * DAY))
        finally:
            connections.close_all()

    with transaction.atomic():
        OutboxMessage.objects.select_for_update().get(pk=held.pk)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(timeout=60)
        assert done == [1]
    assert OutboxMessage.objects.filter(topic="photo.fetch").get() == held


@pytest.mark.django_db
def test_nothing_due_writes_nothing() -> None:
    """A write, even of no row, makes every cached answer old."""
    make_city()
    personal_report()
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n) FROM geo_dataversion WHERE scope = 'reports'")
        before = cursor.fetchone()
        anonymise_due(NOW + DAY)
        cursor.execute("SELECT sum(n) FROM geo_dataversion WHERE scope = 'reports'")
        assert cursor.fetchone() == before


@pytest.mark.django_db
def test_command_says_how_many(capsys: Any, settings: Any) -> None:
    make_city()
    personal_report()
    settings.RETENTION_DAYS = 1
    Report.objects.update(updated_at=datetime(2020, 1, 1, tzinfo=NOW.tzinfo))
    call_command("anonymise_reports")
    assert capsys.readouterr().out == "anonymised reports: 1\n"
    call_command("anonymise_reports")
    assert capsys.readouterr().out == "anonymised reports: 0\n"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_the_work_once() -> None:
    make_city()
    reports = [personal_report() for _i in range(40)]
    done: list[int] = []
    start = threading.Barrier(2)

    def run() -> None:
        try:
            start.wait()
            done.append(anonymise_due(NOW + 731 * DAY, batch=3))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(done) == 40
    assert all(report.history.filter(action="anonymised").count() == 1 for report in reports)


@pytest.mark.django_db(transaction=True)
def test_a_report_that_somebody_holds_is_left_for_the_next_time() -> None:
    make_city()
    held, free = personal_report(), personal_report()
    done: list[int] = []

    def run() -> None:
        try:
            done.append(anonymise_due(NOW + 731 * DAY))
        finally:
            connections.close_all()

    with transaction.atomic():
        Report.objects.select_for_update().get(pk=held.pk)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(timeout=60)
    assert done == [1]
    assert Report.objects.get(pk=free.pk).anonymised_at is not None
    assert Report.objects.get(pk=held.pk).anonymised_at is None
    assert anonymise_due(NOW + 731 * DAY) == 1

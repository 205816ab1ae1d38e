"""Writes of reports, on a real PostGIS."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InternalError, ProgrammingError, connection, transaction
from django.db.utils import IntegrityError
from PIL import Image

from geo.models import CategoryAgency, HistoryEntry, Report, ReportContact, ReportPhoto, ReportSupport
from geo.reports.insertion import Contact
from geo.reports.services import (
    moderate_report,
    refresh_public_points,
    submit_report,
    support_report,
)
from server.core.errors import Conflict, InvalidFields
from tests.factories import NOW, make_agency, make_category, make_channel, make_city, make_report

pytestmark = pytest.mark.django_db


def at(lon: float, lat: float) -> Point:
    return Point(lon, lat, srid=4326)


def jpeg() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "JPEG")
    return SimpleUploadedFile("a.jpg", out.getvalue())


def test_report_lies_in_the_smallest_area_that_covers_it() -> None:
    make_city()
    report = make_report(location=at(106.97, -6.25))
    assert (report.area.code, report.public_area.code) == ("kota-uji.1.2", "kota-uji.1.2")
    assert report.location_flag == "inside"


def test_report_on_a_border_lies_in_the_area_with_the_lowest_code() -> None:
    make_city()
    assert make_report(location=at(107.0, -6.25)).area.code == "kota-uji.1.2"
    assert make_report(location=at(106.9, -6.3)).area.code == "kota-uji.1.1"


def test_report_outside_every_area_is_kept_and_flagged_even_at_the_pole() -> None:
    make_city()
    private = make_category("kekerasan", public_grid_m=700)
    for lon, lat in ((107.5, -6.25), (0, 90), (180, -90), (-120.5, 45)):
        report = make_report(location=at(lon, lat), category=private)
        assert (report.area, report.location_flag, report.city.slug) == (None, "outside", "kota-uji")
        assert -180 <= report.public_location.x <= 180
        assert -90 <= report.public_location.y <= 90


def test_city_of_a_report_is_the_one_that_covers_it_whatever_the_channel() -> None:
    bekasi = make_city()
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    channel = make_channel("pot", city=bekasi)
    assert make_report(channel=channel, location=at(119.43, -5.15)).city.slug == "makassar"
    assert make_report(channel=channel, location=at(110, -7)).city.slug == "kota-uji"


def test_category_of_another_city_is_refused_and_nothing_is_stored() -> None:
    make_city()
    other = make_city("makassar", west=119.4, south=-5.2)
    category = make_category("pete-pete", city=other)
    with pytest.raises(InvalidFields, match="category"):
        make_report(category=category)
    assert not Report.objects.exists()
    assert make_report(category=category, location=at(119.43, -5.15)).city == other


def test_report_comes_with_its_first_line_of_history() -> None:
    make_agency(make_city(), "dlh", make_category())
    line = make_report().history.get()
    assert (line.action, line.old, line.new, line.at) == ("submitted", {}, {"status": "submitted"}, NOW)
    assert (line.channel.slug, line.agency.slug) == ("web", "dlh")


def test_history_can_be_neither_changed_nor_deleted() -> None:
    make_city()
    make_report()
    for change in (lambda: HistoryEntry.objects.update(action="x"), lambda: HistoryEntry.objects.all().delete()):
        with (
            pytest.raises((InternalError, ProgrammingError, IntegrityError), match="append-only"),
            transaction.atomic(),
        ):
            change()
    assert HistoryEntry.objects.get().action == "submitted"


def test_agency_is_the_lead_of_the_nearest_category_on_the_day_of_the_city() -> None:
    city = make_city()
    jalan = make_category("jalan")
    rusak = make_category("jalan-rusak", parent=jalan)
    make_agency(city, "dbmsda", jalan, valid_to=date(2026, 3, 2))
    make_agency(city, "bantuan", jalan, is_lead=False)
    late = make_agency(city, "dinas-baru", valid_from=date(2026, 3, 2))
    CategoryAgency.objects.create(category=jalan, agency=late, valid_from=date(2026, 3, 2))
    # 16:59 UTC is 23:59 on 1 March in Jakarta; a minute later the new agency is responsible.
    before = make_report(category=rusak, now=datetime(2026, 3, 1, 16, 59, tzinfo=UTC))
    after = make_report(category=rusak, now=datetime(2026, 3, 1, 17, 0, tzinfo=UTC))
    assert (before.agency.slug, after.agency.slug) == ("dbmsda", "dinas-baru")
    own = make_agency(city, "khusus", rusak)
    assert make_report(category=rusak).agency == own


def test_agency_of_another_city_is_never_given_a_report() -> None:
    make_agency(make_city("makassar", west=119.4, south=-5.2), "dlh", make_category())
    make_city()
    assert make_report().agency is None


def test_public_place_is_the_centre_of_a_cell_in_metres() -> None:
    make_city()
    private = make_category("kekerasan", public_grid_m=500)
    first = make_report(location=at(106.93, -6.25), category=private)
    again = make_report(location=at(106.9301, -6.2501), category=private)
    assert first.public_location == again.public_location
    metres = first.public_location.transform(32748, clone=True)
    assert round(metres.x, 3) % 500 == pytest.approx(250, abs=0.01)
    assert round(metres.y, 3) % 500 == pytest.approx(250, abs=0.01)
    assert metres.distance(first.location.transform(32748, clone=True)) <= 500 / 2**0.5
    assert make_report(location=at(106.93, -6.25)).public_location == at(106.93, -6.25)


def test_coarser_category_hides_what_was_public_before() -> None:
    make_city()
    category = make_category("kekerasan")
    report = make_report(category=category)
    category.public_grid_m = 1000
    category.save()
    assert refresh_public_points(category=category, now=NOW) == 1
    hidden = Report.objects.get(pk=report.pk)
    assert hidden.public_location != hidden.location == report.location
    assert make_report(category=category).public_location == hidden.public_location


def test_position_in_a_text_is_hidden_when_its_category_becomes_coarser() -> None:
    make_city()
    category = make_category("kekerasan")
    report = make_report(category=category, description="Rumahnya di -6.253210, 106.931230, tolong segera.")
    assert "106.931230" in report.public_description
    category.public_grid_m = 250
    category.save()
    refresh_public_points(category=category, now=NOW)
    report.refresh_from_db()
    assert "106.931230" not in report.public_description
    assert report.public_description.endswith("tolong segera.")


def test_public_text_is_masked_and_the_original_is_kept() -> None:
    make_city()
    report = make_report(description="WA 0812-3456-7890")
    assert (report.description, report.public_description) == ("WA 0812-3456-7890", "WA [telepon]")


def test_same_report_again_is_the_first_one_unchanged() -> None:
    make_city()
    first = make_report(external_id="7", description="one")
    again, created = submit_report(
        channel=make_channel(),
        category=make_category(),
        external_id="7",
        description="two",
        location=at(107.05, -6.25),
        photos=[jpeg()],
        contact=Contact(name="Siti"),
        now=NOW,
    )
    assert (again, created, again.description) == (first, False, "one")
    assert not ReportPhoto.objects.exists()
    assert not ReportContact.objects.exists()
    assert HistoryEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_writers_of_the_same_report_make_one() -> None:
    make_city()
    channel, category = make_channel("qlue"), make_category()
    start = Barrier(8)

    def write(number: int) -> tuple[int, bool]:
        try:
            start.wait(30)
            report, created = submit_report(
                channel=channel,
                category=category,
                external_id="same",
                description=f"writer {number}",
                location=at(106.93, -6.25),
                now=NOW,
            )
            return report.pk, created
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, range(8)))
    assert len({pk for pk, _created in results}) == 1
    assert [created for _pk, created in results].count(True) == 1
    assert Report.objects.count() == HistoryEntry.objects.count() == 1


def test_contact_is_stored_apart() -> None:
    make_city()
    contact = make_report(contact=Contact("Siti", "0812", "siti@example.org"), device_hash="d").contact
    assert (contact.name, contact.phone, contact.email, contact.device_hash) == (
        "Siti",
        "0812",
        "siti@example.org",
        "d",
    )


def test_photo_files_go_when_the_transaction_fails(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_city()
    saved = ReportPhoto.save

    def fail_on_second(self: ReportPhoto, *args: Any, **kwargs: Any) -> None:
        if ReportPhoto.objects.exists():
            raise IntegrityError("the disk of the database is full")
        saved(self, *args, **kwargs)

    monkeypatch.setattr(ReportPhoto, "save", fail_on_second)
    out = io.BytesIO()
    Image.new("RGB", (9, 9), "blue").save(out, "PNG")
    with pytest.raises(IntegrityError):
        make_report(photos=[jpeg(), SimpleUploadedFile("b.png", out.getvalue())])
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert not Report.objects.exists()


def test_wish_may_name_an_area_and_a_report_needs_a_point() -> None:
    make_city()
    wish = make_report(kind="aspirasi", area_code="kota-uji.2")
    assert (wish.area.code, wish.public_area.code, wish.location, wish.location_flag) == (
        "kota-uji.2",
        "kota-uji.2",
        None,
        "area",
    )
    for bad in (
        {"kind": "laporan", "area_code": "kota-uji.2"},
        {"kind": "aspirasi", "area_code": "nowhere"},
        {"kind": "aspirasi", "area_code": ""},
        {"description": "x" * 5001},
        {"external_id": ""},
        {"category": make_category("lama", is_active=False)},
    ):
        with pytest.raises(InvalidFields):
            make_report(**bad)


@pytest.mark.parametrize("kind", ["aspirasi", "laporan"])
def test_support_counts_each_device_once(kind: str) -> None:
    make_city()
    wish = make_report(kind=kind)
    for device, count, is_new in (("a", 1, True), ("a", 1, False), ("b", 2, True)):
        support = support_report(report=wish, device_hash=device, now=NOW)
        assert (support.support_count, support.is_new) == (count, is_new)
    assert ReportSupport.objects.count() == Report.objects.get(pk=wish.pk).support_count == 2


def test_moderation_leaves_a_line_that_holds_no_text() -> None:
    make_city()
    report = make_report(description="secret words")
    user = User.objects.create(username="petugas")
    moderate_report(report=report, is_public=False, public_description="words", user=user, now=NOW)
    changed = Report.objects.get(pk=report.pk)
    assert (changed.is_public, changed.public_description, changed.description) == (False, "words", "secret words")
    line = changed.history.order_by("id").last()
    assert (line.action, line.user_id) == ("moderated", user.pk)
    assert "secret" not in str(line.old) + str(line.new)
    moderate_report(report=changed, is_public=False, public_description="words", user=user, now=NOW)
    assert changed.history.count() == 2


def test_without_a_city_a_report_is_refused_in_words() -> None:
    with pytest.raises(Conflict, match=r"city|kota"):
        make_report()

"""Reports corrected and withdrawn, on a real PostGIS."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, connections, transaction

from geo.models import HistoryEntry, Report
from geo.reports.access.principals import PUBLIC, Grant, Principal
from geo.reports.revision import revise_report, withdraw_report
from geo.reports.services import moderate_report
from server.core.errors import Forbidden, InvalidFields, Stale
from tests.factories import NOW, make_agency, make_category, make_channel, make_city, make_report
from tests.workflow_paths import take_step

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
EVERYWHERE = Principal(is_superuser=True, user_id=7)


def at(lon: float, lat: float) -> Point:
    return Point(lon, lat, srid=4326)


def revise(report: Report, by: Principal = EVERYWHERE, **changes: Any) -> Report:
    return revise_report(report=report, by=by, now=changes.pop("now", LATER), **changes)


def version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n) FROM geo_dataversion WHERE scope = 'reports'")
        return int(cursor.fetchone()[0])


def test_a_moved_report_is_placed_as_if_it_had_come_in_there() -> None:
    make_city()
    private = make_category("kekerasan", public_grid_m=500)
    moved = revise(make_report(category=private), location=at(107.05123, -6.24321))
    new = make_report(category=private, location=at(107.05123, -6.24321))
    for name in ("location", "public_location", "area", "public_area", "location_flag", "city"):
        assert getattr(moved, name) == getattr(new, name), name
    assert (moved.area.code, moved.location_flag, moved.public_location == moved.location) == (
        "kota-uji.2.2",
        "inside",
        False,
    )


def test_a_report_moved_out_of_every_area_is_kept_flagged_and_stays_with_its_city() -> None:
    make_city("akhir", west=119.4, south=-5.2)
    city = make_city()
    report = make_report()
    # The first city by slug is what a new report would fall to.
    moved = revise(report, location=at(110, -7))
    assert (moved.area, moved.public_area, moved.location_flag, moved.city) == (None, None, "outside", city)


def test_a_report_moved_to_another_city_belongs_to_it_and_to_its_agency() -> None:
    category = make_category()
    make_agency(make_city(), "dlh", category)
    makassar = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    there = make_agency(makassar, "dlh-makassar", category)
    moved = revise(make_report(category=category), location=at(119.43, -5.15))
    assert (moved.city, moved.agency) == (makassar, there)


def test_another_category_changes_precision_and_agency() -> None:
    city = make_city()
    private = make_category("kekerasan", public_grid_m=1000)
    make_agency(city, "dlh", make_category())
    agency = make_agency(city, "dp3a", private)
    report = make_report()
    revised = revise(report, category=private)
    assert revised.agency == agency
    assert revised.location == report.location == report.public_location
    assert revised.public_location == make_report(category=private).public_location != report.location
    back = revise(revised, category=make_category())
    assert back.public_location == report.location


def test_an_agency_that_was_chosen_stays_while_category_and_city_do() -> None:
    city = make_city()
    make_agency(city, "dlh", make_category())
    chosen = make_agency(city, "dbmsda")
    report = make_report()
    take_step(report, "coordination", agency=chosen)
    assert revise(report, description="new", location=at(107.05, -6.25)).agency == chosen


def test_new_text_is_masked_and_text_that_staff_wrote_stays_until_then(django_user_model: Any) -> None:
    make_city()
    report = make_report(description="old")
    user = django_user_model.objects.create_user("petugas")
    moderate_report(report=report, is_public=True, public_description="kept", user=user, now=NOW)
    assert revise(report, category=make_category("banjir")).public_description == "kept"
    revised = revise(report, description="NIK 3275010101900001, WA 081234567890")
    assert revised.public_description == "NIK [NIK], WA [telepon]"
    assert revised.description == "NIK 3275010101900001, WA 081234567890"


def test_history_says_what_changed_without_text_place_or_person() -> None:
    make_city()
    report = make_report(description="Siti, 081234567890", channel=make_channel("qlue"))
    revise(
        report,
        by=Principal(channel=make_channel("qlue")),
        category=make_category("banjir"),
        description="Budi, 081300000000",
        location=at(107.05123, -6.24321),
        reported_at=NOW - timedelta(days=1),
        kind="aspirasi",
    )
    line = report.history.order_by("id").last()
    assert line is not None
    assert (line.action, line.at, line.channel.slug, line.user_id, line.note) == ("revised", LATER, "qlue", None, None)
    assert line.old == {"category": "sampah", "kind": "laporan"}
    assert line.new == {
        "category": "banjir",
        "kind": "aspirasi",
        "changed": ["category", "description", "kind", "location", "reported_at"],
    }


def test_nothing_new_leaves_no_trace() -> None:
    make_city()
    report = make_report()
    before = version()
    same = revise(
        report,
        category=report.category,
        kind=report.kind,
        description=report.description,
        location=report.location,
        reported_at=report.reported_at,
    )
    assert (same.updated_at, HistoryEntry.objects.count(), version()) == (NOW, 1, before)


def test_each_change_is_later_than_the_one_before_whatever_the_clock_says() -> None:
    make_city()
    report = make_report(now=LATER)
    assert revise(report, description="one", now=NOW).updated_at == LATER + timedelta(microseconds=1)
    assert withdraw_report(report=report, by=EVERYWHERE, now=NOW)
    assert Report.objects.get(pk=report.pk).updated_at == LATER + timedelta(microseconds=2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"location": Point(-6.25, 106.93, srid=4326)}, "location"),
        ({"kind": "other"}, "kind"),
        ({"description": "x" * 5001}, "description"),
        ({"reported_at": LATER + timedelta(hours=1)}, "reported_at"),
    ],
)
def test_what_no_report_may_be_is_refused_and_nothing_changes(changes: Any, named: str) -> None:
    make_city()
    report = make_report()
    with pytest.raises(InvalidFields) as refused:
        revise(report, **{"category": make_category("banjir"), **changes})
    assert set(refused.value.fields) == {named}
    assert Report.objects.get(pk=report.pk).category == report.category
    assert HistoryEntry.objects.count() == 1


def test_a_category_of_another_city_or_out_of_use_is_refused_but_an_old_one_may_stay() -> None:
    make_city()
    other = make_city("makassar", west=119.4, south=-5.2)
    report = make_report()
    for category in (make_category("pete-pete", city=other), make_category("lama", is_active=False)):
        with pytest.raises(InvalidFields, match="category"):
            revise(report, category=category)
    report.category.is_active = False
    report.category.save()
    assert revise(report, description="new").description == "new"


def test_a_wish_without_a_point_becomes_a_report_only_with_one() -> None:
    make_city()
    wish = make_report(kind="aspirasi", area_code="kota-uji.2")
    with pytest.raises(InvalidFields, match="location"):
        revise(wish, kind="laporan")
    changed = revise(wish, description="new")
    assert (changed.area.code, changed.public_area.code, changed.location_flag) == ("kota-uji.2", "kota-uji.2", "area")
    assert revise(wish, kind="laporan", location=at(106.93, -6.25)).location_flag == "inside"


def test_who_may_not_change_a_report_may_not_withdraw_it_either() -> None:
    city = make_city()
    other = make_city("makassar", west=119.4, south=-5.2)
    report = make_report(channel=make_channel("qlue"))
    for by in (
        PUBLIC,
        Principal(channel=make_channel("pot")),
        Principal(user_id=9),
        Principal(grants=(Grant("dispatcher", other.pk),)),
    ):
        with pytest.raises(Forbidden):
            revise(report, by=by, description="new")
        with pytest.raises(Forbidden):
            withdraw_report(report=report, by=by, now=LATER)
    for by in (Principal(channel=make_channel("qlue")), Principal(grants=(Grant("dispatcher", city.pk),))):
        revise(report, by=by, description=f"by {by.channel or 'the city'}")
    assert HistoryEntry.objects.count() == 3


def test_an_officer_moves_no_report_into_a_city_of_others() -> None:
    city = make_city()
    make_city("makassar", west=119.4, south=-5.2)
    report = make_report()
    with pytest.raises(Forbidden):
        revise(report, by=Principal(grants=(Grant("dispatcher", city.pk),)), location=at(119.43, -5.15))
    assert Report.objects.get(pk=report.pk).city == city
    assert HistoryEntry.objects.count() == 1


def test_a_withdrawn_report_is_kept_and_withdrawn_once() -> None:
    make_city()
    report = make_report()
    before = version()
    assert withdraw_report(report=report, by=EVERYWHERE, now=LATER) is True
    assert version() > before
    assert withdraw_report(report=report, by=EVERYWHERE, now=LATER) is False
    assert list(report.history.order_by("id").values_list("action", "user_id", "old", "new")) == [
        ("submitted", None, {}, {"status": "submitted"}),
        ("withdrawn", 7, {"is_public": True}, {"is_public": False}),
    ]
    assert not Report.objects.visible_to(PUBLIC).exists()


def test_a_change_of_what_the_writer_has_not_seen_is_stale() -> None:
    make_city()
    report = make_report()
    revise(report, description="first", as_of=NOW)
    with pytest.raises(Stale):
        revise(report, description="second", as_of=NOW)
    with pytest.raises(Stale):
        withdraw_report(report=report, by=EVERYWHERE, now=LATER, as_of=NOW)
    assert Report.objects.get(pk=report.pk).description == "first"


def waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_writers_waits_and_sees_what_the_first_one_did() -> None:
    make_city()
    report = make_report()
    results: list[str] = []

    def second() -> None:
        try:
            revise(report, description="second", as_of=NOW)
            results.append("written")
        except Stale:
            results.append("stale")
        finally:
            connections.close_all()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        revise(report, description="first", as_of=NOW)
        thread.start()
        while not waiting_for_a_lock():
            assert thread.is_alive()
    thread.join(timeout=30)
    assert results == ["stale"]
    assert Report.objects.get(pk=report.pk).description == "first"


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_different_fields_both_succeed() -> None:
    make_city()
    report = make_report()

    def second() -> None:
        try:
            revise(report, category=make_category("banjir"))
        finally:
            connections.close_all()

    make_category("banjir")
    thread = threading.Thread(target=second)
    with transaction.atomic():
        revise(report, description="first")
        thread.start()
        while not waiting_for_a_lock():
            assert thread.is_alive()
    thread.join(timeout=30)
    after = Report.objects.get(pk=report.pk)
    assert (after.description, after.category.slug) == ("first", "banjir")
    assert report.history.count() == 3

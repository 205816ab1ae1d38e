"""Reports merged and split, alone and while others write, on a real PostGIS."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, connections, transaction

from geo.models import HistoryEntry, HistoryNote, Report, ReportSupport
from geo.reports.access.principals import PUBLIC, Grant, Principal
from geo.reports.insertion import Contact
from geo.reports.merging import merge_reports, split_report
from geo.reports.revision import revise_report, withdraw_report
from geo.reports.services import support_report
from geo.reports.status import StatusChange, status_changed
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, make_agency, make_category, make_channel, make_city, make_report
from tests.workflow_paths import take_step

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
STAFF = Principal(is_superuser=True, user_id=7)


@pytest.fixture
def _city() -> None:
    city = make_city()
    make_agency(city, "dinas-a")
    make_agency(city, "dinas-b")


@contextmanager
def changes_told() -> Iterator[list[tuple[str, str]]]:
    """(public id, new status) of each change that was told to those who listen."""
    told: list[tuple[str, str]] = []

    def listen(change: StatusChange, **_sent: Any) -> None:
        told.append((change.report.public_id, change.new))

    status_changed.connect(listen)
    try:
        yield told
    finally:
        status_changed.disconnect(listen)


def merge(parent: Report, *children: Report, by: Principal = STAFF) -> Report:
    return merge_reports(parent=parent, children=children, by=by, now=LATER)


def split(report: Report, by: Principal = STAFF) -> Report:
    return split_report(report=report, by=by, now=LATER)


def set_status(report: Report, status: str) -> Report:
    return take_step(report, status, now=LATER)


def state(report: Report) -> tuple[str, int | None]:
    """Its status, and which report it follows."""
    return Report.objects.values_list("status", "duplicate_of_id").get(pk=report.pk)


def last_line(report: Report) -> tuple[str, dict[str, Any], dict[str, Any]]:
    line = HistoryEntry.objects.filter(report=report).order_by("-id").first()
    assert line is not None
    return line.action, line.old, line.new


@pytest.mark.usefixtures("_city")
class TestMerging:
    def test_a_child_takes_the_status_of_its_parent_at_once_and_follows_it(self) -> None:
        parent, child = make_report(status="in_progress"), make_report()
        with changes_told() as told:
            merge(parent, child)
            assert told == [(child.public_id, "in_progress")]
            set_status(parent, "resolved")
        assert state(child) == ("resolved", parent.pk)
        assert Report.objects.get(pk=child.pk).closed_at == LATER
        assert sorted(told[1:]) == sorted([(parent.public_id, "resolved"), (child.public_id, "resolved")])

    def test_the_history_of_a_child_names_its_parent_by_its_public_id(self) -> None:
        parent, child = make_report(status="in_progress"), make_report()
        merge(parent, child)
        assert last_line(child) == (
            "merged",
            {"status": "submitted"},
            {"status": "in_progress", "duplicate_of": parent.public_id},
        )
        split(child)
        assert last_line(child) == (
            "split",
            {"status": "in_progress", "duplicate_of": parent.public_id},
            {"status": "submitted"},
        )

    def test_a_split_report_has_the_status_that_it_had_before_it_was_merged(self) -> None:
        parent, child = make_report(status="in_progress"), make_report(status="assigned")
        merge(parent, child)
        set_status(parent, "resolved")
        with changes_told() as told:
            split(child)
        assert state(child) == ("assigned", None)
        assert Report.objects.get(pk=child.pk).closed_at is None
        assert told == [(child.public_id, "assigned")]
        set_status(parent, "reopened")
        assert state(child) == ("assigned", None)

    def test_what_follows_a_child_follows_the_new_parent_and_finds_its_own_status_again(self) -> None:
        grandchild, child = make_report(status="coordination"), make_report(status="assigned")
        parent = make_report(status="in_progress")
        merge(child, grandchild)
        merge(parent, child)
        assert state(child) == state(grandchild) == ("in_progress", parent.pk)
        assert last_line(grandchild)[1] == {"status": "assigned", "duplicate_of": child.public_id}
        split(grandchild)
        assert state(grandchild) == ("coordination", None)
        # And once more: what was before the last split no longer counts.
        set_status(grandchild, "in_progress")
        set_status(grandchild, "waiting")
        merge(parent, grandchild)
        split(grandchild)
        assert state(grandchild) == ("waiting", None)

    def test_merging_again_changes_nothing(self) -> None:
        parent, child = make_report(), make_report()
        merge(parent, child)
        lines = HistoryEntry.objects.count()
        merge(parent, child)
        assert (state(child), HistoryEntry.objects.count()) == (("submitted", parent.pk), lines)

    def test_a_group_given_whole_comes_along_whole(self) -> None:
        parent, child, grandchild = make_report(), make_report(), make_report()
        merge(child, grandchild)
        merge(parent, child, grandchild)
        assert state(child) == state(grandchild) == ("submitted", parent.pk)

    def test_what_cannot_be_merged_is_a_conflict_and_changes_nothing(self) -> None:
        parent, child, other = make_report(), make_report(), make_report()
        merge(parent, child)
        for bad in (lambda: merge(child, other), lambda: merge(other, child), lambda: merge(other, other)):
            with pytest.raises(Conflict):
                bad()
        with pytest.raises(Conflict):
            split(other)
        assert (state(child), state(other)) == (("submitted", parent.pk), ("submitted", None))

    def test_reports_of_two_cities_are_not_merged(self) -> None:
        make_city("makassar", west=119.4, south=-5.2)
        here, there = make_report(), make_report(location=Point(119.43, -5.15, srid=4326))
        with pytest.raises(Conflict):
            merge(here, there)

    def test_only_staff_of_the_city_merge_and_split(self) -> None:
        parent, child, other = make_report(), make_report(), make_report()
        merge(parent, child)
        for stranger in (
            PUBLIC,
            Principal(channel=make_channel()),
            Principal(user_id=8, grants=(Grant("dispatcher", parent.city_id + 1),)),
        ):
            with pytest.raises(Forbidden):
                merge(parent, other, by=stranger)
            with pytest.raises(Forbidden):
                split(child, by=stranger)

    def test_a_merged_report_does_not_change_its_status_by_itself(self) -> None:
        parent, child = make_report(), make_report()
        merge(parent, child)
        with pytest.raises(Conflict):
            set_status(child, "resolved")

    def test_a_public_note_names_no_reporter_of_the_group_at_any_of_its_reports(self) -> None:
        parent = make_report(contact=Contact(name="Siti Rahma"))
        children = [make_report(contact=Contact(name="Budi Santoso")), make_report(contact=Contact(email="ani@x.id"))]
        merge(parent, *children)
        with changes_told() as told:
            take_step(parent, "assigned", now=LATER, note="Siti Rahma dan Budi Santoso dihubungi")
        assert len(told) == 3
        assert list(HistoryNote.objects.values_list("text", flat=True)) == ["[nama] dan [nama] dihubungi"] * 3

    def test_a_public_note_tells_no_place_if_that_of_any_of_the_group_is_hidden(self) -> None:
        parent, child = make_report(), make_report(category=make_category("kekerasan", public_grid_m=500))
        merge(parent, child)
        note = "Di -6.25321, 106.93123"
        take_step(parent, "assigned", now=LATER, note=note)
        assert list(HistoryNote.objects.values_list("text", flat=True)) == ["Di [tempat]"] * 2
        split(child)
        take_step(parent, "in_progress", now=LATER, note=note)
        last = HistoryNote.objects.filter(report=parent).order_by("-id").first()
        assert last is not None
        assert last.text == note

    def test_a_note_that_is_not_public_stays_as_it_was_written(self) -> None:
        parent, child = make_report(), make_report(contact=Contact(name="Budi Santoso"))
        merge(parent, child)
        take_step(parent, "assigned", now=LATER, note="Budi Santoso", note_is_public=False)
        assert list(HistoryNote.objects.values_list("text", "is_public")) == [("Budi Santoso", False)] * 2

    def test_support_of_a_merged_report_goes_to_its_parent(self) -> None:
        parent, child = make_report(), make_report()
        support_report(report=child, device_hash="a", now=LATER)
        merge(parent, child)
        assert support_report(report=child, device_hash="b", now=LATER).support_count == 1
        assert support_report(report=parent, device_hash="b", now=LATER).is_new is False
        counts = dict(Report.objects.values_list("id", "support_count"))
        assert counts == {parent.pk: 1, child.pk: 1}

    def test_a_closed_report_collects_no_support(self) -> None:
        for status in ("resolved", "rejected", "duplicate"):
            with pytest.raises(Conflict):
                support_report(report=make_report(status=status), device_hash="a", now=LATER)
        hidden, child = make_report(is_public=False), make_report()
        merge(hidden, child)
        with pytest.raises(Conflict):
            support_report(report=child, device_hash="a", now=LATER)
        assert not ReportSupport.objects.exists()


def in_thread(work: Callable[[], Any], errors: list[BaseException]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # Not pg_stat_activity: within a transaction that stays as it was when it was first read.
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def while_it_waits(first: Callable[[], Any], second: Callable[[], Any]) -> list[BaseException]:
    """Does `first` and commits it when `second`, begun meanwhile by another session, waits for it; what `second` raised."""
    errors: list[BaseException] = []
    with transaction.atomic():
        first()
        thread = in_thread(second, errors)
        while thread.is_alive() and not somebody_waits():
            pass
    thread.join(timeout=30)
    assert not thread.is_alive()
    return errors


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_city")
class TestWhileOthersWrite:
    def test_a_parent_that_is_merged_meanwhile_is_a_conflict(self) -> None:
        top, parent, child = make_report(), make_report(), make_report()
        (error,) = while_it_waits(lambda: merge(top, parent), lambda: merge(parent, child))
        assert isinstance(error, Conflict)
        assert (state(parent), state(child)) == (("submitted", top.pk), ("submitted", None))

    def test_a_child_that_is_merged_elsewhere_meanwhile_is_a_conflict(self) -> None:
        first, second, child = make_report(), make_report(), make_report()
        (error,) = while_it_waits(lambda: merge(first, child), lambda: merge(second, child))
        assert isinstance(error, Conflict)
        assert state(child) == ("submitted", first.pk)

    def test_a_child_merged_while_its_parent_changes_has_the_new_status(self) -> None:
        parent, child = make_report(), make_report()
        assert while_it_waits(lambda: set_status(parent, "in_progress"), lambda: merge(parent, child)) == []
        assert state(child) == ("in_progress", parent.pk)

    def test_a_change_of_status_that_waits_for_a_merge_reaches_the_new_child(self) -> None:
        parent, child = make_report(status="in_progress"), make_report()
        assert while_it_waits(lambda: merge(parent, child), lambda: set_status(parent, "resolved")) == []
        assert state(child) == ("resolved", parent.pk)

    def test_a_split_that_waits_for_a_merge_of_its_parent_splits_from_the_new_one(self) -> None:
        top, parent, child = make_report(), make_report(), make_report(status="assigned")
        merge(parent, child)
        assert while_it_waits(lambda: merge(top, parent), lambda: split(child)) == []
        assert (state(parent), state(child)) == (("submitted", top.pk), ("assigned", None))

    def test_of_two_splits_at_once_the_later_is_a_conflict(self) -> None:
        parent, child = make_report(), make_report()
        merge(parent, child)
        (error,) = while_it_waits(lambda: split(child), lambda: split(child))
        assert isinstance(error, Conflict)
        assert HistoryEntry.objects.filter(report=child, action="split").count() == 1

    def test_support_that_waits_for_a_merge_goes_to_the_parent(self) -> None:
        parent, child = make_report(), make_report()
        supported = lambda: support_report(report=child, device_hash="a", now=LATER)  # noqa: E731
        assert while_it_waits(lambda: merge(parent, child), supported) == []
        assert dict(Report.objects.values_list("id", "support_count")) == {parent.pk: 1, child.pk: 0}

    @pytest.mark.parametrize("seed", range(3))
    def test_many_writers_at_once_never_deadlock_and_leave_whole_groups(self, seed: int) -> None:
        """Eight writers, twelve rounds each, over five reports: who is refused is refused in words."""
        reports = [make_report() for _i in range(5)]
        errors: list[BaseException] = []
        writers = [in_thread(lambda n=n: write_at_random(reports, seed * 100 + n), errors) for n in range(8)]
        for writer in writers:
            writer.join(timeout=60)
        assert errors == []
        assert not any(writer.is_alive() for writer in writers)
        assert_whole(reports)


def write_at_random(reports: list[Report], seed: int) -> None:
    chance = random.Random(seed)
    for _round in range(12):
        one, two, three = chance.sample(reports, 3)
        what = chance.choice(["merge", "merge", "split", "split", "status", "status", "revise", "withdraw", "support"])
        try:
            if what == "merge":
                merge(one, two, three)
            elif what == "split":
                split(one)
            elif what == "status":
                set_status(one, chance.choice(["coordination", "assigned", "in_progress", "waiting"]))
            elif what == "revise":
                revise_report(report=one, by=STAFF, now=LATER, description=f"{seed} {_round}")
            elif what == "withdraw":
                withdraw_report(report=one, by=STAFF, now=LATER)
            else:
                support_report(report=one, device_hash=f"{seed} {_round}", now=LATER)
        except (Conflict, InvalidFields):  # the second: what the step needs is another since it was looked at
            pass


def assert_whole(reports: list[Report]) -> None:
    """Nobody follows a follower; who follows has the parent's status; the history ends in the status; counts are right."""
    found = Report.objects.in_bulk([report.pk for report in reports])
    assert (
        any(report.duplicate_of_id for report in found.values())
        or HistoryEntry.objects.filter(action="merged").exists()
    )
    for report in found.values():
        if report.duplicate_of_id is not None:
            parent = found[report.duplicate_of_id]
            assert parent.duplicate_of_id is None
            assert report.status == parent.status
        steps = HistoryEntry.objects.filter(report=report, new__has_key="status").order_by("id")
        for before, after in pairwise(steps):
            assert after.old["status"] == before.new["status"]
        last = steps.last()
        assert last is not None
        assert last.new["status"] == report.status
        assert ReportSupport.objects.filter(report=report).count() == report.support_count

"""Evidence of what was done: what is found out about it, to which closing it belongs, and that it decides nothing."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import translation

from geo.models import HistoryEntry, Report, ReportEvidence
from geo.reports.access.principals import Grant, Link, Principal, Role
from geo.reports.evidence.services import MOST, add_evidence, remove_evidence
from geo.reports.evidence.services import QUERIES as SQL
from geo.reports.merging import merge_reports
from geo.reports.photos.perceptual import bands
from geo.reports.workflow import Actor
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, centre, make_agency, make_category, make_city, make_report
from tests.pictures import copied, plain, shot, uploaded
from tests.workflow_paths import bring_to, take_step

pytestmark = pytest.mark.django_db

# 17:00 in Bekasi; the report came in at 12:00, and the photos were taken at 15:00.
LATER = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def report() -> Report:
    city = make_city()
    agency = make_agency(city, "dlh", make_category(needs_evidence=True))
    found = bring_to(make_report(), "in_progress")
    assert found.agency == agency
    return found


@pytest.fixture
def officer(report: Report) -> Principal:
    user = User.objects.create_user("petugas", is_staff=True)
    return Principal(user_id=user.pk, grants=(Grant(Role.OFFICER, report.city_id, report.agency_id),), origin="api")


def bring(report: Report, by: Principal, photo: Any, now: datetime = LATER) -> ReportEvidence:
    return add_evidence(report=report, photo=photo, by=by, now=now)[0]


def media(settings: Any) -> list[Path]:
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*.jpg"))


def test_photo_taken_there_and_then_has_no_findings(report: Report, officer: Principal) -> None:
    evidence = bring(report, officer, shot())
    assert evidence.findings == []
    assert (evidence.distance_m, evidence.taken_at) == (0, datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    assert evidence.added_by_id == officer.user_id


def test_photo_taken_elsewhere_says_how_far(report: Report, officer: Principal) -> None:
    # Ten seconds of latitude north: a degree of the meridian is 110,587 m at 6.25 degrees, so 307.2 m.
    evidence = bring(report, officer, shot(latitude=(6.0, 14.0, 50.0)))
    assert evidence.findings == [{"code": "far", "distance_m": 307}]


def test_photo_without_metadata_is_taken_and_said_to_have_none(report: Report, officer: Principal) -> None:
    assert bring(report, officer, plain()).findings == [{"code": "no_place"}, {"code": "no_time"}]


def test_same_picture_smaller_and_encoded_badly_is_known_from_another_report(
    report: Report, officer: Principal
) -> None:
    other = bring_to(make_report(), "in_progress")
    bring(other, officer, shot(1))
    assert bring(report, officer, copied(1)).findings == [{"code": "seen_before", "report": other.public_id}]


def test_another_picture_is_not_taken_for_one_that_was_seen(report: Report, officer: Principal) -> None:
    other = bring_to(make_report(), "in_progress")
    for number in range(2, 8):
        bring(other, officer, shot(number))
    assert bring(report, officer, shot(1)).findings == []


def test_pictures_of_another_city_are_not_looked_at(report: Report, officer: Principal) -> None:
    make_city("kota-lain", west=110.0)
    other = bring_to(make_report(location=centre("kota-lain.1.1")), "in_progress")
    bring(other, Principal(is_superuser=True), shot(1))
    assert bring(report, officer, shot(1)).findings == []


def test_photo_that_came_with_the_report_proves_nothing(officer: Principal) -> None:
    sent = bring_to(make_report(photos=[shot(3)]), "in_progress")
    assert bring(sent, officer, copied(3)).findings == [{"code": "seen_before", "report": sent.public_id}]


def test_photo_that_came_with_a_report_of_the_group_is_known(report: Report, officer: Principal) -> None:
    follower = make_report(photos=[shot(3)])
    merge_reports(parent=report, children=[follower], by=Principal(is_superuser=True), now=NOW)
    assert bring(report, officer, copied(3)).findings == [{"code": "seen_before", "report": follower.public_id}]


def test_findings_keep_nobody_from_closing(report: Report, officer: Principal) -> None:
    bring(report, officer, plain())
    take_step(report, "resolved", by=officer, now=LATER, note="Sudah diangkut.")
    report.refresh_from_db()
    assert report.status == "resolved"


def test_category_that_wants_evidence_is_not_closed_without(report: Report, officer: Principal) -> None:
    with pytest.raises(InvalidFields) as refused:
        take_step(report, "resolved", by=officer, note="Sudah diangkut.")
    assert set(refused.value.fields) == {"evidence"}


def test_evidence_from_before_a_reopening_proves_no_later_closing(report: Report, officer: Principal) -> None:
    bring(report, officer, shot(1))
    take_step(report, "resolved", by=officer, now=LATER)
    take_step(report, "reopened", by=officer, now=LATER + timedelta(hours=1))
    with pytest.raises(InvalidFields):
        take_step(report, "resolved", by=officer, now=LATER + timedelta(hours=2))
    bring(report, officer, shot(2, time="2026:03:01 18:30:00"), LATER + timedelta(hours=2))
    take_step(report, "resolved", by=officer, now=LATER + timedelta(hours=2))


def test_note_and_evidence_of_a_reopened_report_leave_what_was_brought_since_as_it_is(
    report: Report, officer: Principal
) -> None:
    from geo.reports.notes import add_note

    bring(report, officer, shot(1))
    take_step(report, "resolved", by=officer, now=LATER)
    take_step(report, "reopened", by=officer, now=LATER + timedelta(hours=1))
    bring(report, officer, shot(2, time="2026:03:01 18:30:00"), LATER + timedelta(hours=2))
    add_note(report=report, text="Regu kembali.", by=officer, now=LATER + timedelta(hours=3))
    take_step(report, "resolved", by=officer, now=LATER + timedelta(hours=4))


def test_photo_of_the_closing_that_was_not_believed_is_old_and_known(report: Report, officer: Principal) -> None:
    bring(report, officer, shot(1))
    take_step(report, "resolved", by=officer, now=LATER)
    take_step(report, "reopened", by=officer, now=LATER + timedelta(hours=1))
    again = bring(report, officer, copied(1), LATER + timedelta(hours=2))
    assert again.findings == [
        {"code": "older_than_reopening"},
        {"code": "seen_before", "report": report.public_id},
    ]
    with pytest.raises(Conflict, match="earlier closing"):
        bring(report, officer, shot(1), LATER + timedelta(hours=2))


def test_photo_that_is_sent_again_is_the_first_one(report: Report, officer: Principal) -> None:
    first, is_new = add_evidence(report=report, photo=shot(), by=officer, now=LATER)
    again, is_new_again = add_evidence(report=report, photo=shot(), by=officer, now=LATER + timedelta(minutes=1))
    assert (first.pk, is_new, is_new_again) == (again.pk, True, False)
    assert HistoryEntry.objects.filter(report=report, action="evidence").count() == 1


def test_history_says_who_brought_it_and_what_was_found(report: Report, officer: Principal) -> None:
    evidence = bring(report, officer, shot(latitude=(6.0, 14.0, 50.0)))
    line = HistoryEntry.objects.get(report=report, action="evidence")
    assert line.new == {"evidence": evidence.pk, "findings": ["far"]}
    assert (line.user_id, line.agency_id, line.at, line.origin) == (officer.user_id, report.agency_id, LATER, "api")


def test_evidence_changes_nothing_that_a_second_officer_has_seen(report: Report, officer: Principal) -> None:
    before = report.updated_at
    bring(report, officer, shot())
    take_step(report, "resolved", by=officer, now=LATER, as_of=before)


def test_what_the_camera_wrote_is_not_in_the_file(report: Report, officer: Principal, settings: Any) -> None:
    bring(report, officer, shot())
    (file,) = media(settings)
    assert file.parent.parent.parent.name == "evidence"
    assert b"MAKER-X" not in file.read_bytes()
    assert b"Exif" not in file.read_bytes()


def test_file_that_is_no_photo_leaves_nothing(report: Report, officer: Principal, settings: Any) -> None:
    with pytest.raises(InvalidFields) as refused:
        bring(report, officer, uploaded(b"GIF89a nothing"))
    assert set(refused.value.fields) == {"photo"}
    assert (media(settings), ReportEvidence.objects.count()) == ([], 0)


def test_more_than_a_closing_needs_is_refused_without_a_file(report: Report, officer: Principal, settings: Any) -> None:
    for number in range(MOST):
        bring(report, officer, shot(number))
    with pytest.raises(Conflict, match="10 photos"):
        bring(report, officer, shot(MOST))
    assert len(media(settings)) == MOST


@pytest.mark.parametrize("role", [Role.PLANNER, Role.MAYOR])
def test_who_does_not_deal_with_it_brings_nothing(report: Report, role: Role) -> None:
    with pytest.raises(Forbidden):
        bring(report, Principal(user_id=1, grants=(Grant(role, report.city_id),)), shot())


def test_reporter_brings_no_evidence_and_an_agencys_link_does(report: Report) -> None:
    with pytest.raises(Forbidden):
        bring(report, Principal(link=Link(report.pk, Actor.REPORTER)), shot())
    field = Principal(link=Link(report.pk, Actor.OFFICER, report.agency_id))
    assert bring(report, field, shot()).added_by_id is None


def test_report_that_follows_another_has_no_evidence_of_its_own(report: Report, officer: Principal) -> None:
    follower = bring_to(make_report(), "in_progress")
    merge_reports(parent=report, children=[follower], by=Principal(is_superuser=True), now=NOW)
    with pytest.raises(Conflict, match="follows"):
        bring(follower, officer, shot())


def test_rejected_report_takes_no_evidence(report: Report, officer: Principal) -> None:
    bring_to(report, "rejected")
    with pytest.raises(Conflict):
        bring(report, officer, shot())


def test_evidence_is_taken_away_by_dispatchers_alone_and_the_history_keeps_that(
    report: Report, officer: Principal, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    evidence = bring(report, officer, shot())
    number = evidence.pk
    with pytest.raises(Forbidden):
        remove_evidence(evidence=evidence, by=officer, now=LATER)
    dispatcher = Principal(user_id=9, grants=(Grant(Role.DISPATCHER, report.city_id),))
    with django_capture_on_commit_callbacks(execute=True):
        remove_evidence(evidence=evidence, by=dispatcher, now=LATER)
    assert media(settings) == []
    line = HistoryEntry.objects.get(report=report, action="evidence_removed")
    assert (line.new, line.user_id) == ({"evidence": number}, 9)


def test_alike_pictures_are_looked_up_in_the_index_of_their_bands(report: Report) -> None:
    dice, wanted = random.Random(1), "cd2c3462d2f81fa5"
    hashes = [f"{dice.getrandbits(64):016x}" for _number in range(3000)] + ["cd2c3462d2f81f00"]
    ReportEvidence.objects.bulk_create(
        ReportEvidence(
            report=report,
            image="none.jpg",
            width=8,
            height=8,
            sha256=f"{number:064x}",
            perceptual_hash=perceptual,
            hash_bands=bands(perceptual),
            added_at=NOW,
        )
        for number, perceptual in enumerate(hashes)
    )
    asked = {"bands": bands(wanted), "hash": wanted, "alike_bits": 6, "city_id": report.city_id}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE geo_reportevidence")
        cursor.execute(f"EXPLAIN {SQL.alike_evidence}", {**asked, "report_id": 0, "reopened_at": None})
        plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "evidence_bands" in plan
        # 0xa5 has four bits.
        cursor.execute(SQL.alike_evidence, {**asked, "report_id": 0, "reopened_at": None})
        assert cursor.fetchall() == [(report.public_id,)]

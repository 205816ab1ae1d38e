"""One field link, pressed by many fingers at once: one step, and nobody meets an error that is not a sentence."""

from typing import Any

import pytest
from django.utils import timezone

from geo.models import AgencyContact, FieldLink, HistoryEntry, Report
from geo.operations.field_links.links import LinkEnded
from geo.operations.field_links.services import accept, close, send_links
from geo.reports.access.principals import Principal
from tests.db.test_status_races import OFFICERS, all_at_once
from tests.factories import make_agency, make_category, make_city, make_report
from tests.workflow_paths import bring_to

pytestmark = pytest.mark.django_db(transaction=True)


def sent() -> FieldLink:
    agency = make_agency(make_city(), "dlh", make_category())
    report = bring_to(make_report(now=timezone.now()), "assigned")
    AgencyContact.objects.create(agency=agency, name="Piket", kind="email", address="piket@dlh.example")
    return send_links(report=report, by=Principal(is_superuser=True), now=timezone.now())[0]


def steps(link: FieldLink, status: str) -> int:
    return HistoryEntry.objects.filter(report=link.report, action="status", new__status=status).count()


def test_of_many_acceptances_at_once_one_is_a_step_and_none_fails() -> None:
    link = sent()
    results: list[Any] = all_at_once(lambda _number: accept(link=link, now=timezone.now()))
    assert results == [None] * OFFICERS
    assert steps(link, "in_progress") == 1


def test_of_many_closings_at_once_one_is_a_step_and_the_others_are_thanked() -> None:
    link = sent()
    results: list[Any] = all_at_once(lambda _number: close(link=link, note="Sudah", photo=None, now=timezone.now()))
    late = [result for result in results if result is not None]
    assert len(late) == OFFICERS - 1
    assert {(type(one), one.link.used) for one in late} == {(LinkEnded, "resolved")}
    assert (steps(link, "resolved"), Report.objects.get().status) == (1, "resolved")

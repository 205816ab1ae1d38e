"""Nobody outside is told of an exercise: no subscriber, channel, reporter, agency, nobody on call."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import translation

from geo.areas.models import City
from geo.models import (
    AgencyContact,
    ChannelConnection,
    Closing,
    Escalation,
    OnCallLevel,
    OutboxMessage,
    Report,
    ReportContact,
    Subscription,
)
from geo.operations.duty.escalation import escalate_due
from geo.operations.field_links.services import send_links
from geo.operations.mayor.instructions import give_instruction
from geo.reports.status import change_status
from geo.reports.workflow import Status
from server.core.errors import InvalidFields
from tests.db.drills import begin, chief, rise, river_city, tell
from tests.factories import (
    NOW,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return river_city()


def test_no_subscriber_hears_of_a_report_or_an_alert_of_a_drill(city: City) -> None:
    Subscription.objects.create(
        kind="email", email="siti@example.org", city=city, scope="city", events=["submitted", "status", "alert", "incident"],
        created_at=NOW, confirmed_at=NOW,
    )  # fmt: skip
    begin(city)
    tell()
    rise()
    assert OutboxMessage.objects.count() == 0


def test_no_channel_is_told_how_a_report_of_a_drill_stands(city: City) -> None:
    report = tell()
    ChannelConnection.objects.create(channel=report.channel, adapter="qlue", status_url="https://qlue.example.org/")
    change_status(report=report, status=Status.ASSIGNED, by=chief(), now=NOW)
    assert OutboxMessage.objects.count() == 0


def test_no_reporter_is_asked_whether_a_report_of_a_drill_is_done(city: City) -> None:
    report = tell()
    ReportContact.objects.create(report=report, email="warga@example.org")
    for step in (Status.IN_PROGRESS, Status.RESOLVED):
        change_status(report=report, status=step, by=chief(), now=NOW, note="Selesai")
    assert Closing.objects.filter(report=report).exists()
    assert OutboxMessage.objects.count() == 0


def test_nobody_on_call_is_called_for_a_drill(city: City) -> None:
    OnCallLevel.objects.create(
        city=city,
        name="Komandan",
        position=1,
        after_minutes=5,
        email="komandan@example.org",
        active_since=NOW - timedelta(days=9),
    )
    begin(city)
    report, alert = tell(), rise()
    Report.objects.filter(pk=report.pk).update(response_due_at=NOW)
    assert alert.acknowledged_at is None
    escalate_due(NOW + timedelta(days=1))
    assert (Escalation.objects.count(), OutboxMessage.objects.count()) == (0, 0)


def test_no_agency_is_sent_a_link_to_a_report_of_a_drill(city: City) -> None:
    report = tell()
    AgencyContact.objects.create(agency=report.agency, kind="email", address="bpbd@example.org")
    assert len(send_links(report=report, by=chief(), now=NOW)) == 1
    assert OutboxMessage.objects.count() == 0


def test_the_mayor_gives_no_instruction_about_a_drill(city: City) -> None:
    by = replace(chief(), is_superuser=True)
    with translation.override("en"), pytest.raises(InvalidFields, match="exercise"):
        give_instruction(city=city, target=tell(), deadline=NOW + timedelta(days=1), text="Segera", by=by, now=NOW)

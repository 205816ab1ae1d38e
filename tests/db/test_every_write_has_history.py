"""Every service that writes on reports leaves who, what, when and from where.

The services are found by walking the modules (tests/report_writers.py). One that stands in neither table fails the first test;
each of `WRITES` is done, and its line of history looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from geo.models import Agency, CityRole, HistoryEntry, OutboxMessage, Report, ReportEvidence
from geo.operations.clocks.services import recompute_deadlines
from geo.operations.closing.services import answer_closing, reopen_report
from geo.operations.field_links.models import AgencyContact
from geo.operations.field_links.services import accept, close, end_links, hand_over, send_links
from geo.operations.incidents.messages import message_reporters
from geo.operations.incidents.services import change_reports, open_incident
from geo.operations.mayor.instructions import give_instruction, move_instruction
from geo.operations.mayor.models import Instruction, State
from geo.operations.outbox.remote_photos import enqueue_photos, fetch_photo
from geo.operations.routing.models import RoutingPolicy
from geo.operations.routing.services import reroute
from geo.reports.access.principals import Grant, Link, Principal, Role
from geo.reports.evidence.services import add_evidence, remove_evidence
from geo.reports.importing.importer import import_rows
from geo.reports.insertion import Contact
from geo.reports.merging import merge_reports, split_report
from geo.reports.notes import add_note
from geo.reports.personal_data.person import erase_person, read_person
from geo.reports.personal_data.retention import anonymise_due
from geo.reports.revision import revise_report, withdraw_report
from geo.reports.services import moderate_report, refresh_public_points, submit_report
from geo.reports.status import change_status
from geo.reports.workflow import Actor, Status
from tests.factories import NOW, make_agency, make_category, make_channel, make_city, make_report
from tests.photo_files import encoded
from tests.receiver import Answer, Receiver
from tests.report_writers import report_writers
from tests.workflow_paths import bring_to

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
ROOMS = ("reports", "operations", "placement", "channels", "layers", "open311")


@dataclass(frozen=True, slots=True)
class Left:
    """The line that is expected: on which report, what, and who from where."""

    report: Report
    action: str
    user_id: int | None = None
    channel: str | None = None
    origin: str = "api"


def dispatcher(report: Report) -> Principal:
    return Principal(user_id=41, grants=(Grant(Role.DISPATCHER, report.city_id),), origin="api")


def reporter(report: Report) -> Principal:
    return Principal(link=Link(report.pk, Actor.REPORTER), origin="link")


def photo(colour: str = "red") -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", encoded(Image.new("RGB", (60, 40), colour), "JPEG"), "image/jpeg")


def latest() -> Report:
    return Report.objects.latest("id")


def submitted() -> Left:
    by = Principal(user_id=41, grants=(Grant(Role.OFFICER, make_report().city_id, area_id=1),), origin="api")
    report, _is_new = submit_report(
        channel=make_channel("staff"),
        category=make_category(),
        location=Point(106.93, -6.25, srid=4326),
        by=by,
        now=LATER,
    )
    return Left(report, "submitted", 41, "staff")


def imported() -> Left:
    make_category()
    row = {"category": "sampah", "lon": "106.93", "lat": "-6.25", "reported_at": "2026-03-01T05:00:00Z"}
    assert import_rows([row], channel=make_channel("berkas"), now=LATER, origin="command").stored == 1
    return Left(latest(), "submitted", None, "berkas", "command")


def revised() -> Left:
    report = make_report(channel=make_channel("qlue"))
    revise_report(report=report, by=Principal(channel=report.channel, origin="ogc"), now=LATER, description="Baru")
    return Left(report, "revised", None, "qlue", "ogc")


def withdrawn() -> Left:
    report = make_report(channel=make_channel("qlue"))
    withdraw_report(report=report, by=Principal(channel=report.channel, origin="ogc"), now=LATER)
    return Left(report, "withdrawn", None, "qlue", "ogc")


def moderated() -> Left:
    report, user = make_report(), User.objects.create(username="petugas")
    moderate_report(report=report, is_public=False, public_description="x", user=user, now=LATER, origin="admin")
    return Left(report, "moderated", user.pk, origin="admin")


def refreshed() -> Left:
    report = make_report()
    by = Principal(user_id=41, is_superuser=True, origin="admin")
    refresh_public_points(category=report.category, now=LATER, by=by)
    return Left(report, "refreshed", 41, origin="admin")


def stepped() -> Left:
    report = make_report()
    change_status(report=report, status=Status.IN_PROGRESS, by=dispatcher(report), now=LATER)
    return Left(report, "status", 41)


def merged() -> Left:
    parent, child = make_report(), make_report()
    merge_reports(parent=parent, children=[child], by=dispatcher(parent), now=LATER)
    return Left(child, "merged", 41)


def split() -> Left:
    child = merged().report
    split_report(report=child, by=dispatcher(child), now=LATER)
    return Left(child, "split", 41)


def noted() -> Left:
    report = make_report()
    add_note(report=report, text="Tim menuju lokasi.", by=dispatcher(report), now=LATER)
    return Left(report, "note", 41)


def evidence_brought() -> Left:
    report = bring_to(make_report(), "in_progress")
    add_evidence(report=report, photo=photo(), by=dispatcher(report), now=LATER)
    return Left(report, "evidence", 41)


def evidence_removed() -> Left:
    report = evidence_brought().report
    remove_evidence(evidence=ReportEvidence.objects.get(report=report), by=dispatcher(report), now=LATER)
    return Left(report, "evidence_removed", 41)


def photo_fetched() -> Left:
    report = make_report(channel=make_channel("qlue"))
    with Receiver(lambda request: Answer(200, encoded(Image.new("RGB", (60, 40), "blue"), "JPEG"))) as server:
        enqueue_photos(report_urls=[(report.pk, f"{server.url}/a.jpg")], now=NOW)
        fetch_photo(OutboxMessage.objects.get(topic="photo.fetch"))
    return Left(report, "photo_added", None, "qlue", "outbox")


def closing_answered() -> Left:
    report = bring_to(make_report(), "resolved")
    answer_closing(report=report, is_done=True, by=reporter(report), now=LATER)
    return Left(report, "answered", origin="link")


def reopened() -> Left:
    report = bring_to(make_report(), "resolved")
    reopen_report(report=report, reason="Masih ada", by=reporter(report), now=LATER)
    return Left(report, "status", origin="link")


def rerouted() -> Left:
    report = make_report()
    make_agency(report.city, "dlh", report.category)
    assert reroute(city=report.city, by=dispatcher(report), now=LATER).reports == 1
    return Left(report, "rerouted", 41)


def joined_to_an_incident() -> Left:
    report, other = make_report(), make_report()
    incident = open_incident(city=report.city, title="Banjir", reports=[other], by=dispatcher(report), now=NOW)
    change_reports(incident=incident, add=[report], by=dispatcher(report), now=LATER)
    return Left(report, "incident_joined", 41)


def told_of_an_incident() -> Left:
    report = make_report()
    incident = open_incident(city=report.city, title="Banjir", reports=[report], by=dispatcher(report), now=NOW)
    message_reporters(incident=incident, text="Pompa dijalankan.", by=dispatcher(report), now=LATER)
    return Left(report, "note", 41)


def anonymised() -> Left:
    report = make_report(contact=Contact(phone="081234567890"), now=NOW - timedelta(days=3000))
    assert anonymise_due(LATER) == 1
    return Left(report, "anonymised", origin="schedule")


def erased() -> Left:
    report = make_report(contact=Contact(email="siti@example.org"))
    assert erase_person(read_person(email="siti@example.org"), now=LATER).reports == 1
    return Left(report, "erased", origin="command")


def masked() -> Left:
    make_report(contact=Contact(email="siti@example.org"))
    named = make_report(description="Tanya siti@example.org")
    assert erase_person(read_person(email="siti@example.org"), now=LATER).mentions == 1
    return Left(named, "masked", origin="command")


def called_to_arbiter() -> Left:
    report, user = make_report(), User.objects.create(username="penengah", is_staff=True)
    CityRole.objects.create(user=user, city=report.city, role=Role.DISPATCHER)
    RoutingPolicy.objects.create(city=report.city, handovers_before_arbiter=1, arbiter=user)
    first, second = make_agency(report.city, "dlh"), make_agency(report.city, "dbmsda")
    for agency in (first, second):
        change_status(
            report=report,
            status=Status.COORDINATION,
            by=dispatcher(report),
            now=LATER,
            note="Bukan kami",
            agency=agency,
        )
    return Left(report, "arbitration", 41)


def sent_out() -> tuple[Report, Any]:
    report = bring_to(make_report(), Status.ASSIGNED)
    assert report.agency is not None
    AgencyContact.objects.create(agency=report.agency, name="Piket", kind="email", address="piket@example.org")
    (link,) = send_links(report=report, by=dispatcher(report), now=LATER)
    return report, link


def link_sent() -> Left:
    return Left(sent_out()[0], "field_link", 41)


def link_withdrawn() -> Left:
    report, _link = sent_out()
    end_links(report=report, by=dispatcher(report), now=LATER)
    return Left(report, "field_link_withdrawn", 41)


def accepted_by_link() -> Left:
    report, link = sent_out()
    accept(link=link, now=LATER)
    return Left(report, "status", origin="link")


def handed_over_by_link() -> Left:
    report, link = sent_out()
    hand_over(link=link, agency=make_agency(report.city, "lain"), reason="Bukan kami", now=LATER)
    return Left(report, "status", origin="link")


def closed_by_link() -> Left:
    report, link = sent_out()
    close(link=link, note="Sudah", photo=None, now=LATER)
    return Left(report, "status", origin="link")


def recomputed() -> Left:
    report = make_report()
    Report.objects.filter(pk=report.pk).update(due_at=LATER)
    recompute_deadlines(by=Principal(user_id=41, is_superuser=True, origin="command"), now=LATER)
    return Left(report, "deadlines", 41, origin="command")


def instructed() -> Left:
    report = brought_to_an_agency()
    _instruct(report)
    return Left(report, "instruction", 41)


def instruction_followed() -> Left:
    report = brought_to_an_agency()
    instruction = _instruct(report)
    by = Principal(user_id=41, is_superuser=True, origin="link")
    move_instruction(instruction=instruction, state=State.ACKNOWLEDGED, by=by, now=LATER)
    return Left(report, "instruction", 41, origin="link")


def brought_to_an_agency() -> Report:
    report = make_report()
    make_agency(report.city, "dlh")
    return report


def _instruct(report: Report) -> Instruction:
    by = Principal(user_id=41, grants=(Grant(Role.MAYOR, report.city_id),), origin="api")
    return give_instruction(
        city=report.city,
        target=report,
        agency=Agency.objects.get(slug="dlh"),
        deadline=LATER + timedelta(days=1),
        text="Segera",
        by=by,
        now=LATER,
    )


WRITES: dict[str, tuple[Callable[[], Left], ...]] = {
    "geo.reports.services.submit_report": (submitted,),
    "geo.reports.importing.importer.import_rows": (imported,),
    "geo.reports.insertion.insert_reports": (submitted, imported),
    "geo.reports.revision.revise_report": (revised,),
    "geo.reports.revision.withdraw_report": (withdrawn,),
    "geo.reports.services.moderate_report": (moderated,),
    "geo.reports.services.refresh_public_points": (refreshed,),
    "geo.reports.status.change_status": (stepped,),
    "geo.reports.status.move_to_status": (stepped, merged),
    "geo.reports.history.add_line": (stepped,),
    "geo.reports.merging.merge_reports": (merged,),
    "geo.reports.merging.split_report": (split,),
    "geo.reports.notes.add_note": (noted,),
    "geo.reports.notes.add_notes": (noted,),
    "geo.reports.evidence.services.add_evidence": (evidence_brought,),
    "geo.reports.evidence.services.store_evidence": (evidence_brought,),
    "geo.reports.evidence.services.remove_evidence": (evidence_removed,),
    "geo.reports.personal_data.retention.anonymise_due": (anonymised,),
    "geo.reports.personal_data.retention.strip": (anonymised, erased),
    "geo.reports.personal_data.person.erase_person": (erased, masked),
    "geo.operations.outbox.remote_photos.fetch_photo": (photo_fetched,),
    "geo.operations.field_links.services.send_links": (link_sent,),
    "geo.operations.field_links.services.end_links": (link_withdrawn,),
    "geo.operations.field_links.services.accept": (accepted_by_link,),
    "geo.operations.field_links.services.hand_over": (handed_over_by_link,),
    "geo.operations.field_links.services.close": (closed_by_link,),
    "geo.operations.closing.services.answer_closing": (closing_answered,),
    "geo.operations.closing.services.reopen_report": (reopened,),
    "geo.operations.routing.services.reroute": (rerouted,),
    "geo.operations.routing.arbitration.follow": (called_to_arbiter,),
    "geo.operations.clocks.services.recompute_deadlines": (recomputed,),
    "geo.operations.incidents.services.open_incident": (joined_to_an_incident,),
    "geo.operations.incidents.services.change_reports": (joined_to_an_incident,),
    "geo.operations.incidents.messages.message_reporters": (told_of_an_incident,),
    "geo.operations.mayor.instructions.give_instruction": (instructed,),
    "geo.operations.mayor.instructions.move_instruction": (instruction_followed,),
}
# What writes on reports by one of those, or leaves no line; each with the reason.
BY_A_SERVICE = "an edge: by the services above"
IN_A_STEP = "in the transaction of a step, which has its line: the deadline is reckoned from the lines"
PLACES = "the areas of reports are reckoned anew from the boundaries; one that loses its agency by it says so: agency_withdrawn"
CONNECTS = "only connects what is called later"
OTHERS = {
    "geo.reports.report_input.store_input": BY_A_SERVICE,
    "geo.reports.services.support_report": "a count, and a row of its own with its time; who it was is the hash of a device, "
    "which is personal data and must be erasable: it may not stand in what never goes",
    "geo.reports.photos.stored.delete_photos": "of erase_person, which leaves the line",
    "geo.reports.admin.steps.ask_for_step": BY_A_SERVICE,
    "geo.reports.admin.steps.bring_photo": BY_A_SERVICE,
    "geo.reports.admin.actions.set_status": BY_A_SERVICE,
    "geo.reports.admin.actions.merge_chosen": BY_A_SERVICE,
    "geo.reports.admin.actions.split_chosen": BY_A_SERVICE,
    "geo.channels.dead_letters.replay_letters": BY_A_SERVICE,
    "geo.channels.intake.take_in": BY_A_SERVICE,
    "geo.channels.pulling.pull_channel": BY_A_SERVICE,
    "geo.open311.intake.take_in": BY_A_SERVICE,
    "geo.open311.views.create_request": BY_A_SERVICE,
    "geo.operations.clocks.services.set_deadlines": IN_A_STEP,
    "geo.operations.clocks.receivers.follow_step": IN_A_STEP,
    "geo.operations.clocks.receivers.follow_revision": IN_A_STEP,
    "geo.operations.clocks.receivers.connect": CONNECTS,
    "geo.operations.clocks.services.keep_calendars": BY_A_SERVICE,
    "geo.operations.clocks.tasks.recompute_calendar": BY_A_SERVICE,
    "geo.operations.outbox.remote_photos.connect": CONNECTS,
    "geo.operations.routing.arbitration.connect": CONNECTS,
    "geo.operations.alerts.evaluation.evaluate_alerts": BY_A_SERVICE,
    "geo.operations.alerts.incidents.keep_incidents": BY_A_SERVICE,
    "geo.operations.alerts.services.open_incident_of": "by open_incident, of no report: those join later",
    "geo.placement.services.import_areas": PLACES,
    "geo.placement.services.rebuild_placements": PLACES,
    "geo.placement.services.save_area": PLACES,
}


def test_every_writing_service_is_listed() -> None:
    found = report_writers(settings.BASE_DIR / "geo", ROOMS)
    assert sorted(found - set(WRITES) - set(OTHERS)) == []
    assert sorted({*WRITES, *OTHERS} - found) == []


@pytest.mark.parametrize(
    "write", sorted({each for ways in WRITES.values() for each in ways}, key=lambda each: each.__name__)
)
def test_a_write_leaves_who_what_when_and_from_where(write: Callable[[], Left], settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    make_city()
    User.objects.create(pk=41, username="poc")
    left = write()
    line = HistoryEntry.objects.filter(report=left.report).exclude(at__lt=LATER).order_by("-id").first()
    assert line is not None, "no line"
    assert line.action == left.action
    # The transport of photos reads the clock itself.
    assert line.at == LATER or left.action == "photo_added"
    assert (line.user_id, line.channel.slug if line.channel else None, line.origin) == (
        left.user_id,
        left.channel,
        left.origin,
    )

"""One message to all who reported an incident: a public note on each report, of which their channel is told, and an e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from geo.operations.dispatching import require_dispatcher
from geo.operations.incidents.models import Incident
from geo.operations.incidents.services import Action, log, require_handled
from geo.operations.notifications import email_transport
from geo.operations.notifications.email_transport import Letter
from geo.operations.outbox.messages import enqueue_many
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.access.principals import Principal
from geo.reports.models import HistoryEntry, HistoryNote, Report, ReportContact
from geo.reports.notes import add_notes, lock_reports, public_text
from geo.reports.status import change_status
from geo.reports.workflow import WORDS, Status
from server.core.errors import Conflict, InvalidFields, PantauError

TOPIC = "incident.message"


def connect() -> None:
    """Called once, when the app is ready."""
    email_transport.register_letter(TOPIC, compose_message)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a message: the reports that have it, those that did not take its step with the reason, the e-mails."""

    reports: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()
    emails: int = 0


def message_reporters(
    *, incident: Incident, text: str, by: Principal, now: datetime, status: Status | None = None
) -> Told:
    """Tells every reporter of an incident the same, those whose reports follow one of it included.

    With a status each report takes that step, with the text as its note; one that may not keeps its status, is told all the
    same, and is named. All of it happens, or nothing.
    Errors: Forbidden for who does not dispatch in the city, or does not deal with all of its reports; InvalidFields for an empty
            text; Conflict for an incident without reports.
    """
    require_dispatcher(by, incident.city_id)
    if not text.strip():
        raise InvalidFields({"text": [_("Needed: what is to be said.")]})
    with transaction.atomic():
        members = incident.members.values("report_id")
        of_it = Report.objects.filter(Q(pk__in=members) | Q(duplicate_of__in=members))
        reports = lock_reports(list(of_it.values_list("pk", flat=True)))
        if not reports:
            raise Conflict(_("The incident has no reports yet: nobody would hear of it."))
        require_handled(by, reports)
        text = public_text(reports, text)
        moved, refused = _take_steps(reports, status, text, by, now) if status is not None else (set(), ())
        if rest := [report for report in reports if report.pk not in moved]:
            add_notes(reports=rest, text=text, by=by, now=now)
        emails = _write_to(reports, incident, now)
        log(incident, Action.TOLD, by, now, {"reports": len(reports)} | ({"status": status.value} if status else {}))
    return Told(tuple(report.public_id for report in reports), refused, emails)


def _take_steps(
    reports: Sequence[Report], status: Status, text: str, by: Principal, now: datetime
) -> tuple[set[int], tuple[tuple[str, str], ...]]:
    """The ids of those that took the step, and the public ids of the others with why; what follows one of them goes with it."""
    ids = {report.pk for report in reports}
    moved: set[int] = set()
    refused = []
    for report in reports:
        if report.duplicate_of_id in ids:
            continue
        group = {report.pk, *(one.pk for one in reports if one.duplicate_of_id == report.pk)}
        try:
            change_status(report=report, status=status, by=by, now=now, note=text)
            moved |= group
        except PantauError as error:
            refused.append((report.public_id, error.detail))
    return moved, tuple(refused)


def _write_to(reports: Sequence[Report], incident: Incident, now: datetime) -> int:
    """A letter to every reporter who left an address: one each, however many of these reports are theirs."""
    contacts = ReportContact.objects.filter(report__in=[report for report in reports if not report.is_exercise])
    contacts = contacts.exclude(email="").order_by("report_id")
    first: dict[str, int] = {}
    for report_id, address in contacts.values_list("report_id", "email"):
        first.setdefault(address.casefold(), report_id)
    said = HistoryEntry.objects.filter(report__in=first.values(), at=now, note__isnull=False).order_by("id")
    notes = dict(said.values_list("report_id", "note_id"))
    public_ids = {report.pk: report.public_id for report in reports}
    enqueue_many(
        [
            OutboxMessage(
                transport=email_transport.TRANSPORT,
                destination=email_transport.DESTINATION,
                topic=TOPIC,
                payload={
                    "to": "reporter",
                    "report": public_ids[report_id],
                    "incident": incident.public_id,
                    "note": notes[report_id],
                },
                ordering_key=f"reporter:{public_ids[report_id]}",
                created_at=now,
                next_attempt_at=now,
            )
            for report_id in first.values()
        ]
    )
    return len(first)


def compose_message(message: OutboxMessage) -> Letter:
    """What a reporter reads: the note as it stands now. Refused once it was erased."""
    note = (
        HistoryNote.objects.filter(pk=message.payload["note"], is_public=True)
        .select_related("report__category")
        .first()
    )
    if note is None:
        raise Refused("the note that this letter tells of was erased")
    report = note.report
    subject = _("Your report %(id)s: %(category)s") % {"id": report.public_id, "category": report.category.name}
    lines = [
        _("There is a message on your report %(id)s (%(category)s):")
        % {"id": report.public_id, "category": report.category.name},
        note.text,
        _("Its status: %(status)s") % {"status": WORDS[Status(report.status)].name},
    ]
    if report.is_public:
        lines.append(email_transport.link_to(f"/api/reports/{report.public_id}/"))
    return Letter(subject, "\n\n".join(lines) + "\n")

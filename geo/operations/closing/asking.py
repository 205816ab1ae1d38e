"""Reporters are written to: with their link when their report came in, and with the question whether it is done when it is closed.

No letter quotes the report: whoever types in a stranger's address would have the city write to them what they like.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from geo.operations.closing.models import Closing
from geo.operations.notifications.email_transport import Letter, enqueue_to_reporter, link_to, register_letter
from geo.operations.outbox.models import OutboxMessage
from geo.operations.outbox.transports import Refused
from geo.reports.access.links import link_path, make_link
from geo.reports.merging import SPLIT
from geo.reports.models import Report, ReportContact
from geo.reports.services import report_submitted
from geo.reports.statements import QUERIES
from geo.reports.status import StatusChange, status_changed
from geo.reports.workflow import WORDS, Status

RECEIVED, RESOLVED = "report.received", "report.resolved"
# The history's word for a step that somebody took, and that follows from no merging.
STEP = "status"
# To one address in an hour: a form that anybody may fill in is no way to fill somebody's letter box.
MOST_LETTERS = 5


def connect() -> None:
    """Called once, when the app is ready."""
    report_submitted.connect(send_link, dispatch_uid="geo.operations.closing.send_link")
    status_changed.connect(note_closing, dispatch_uid="geo.operations.closing.note_closing")
    register_letter(RECEIVED, letter_of_receipt)
    register_letter(RESOLVED, letter_of_question)


def send_link(*, report: Report, **_sent: Any) -> None:
    """The receiver of a report that came in: its reporter gets their link, if they left an address."""
    contact = ReportContact.objects.filter(report=report).exclude(email="").first()
    if contact is not None and _may_be_written_to(contact.email, report.received_at):
        enqueue_to_reporter(report=report, topic=RECEIVED, now=report.received_at)


def note_closing(*, change: StatusChange, **_sent: Any) -> None:
    """The receiver of a step: a report that is resolved is noted, and its reporter asked; one that is open again, too."""
    report = change.report
    standing = Closing.objects.filter(report=report, reopened_at=None).order_by("-closed_at")[:1].values("pk")
    if change.old == change.new:
        return
    if change.new == Status.RESOLVED and change.action != SPLIT:
        _note_and_ask(change)
    elif change.old == Status.RESOLVED and change.new == Status.REOPENED and change.action == STEP:
        Closing.objects.filter(pk__in=standing).update(reopened_at=change.at)
    elif change.old == Status.RESOLVED and change.action == SPLIT:
        # It was closed with a group to which it does not belong: nobody has said that it is done.
        Closing.objects.filter(pk__in=standing, is_done=None).delete()


def _note_and_ask(change: StatusChange) -> None:
    closed_at = change.report.closed_at or change.at
    _closing, is_new = Closing.objects.get_or_create(
        report=change.report, closed_at=closed_at, defaults={"agency_id": change.new_agency_id}
    )
    if is_new:
        extra = {"closed_at": closed_at.isoformat()}
        enqueue_to_reporter(report=change.report, topic=RESOLVED, now=change.at, extra=extra)


def letter_of_receipt(message: OutboxMessage) -> Letter:
    """What the reporter gets who left an address: the number of the report, and the link."""
    report = _report_of(message)
    text = _(
        "Thank you for your report of %(date)s.\n\n"
        "Its number is %(id)s. By this link you can see how it stands, and answer when it is done:\n\n"
        "%(link)s\n\n"
        "Keep the link to yourself: who has it can answer for you.\n"
        "If you have not sent a report, somebody has given your address by mistake; you need not do anything.\n"
    )
    return Letter(_("Your report %(id)s has arrived") % {"id": report.public_id}, text % _words(report))


def letter_of_question(message: OutboxMessage) -> Letter:
    """Whether it is done. Refused once there is nothing to ask: it was opened again, or answered."""
    report = _report_of(message)
    closed_at = datetime.fromisoformat(message.payload["closed_at"])
    asked = Closing.objects.filter(report=report, closed_at=closed_at, reopened_at=None, is_done=None)
    if report.status != Status.RESOLVED or not asked.exists():
        raise Refused(_("There is nothing to ask of the reporter any more."))
    until = timezone.localtime(closed_at + timedelta(days=settings.REOPEN_DAYS), report.city.zone)
    text = _(
        "Your report %(id)s of %(date)s is now: %(status)s.\n\n"
        "Is it done? Please answer by this link:\n\n"
        "%(link)s\n\n"
        "If it is not, you can open the report again there until %(until)s.\n"
    )
    words = {**_words(report), "until": date_format(until, "DATE_FORMAT")}
    return Letter(_("Is it done? Your report %(id)s") % {"id": report.public_id}, text % words)


def _report_of(message: OutboxMessage) -> Report:
    """The report, while its reporter may be written to about it."""
    found = Report.objects.select_related("city").filter(public_id=message.payload["report"], anonymised_at=None)
    if (report := found.first()) is None:
        raise Refused(_("There is no such report any more."))
    return report


def _words(report: Report) -> dict[str, str]:
    reported_at = timezone.localtime(report.reported_at, report.city.zone)
    return {
        "id": report.public_id,
        "date": date_format(reported_at, "DATE_FORMAT"),
        "status": WORDS[Status(report.status)].name,
        "link": link_to(link_path(make_link(report, now=timezone.now()))),
    }


def _may_be_written_to(address: str, now: datetime) -> bool:
    """Counts a letter to this address, which is kept as a keyed hash only."""
    key = salted_hmac("pantau.letters", address.strip().lower(), algorithm="sha256").hexdigest()
    window = now.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.count_intake, {"device": key, "address": key, "window": window, "device_limit": 0})
        sent, _none = cursor.fetchone()
    return bool(sent <= MOST_LETTERS)

"""A note on reports that changes nothing else of them: written like a step, so that whoever hears of steps hears of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from geo.reports import locking
from geo.reports.access.principals import Principal
from geo.reports.models import HistoryEntry, HistoryNote, Report, ReportContact
from geo.reports.personal_data.masking import mask
from geo.reports.statements import QUERIES
from geo.reports.status import StatusChange, status_changed
from geo.reports.workflow import Status
from server.core.errors import Forbidden, InvalidFields

NOTED = "note"
_TICK = timedelta(microseconds=1)


def add_note(*, report: Report, text: str, by: Principal, now: datetime, is_public: bool = True) -> Report:
    """One report's note; see `add_notes`."""
    return add_notes(reports=[report], text=text, by=by, now=now, is_public=is_public)[0]


def add_notes(
    *, reports: Sequence[Report], text: str, by: Principal, now: datetime, is_public: bool = True
) -> list[Report]:
    """The same note on each of these reports, as locked, roots first; so many statements however many they are.

    What the public may read has no contact of any of their reporters in it: the same text stands at each.
    `status_changed` is sent for each, with old == new and the action "note"; of a note that is not public it says nothing.
    Errors: Forbidden unless `by` deals with all of them; InvalidFields for a text that says nothing.
    """
    if not text.strip():
        raise InvalidFields({"text": [_("Needed: what is to be said.")]})
    with transaction.atomic():
        locked = lock_reports([report.pk for report in reports])
        if Report.objects.handled_by(by).filter(pk__in=[one.pk for one in locked]).count() < len(locked):
            raise Forbidden(_("Only those who deal with a report write notes on it."))
        if is_public:
            text = public_text(locked, text)
        notes = HistoryNote.objects.bulk_create(
            HistoryNote(report=report, text=text, is_public=is_public) for report in locked
        )
        HistoryEntry.objects.bulk_create(
            HistoryEntry(
                report=report,
                at=now,
                action=NOTED,
                old={"status": report.status},
                new={"status": report.status},
                user_id=by.user_id,
                channel=by.channel,
                origin=by.origin,
                agency_id=report.agency_id,
                note=note,
            )
            for report, note in zip(locked, notes, strict=True)
        )
        _touch(locked, now)
        for report in locked:
            status_changed.send(sender=Report, change=_change(report, text if is_public else "", now))
    return locked


def lock_reports(report_ids: Sequence[int]) -> list[Report]:
    """These reports, locked until the transaction ends in the order in which all writers lock: roots first, each by id."""
    with connection.cursor() as cursor:
        # Before any report's own lock: when a precision changes, many reports are written in no order.
        cursor.execute(QUERIES.lock_placement)
    asked, related = Report.objects.filter(pk__in=report_ids), ("channel", "category", "agency")
    roots = locking.lock_reports(asked.filter(duplicate_of=None), *related)
    return roots + locking.lock_reports(asked.exclude(pk__in=[root.pk for root in roots]), *related)


def public_text(reports: Sequence[Report], text: str) -> str:
    """The text as it may stand at each of these reports, whoever of their reporters it names."""
    contacts = ReportContact.objects.filter(report__in=reports)
    words = sorted({word for contact in contacts for word in contact.words})
    return mask(text.strip(), words, hides_place=any(report.category.public_grid_m > 0 for report in reports))


def _touch(locked: Sequence[Report], now: datetime) -> None:
    ids = [report.pk for report in locked]
    Report.objects.filter(pk__in=ids).update(updated_at=Greatest(now, F("updated_at") + _TICK))
    for report in locked:
        report.updated_at = max(now, report.updated_at + _TICK)


def _change(report: Report, told: str, now: datetime) -> StatusChange:
    status, agency_id = Status(report.status), report.agency_id
    return StatusChange(report, status, status, now, told, agency_id, agency_id, NOTED)

"""A report's status changes here, and nowhere else; what follows from a change is written in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from geo.reports.models import HistoryEntry, HistoryNote, Report, ReportContact
from geo.reports.privacy import mask
from geo.reports.querysets import Principal
from geo.reports.statements import QUERIES
from geo.reports.workflow import CLOSED, Status
from server.core.errors import Conflict, Forbidden, Stale

# Sent inside the transaction that changes a status, with `change`: who has to tell somebody writes it into the outbox then.
status_changed = Signal()


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One report's step from one status to the next. `note` is what the public may read of it."""

    report: Report
    old: Status
    new: Status
    at: datetime
    note: str = ""


def change_status(
    *,
    report: Report,
    status: Status,
    by: Principal,
    now: datetime,
    note: str = "",
    note_is_public: bool = True,
    as_of: datetime | None = None,
) -> Report:
    """Sets a report's status, and that of the reports that were merged into it.

    Errors: Forbidden for who is no staff of its city; Conflict for a report that follows another one; Stale where it was
            changed after `as_of`, the updated_at that the writer has seen.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Before any report's own lock: when a precision changes, many reports are written in no order.
            cursor.execute(QUERIES.lock_placement)
        # The one that is followed is locked first, always; see geo.reports.merging.
        root = Report.objects.select_for_update(of=("self",)).select_related("channel", "category").get(pk=report.pk)
        if not (by.is_staff and by.may_act_in(root.city_id)):
            raise Forbidden(_("Only staff of its city change the status of a report."))
        if root.duplicate_of_id is not None:
            raise Conflict(_("This report follows the one that it was merged into; split it first."))
        if as_of is not None and root.updated_at != as_of:
            raise Stale(_("The report was changed since it was read."))
        if root.status == status:
            raise Conflict(_("The report has this status already."))
        followers = Report.objects.select_for_update(of=("self",)).select_related("channel", "category")
        group = [root, *followers.filter(duplicate_of=root).order_by("id")]
        if note_is_public:
            note = _public_note(group, note)
        for one in group:
            move_to_status(one, status, by=by, now=now, note=note, note_is_public=note_is_public)
    return root


def move_to_status(
    locked: Report,
    status: Status,
    *,
    by: Principal,
    now: datetime,
    action: str = "status",
    note: str = "",
    note_is_public: bool = True,
    old: dict[str, str] | None = None,
    new: dict[str, str] | None = None,
) -> None:
    """Writes a status, the line of history, and tells who listens; for a report that the caller has locked.

    The note is kept as it is given: who copies it to a group has masked it for the whole group.
    """
    was = Status(locked.status)
    moment = max(now, locked.updated_at + timedelta(microseconds=1))
    locked.status = status
    locked.updated_at = moment
    locked.closed_at = (locked.closed_at or now) if status in CLOSED else None
    locked.save(update_fields=["status", "updated_at", "closed_at", "duplicate_of"])
    kept = None
    if note:
        kept = HistoryNote.objects.create(report=locked, text=note, is_public=note_is_public)
    HistoryEntry.objects.create(
        report=locked,
        at=now,
        action=action,
        old={"status": was, **(old or {})},
        new={"status": status, **(new or {})},
        user_id=by.user_id,
        channel=by.channel,
        agency_id=locked.agency_id,
        note=kept,
    )
    if was != status:
        told = kept.text if kept is not None and kept.is_public else ""
        status_changed.send(sender=Report, change=StatusChange(locked, was, status, now, told))


def _public_note(group: Sequence[Report], note: str) -> str:
    """What all of a group's readers may see: the same note stands at each of its reports, whoever of them it is about.

    Asked once the group is locked, so that the contact of a report that comes along is among them.
    """
    if not note:
        return note
    contacts = ReportContact.objects.filter(report__in=group)
    words = sorted({word for contact in contacts for word in contact.words})
    return mask(note, words, hides_place=any(report.category.public_grid_m > 0 for report in group))

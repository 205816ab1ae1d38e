"""A report's steps are taken here, and nowhere else; what follows from one is written in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from geo.reports.access.principals import HANDLING, Principal
from geo.reports.evidence.services import lacks_evidence
from geo.reports.history import add_line
from geo.reports.locking import lock_reports
from geo.reports.models import Agency, HistoryNote, Report, ReportContact
from geo.reports.personal_data.masking import mask
from geo.reports.statements import QUERIES
from geo.reports.workflow import CLOSED, WORDS, Actor, Edge, Need, Status, edge_between, steps_from
from server.core.errors import Conflict, Forbidden, InvalidFields

# Sent inside the transaction that takes a step, with `change`: who has to tell somebody writes it into the outbox then.
status_changed = Signal()
# Of a report that takes a step, beside its own row.
_NEEDED = ("channel", "category", "agency")


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One report's step from one status to the next, or from one agency to the next, or both.

    `note` is what the public may read of it; `action` the history's word for it.
    """

    report: Report
    old: Status
    new: Status
    at: datetime
    note: str = ""
    old_agency_id: int | None = None
    new_agency_id: int | None = None
    action: str = "status"


class ChangedMeanwhile(Conflict):
    """Somebody took a step since the writer looked; `extra` says what is different now."""


def change_status(
    *,
    report: Report,
    status: Status,
    by: Principal,
    now: datetime,
    note: str = "",
    note_is_public: bool = True,
    agency: Agency | None = None,
    as_of: datetime | None = None,
) -> Report:
    """Takes a step of a report's workflow, and of those that were merged into it.

    `agency` is who has it from now on: needed to hand it over, else the one that has it keeps it.
    Errors: Forbidden for who may not take this step; Conflict for one that leads nowhere from here, and for a report that
            follows another one; InvalidFields for what the step needs and was not given; ChangedMeanwhile where the report
            was changed after `as_of`, the updated_at that the writer has seen.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Before any report's own lock: when a precision changes, many reports are written in no order.
            cursor.execute(QUERIES.lock_placement)
        # The one that is followed is locked first, always; see geo.reports.merging.
        (root,) = lock_reports(Report.objects.filter(pk=report.pk), *_NEEDED)
        actors = by.actors(root)
        # Asked first: a colleague's handover takes the right away, and what happened is what the second one has to know.
        is_known = bool(actors) or by.has_role(root.city_id, HANDLING)
        if as_of is not None and root.updated_at != as_of and is_known:
            raise ChangedMeanwhile(_("The report was changed since it was read."), extra=_now_of(root))
        if not actors:
            raise Forbidden(_("Only those who deal with this report take its steps."))
        if root.duplicate_of_id is not None:
            raise Conflict(_("This report follows the one that it was merged into; split it first."))
        edge = _edge(root, status, actors)
        if hindrance := _hindrance(root, edge, actors, now):
            raise Conflict(hindrance)
        _check_needs(root, edge, actors, note=note, agency=agency)
        group = [root, *lock_reports(Report.objects.filter(duplicate_of=root), *_NEEDED)]
        if note_is_public:
            note = _public_note(group, note)
        for one in group:
            move_to_status(
                one, status, by=by, now=now, note=note, note_is_public=note_is_public, agency=agency or root.agency
            )
    return root


def next_steps(report: Report, by: Principal, *, now: datetime) -> list[Edge]:
    """What this principal may do next with a report, in the order of the workflow's table."""
    if report.duplicate_of_id is not None:
        return []
    actors = by.actors(report)
    steps = steps_from(Status(report.status), actors)
    return [edge for edge in steps if _hindrance(report, edge, actors, now) is None]


def _edge(root: Report, status: Status, actors: frozenset[Actor]) -> Edge:
    edge = edge_between(Status(root.status), status)
    if edge is None:
        possible = ", ".join(WORDS[each.target].name for each in steps_from(Status(root.status), frozenset(Actor)))
        raise ChangedMeanwhile(
            _("No step leads from %(from)s to %(to)s; possible are: %(possible)s.")
            % {"from": WORDS[Status(root.status)].name, "to": WORDS[status].name, "possible": possible},
            extra=_now_of(root),
        )
    if not edge.actors & actors:
        raise Forbidden(_("This step is not yours to take."))
    return edge


def _now_of(root: Report) -> dict[str, object]:
    """What somebody who came too late has to know: how the report is now, and what was done to it last, when and by whom."""
    last = root.history.select_related("agency").order_by("-id").first()
    return {
        "current": {
            "status": root.status,
            "agency": root.agency.slug if root.agency is not None else None,
            "updated_at": _in_utc(root.updated_at),
            "last": {
                "action": last.action,
                "at": _in_utc(last.at),
                "agency": last.agency.slug if last.agency is not None else None,
            }
            if last is not None
            else None,
        }
    }


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _hindrance(report: Report, edge: Edge, actors: frozenset[Actor], now: datetime) -> str | None:
    """Why a step of theirs cannot be taken now, whatever is given with it; None where nothing stands in its way."""
    if Need.AGENCY in edge.needs and report.arbiter_id is not None and Actor.DISPATCHER not in actors:
        return _("Its arbiter decides now which agency gets this report.")
    if actors == {Actor.REPORTER} and _is_long_closed(report, now):
        return _("It was closed more than %(n)d days ago; please send a new report.") % {"n": settings.REOPEN_DAYS}
    return None


def _check_needs(root: Report, edge: Edge, actors: frozenset[Actor], *, note: str, agency: Agency | None) -> None:
    """InvalidFields, by the name of the field, for what the step needs and was not given."""
    faults: dict[str, list[str]] = {}
    if Need.REASON in edge.needs and not note.strip():
        faults["note"] = [_("Needed: the reason.")]
    if Need.AGENCY in edge.needs:
        if faulty := _agency_fault(root, edge, agency):
            faults["agency"] = [faulty]
    elif agency is not None and agency.pk != root.agency_id:
        faults["agency"] = [_("This step does not hand the report over.")]
    if Need.EVIDENCE in edge.needs and lacks_evidence(root):
        faults["evidence"] = [_("Resolving reports of this category needs a photo of what was done.")]
    if faults:
        raise InvalidFields(faults)
    is_other = agency is not None and agency.pk != root.agency_id
    if edge.target is Status.ASSIGNED and is_other and Actor.DISPATCHER not in actors:
        raise Forbidden(_("Officers hand a report over by coordination."))


def _is_long_closed(root: Report, now: datetime) -> bool:
    return root.closed_at is not None and now > root.closed_at + timedelta(days=settings.REOPEN_DAYS)


def _agency_fault(root: Report, edge: Edge, agency: Agency | None) -> str | None:
    chosen_id = agency.pk if agency is not None else root.agency_id
    if agency is not None and agency.city_id != root.city_id:
        return _("Belongs to another city.")
    if edge.target is Status.COORDINATION and agency is None and root.agency_id is not None:
        return _("Needed: the agency that is to take it over.")
    if edge.target is Status.COORDINATION and edge.source is Status.COORDINATION and chosen_id == root.agency_id:
        return _("This agency has it already.")
    return _("Needed: an agency.") if chosen_id is None else None


def move_to_status(
    locked: Report,
    status: Status,
    *,
    by: Principal,
    now: datetime,
    action: str = "status",
    note: str = "",
    note_is_public: bool = True,
    agency: Agency | None = None,
    old: dict[str, str] | None = None,
    new: dict[str, str] | None = None,
) -> None:
    """Writes a status, the line of history, and tells who listens; for a report that the caller has locked.

    Which step is allowed was asked by the caller; merging and splitting go where their group is. The note is kept as it is
    given: who copies it to a group has masked it for the whole group. `agency` None leaves it where it is.
    """
    was, had = Status(locked.status), locked.agency
    old, new = {"status": was.value, **(old or {})}, {"status": status.value, **(new or {})}
    if agency is not None and agency != had:
        old, new = {**old, "agency": had.slug if had else ""}, {**new, "agency": agency.slug}
        locked.handover_count += had is not None
        locked.agency = agency
    if status is Status.REOPENED and action == "status":
        locked.reopened_count += 1
    if was is Status.SUBMITTED and status is not was and locked.responded_at is None:
        locked.responded_at = now
    locked.status = status
    locked.updated_at = max(now, locked.updated_at + timedelta(microseconds=1))
    locked.closed_at = (locked.closed_at or now) if status in CLOSED else None
    locked.save(
        update_fields=[
            *("status", "updated_at", "closed_at", "duplicate_of", "agency"),
            *("handover_count", "reopened_count", "responded_at"),
        ]
    )
    kept = None
    if note:
        kept = HistoryNote.objects.create(report=locked, text=note, is_public=note_is_public)
    add_line(locked, action, by=by, at=now, old=old, new=new, note=kept)
    if was != status or had != locked.agency:
        told = kept.text if kept is not None and kept.is_public else ""
        had_id = had.pk if had is not None else None
        change = StatusChange(locked, was, status, now, told, had_id, locked.agency_id, action)
        status_changed.send(sender=Report, change=change)


def _public_note(group: Sequence[Report], note: str) -> str:
    """What all of a group's readers may see: the same note stands at each of its reports, whoever of them it is about.

    Asked once the group is locked, so that the contact of a report that comes along is among them.
    """
    if not note:
        return note
    contacts = ReportContact.objects.filter(report__in=group)
    words = sorted({word for contact in contacts for word in contact.words})
    return mask(note, words, hides_place=any(report.category.public_grid_m > 0 for report in group))

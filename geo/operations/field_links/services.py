"""Links are sent, ended and used here. Whoever writes holds the report, so that a link cannot be used while it is being ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from geo.areas.models import AreaAncestry
from geo.operations.field_links.letters import enqueue_link
from geo.operations.field_links.links import LinkEnded, ended_because, principal_of_link
from geo.operations.field_links.models import AgencyContact, FieldLink
from geo.reports.access.principals import Principal
from geo.reports.evidence.services import examine_photo, store_evidence
from geo.reports.history import add_line
from geo.reports.locking import lock_reports
from geo.reports.models import Agency, Report
from geo.reports.notes import NOTED
from geo.reports.photos.cleaning import Upload
from geo.reports.photos.stored import StoredFiles
from geo.reports.statements import QUERIES
from geo.reports.status import StatusChange, change_status, status_changed
from geo.reports.workflow import CLOSED, Status
from server.core.errors import Conflict, Forbidden, PantauError

SENT, WITHDRAWN = "field_link", "field_link_withdrawn"


def connect() -> None:
    """Called once, when the app is ready."""
    status_changed.connect(_on_change, sender=Report, dispatch_uid="geo.operations.field_links")


def send_links(*, report: Report, by: Principal, now: datetime) -> list[FieldLink]:
    """A link to each contact of the agency that has the report; those sent before end with that.

    Errors: Forbidden for who does not dispatch in its city; Conflict for a report that is closed, follows another one, has no
            agency, or whose agency has no contact for where it lies.
    """
    with transaction.atomic():
        locked = _lock(report.pk)
        if not by.may_dispatch(locked):
            raise Forbidden(_("Only dispatchers send a report out as a link."))
        if locked.status in CLOSED or locked.duplicate_of_id is not None:
            raise Conflict(_("This report is closed, or follows another one."))
        if locked.agency is None:
            raise Conflict(_("No agency has this report; assign it first."))
        contacts = list(_contacts_for(locked))
        if not contacts:
            says = _("%(agency)s has no contact for this report; add one under Contacts of agencies.")
            raise Conflict(says % {"agency": locked.agency.name})
        links = _issue(locked, contacts, now)
        add_line(locked, SENT, by=by, at=now, new={"contacts": [link.contact_id for link in links]})
        return links


def end_links(*, report: Report, by: Principal, now: datetime) -> int:
    """Withdraws every live link to a report; how many. Forbidden for who does not dispatch in its city."""
    with transaction.atomic():
        locked = _lock(report.pk)
        if not by.may_dispatch(locked):
            raise Forbidden(_("Only dispatchers withdraw links."))
        ended = _end(FieldLink.objects.filter(report=locked), FieldLink.Ending.REVOKED, now)
        if ended:
            add_line(locked, WITHDRAWN, by=by, at=now, new={"links": ended})
        return ended


def note_opened(link: FieldLink, *, now: datetime) -> None:
    """The first time that somebody, or the preview of a chat, has opened it."""
    FieldLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=now)


def accept(*, link: FieldLink, now: datetime) -> None:
    """The agency works on it now. A second click finds that it does, and changes nothing."""
    with transaction.atomic():
        report = _hold(link, now)
        if report.status != Status.IN_PROGRESS:
            change_status(report=report, status=Status.IN_PROGRESS, by=principal_of_link(link), now=now)
            _use(link, FieldLink.Use.ACCEPTED)


def hand_over(*, link: FieldLink, agency: Agency | None, reason: str, now: datetime) -> None:
    """To another agency, by coordination; the link ends with it. Errors: those of change_status, and LinkEnded."""
    with transaction.atomic():
        report, by = _hold(link, now), principal_of_link(link)
        _use(link, FieldLink.Use.HANDED_OVER)
        change_status(
            report=report, status=Status.COORDINATION, by=by, now=now, note=reason, note_is_public=False, agency=agency
        )


def close(*, link: FieldLink, note: str, photo: Upload | None, now: datetime) -> None:
    """Resolved, with what was done in words, and a photo of it where there is one; the link ends with it.

    The photo is kept even where the step cannot be taken, so that who tries again need not send it again; but of a link that
    ended while it was on its way nothing is kept.
    Errors: those of add_evidence and change_status, and LinkEnded.
    """
    by = principal_of_link(link)
    # Decoded before the report is held: that takes seconds.
    examined = examine_photo(report=link.report, photo=photo, by=by) if photo is not None else None
    hindrance = None
    with StoredFiles() as files, transaction.atomic():
        report = _hold(link, now)
        if examined is not None:
            store_evidence(report=report, photo=examined, by=by, now=now, files=files)
        try:
            with transaction.atomic():
                _use(link, FieldLink.Use.RESOLVED)
                change_status(report=report, status=Status.RESOLVED, by=by, now=now, note=note)
        except PantauError as error:
            hindrance = error
    if hindrance is not None:
        raise hindrance


def _on_change(change: StatusChange, **_sent: object) -> None:
    """Links end with the agency's turn; an agency that works by them gets one when its turn begins.

    In the transaction of a step, which has its line of history; the links' own rows say the rest.
    """
    if change.action == NOTED:
        return
    report, now = change.report, change.at
    live = FieldLink.objects.filter(report=report)
    if change.new in CLOSED:
        _end(live, FieldLink.Ending.CLOSED, now)
        return
    _end(live.exclude(agency=report.agency), FieldLink.Ending.LEFT, now)
    is_begun = change.old_agency_id != change.new_agency_id or change.new in (Status.ASSIGNED, Status.REOPENED)
    if is_begun and report.duplicate_of_id is None and report.agency is not None and report.agency.works_by_link:
        has_one = live.filter(revoked_at=None, expires_at__gt=now).values("contact")
        _issue(report, list(_contacts_for(report).exclude(pk__in=has_one)), now)


def _contacts_for(report: Report) -> QuerySet[AgencyContact]:
    """Of the agency that has it: those for everything, and those for the area in which it lies."""
    areas = AreaAncestry.objects.filter(area=report.area).values("ancestor_id")
    reached = Q(area=None) | Q(area__in=areas)
    return AgencyContact.objects.filter(reached, agency=report.agency, is_active=True).order_by("id")


def _issue(report: Report, contacts: Sequence[AgencyContact], now: datetime) -> list[FieldLink]:
    _end(FieldLink.objects.filter(report=report, contact__in=contacts), FieldLink.Ending.REPLACED, now)
    expires_at = now + timedelta(hours=settings.FIELD_LINK_HOURS)
    links = []
    for contact in contacts:
        link = FieldLink.objects.create(
            report=report, agency_id=contact.agency_id, contact=contact, created_at=now, expires_at=expires_at
        )
        enqueue_link(link, now=now)
        links.append(link)
    return links


def _end(links: QuerySet[FieldLink], ending: FieldLink.Ending, now: datetime) -> int:
    return links.filter(revoked_at=None).update(revoked_at=now, ending=ending)


def _hold(link: FieldLink, now: datetime) -> Report:
    """The report, locked; LinkEnded where the link was ended, or used, since it was read."""
    report = _lock(link.report_id)
    held = FieldLink.objects.select_related("contact").get(pk=link.pk)
    held.report = report
    if why := ended_because(held, now=now):
        raise LinkEnded(why, held)
    return report


def _lock(report_id: int) -> Report:
    with connection.cursor() as cursor:
        # Before any report's own lock: when a precision changes, many reports are written in no order.
        cursor.execute(QUERIES.lock_placement)
    (locked,) = lock_reports(Report.objects.filter(pk=report_id), "agency", "city")
    return locked


def _use(link: FieldLink, use: FieldLink.Use) -> None:
    FieldLink.objects.filter(pk=link.pk).update(used=use)

"""Opening, keeping and closing an incident. Its reports are told of it by a line of their history each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from geo.areas.models import Area, AreaAncestry, City
from geo.operations.dispatching import require_dispatcher
from geo.operations.incidents import news
from geo.operations.incidents.models import Incident, IncidentEvent, IncidentReport
from geo.reports.access.principals import Principal
from geo.reports.models import Category, HistoryEntry, Report
from geo.reports.notes import lock_reports
from geo.reports.personal_data.masking import mask
from server.core.errors import Conflict, Forbidden, InvalidFields

JOINED, LEFT = "incident_joined", "incident_left"
MOST_REPORTS = 1000
Action = IncidentEvent.Action


def open_incident(
    *,
    city: City,
    title: str,
    reports: Sequence[Report],
    by: Principal,
    now: datetime,
    category: Category | None = None,
    area: Area | None = None,
    is_public: bool = False,
    is_exercise: bool = False,
) -> Incident:
    """Opens an incident of these reports, of none where they are still to come. Of those of an exercise it is one itself.

    Its category is that of its reports where they have but one, its area the smallest that has them all, unless said otherwise.
    Errors: Forbidden for who does not dispatch in the city; InvalidFields; Conflict for a report in another open incident.
    """
    require_dispatcher(by, city.pk)
    faults = {}
    if category is not None and category.city_id not in (None, city.pk):
        faults["category"] = [_("Belongs to another city.")]
    if area is not None and area.city_id != city.pk:
        faults["area"] = [_("Belongs to another city.")]
    if faults:
        raise InvalidFields(faults)
    is_exercise = is_exercise or any(report.is_exercise for report in reports)
    _refuse_public_exercise(is_public=is_public, is_exercise=is_exercise)
    with transaction.atomic():
        incident = Incident.objects.create(
            city=city,
            title=_title(title),
            category=category or _common_category(reports),
            area=area or _common_area(reports),
            is_public=is_public,
            is_exercise=is_exercise,
            opened_at=now,
            opened_by_id=by.user_id,
        )
        joined = _join(incident, reports, by, now)
        log(incident, Action.OPENED, by, now, {"is_public": is_public, "added": joined})
        news.tell(incident, now=now)
    return incident


def edit_incident(
    *,
    incident: Incident,
    by: Principal,
    now: datetime | None = None,
    title: str | None = None,
    is_public: bool | None = None,
) -> Incident:
    """Changes what is given; one that is shown to the public for the first time is told of. Errors: Forbidden; InvalidFields."""
    require_dispatcher(by, incident.city_id)
    now = now or timezone.now()
    with transaction.atomic():
        found = _locked(incident)
        was_public, had_title = found.is_public, found.title
        if title is not None:
            found.title = _title(title)
        if is_public is not None:
            _refuse_public_exercise(is_public=is_public, is_exercise=found.is_exercise)
            found.is_public = is_public
        changed: dict[str, Any] = {"title": True} if found.title != had_title else {}
        if found.is_public != was_public:
            changed["is_public"] = found.is_public
        if not changed:
            return found
        found.save(update_fields=["title", "is_public"])
        log(found, Action.EDITED, by, now, changed)
        if was_public and not found.is_public:
            news.take_back(found)
        elif found.is_public and not was_public and not news.was_told(found):
            news.tell(found, now=now)
    return found


def change_reports(
    *, incident: Incident, add: Sequence[Report] = (), remove: Sequence[Report] = (), by: Principal, now: datetime
) -> Incident:
    """Adds and removes reports of an open incident; who is there already stays, who is not there is not missed.

    Errors: Forbidden for who does not dispatch in the city, or does not deal with one of them; Conflict for a closed incident,
            and for a report that is in another open one; InvalidFields for one of another city, and for one that is in both lists.
    """
    require_dispatcher(by, incident.city_id)
    if both := {report.public_id for report in add} & {report.public_id for report in remove}:
        raise InvalidFields({"remove": [_("To be added as well: %(ids)s") % {"ids": ", ".join(sorted(both))}]})
    with transaction.atomic():
        found = _locked(incident)
        if found.status == Incident.Status.CLOSED:
            raise Conflict(_("The incident is closed; open another one."))
        changed = {"removed": _leave(found, remove, by, now), "added": _join(found, add, by, now)}
        if any(changed.values()):
            log(found, Action.REPORTS, by, now, changed)
    return found


def close_incident(*, incident: Incident, by: Principal, now: datetime) -> Incident:
    """Closes an incident; its reports go on as they are. Errors: Forbidden; Conflict for one that is closed."""
    require_dispatcher(by, incident.city_id)
    with transaction.atomic():
        found = _locked(incident)
        if found.status == Incident.Status.CLOSED:
            raise Conflict(_("The incident is closed already."))
        found.status, found.closed_at, found.closed_by_id = Incident.Status.CLOSED, now, by.user_id
        found.save(update_fields=["status", "closed_at", "closed_by"])
        found.members.update(is_open=False)
        log(found, Action.CLOSED, by, now)
        news.tell(found, now=now)
    return found


def log(
    incident: Incident, action: Action, by: Principal, now: datetime, changed: Mapping[str, Any] | None = None
) -> None:
    """A line of the incident's own log, in the transaction of what it tells of."""
    IncidentEvent.objects.create(
        incident=incident, at=now, action=action, user_id=by.user_id, origin=by.origin, changed=dict(changed or {})
    )


def require_handled(by: Principal, reports: Sequence[Report]) -> None:
    """One query, however many they are."""
    ids = {report.pk for report in reports}
    if Report.objects.handled_by(by).filter(pk__in=ids).count() < len(ids):
        raise Forbidden(_("There are reports among these that are not yours to deal with."))


def _locked(incident: Incident) -> Incident:
    return Incident.objects.select_for_update(of=("self",)).select_related("city").get(pk=incident.pk)


def _refuse_public_exercise(*, is_public: bool, is_exercise: bool) -> None:
    if is_public and is_exercise:
        raise Conflict(_("An incident of an exercise is not shown to the public."))


def _title(text: str) -> str:
    """As it is kept: it may be shown to everybody, so that no telephone number or e-mail address stays in it."""
    if not text.strip():
        raise InvalidFields({"title": [_("Needed: what has happened, in a few words.")]})
    return mask(text.strip())[:200]


def _join(incident: Incident, reports: Sequence[Report], by: Principal, now: datetime) -> int:
    """How many are new to it."""
    if not reports:
        return 0
    require_handled(by, reports)
    # Locked, so that nobody puts one of them into another incident meanwhile.
    locked = lock_reports([report.pk for report in reports])
    if strange := [report.public_id for report in locked if report.city_id != incident.city_id]:
        raise InvalidFields({"reports": [_("Of another city: %(ids)s") % {"ids": ", ".join(strange)}]})
    if any(report.is_exercise != incident.is_exercise for report in locked):
        raise Conflict(_("Reports of an exercise and real ones are kept apart."))
    _refuse_taken(incident, locked)
    there = set(incident.members.values_list("report_id", flat=True))
    new = [report for report in locked if report.pk not in there]
    if len(there) + len(new) > MOST_REPORTS:
        raise InvalidFields({"reports": [_("An incident has at most %(n)d reports.") % {"n": MOST_REPORTS}]})
    IncidentReport.objects.bulk_create(
        IncidentReport(incident=incident, report=report, added_at=now, added_by_id=by.user_id) for report in new
    )
    _write_down(new, JOINED, by, now, new={"incident": incident.public_id})
    return len(new)


def _leave(incident: Incident, reports: Sequence[Report], by: Principal, now: datetime) -> int:
    """How many were in it."""
    members = incident.members.filter(report__in=reports)
    leaving = list(Report.objects.filter(pk__in=members.values("report_id")))
    if leaving:
        require_handled(by, leaving)
        members.delete()
        _write_down(leaving, LEFT, by, now, old={"incident": incident.public_id})
    return len(leaving)


def _refuse_taken(incident: Incident, reports: Sequence[Report]) -> None:
    taken = IncidentReport.objects.filter(report__in=reports, is_open=True).exclude(incident=incident)
    found = dict(taken.values_list("report__public_id", "incident__public_id"))
    if found:
        says = _("In another open incident already: %(ids)s")
        raise Conflict(says % {"ids": ", ".join(sorted(found))}, extra={"incidents": found})


def _write_down(
    reports: Sequence[Report],
    action: str,
    by: Principal,
    now: datetime,
    *,
    old: dict[str, str] | None = None,
    new: dict[str, str] | None = None,
) -> None:
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            report=report,
            at=now,
            action=action,
            old=old or {},
            new=new or {},
            user_id=by.user_id,
            channel=by.channel,
            origin=by.origin,
            agency_id=report.agency_id,
        )
        for report in reports
    )


def _common_category(reports: Sequence[Report]) -> Category | None:
    categories = {report.category_id for report in reports}
    return Category.objects.get(pk=categories.pop()) if len(categories) == 1 else None


def _common_area(reports: Sequence[Report]) -> Area | None:
    """The smallest area in which all of them lie for the public, if they all lie in one."""
    ids = [report.pk for report in reports]
    above = AreaAncestry.objects.filter(area__public_reports__in=ids).values("ancestor_id", "level__rank")
    found = above.annotate(n=Count("area__public_reports")).filter(n=len(set(ids))).order_by("-level__rank").first()
    return Area.objects.get(pk=found["ancestor_id"]) if found is not None else None

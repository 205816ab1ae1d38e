"""Incidents that alerts open by themselves, and the reports around the gauge that belong to them: those that come later, too."""

from datetime import datetime, timedelta

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.measure import D
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from geo.operations.alerts.models import Alert, AlertEvent
from geo.operations.incidents.models import Incident, IncidentReport
from geo.operations.incidents.services import LEFT, MOST_REPORTS, change_reports, open_incident
from geo.reports.access.principals import Origin, Principal
from geo.reports.categories import with_descendants
from geo.reports.models import HistoryEntry, Report
from geo.reports.workflow import CLOSED
from server.core.errors import Conflict

BY = Principal(is_superuser=True, origin=Origin.SCHEDULE)


def keep_incidents(now: datetime) -> list[str]:
    """Opens the incidents that rules want of their alerts, and links what fits to those that are open; the actions.

    Each in a transaction of its own, so that a report that somebody is about to link elsewhere holds up nobody else.
    """
    ruled = Alert.objects.filter(rule__opens_incident_at__isnull=False)
    to_open = ruled.open().filter(incident=None, level__gte=F("rule__opens_incident_at"))
    to_link = ruled.filter(incident__status=Incident.Status.OPEN).exclude(location=None)
    actions = ["incident" for pk in to_open.order_by("id").values_list("pk", flat=True) if _open(pk, now)]
    for pk in to_link.order_by("id").values_list("pk", flat=True):
        if _link(pk, now):
            actions.append("linked")
    return actions


def _open(alert_id: int, now: datetime) -> bool:
    """An incident of the alert, without its reports: they are linked as those that come later are."""
    with transaction.atomic():
        alert = _locked(alert_id)
        if alert is None or alert.closed_at is not None or alert.incident_id is not None:
            return False
        alert.incident = open_incident(
            city=alert.city,
            title=f"{alert.level_name}: {alert.thing_name}",
            reports=[],
            by=BY,
            now=now,
            category=alert.rule.category,
            area=alert.area,
            is_exercise=alert.is_exercise,
        )
        alert.save(update_fields=["incident"])
        AlertEvent.objects.create(
            alert=alert, at=now, recorded_at=now, action=AlertEvent.Action.INCIDENT, origin=BY.origin
        )
    return True


def _link(alert_id: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            alert = _locked(alert_id)
            if alert is None or alert.incident is None:
                return False
            room = MOST_REPORTS - alert.incident.members.count()
            fitting = list(reports_around(alert, now)[: max(room, 0)])
            if fitting:
                change_reports(incident=alert.incident, add=fitting, by=BY, now=now)
    except Conflict:
        # Closed, or linked elsewhere, meanwhile: the next round sees it.
        return False
    return bool(fitting)


def reports_around(alert: Alert, now: datetime) -> QuerySet[Report]:
    """Open reports of the rule's category and those below it, near the thing and in time, that are in no open incident.

    One that somebody has taken out of the alert's incident is not put back. Without a category none fits.
    """
    rule, incident = alert.rule, alert.incident
    window = timedelta(seconds=rule.report_window_s)
    taken = IncidentReport.objects.filter(report=OuterRef("pk"), is_open=True)
    left = HistoryEntry.objects.filter(
        report=OuterRef("pk"), action=LEFT, old__incident=incident.public_id if incident else ""
    )
    found = Report.objects.filter(
        city_id=alert.city_id,
        is_exercise=alert.is_exercise,
        category_id__in=with_descendants([rule.category.slug]) if rule.category else [],
        duplicate_of=None,
        reported_at__gte=alert.opened_at - window,
        reported_at__lte=(alert.closed_at or now) + window,
    ).exclude(status__in=sorted(CLOSED))
    found = found.alias(away=Distance("location", alert.location, spheroid=True)).filter(
        away__lte=D(m=rule.report_radius_m)
    )
    return found.filter(~Exists(taken), ~Exists(left)).order_by("reported_at", "id")


def _locked(alert_id: int) -> Alert | None:
    joined = Alert.objects.select_related("city", "rule__category", "area", "incident").defer("area__boundary")
    return joined.select_for_update(of=("self",)).filter(pk=alert_id).first()

"""What a dispatcher does with an alert. Each function owns its transaction and leaves a line in the alert's log."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from geo.operations.alerts.models import Alert, AlertEvent
from geo.operations.dispatching import require_dispatcher
from geo.operations.incidents.models import Incident
from geo.operations.incidents.services import open_incident
from geo.reports.access.principals import Principal
from server.core.errors import Conflict

Action = AlertEvent.Action


def acknowledge_alert(*, alert: Alert, by: Principal, now: datetime, note: str = "") -> Alert:
    """Somebody has seen it: it climbs the on-call list no further, until it rises. A note replaces the one that is there.

    Errors: Forbidden for who does not dispatch in the city; Conflict for one that is closed or acknowledged already.
    """
    require_dispatcher(by, alert.city_id)
    with transaction.atomic():
        found = _open(alert)
        if found.acknowledged_at is not None:
            raise Conflict(_("The alert is acknowledged already."))
        _acknowledge(found, by, now, note)
    return found


def close_alert(*, alert: Alert, by: Principal, now: datetime, note: str = "") -> Alert:
    """Ends an alert by hand, whatever is measured. Another one opens when a level is entered again from below.

    Errors: Forbidden for who does not dispatch in the city; Conflict for one that is closed already.
    """
    require_dispatcher(by, alert.city_id)
    with transaction.atomic():
        found = _open(alert)
        found.closed_at, found.ended = now, Alert.Ended.BY_HAND
        found.note = note.strip() or found.note
        found.save(update_fields=["closed_at", "ended", "note"])
        _write(found, Action.CLOSED, by, now)
    return found


def open_incident_of(
    *, alert: Alert, by: Principal, now: datetime, title: str = "", is_public: bool = False
) -> Incident:
    """Opens an incident of an open alert, which acknowledges it; category and area are those of the rule and the gauge.

    Errors: Forbidden for who does not dispatch in the city; Conflict for a closed alert, and for one that has an incident.
    """
    require_dispatcher(by, alert.city_id)
    with transaction.atomic():
        found = _open(alert)
        if found.incident is not None:
            raise Conflict(_("The alert has an incident already."), extra={"incident": found.incident.public_id})
        found.incident = open_incident(
            city=found.city,
            title=title.strip() or f"{found.level_name}: {found.thing_name}",
            reports=[],
            by=by,
            now=now,
            category=found.rule.category,
            area=found.area,
            is_public=is_public,
            is_exercise=found.is_exercise,
        )
        found.save(update_fields=["incident"])
        _write(found, Action.INCIDENT, by, now)
        if found.acknowledged_at is None:
            _acknowledge(found, by, now, "")
        return found.incident


def _open(alert: Alert) -> Alert:
    """The alert as it is now, locked, so that an evaluation waits; Conflict where it is closed."""
    joined = Alert.objects.select_related("city", "rule__category", "area", "incident").defer("area__boundary")
    found = joined.select_for_update(of=("self",)).get(pk=alert.pk)
    if found.closed_at is not None:
        raise Conflict(_("The alert is closed already."))
    return found


def _acknowledge(alert: Alert, by: Principal, now: datetime, note: str) -> None:
    alert.acknowledged_at, alert.acknowledged_by_id = now, by.user_id
    alert.note = note.strip() or alert.note
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
    _write(alert, Action.ACKNOWLEDGED, by, now)


def _write(alert: Alert, action: Action, by: Principal, now: datetime) -> None:
    AlertEvent.objects.create(alert=alert, at=now, recorded_at=now, action=action, user_id=by.user_id, origin=by.origin)

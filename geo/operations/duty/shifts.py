"""Shifts of the duty desk: one is open per city at a time, and ends with a log of what it hands over."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from geo.areas.models import City
from geo.operations.dispatching import require_dispatcher
from geo.operations.duty.models import Shift
from geo.operations.duty.situation import situation
from geo.reports.access.principals import Principal
from server.core.errors import Conflict

# Without a shift, a situation report tells of so long.
WITHOUT_SHIFT = timedelta(hours=6)


def start_shift(*, city: City, by: Principal, now: datetime) -> Shift:
    """Takes the duty desk over. Errors: Forbidden for who does not dispatch in the city; Conflict while another is open."""
    require_dispatcher(by, city.pk)
    try:
        with transaction.atomic():
            return Shift.objects.create(city=city, started_at=now, started_by_id=by.user_id)
    except IntegrityError:
        current = Shift.objects.filter(city=city, ended_at=None).select_related("started_by").first()
        extra = {}
        if current is not None:
            name = current.started_by.get_username() if current.started_by else None
            extra = {"current": {"id": current.pk, "started_at": current.started_at.isoformat(), "started_by": name}}
        raise Conflict(_("A shift is open; end it first."), extra=extra) from None


def end_shift(*, shift: Shift, by: Principal, now: datetime, note: str = "") -> Shift:
    """Hands the duty desk over, with what came in, what is open, late and unanswered, and a note in the shift's own words.

    Whoever dispatches in the city may end it: a shift that was forgotten stands in nobody's way.
    Errors: Forbidden; Conflict for one that has ended.
    """
    require_dispatcher(by, shift.city_id)
    with transaction.atomic():
        found = Shift.objects.select_for_update(of=("self",)).select_related("city").get(pk=shift.pk)
        if found.ended_at is not None:
            raise Conflict(_("This shift has ended already."))
        found.ended_at, found.ended_by_id, found.note = now, by.user_id, note.strip()
        found.log = situation(found.city, found.started_at, now)
        found.save(update_fields=["ended_at", "ended_by", "note", "log"])
    return found


def default_start(city: City, now: datetime) -> datetime:
    """Since when a situation report tells: the start of the open shift, else six hours ago."""
    current = Shift.objects.filter(city=city, ended_at=None, started_at__lte=now).first()
    return current.started_at if current is not None else now - WITHOUT_SHIFT

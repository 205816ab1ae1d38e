"""What stands at the beginning of a working day: the alerts that wait, and in whose hands the duty desk is."""

from dataclasses import dataclass

from django.db.models import Count

from geo.areas.models import City
from geo.operations.alerts.models import Alert
from geo.operations.duty.models import Shift
from geo.reports.access.principals import Principal


@dataclass(frozen=True, slots=True)
class Today:
    """One city; `shift` is the one that runs, `is_mine` whether whoever asks began it. Who dispatches takes it from there."""

    city: City
    waiting_alerts: int
    shift: Shift | None
    is_mine: bool
    dispatches: bool


def today_of(by: Principal) -> list[Today]:
    """Of each city that somebody oversees, by its slug; three queries however many these are, and none for who oversees none."""
    cities = City.objects.order_by("slug")
    if by.city_ids is not None:
        mine = [city_id for city_id in by.city_ids if by.may_oversee_city(city_id)]
        if not mine:
            return []
        cities = cities.filter(pk__in=mine)
    waiting = Alert.objects.open().filter(city__in=cities, acknowledged_at=None).order_by()
    alerts = dict(waiting.values_list("city_id").annotate(n=Count("pk")))
    running = Shift.objects.filter(city__in=cities, ended_at=None).select_related("started_by")
    shifts = {shift.city_id: shift for shift in running}
    return [
        Today(
            city=city,
            waiting_alerts=alerts.get(city.pk, 0),
            shift=shifts.get(city.pk),
            is_mine=city.pk in shifts and shifts[city.pk].started_by_id == by.user_id,
            dispatches=by.may_dispatch_in(city.pk),
        )
        for city in cities
    ]

"""Rules and alerts for tests, as they are once something has been measured."""

from datetime import datetime
from typing import Any

from django.db import transaction

from geo.areas.models import Area, City
from geo.models import Alert, AlertEvent, AlertRule
from geo.operations.alerts import evaluation
from geo.operations.alerts.watching import keep_watches
from sensors.observations.coverage import observed_spans
from sensors.thresholds.evaluation import Span, evaluate
from sensors.thresholds.models import Watch
from tests.factories import NOW


def make_rule(city: City, **more: Any) -> AlertRule:
    """KP2C's rule for every gauge of the city; the same one where it is there."""
    values = {
        "authority": "KP2C", "observed_property": "river_level", "unit": "cm",
        "levels": [{"name": "Siaga 3", "from": 351}], "active_since": NOW, **more,
    }  # fmt: skip
    return AlertRule.objects.get_or_create(city=city, **values)[0]


def make_alert(city: City, number: int = 1, **more: Any) -> Alert:
    """Siaga 3 at the gauge river-1, since NOW, with the line in its log."""
    values = {
        "rule": make_rule(city), "city": city, "datastream_id": number, "thing": f"river-{number}", "thing_name": "P2C",
        "area": Area.objects.get(code="kota-uji.1.1"), "level": 1, "level_name": "Siaga 3", "level_since": NOW,
        "opened_at": NOW, "value": 400.0, "value_at": NOW, "peak": 410.0, "peak_at": NOW, "waiting_since": NOW, **more,
    }  # fmt: skip
    made = Alert.objects.create(**values)
    AlertEvent.objects.create(
        alert=made, at=NOW, recorded_at=NOW, action="opened", old_level=0, new_level=1, value=400.0
    )
    return made


def evaluate_alerts(now: datetime) -> str:
    """What three processes do one after the other: the watches of the rules, the crossings of their levels, the alerts of those.

    Everything is followed anew, whatever is new: the journal is not read by the transaction that writes it.
    """
    keep_watches(now)
    watched = list(Watch.objects.values_list("datastream_id", flat=True).distinct())
    with transaction.atomic():
        evaluate({one: Span(*span) for one, span in observed_spans(watched).items()}, now)
    return evaluation.evaluate_alerts(now)

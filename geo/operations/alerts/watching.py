"""Which datastreams each rule holds for, and with which levels: handed to sensors, who watches them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from geo.operations.alerts.models import AlertRule
from geo.operations.alerts.reading import read_rule
from sensors import published
from server.core.sql import load_queries

log = logging.getLogger(__name__)

SQL = load_queries(Path(__file__).with_name("queries.sql"))
OWNERS = "alert-rule/"


@dataclass(frozen=True, slots=True)
class Watched:
    """A datastream that a rule holds for."""

    rule_id: int
    datastream_id: int
    thing: str
    thing_name: str
    property_name_id: str
    property_name_en: str
    unit: str
    expected_interval_s: int
    area_id: int | None
    location: str | None
    is_exercise: bool

    @property
    def owner(self) -> str:
        return f"{OWNERS}{self.rule_id}"


def find_watched() -> list[Watched]:
    """As rules, things, places and areas are now."""
    with connection.cursor() as cursor:
        cursor.execute(SQL.watched)
        return [Watched(*row) for row in cursor.fetchall()]


def keep_watches(now: datetime) -> str:
    """Has sensors watch what the rules hold for, and nothing else; says what changed. So many queries however many there are.

    Where levels cannot be read, what is watched stays as it is, and what is wrong is logged.
    """
    watched = find_watched()
    rules = AlertRule.objects.in_bulk({one.rule_id for one in watched})
    slugs = {one.thing for one in watched}
    things = published.things(with_exercises=True).filter(slug__in=slugs)
    properties: Mapping[str, Any] = dict(things.values_list("slug", "properties"))
    wanted, untouched = [], set()
    for one in watched:
        rule = rules[one.rule_id]
        try:
            reading = read_rule(rule, properties.get(one.thing, {}), one.expected_interval_s)
        except ValueError as error:
            log.warning("the alert levels of %s for %s cannot be read: %s", rule, one.thing, error)
            untouched.add((one.owner, one.datastream_id))
            continue
        if reading.levels:
            wanted.append(
                published.Wanted(one.owner, one.datastream_id, reading.names, reading.criteria, rule.active_since)
            )
    changed = published.set_watches(OWNERS, wanted, now, untouched=untouched)
    return ", ".join(f"{n} {what}" for what, n in sorted(changed.items()))

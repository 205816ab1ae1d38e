"""A rule's levels, as they stand in its JSON or in the properties of a thing, made into criteria."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from geo.analysis.reading_limits import AlertLevel, read_alert_tables
from geo.operations.alerts.levels import Criteria, read_levels
from geo.operations.alerts.models import AlertRule


@dataclass(frozen=True, slots=True)
class Reading:
    """A rule as it holds for one datastream; `levels` from the mildest to the most severe."""

    levels: tuple[AlertLevel, ...]
    criteria: Criteria

    def as_json(self) -> dict[str, Any]:
        """What of it decides how a series is followed."""
        return {
            "levels": [{"name": level.name, "from": level.at_least} for level in self.levels],
            "is_below": self.criteria.is_below,
        }

    def name_of(self, level: int) -> str:
        return self.levels[level - 1].name


def read_rule(rule: AlertRule, properties: Mapping[str, Any], expected_interval_s: int) -> Reading:
    """The rule for a datastream of a thing with these properties. ValueError where the levels of either cannot be read.

    A rule without levels of its own has those that its authority has configured on the thing; none where there are none.
    """
    is_below = rule.direction == AlertRule.Direction.BELOW
    levels = read_levels(rule.levels, is_below=is_below) or _of_thing(rule, properties)
    criteria = Criteria(
        thresholds=tuple(level.at_least for level in levels),
        is_below=is_below,
        hysteresis=rule.hysteresis,
        opens_after=timedelta(seconds=rule.opens_after_s),
        closes_after=timedelta(seconds=rule.closes_after_s),
        longest_gap=timedelta(seconds=rule.silent_after * expected_interval_s),
    )
    return Reading(levels, criteria)


def _of_thing(rule: AlertRule, properties: Mapping[str, Any]) -> tuple[AlertLevel, ...]:
    wanted = (rule.authority, rule.observed_property, rule.unit)
    for table in read_alert_tables(properties):
        if (table.authority, table.observed_property, table.unit) == wanted:
            return table.levels
    return ()

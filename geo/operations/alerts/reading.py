"""A rule's levels, as they stand in its JSON or in the properties of a thing, made into criteria."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from geo.analysis.reading_limits import AlertLevel, read_alert_tables
from sensors.published import Criteria

if TYPE_CHECKING:
    from geo.operations.alerts.models import AlertRule

MOST_LEVELS = 10
LONGEST_NAME = 100
BELOW = "below"


@dataclass(frozen=True, slots=True)
class Reading:
    """A rule as it holds for one datastream; `levels` from the mildest to the most severe."""

    levels: tuple[AlertLevel, ...]
    criteria: Criteria

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(level.name for level in self.levels)


def read_rule(rule: "AlertRule", properties: Mapping[str, Any], expected_interval_s: int) -> Reading:
    """The rule for a datastream of a thing with these properties. ValueError where the levels of either cannot be read.

    A rule without levels of its own has those of the thing's value of a property, where it says by which, else those that its
    authority has configured on the thing; none where there are none.
    """
    levels = _levels(rule, properties)
    criteria = Criteria(
        thresholds=tuple(level.at_least for level in levels),
        is_below=rule.direction == BELOW,
        hysteresis=rule.hysteresis,
        opens_after=timedelta(seconds=rule.opens_after_s),
        closes_after=timedelta(seconds=rule.closes_after_s),
        longest_gap=timedelta(seconds=rule.silent_after * expected_interval_s),
    )
    return Reading(levels, criteria)


def _levels(rule: "AlertRule", properties: Mapping[str, Any]) -> tuple[AlertLevel, ...]:
    is_below = rule.direction == BELOW
    if rule.levels_by:
        value = properties.get(rule.levels_by)
        return read_levels(rule.levels_of.get(value, []) if isinstance(value, str) else [], is_below=is_below)
    return read_levels(rule.levels, is_below=is_below) or _of_thing(rule, properties)


def _of_thing(rule: "AlertRule", properties: Mapping[str, Any]) -> tuple[AlertLevel, ...]:
    wanted = (rule.authority, rule.observed_property, rule.unit)
    for table in read_alert_tables(properties):
        if (table.authority, table.observed_property, table.unit) == wanted:
            return table.levels
    return ()


def read_levels(given: Any, *, is_below: bool = False) -> tuple[AlertLevel, ...]:
    """The levels of a rule, the mildest first; `from` counts in the rule's direction. ValueError says what is wrong with them."""
    if not isinstance(given, list):
        raise ValueError("levels: a list is needed")
    if not given:
        return ()
    entry = {"authority": "", "observed_property": "", "unit": "", "levels": given}
    (table,) = read_alert_tables({"alert_levels": [entry]})
    levels = table.levels[::-1] if is_below else table.levels
    if len(levels) > MOST_LEVELS:
        raise ValueError(f"levels: at most {MOST_LEVELS}")
    if len({level.name for level in levels}) < len(levels) or len({level.at_least for level in levels}) < len(levels):
        raise ValueError("levels: each needs a name and a threshold of its own")
    if any(not level.name.strip() or len(level.name) > LONGEST_NAME for level in levels):
        raise ValueError(f"levels: a name has 1 to {LONGEST_NAME} characters")
    return levels


def read_levels_of(given: Any, *, is_below: bool = False) -> dict[str, tuple[AlertLevel, ...]]:
    """The levels of each value of a thing's property. ValueError says what is wrong with them, and of which value."""
    if not isinstance(given, dict):
        raise ValueError("levels of each value: an object is needed")
    found = {}
    for value, levels in given.items():
        try:
            found[value] = read_levels(levels, is_below=is_below)
        except ValueError as error:
            raise ValueError(f"{value}: {error}") from None
        if not found[value]:
            raise ValueError(f"{value}: levels: one is needed")
    return found

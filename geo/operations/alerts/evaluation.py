"""Follows the datastreams that rules watch, from committed observations, and opens, raises, lowers and closes their alerts.

A rule is evaluated in one transaction: how far it was followed, the alerts, their log and the messages are there together or not
at all. So whoever is killed on the way has done nothing, and the next round does it. One evaluator works on a rule at a time.

What is measured in the future waits for its time, so that a clock that is wrong does not hide what comes after.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import connection, transaction

from geo.operations.alerts.levels import State, Transition, follow
from geo.operations.alerts.models import Alert, AlertEvent, AlertRule, AlertState
from geo.operations.alerts.notices import tell
from geo.operations.alerts.reading import Reading, read_rule
from sensors import published
from server.core.sql import load_queries

log = logging.getLogger(__name__)

SQL = load_queries(Path(__file__).with_name("queries.sql"))
Action = AlertEvent.Action
# Of one datastream in one round; after a long outage the next rounds take the rest.
MOST_VALUES = 5000
# How far back a datastream is looked at that was not followed before.
LOOK_BACK = timedelta(days=1)
Values = list[tuple[datetime, float]]


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


def evaluate_alerts(now: datetime) -> str:
    """One round over all rules; says what changed, or nothing. Any number may run at once."""
    changed: Counter[str] = Counter()
    watched: dict[int, list[Watched]] = {}
    for one in _watched():
        watched.setdefault(one.rule_id, []).append(one)
    # Those that hold for nothing any more have something to end, too.
    followed = set(AlertState.objects.values_list("rule_id", flat=True))
    for rule_id in sorted({*watched, *followed}):
        with transaction.atomic():
            rule = AlertRule.objects.select_related("city").filter(pk=rule_id).first()
            if rule is not None and _is_ours(rule_id):
                changed.update(_evaluate(rule, watched.get(rule_id, []), now))
    return ", ".join(f"{n} {action}" for action, n in sorted(changed.items()))


def _watched() -> list[Watched]:
    with connection.cursor() as cursor:
        cursor.execute(SQL.watched)
        return [Watched(*row) for row in cursor.fetchall()]


def _is_ours(rule_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(SQL.lock_rule, {"rule_id": rule_id})
        (is_ours,) = cursor.fetchone()
        return bool(is_ours)


def _evaluate(rule: AlertRule, watched: Sequence[Watched], now: datetime) -> list[str]:
    """The actions that were written to the logs of this rule's alerts."""
    states = {state.datastream_id: state for state in rule.states.all()}
    alerts = {alert.datastream_id: alert for alert in rule.alerts.open().select_for_update(of=("self",)).order_by("id")}
    readings = _readings(rule, watched)
    actions = []
    for datastream_id in sorted({*states, *alerts} - {one.datastream_id for one in watched}):
        rule.states.filter(datastream_id=datastream_id).delete()
        if datastream_id in alerts:
            actions += _end(alerts[datastream_id], now)
    for one, _reading in readings:
        states.setdefault(one.datastream_id, AlertState(rule=rule, datastream_id=one.datastream_id))
    marks = {one.datastream_id: _mark(rule, states[one.datastream_id], now) for one, _reading in readings}
    values = published.observations_after(marks, until=now, limit=MOST_VALUES) if marks else {}
    for one, reading in readings:
        known = (states[one.datastream_id], alerts.get(one.datastream_id))
        actions += _Followed(rule, one, reading, *known, now).through(values.get(one.datastream_id, []))
    return actions


def _mark(rule: AlertRule, state: AlertState, now: datetime) -> datetime:
    """From when on the datastream is looked at. What it had reached before the rule was active counts no more."""
    if state.evaluated_to is None or state.evaluated_to < rule.active_since:
        state.evaluated_to = max(rule.active_since, now - LOOK_BACK)
        state.level, state.changing_since, state.heard_at = 0, [], None
        # An alert that is still open has no state to go on from, and ends.
        state.criteria = {}
    return state.evaluated_to


def _readings(rule: AlertRule, watched: Sequence[Watched]) -> list[tuple[Watched, Reading]]:
    """The rule for each datastream. One whose levels cannot be read, or are none, stays as it is; what is wrong is logged."""
    slugs = {one.thing for one in watched}
    properties: Mapping[str, Any] = dict(published.things().filter(slug__in=slugs).values_list("slug", "properties"))
    found = []
    for one in watched:
        try:
            reading = read_rule(rule, properties.get(one.thing, {}), one.expected_interval_s)
        except ValueError as error:
            log.warning("the alert levels of %s for %s cannot be read: %s", rule, one.thing, error)
            continue
        if reading.levels:
            found.append((one, reading))
    return found


def _end(alert: Alert, now: datetime) -> list[str]:
    """Its rule holds no more for its datastream, or has other levels. Nobody is told: nothing has happened out there."""
    alert.closed_at = now
    alert.save(update_fields=["closed_at"])
    return [_write(alert, Action.RULE_CHANGED, at=now, now=now, old=alert.level)]


def _write(
    alert: Alert,
    action: Action,
    *,
    at: datetime,
    now: datetime,
    old: int | None = None,
    new: int | None = None,
    value: float | None = None,
) -> str:
    AlertEvent.objects.create(
        alert=alert, at=at, recorded_at=now, action=action, old_level=old, new_level=new, value=value
    )
    return action.value


@dataclass(slots=True)
class _Followed:
    """One datastream on its way from one evaluation to the next."""

    rule: AlertRule
    watched: Watched
    reading: Reading
    state: AlertState
    alert: Alert | None
    now: datetime

    def through(self, values: Values) -> list[str]:
        """Follows these values; the actions that were written down."""
        actions = self._settle_criteria()
        before = _loaded(self.state)
        after, transitions = follow(values, before, self.reading.criteria)
        actions += self._take_in(values, transitions)
        # With more to come, the latest value that is known is not the latest that there is.
        if self.alert is not None and len(values) < MOST_VALUES:
            actions += self._look_whether_silent(self.alert)
        if values or actions or self.state.pk is None:
            self._store(after)
        return actions

    def _settle_criteria(self) -> list[str]:
        """With other levels everything begins anew: what was reached by the old ones says nothing of these."""
        criteria = self.reading.as_json()
        if self.state.criteria == criteria:
            return []
        self.state.criteria, self.state.level, self.state.changing_since = criteria, 0, []
        alert, self.alert = self.alert, None
        return _end(alert, self.now) if alert is not None else []

    def _take_in(self, values: Values, transitions: list[Transition]) -> list[str]:
        at_times = {one.at: one for one in transitions}
        actions: list[str] = []
        touched: dict[int, Alert] = {}
        for at, value in values:
            if self.alert is not None:
                self._note_value(self.alert, at, value)
            if (transition := at_times.get(at)) is None:
                continue
            if (alert := self.alert or self._opened(transition)) is not None:
                touched[alert.pk] = alert
                actions.append(self._change(alert, transition))
                self.alert = alert if alert.closed_at is None else None
        if self.alert is not None and values:
            self.alert.save()
        for alert in touched.values():
            # Once for all that has happened since: after an outage nobody wants every step of it.
            tell(alert, self.watched.property_name_id, self.watched.property_name_en, self.watched.unit, now=self.now)
        return actions

    def _note_value(self, alert: Alert, at: datetime, value: float) -> None:
        alert.value, alert.value_at = value, at
        if self.reading.criteria.is_worse(value, alert.peak):
            alert.peak, alert.peak_at = value, at

    def _opened(self, transition: Transition) -> Alert | None:
        """A new alert where a level is entered; None where one is left whose alert somebody has closed by hand."""
        if transition.new < transition.old:
            return None
        one = self.watched
        peak_at, peak = self._worst_of_hold(transition)
        return Alert.objects.create(
            rule=self.rule,
            city=self.rule.city,
            datastream_id=one.datastream_id,
            thing=one.thing,
            thing_name=one.thing_name,
            area_id=one.area_id,
            location=_point(one.location),
            level=transition.new,
            level_name=self.reading.name_of(transition.new),
            level_since=transition.at,
            opened_at=transition.at,
            value=transition.value,
            value_at=transition.at,
            peak=peak,
            peak_at=peak_at,
            waiting_since=self.now,
        )

    def _worst_of_hold(self, transition: Transition) -> tuple[datetime, float]:
        """The time and the worst value since the level was reached: what came before the alert opened belongs to it."""
        worst = (transition.at, transition.value)
        if transition.since < transition.at:
            marks = {self.watched.datastream_id: transition.since - timedelta(microseconds=1)}
            held = published.observations_after(marks, until=transition.at).get(self.watched.datastream_id, [])
            for at, value in held:
                if self.reading.criteria.is_worse(value, worst[1]):
                    worst = (at, value)
        return worst

    def _change(self, alert: Alert, transition: Transition) -> str:
        is_new = alert.opened_at == transition.at
        action = Action.NORMAL if transition.new == 0 else Action.LOWERED
        if transition.new > transition.old:
            action = Action.OPENED if is_new else Action.RAISED
        if transition.new:
            alert.level, alert.level_name = transition.new, self.reading.name_of(transition.new)
            alert.level_since = transition.at
        else:
            alert.closed_at, alert.stale_since = transition.at, None
        if action is Action.RAISED:
            alert.rises += 1
            if alert.acknowledged_at is not None:
                # Whoever acknowledged the milder level has not seen this one. Where nobody did, it waits as long as it has.
                alert.acknowledged_at, alert.acknowledged_by, alert.waiting_since = None, None, self.now
        alert.save()
        old, new = transition.old, transition.new
        return _write(alert, action, at=transition.at, now=self.now, old=old, new=new, value=transition.value)

    def _look_whether_silent(self, alert: Alert) -> list[str]:
        silent_since = alert.value_at + self.reading.criteria.longest_gap
        is_silent = self.now > silent_since
        if is_silent == (alert.stale_since is not None):
            return []
        alert.stale_since = silent_since if is_silent else None
        alert.save(update_fields=["stale_since"])
        at, action = (silent_since, Action.STALE) if is_silent else (alert.value_at, Action.HEARD)
        return [_write(alert, action, at=at, now=self.now)]

    def _store(self, after: State) -> None:
        state = self.state
        state.evaluated_to, state.heard_at, state.level = after.evaluated_to, after.heard_at, after.level
        state.changing_since = [since and since.isoformat() for since in after.changing_since]
        state.save()


def _point(hex_ewkb: str | None) -> Point | None:
    if hex_ewkb is None:
        return None
    point = GEOSGeometry(hex_ewkb)
    assert isinstance(point, Point), "a thing stands at a point"
    return point


def _loaded(state: AlertState) -> State:
    changing = tuple(datetime.fromisoformat(since) if since else None for since in state.changing_since)
    return State(state.evaluated_to, state.level, changing, state.heard_at)

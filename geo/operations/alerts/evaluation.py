"""Makes alerts of the levels that sensors has seen crossed: opens, raises, lowers and closes them, and takes them back.

A round is one transaction: how far the crossings were read, the alerts, their log and the messages are there together or not
at all. So whoever is killed on the way has done nothing, and the next round does it. One process works at a time.

What stands is made to agree with the crossings that stand, whichever of them are new: one that was learnt late or was revoked
changes the alert that it belongs to, or opens or takes back one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import transaction
from django.db.models import Q

from geo.operations.alerts.incidents import keep_incidents
from geo.operations.alerts.models import Alert, AlertEvent, AlertProgress, AlertRule
from geo.operations.alerts.notices import tell
from geo.operations.alerts.watching import OWNERS, Watched, find_watched
from sensors import published
from sensors.published import Crossing, Watch

Action = AlertEvent.Action
# Crossings of one round; after a long outage the next rounds take the rest.
MOST_CROSSINGS = 1000


def evaluate_alerts(now: datetime) -> str:
    """One round; says what changed, or nothing. Any number may run at once."""
    with transaction.atomic():
        AlertProgress.objects.get_or_create(pk=1)
        progress = AlertProgress.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if progress is None:
            return ""
        actions = _end_unwatched(now)
        crossings = published.crossings_after(OWNERS, progress.change, limit=MOST_CROSSINGS)
        if crossings:
            actions += _take_in(crossings, now)
            progress.change = crossings[-1].change
            progress.save()
        actions += _keep_up(now)
    actions += keep_incidents(now)
    return ", ".join(f"{n} {action}" for action, n in sorted(Counter(actions).items()))


def _end_unwatched(now: datetime) -> list[str]:
    """The rule holds no more for the datastream, or has other levels. Nobody is told: nothing has happened out there."""
    alerts = list(Alert.objects.open().select_for_update().order_by("id"))
    there = set(published.watches(OWNERS).values_list("pk", flat=True)) if alerts else set()
    actions = []
    for alert in alerts:
        if alert.watch_id not in there:
            alert.closed_at, alert.ended = now, Alert.Ended.RULE_CHANGED
            alert.save(update_fields=["closed_at", "ended"])
            actions.append(_write(alert, Action.RULE_CHANGED, at=now, now=now, old=alert.level))
    return actions


def _take_in(crossings: Sequence[Crossing], now: datetime) -> list[str]:
    watched = {(one.owner, one.datastream_id): one for one in find_watched()}
    rules = AlertRule.objects.select_related("city").in_bulk({one.rule_id for one in watched.values()})
    actions = []
    for _id, group in groupby(sorted(crossings, key=lambda one: one.watch_id), key=lambda one: one.watch_id):
        changed = list(group)
        watch = changed[0].watch
        about = watched.get((watch.owner, watch.datastream_id))
        # What a rule no longer holds for is about to be watched no more.
        if about is not None:
            actions += _Watching(rules[about.rule_id], watch, about, now).agree(min(one.at for one in changed))
    return actions


def _keep_up(now: datetime) -> list[str]:
    """The open alerts' latest values and peaks, and which of them are stale: three statements, however many they are."""
    alerts = list(Alert.objects.open().select_for_update().order_by("id"))
    watches = published.watches(OWNERS).in_bulk([alert.watch_id for alert in alerts]) if alerts else {}
    actions, changed = [], []
    for alert in alerts:
        if (watch := watches.get(alert.watch_id)) is not None:
            has_news = _note_values(alert, watch)
            # An exercise has a clock of its own, and is behind by that of the wall until it ends.
            said = [] if alert.is_exercise else _look_whether_silent(alert, watch, now)
            actions += said
            if has_news or said:
                changed.append(alert)
    Alert.objects.bulk_update(changed, ["value", "value_at", "peak", "peak_at", "stale_since"])
    return actions


def _note_values(alert: Alert, watch: Watch) -> bool:
    value, heard_at, peak, peak_at = watch.value, watch.heard_at, watch.peak, watch.peak_at
    if watch.level == 0 or value is None or heard_at is None or peak is None or peak_at is None:
        # It has been left; the crossing that says so is read next.
        return False
    before = (alert.value, alert.value_at, alert.peak, alert.peak_at)
    alert.value, alert.value_at, alert.peak, alert.peak_at = value, heard_at, peak, peak_at
    return before != (alert.value, alert.value_at, alert.peak, alert.peak_at)


def _look_whether_silent(alert: Alert, watch: Watch, now: datetime) -> list[str]:
    silent_since = alert.value_at + watch.longest_gap
    is_silent = now > silent_since
    if is_silent == (alert.stale_since is not None):
        return []
    alert.stale_since = silent_since if is_silent else None
    at, action = (silent_since, Action.STALE) if is_silent else (alert.value_at, Action.HEARD)
    return [_write(alert, action, at=at, now=now)]


Excursion = list[Crossing]
"""The crossings from one opening to the closing, or to now."""


def _is_open(excursion: Excursion) -> bool:
    return excursion[-1].new > 0


def _overlap(alert: Alert, excursion: Excursion) -> bool:
    begins_in_time = _is_open(excursion) or alert.opened_at <= excursion[-1].at
    return begins_in_time and (alert.closed_at is None or alert.closed_at >= excursion[0].at)


@dataclass(slots=True)
class _Watching:
    """One rule at one datastream, whose alerts are to agree with what was crossed."""

    rule: AlertRule
    watch: Watch
    about: Watched
    now: datetime
    actions: list[str] = field(default_factory=list)
    # Crossings of which a line of some alert's log tells.
    told: set[int] = field(default_factory=set)

    def agree(self, since: datetime) -> list[str]:
        """From the time on at which the first crossing changed; the actions that were written down."""
        standing = published.standing_crossings(self.watch.pk, since)
        since = min([since, *(one.at for one in standing)])
        there = Alert.objects.filter(watch_id=self.watch.pk).exclude(ended=Alert.Ended.RETRACTED)
        alerts = list(
            there.filter(Q(closed_at=None) | Q(closed_at__gte=since)).order_by("opened_at", "id").select_for_update()
        )
        lines: dict[int, dict[int, datetime]] = {alert.pk: {} for alert in alerts}
        told = AlertEvent.objects.filter(alert__in=alerts, crossing_id__isnull=False).order_by("id")
        for alert_id, action, crossing_id, at in told.values_list("alert_id", "action", "crossing_id", "at"):
            assert crossing_id is not None
            self.told.add(crossing_id)
            lines[alert_id][crossing_id] = at
            if action == Action.REVISED:
                del lines[alert_id][crossing_id]
        pairs = _matched(_excursions(standing), [alert for alert in alerts if alert.ended in ("", Alert.Ended.NORMAL)])
        kept = {alert.pk for _excursion, alert in pairs if alert is not None}
        for alert in alerts:
            if alert.pk not in kept and alert.ended in ("", Alert.Ended.NORMAL):
                self._retract(alert)
        for excursion, found in pairs:
            if found is not None:
                ids = {one.pk for one in excursion}
                lost = {id_: at for id_, at in lines[found.pk].items() if id_ not in ids and at >= since}
                self._follow(found, excursion, lost)
            elif begun := self._unheard(excursion, alerts):
                self._follow(self._opened(begun), begun, {})
        return self.actions

    def _unheard(self, excursion: Excursion, alerts: Sequence[Alert]) -> Excursion:
        """What of an excursion without an alert is to open one: of one that somebody has closed by hand what rises after."""
        closed = [one for one in alerts if one.ended == Alert.Ended.BY_HAND and _overlap(one, excursion)]
        if not closed:
            return excursion
        level, closed_at = max(one.level for one in closed), max(one.closed_at for one in closed if one.closed_at)
        for i, one in enumerate(excursion):
            is_higher = one.new > one.old and (one.new > level or one.at > closed_at)
            if is_higher and one.pk not in self.told:
                return excursion[i:]
        return []

    def _opened(self, begun: Excursion) -> Alert:
        first, about = begun[0], self.about
        return Alert(
            rule=self.rule,
            city=self.rule.city,
            datastream_id=self.watch.datastream_id,
            watch_id=self.watch.pk,
            thing=about.thing,
            thing_name=about.thing_name,
            area_id=about.area_id,
            location=_point(about.location),
            level=0,
            opened_at=first.at,
            value=first.value,
            value_at=first.at,
            waiting_since=self.now,
            is_late=begun[-1].is_late and not _is_open(begun),
            is_exercise=about.is_exercise,
        )

    def _follow(self, alert: Alert, excursion: Excursion, lost: Mapping[int, datetime]) -> None:
        """Makes an alert what an excursion says, and writes down what of it is new."""
        is_new, level_before, was_closed = alert.pk is None, alert.level, alert.closed_at is not None
        new = excursion if is_new else [one for one in excursion if one.pk not in self.told]
        if alert.opened_at in lost.values():
            alert.opened_at = excursion[0].at
        self._set(alert, excursion)
        if not is_new and alert.level > level_before and any(one.new > one.old for one in new):
            alert.rises += 1
            if alert.acknowledged_at is not None:
                # Whoever acknowledged the milder level has not seen this one. Where nobody did, it waits as long as it has.
                alert.acknowledged_at, alert.acknowledged_by, alert.waiting_since = None, None, self.now
        alert.save()
        for crossing_id, at in lost.items():
            self._note(alert, Action.REVISED, at=at, old=level_before, new=excursion[-1].new, crossing_id=crossing_id)
        for one in new:
            about = {"value": one.value, "crossing_id": one.pk, "is_late": one.is_late}
            self._note(alert, _action(one, is_new and one is new[0]), at=one.at, old=one.old, new=one.new, **about)
        if new or alert.level != level_before or was_closed != (alert.closed_at is not None):
            # Once for all that has happened since: after an outage nobody wants every step of it.
            self._tell(alert)

    def _set(self, alert: Alert, excursion: Excursion) -> None:
        last, highest = excursion[-1], excursion[-1]
        if last.new == 0 and len(excursion) > 1:
            highest = excursion[-2]
        if highest.new:
            alert.level, alert.level_name = highest.new, self.watch.level_names[highest.new - 1]
            alert.level_since = highest.at
        if last.new:
            alert.closed_at, alert.ended = None, ""
        else:
            alert.closed_at, alert.ended, alert.stale_since = last.at, Alert.Ended.NORMAL, None
        alert.value, alert.value_at = last.value, last.at
        alert.peak, alert.peak_at = last.peak, last.peak_at

    def _retract(self, alert: Alert) -> None:
        """What it was made of is no more: corrected, deleted, doubted, or part of another since something came late."""
        was_open = alert.closed_at is None
        if was_open:
            alert.closed_at, alert.stale_since = self.now, None
        alert.ended = Alert.Ended.RETRACTED
        alert.save(update_fields=["closed_at", "stale_since", "ended"])
        self._note(alert, Action.RETRACTED, at=self.now, old=alert.level, new=0)
        if was_open:
            self._tell(alert)

    def _tell(self, alert: Alert) -> None:
        tell(alert, self.about.property_name_id, self.about.property_name_en, self.about.unit, now=self.now)

    def _note(self, alert: Alert, action: Action, **about: Any) -> None:
        self.actions.append(_write(alert, action, now=self.now, **about))


def _action(one: Crossing, is_first: bool) -> Action:
    if one.new > one.old:
        return Action.OPENED if is_first or one.old == 0 else Action.RAISED
    return Action.LOWERED if one.new else Action.NORMAL


def _excursions(crossings: Sequence[Crossing]) -> list[Excursion]:
    found: list[Excursion] = []
    for one in crossings:
        if one.old == 0 or not found:
            found.append([])
        found[-1].append(one)
    return found


def _matched(excursions: Sequence[Excursion], alerts: Sequence[Alert]) -> list[tuple[Excursion, Alert | None]]:
    """Each excursion, in the order of time, with the alert that is of it: the open one with the open one, others by their time."""
    free = list(alerts)
    chosen: dict[int, Alert] = {}
    if excursions and _is_open(excursions[-1]):
        is_open = next((alert for alert in free if alert.closed_at is None), None)
        if is_open is not None:
            chosen[len(excursions) - 1] = is_open
            free.remove(is_open)
    for i, excursion in enumerate(excursions):
        if i not in chosen and (alert := next((one for one in free if _overlap(one, excursion)), None)) is not None:
            chosen[i] = alert
            free.remove(alert)
    return [(excursion, chosen.get(i)) for i, excursion in enumerate(excursions)]


def _write(
    alert: Alert,
    action: Action,
    *,
    at: datetime,
    now: datetime,
    old: int | None = None,
    new: int | None = None,
    **more: Any,
) -> str:
    AlertEvent.objects.create(alert=alert, at=at, recorded_at=now, action=action, old_level=old, new_level=new, **more)
    return action.value


def _point(hex_ewkb: str | None) -> Point | None:
    if hex_ewkb is None:
        return None
    point = GEOSGeometry(hex_ewkb)
    assert isinstance(point, Point), "a thing stands at a point"
    return point

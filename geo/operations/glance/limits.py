"""Readings against limits: an authority's levels as they are watched, and ISPU of the air by whole days."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from geo.analysis.dossier_gauges import MIN_HOURS
from geo.areas.models import City
from geo.operations.alerts.models import AlertRule
from geo.operations.alerts.watching import OWNERS
from geo.operations.glance.figures import DAYS, Air, Held, Level, Spans, UnhealthyDistrict
from geo.operations.glance.rows import QUERIES, rows_of
from geo.operations.mayor.brief import Compared, Name
from sensors import published
from sensors.published import ispu

# Held against its own regulation by whole days, here.
OF_THE_AIR = "ispu_category"
CATEGORIES = list(ispu.Category)
UNHEALTHY_FROM = CATEGORIES.index(ispu.Category.TIDAK_SEHAT)

Row = Mapping[str, Any]


def watches_of(city: City) -> list[tuple[published.Watch, AlertRule]]:
    """Two queries, however much is watched."""
    rules = {f"{OWNERS}{rule.pk}": rule for rule in AlertRule.objects.filter(city=city, is_active=True)}
    found = published.watches(OWNERS).filter(owner__in=list(rules), datastream__thing__is_exercise=False)
    return [(one, rules[one.owner]) for one in found.order_by("id")]


def held_of(
    watches: Sequence[tuple[published.Watch, AlertRule]],
    spans: Spans,
    places: Iterable[Row],
    districts: Mapping[int, Name],
) -> tuple[Held, ...]:
    """Those that reached a level in either week, or measured this week; the most severe first. One query."""
    told = [pair for pair in watches if pair[0].datastream.observed_property.code != OF_THE_AIR]
    hours = _hours([one for one, _rule in told], spans)
    placed = {row["datastream_id"]: districts.get(row["district_id"]) for row in places}
    held = [_held(one, rule, hours, placed) for one, rule in told if one.datastream_id in placed or one.level]
    return tuple(sorted(held, key=lambda one: (-one.level, -_severity(one), one.thing)))


def _severity(one: Held) -> int:
    return next((i for i, level in reversed(list(enumerate(one.levels, 1))) if level.hours.this), 0)


def _held(
    watch: published.Watch,
    rule: AlertRule,
    hours: Mapping[tuple[int, int], Compared],
    placed: Mapping[int, Name | None],
) -> Held:
    stream = watch.datastream
    measured = stream.observed_property
    levels = enumerate(zip(watch.level_names, watch.thresholds, strict=True))
    return Held(
        thing=stream.thing.slug,
        thing_name=stream.thing.name,
        district=placed.get(watch.datastream_id),
        observed=Name(measured.code, measured.name_id, measured.name_en),
        domain=measured.domain,
        unit=stream.unit_ucum,
        authority=rule.authority,
        is_below=watch.is_below,
        levels=tuple(Level(name, at, hours[watch.pk, i]) for i, (name, at) in levels),
        level=watch.level,
        value=watch.value,
        value_at=watch.heard_at,
    )


def _hours(watches: Sequence[published.Watch], spans: Spans) -> dict[tuple[int, int], Compared]:
    """By watch and level in how many hours of each week it was reached."""
    asked = [(one, i, level) for one in watches for i, level in enumerate(one.thresholds)]
    if not asked:
        return {}
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows_of(
        QUERIES.hours_at_levels,
        numbers=list(range(len(asked))),
        datastream_ids=[one.datastream_id for one, _i, _level in asked],
        levels=[level for _one, _i, level in asked],
        below=[one.is_below for one, _i, _level in asked],
        starts=spans.starts,
        ends=spans.ends,
    ):
        found[row["number"]][row["span"]] = row["hours"]
    return {
        (one.pk, i): Compared(found[number].get(2, 0), found[number].get(1, 0))
        for number, (one, i, _level) in enumerate(asked)
    }


def air_days_of(city: City, level_id: int | None, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """What was measured of the pollutants that the index is made of, by whole days of the city."""
    return rows_of(
        f"{QUERIES.placed}\n{QUERIES.air_days}",
        city_id=city.pk,
        level_id=level_id,
        starts=[start],
        ends=[end],
        zone=city.timezone,
        pollutants=list(ispu.CONCENTRATIONS),
        unit=ispu.UNIT,
    )


def air_of(days: Sequence[Row], since: datetime, districts: Mapping[str, Name]) -> Air | None:
    """The air of the whole days from `since` on, and of as many before; None where no pollutant of the table is measured.

    `districts` by thing. A day counts at a station if it has enough hours, as in a dossier.
    """
    if not days:
        return None
    means: dict[tuple[str, datetime], dict[str, float]] = defaultdict(dict)
    for row in days:
        if row["hours"] >= MIN_HOURS and row["mean"] >= 0:
            means[row["thing"], row["day"]][row["observed_property"]] = row["mean"]
    found: dict[tuple[str, datetime], int] = {}
    for key, values in means.items():
        index = ispu.station_index(values, top=settings.ISPU_TOP)
        if index is not None:
            found[key] = CATEGORIES.index(index.category)
    recent = {key: place for key, place in found.items() if key[1] >= since}
    newest = max((at for _thing, at in recent), default=None)
    counted = Counter(place for (_thing, at), place in recent.items() if at == newest)
    bad, bad_before = (
        sum(1 for key, place in found.items() if place >= UNHEALTHY_FROM and (key in recent) is is_recent)
        for is_recent in (True, False)
    )
    return Air(
        source=ispu.SOURCE,
        days=DAYS,
        day=newest,
        latest={CATEGORIES[place].value: counted[place] for place in sorted(counted)},
        unhealthy=_unhealthy(recent, districts),
        unhealthy_days=Compared(bad, bad_before if len(found) > len(recent) else None),
    )


def _unhealthy(
    found: Mapping[tuple[str, datetime], int], districts: Mapping[str, Name]
) -> tuple[UnhealthyDistrict, ...]:
    """The districts with unhealthy days, the most days first. One of several stations is enough for its district."""
    by_district: dict[Name, dict[datetime, int]] = defaultdict(dict)
    for (thing, day), place in found.items():
        if place >= UNHEALTHY_FROM and thing in districts:
            days = by_district[districts[thing]]
            days[day] = max(days.get(day, 0), place)
    told = [
        UnhealthyDistrict(name, len(days), CATEGORIES[max(days.values())].value) for name, days in by_district.items()
    ]
    return tuple(
        sorted(told, key=lambda one: (-one.days, -CATEGORIES.index(ispu.Category(one.worst)), one.district.name_id))
    )

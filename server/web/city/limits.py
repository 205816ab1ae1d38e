"""Readings against limits in sentences: the air's index, and each authority's levels."""

from collections.abc import Iterable, Sequence

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.api.analysis.dossier_words import AIR
from geo.operations.glance.figures import Air, Glance, Held, Level, UnhealthyDistrict
from server.web.city.links import AREA, THING, Line, opened, to_map
from server.web.city.numbers import measured, name_of, number, within

# An observed property, an authority, and one of its levels.
_Group = tuple[str, str, str]


def air_lines(glance: Glance) -> list[Line]:
    air = glance.air
    if air is None:
        return []
    if air.day is None:
        return [Line(_("The air has no index yet: no day has 18 hours of readings."))]
    return [_latest_air(glance, air), _unhealthy_air(glance, air)]


def _latest_air(glance: Glance, air: Air) -> Line:
    assert air.day is not None
    stations = sum(air.latest.values())
    most = max(air.latest, key=lambda category: air.latest[category])
    text = _("Air on %(day)s: %(category)s at %(n)s of %(all)s stations.") % {
        "day": date_format(air.day.astimezone(glance.zone), "l"),
        "category": AIR[most],
        "n": number(air.latest[most]),
        "all": number(stations),
    }
    return Line(text, to_map(glance, property="ispu", show="sensors"))


def _unhealthy_air(glance: Glance, air: Air) -> Line:
    rule = _("ISPU, %(source)s") % {"source": air.source}
    if not air.unhealthy:
        says = _("Nowhere unhealthy on any of the last %(days)s whole days (%(rule)s).")
        return Line(says % {"days": air.days, "rule": rule})
    first, *others = air.unhealthy
    says = _("%(worst)s on %(n)s of %(days)s days in %(district)s (%(rule)s).")
    words = {"worst": str(AIR[first.worst]).capitalize(), "n": first.days, "days": air.days, "rule": rule}
    text = says % {**words, "district": first.district.name_id}
    if others:
        text += " " + _others(others)
    return Line(text, opened(glance, AREA, first.district.id), "warn")


def _others(others: Sequence[UnhealthyDistrict]) -> str:
    said = ngettext(
        "On fewer or as many days in %(n)d more district.",
        "On fewer or as many days in %(n)d more districts.",
        len(others),
    )
    return said % {"n": len(others)}


def held_lines(glance: Glance, held: Iterable[Held]) -> list[Line]:
    """What stands at a level now, what reached one this week, the rest; places at one level of one authority share a sentence."""
    now, reached, below = dict[_Group, list[Held]](), dict[_Group, list[Held]](), list[Held]()
    for one in held:
        key = (one.observed.id or "", one.authority)
        if one.level:
            now.setdefault((*key, one.levels[one.level - 1].name), []).append(one)
        elif level := one.highest_reached:
            reached.setdefault((*key, level.name), []).append(one)
        else:
            below.append(one)
    return [
        *(_stands(glance, group) for group in now.values()),
        *(_reached(glance, group) for group in reached.values()),
        *_below(glance, below),
    ]


def _bound(level: Level, one: Held) -> str:
    value = measured(level.at, one.unit)
    return _("%(value)s and below") % {"value": value} if one.is_below else _("from %(value)s") % {"value": value}


def _stands(glance: Glance, group: Sequence[Held]) -> Line:
    one = max(group, key=lambda each: abs(each.value or 0.0))
    level = one.levels[one.level - 1]
    words = {
        "place": one.thing_name,
        "level": level.name,
        "authority": one.authority,
        "bound": _bound(level, one),
        "value": measured(one.value, one.unit),
        "n": number(len(group)),
    }
    if len(group) == 1:
        says = _("%(place)s: now at %(level)s of %(authority)s (%(bound)s); %(observed)s %(value)s.")
        return Line(
            says % {**words, "observed": within(name_of(one.observed))}, opened(glance, THING, one.thing), "bad"
        )
    says = _(
        "%(observed)s: now at %(level)s of %(authority)s (%(bound)s) at %(n)s places, most at %(place)s: %(value)s."
    )
    return Line(says % {**words, "observed": name_of(one.observed)}, _sensors(glance, one), "bad")


def _reached(glance: Glance, group: Sequence[Held]) -> Line:
    hours = {one.thing: int(level.hours.this or 0) for one in group if (level := one.highest_reached)}
    one = max(group, key=lambda each: hours[each.thing])
    level = one.highest_reached
    assert level is not None
    words = {
        "place": one.thing_name,
        "level": level.name,
        "authority": one.authority,
        "bound": _bound(level, one),
        "hours": _hours(hours[one.thing]),
        "n": number(len(group)),
    }
    if len(group) == 1:
        says = _("%(place)s reached %(level)s of %(authority)s (%(bound)s) this week, for %(hours)s; now below.")
        return Line(says % words, opened(glance, THING, one.thing), "warn")
    says = _(
        "%(observed)s reached %(level)s of %(authority)s (%(bound)s) at %(n)s places this week, longest at %(place)s"
        " (%(hours)s); now below."
    )
    return Line(says % {**words, "observed": name_of(one.observed)}, _sensors(glance, one), "warn")


def _hours(n: int) -> str:
    return ngettext("%(n)d hour", "%(n)d hours", n) % {"n": n}


def _sensors(glance: Glance, one: Held) -> str:
    return to_map(glance, property=one.observed.id or "", show="sensors")


def _below(glance: Glance, held: Sequence[Held]) -> list[Line]:
    groups: dict[tuple[str, str], list[Held]] = {}
    for one in held:
        groups.setdefault((one.observed.id or "", one.authority), []).append(one)
    lines = []
    for (_code, authority), group in groups.items():
        first = group[0]
        observed = name_of(first.observed)
        if len(group) == 1:
            text = _("%(place)s: %(observed)s %(value)s, below every level of %(authority)s.") % {
                "place": first.thing_name,
                "observed": within(observed),
                "value": measured(first.value, first.unit),
                "authority": authority,
            }
            lines.append(Line(text, opened(glance, THING, first.thing)))
        else:
            text = _("%(observed)s: below every level of %(authority)s at all %(n)s places.") % {
                "observed": observed,
                "authority": authority,
                "n": number(len(group)),
            }
            lines.append(Line(text, _sensors(glance, first)))
    return lines

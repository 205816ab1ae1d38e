"""The cards of the city at a glance: what each of them holds, ready to be laid out."""

from dataclasses import dataclass

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from geo.operations.glance.figures import Counts, Domain, Glance, Place, Property
from geo.operations.mayor.brief import Compared
from server.web.city import sentences as says
from server.web.city.charts import WeekChart, week_bars, week_lines
from server.web.city.limits import air_lines, held_lines
from server.web.city.links import Line, to_map
from server.web.city.numbers import NOTHING, change_of, duration, measured, name_of, number, parts

# What is shown of a domain first; of others, those that have a limit, then by name.
FIRST = ("ispu", "river_level", "rain", "traffic_speed", "traffic_volume", "dengue_cases", "puskesmas_visits",
         "hospital_bed_occupancy", "rice_price", "chili_price", "market_visitors", "pm25", "noise", "temperature")  # fmt: skip
MOST_SHOWN = 4
COLUMNS = (("environment", "traffic"), ("health", "economy"))
# What is bad where it is low.
LOW_IS_BAD = {"traffic_speed"}


@dataclass(frozen=True, slots=True)
class Row:
    """An observed property: one of the small multiples."""

    key: str
    name: str
    value: str
    unit: str
    change: str
    note: str
    href: str
    chart: WeekChart


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """`state`: `bad`, `warn`, `ok`, or empty where nobody has set a limit; `state_words` says it."""

    key: str
    title: str
    href: str
    state: str
    state_words: str
    is_simulated: bool
    lines: tuple[Line, ...]
    rows: tuple[Row, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the large figures."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class ReportsCard:
    href: str
    total: Line
    figures: tuple[Figure, ...]
    chart: WeekChart
    risen: tuple[Line, ...]
    districts: tuple[Line, ...]
    together: tuple[Line, ...]
    tables: tuple[Table, ...]


def reports_card(glance: Glance) -> ReportsCard:
    reports = glance.reports
    label = _("Reports by day, this week beside last week. The figures stand in the table of the days.")
    return ReportsCard(
        href=to_map(glance),
        total=says.total_line(glance),
        figures=_figures(reports.total),
        chart=week_bars(reports.days_this, reports.days_last, label=label, height=64),
        risen=tuple(says.risen_lines(glance)),
        districts=tuple(says.district_lines(glance)),
        together=tuple(says.together_lines(glance)),
        tables=(_days(glance), _categories(glance), _districts(glance)),
    )


def _figures(total: Counts) -> tuple[Figure, ...]:
    hours = total.median_h
    late = _("of %(n)s with a date due") % {"n": number(total.with_due)} if total.with_due else _("none has a date due")
    return (
        Figure(_("New"), number(total.new.this or 0), _last(total.new)),
        Figure(_("Closed"), number(total.closed.this or 0), _last(total.closed)),
        Figure(
            _("Median time to close"),
            NOTHING if hours.this is None else duration(hours.this),
            _("nothing closed last week") if hours.last is None else _("last week %(n)s") % {"n": duration(hours.last)},
        ),
        Figure(_("Late now"), number(total.late.this or 0), late),
    )


def _last(one: Compared) -> str:
    return "" if one.last is None else _("last week %(n)s") % {"n": number(one.last)}


def _days(glance: Glance) -> Table:
    reports = glance.reports
    days = zip(WEEKDAYS.values(), reports.days_this, reports.days_last, strict=True)
    rows = tuple((str(day), NOTHING if this is None else number(this), number(last)) for day, this, last in days)
    return Table(_("Reports by day"), (_("Day"), _("This week"), _("Last week")), rows)


def _categories(glance: Glance) -> Table:
    rows = tuple(
        (
            name_of(one.category),
            number(one.counts.new.this or 0),
            NOTHING if one.counts.new.last is None else number(one.counts.new.last),
            says.verdict_words(one.verdict),
        )
        for one in glance.reports.categories
    )
    return Table(_("Reports by category"), (_("Category"), _("This week"), _("Last week"), _("Difference")), rows)


def _districts(glance: Glance) -> Table:
    rows = tuple(
        (
            one.district.name_id,
            number(one.counts.new.this or 0),
            NOTHING if one.counts.new.last is None else number(one.counts.new.last),
            NOTHING if one.per_10000 is None else number(one.per_10000, 2),
            NOTHING if one.population is None else number(one.population),
            _("%(late)s of %(n)s") % {"late": number(one.counts.late.this or 0), "n": number(one.counts.with_due)},
        )
        for one in glance.reports.districts
    )
    columns = (
        _("District"), _("This week"), _("Last week"), _("Per 10,000 people"), _("People"), _("Late of those with a date due"),
    )  # fmt: skip
    return Table(_("Reports by district"), columns, rows)


def domain_columns(glance: Glance) -> list[list[Card]]:
    """In two columns, the long one beside the three short ones of about its length."""
    by_name = {one.domain: one for one in glance.domains}
    return [[_domain(glance, by_name[name]) for name in column] for column in COLUMNS]


def domain_title(domain: str) -> str:
    return {
        "health": pgettext("domain", "Health"),
        "environment": pgettext("domain", "Environment"),
        "economy": pgettext("domain", "Economy"),
        "traffic": pgettext("domain", "Traffic"),
    }[domain]


def _domain(glance: Glance, one: Domain) -> Card:
    ordered = sorted(one.properties, key=_rank)
    held = [each for each in glance.held if each.domain == one.domain]
    has_air = one.domain == "environment" and glance.air is not None
    lines = [*(air_lines(glance) if has_air else []), *held_lines(glance, held)]
    if not ordered:
        lines.append(Line(_("Nothing was measured in these two weeks.")))
        if one.not_measured:
            lines.append(Line(says.missing_words(one.not_measured)))
    elif not lines:
        lines = [says.moved_line(glance, each) for each in (ordered[0], *filter(says.is_marked, ordered[1:]))][:2]
    tones = {line.tone for line in lines}
    state = next((tone for tone in ("bad", "warn") if tone in tones), "ok" if held or has_air else "")
    return Card(
        key=one.domain,
        title=domain_title(one.domain),
        href=to_map(glance, show="sensors", **({"property": ordered[0].observed.id or ""} if ordered else {})),
        state=state,
        state_words=_state_words(state) if ordered else "",
        is_simulated=any(each.is_simulated for each in one.properties),
        lines=tuple(lines[:4]),
        rows=tuple(_row(glance, each) for each in ordered[:MOST_SHOWN]),
        tables=(_weeks(ordered), _by_day(ordered[:MOST_SHOWN])) if ordered else (),
    )


def _rank(one: Property) -> tuple[int, bool, str]:
    code = one.observed.id or ""
    return (FIRST.index(code) if code in FIRST else len(FIRST), one.limit is None, code)


def _state_words(state: str) -> str:
    return {
        "bad": _("past a limit now"),
        "warn": _("past a limit this week"),
        "ok": _("within limits"),
    }.get(state, _("no limit set"))


def _row(glance: Glance, one: Property) -> Row:
    name, per_day = name_of(one.observed), one.kind == "per_day"
    value, unit = parts(one.value.this, one.unit, per_day=per_day)
    label = _("%(name)s: this week %(this)s, last week %(last)s. By day in the table below.") % {
        "name": name,
        "this": measured(one.value.this, one.unit, per_day=per_day),
        "last": measured(one.value.last, one.unit, per_day=per_day),
    }
    course = one.course
    # What adds up stands on its zero; of the rest the differences are what matters.
    is_sum = one.kind in ("total", "per_day")
    return Row(
        key=one.observed.id or "",
        name=name,
        value=value,
        unit=unit,
        change=change_of(one),
        note=_where(one),
        href=to_map(glance, show="sensors", property=one.observed.id or ""),
        chart=week_bars(course.this, course.last, label=label)
        if is_sum
        else week_lines(course.this, course.last, label=label, limit=one.limit),
    )


def _where(one: Property) -> str:
    """At which place it is worst, or most; or at which place it was measured at all."""
    if one.at is not None:
        return one.at.thing_name
    if one.highest is None or one.lowest is None:
        return _("not measured this week")
    if one.places == 1:
        return _place(one.highest)
    place = one.lowest if one.observed.id in LOW_IS_BAD else one.highest
    said = _("lowest: %(place)s, %(value)s") if one.observed.id in LOW_IS_BAD else _("highest: %(place)s, %(value)s")
    return said % {"place": _place(place), "value": parts(place.value, one.unit)[0]}


def _place(one: Place) -> str:
    return one.thing_name if one.district is None else one.district.name_id


def _weeks(properties: list[Property]) -> Table:
    rows = tuple(
        (
            name_of(one.observed),
            measured(one.value.this, one.unit, per_day=one.kind == "per_day"),
            measured(one.value.last, one.unit, per_day=one.kind == "per_day"),
            change_of(one) or NOTHING,
            _("%(both)s of %(n)s") % {"both": number(one.places_in_both), "n": number(one.places)},
            _where(one),
        )
        for one in properties
    )
    columns = (
        _("Observed property"), _("This week"), _("Last week"), _("Change"), _("Places in both weeks"), _("Where"),
    )  # fmt: skip
    return Table(_("What was measured"), columns, rows)


def _by_day(properties: list[Property]) -> Table:
    weeks = ((_("this week"), False), (_("last week"), True))
    rows = tuple(
        (
            f"{name_of(one.observed)}, {week}",
            *(NOTHING if value is None else number(value) for value in one.course.by_day(is_last=is_last)),
        )
        for one in properties
        for week, is_last in weeks
    )
    return Table(_("By day"), (_("Observed property"), *map(str, WEEKDAYS_ABBR.values())), rows)

"""The weekly brief in words, in the reader's language: the text of a letter, and a page to be printed. What is empty says so."""

import hashlib
from base64 import b64encode
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils.formats import date_format, number_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from geo.operations.duty.rendering import Section
from geo.operations.mayor.brief import Brief, Compared, Counts, Domain, Group, Measured, Name, Pace, rounded
from geo.operations.mayor.models import State
from geo.reports.models.directory import in_language
from server.core.local_times import moment_in_words

# How units of UCUM are written for people; what stands in braces is a word already.
UNITS = {"ug/m3": "µg/m³", "m3/s": "m³/s", "Cel": "°C", "dB[SPL]": "dB", "mm": "mm"}
NOTHING = "–"


def title_of(brief: Brief) -> tuple[str, str]:
    """The heading of the whole, and the line below it: of which days, and whether they are over."""
    zone = ZoneInfo(brief.time_zone)
    last_day = brief.week.monday + timedelta(days=6)
    span = _("%(first)s to %(last)s") % {
        "first": date_format(brief.week.monday, "j F Y"),
        "last": date_format(last_day, "j F Y"),
    }
    if not brief.is_over:
        until = moment_in_words(brief.until, zone)
        span += ". " + _("Not over: until %(until)s, against as much of the week before.") % {"until": until}
    return _("Weekly brief of %(city)s, %(week)s") % {"city": brief.city_name, "week": brief.week.label}, span


def sections_of(brief: Brief) -> list[Section]:
    return [
        _totals(brief),
        _counted(_("By category"), _("Category"), brief.categories),
        _counted(_("By area"), _("Area"), brief.areas),
        _agencies(brief.agencies),
        *(_domain(one) for one in brief.domains),
        _instructions(brief),
        _incidents(brief),
    ]


def as_text(brief: Brief) -> str:
    """Plain lines for a letter: a row of a table is a line, so that it is read on a telephone, too."""
    title, span = title_of(brief)
    lines = [title.upper(), span]
    for section in sections_of(brief):
        lines += ["", section.heading.upper(), *section.sentences]
        for first, *cells in section.rows:
            told = [f"{name.lower()} {cell}" for name, cell in zip(section.columns[1:], cells, strict=True)]
            lines.append(f"- {first}: {'; '.join(told)}")
    return "\n".join(lines) + "\n"


def as_html(brief: Brief) -> tuple[str, str]:
    """One page that fetches nothing, laid out as a situation report; and the Content-Security-Policy that it needs."""
    title, span = title_of(brief)
    css = render_to_string("duty/situation.css").strip()
    context = {"title": title, "span": span, "sections": sections_of(brief), "css": mark_safe(css)}
    digest = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return render_to_string("duty/situation.html", context), policy


def changed(change: float | None, *, decimals: int = 0, level: bool = False) -> str:
    """A change in words, with an arrow; of a `level` it goes up and down, of a count there are more and fewer."""
    if change is None:
        return ""
    size = rounded(abs(change), decimals) or 0
    if not size:
        return "= " + _("no change")
    n = {"n": _number(size, decimals)}
    if change > 0:
        return "▲ " + (_("up by %(n)s") if level else _("%(n)s more")) % n
    return "▼ " + (_("down by %(n)s") if level else _("%(n)s fewer")) % n


def _totals(brief: Brief) -> Section:
    counts = brief.totals
    heading = _("Reports")
    first = () if brief.has_previous else (_("This is the first week: there is none before it to compare with."),)
    if not any(getattr(counts, name).this or getattr(counts, name).last for name in Counts.__dataclass_fields__):
        return Section(heading, (*first, _("No report came in, was closed or stood open.")))
    said = [
        (_("New: %(n)s"), counts.new),
        (_("Closed: %(n)s"), counts.closed),
        (_("Reopened: %(n)s"), counts.reopened),
        (_("Open at the end of the week: %(n)s"), counts.open),
        (_("Late at the end of the week: %(n)s"), counts.late),
    ]
    return Section(heading, (*first, *(sentence % {"n": _cell(figure)} for sentence, figure in said)))


def _counted(heading: str, of: str, groups: tuple[Group, ...]) -> Section:
    if not groups:
        return Section(heading, (_("Nothing to count."),))
    rows = tuple(
        (
            _name(one.of),
            *(_cell(figure) for figure in (one.counts.new, one.counts.closed, one.counts.late, one.counts.reopened)),
        )
        for one in groups
    )
    return Section(heading, (), (of, _("New"), _("Closed"), _("Late"), _("Reopened")), rows, frozenset({1, 2, 3, 4}))


def _agencies(paces: tuple[Pace, ...]) -> Section:
    heading = _("Slowest agencies")
    if not paces:
        return Section(heading, (_("No agency answered, closed or owed anything."),))
    says = _("Medians in hours, of what was answered and resolved in the week; in brackets of how many.")
    rows = tuple(
        (
            _name(one.agency),
            _late_share(one.late_share),
            _median(one.first_response_h, one.responded),
            _median(one.resolution_h, one.resolved),
        )
        for one in paces
    )
    columns = (_("Agency"), _("Late"), _("First response"), _("Resolution"))
    return Section(heading, (says,), columns, rows, frozenset({1, 2, 3}))


def _domain(one: Domain) -> Section:
    names = {
        "environment": _("environment"),
        "traffic": _("traffic"),
        "health": _("health"),
        "economy": _("economy"),
    }
    sentences = []
    if not one.measured:
        sentences.append(_("Nothing was measured in this week."))
    if one.not_measured:
        missing = ", ".join(_name(each) for each in one.not_measured)
        sentences.append(_("Not measured: %(names)s.") % {"names": missing})
    heading = names[one.domain].capitalize()
    if not one.measured:
        return Section(heading, tuple(sentences))
    columns = (_("Observed property"), _("This week"), _("Change"), _("Places"))
    return Section(
        heading, tuple(sentences), columns, tuple(_measured(each) for each in one.measured), frozenset({1, 3})
    )


def _measured(one: Measured) -> tuple[str, ...]:
    unit = UNITS.get(one.unit) or one.unit.replace("{", "").replace("}", "")
    if one.aggregate == "sum":
        unit = _("%(unit)s per day") % {"unit": unit}
    name = _name(one.property)
    value = NOTHING if one.value.this is None else f"{_number(one.value.this, 1)} {unit}"
    change = changed(one.change, decimals=1, level=True) or _("not measured in the week before")
    if one.value.this is None and one.change is not None:
        change += f" {unit}"
    return (
        _("%(name)s (simulated)") % {"name": name} if one.is_simulated else name,
        value,
        change,
        _number(one.places),
    )


def _instructions(brief: Brief) -> Section:
    heading = _("Unfulfilled instructions")
    said = [
        _("Given in the week: %(n)s") % {"n": _cell(brief.instructions_given)},
        _("Confirmed in the week: %(n)s") % {"n": _cell(brief.instructions_confirmed)},
    ]
    if not brief.instructions:
        return Section(heading, (*said, _("No instruction is unfulfilled.")))
    said.append(
        _("Unfulfilled: %(n)s, of them late: %(late)s")
        % {"n": _number(brief.unfulfilled), "late": _number(brief.unfulfilled_late)}
    )
    zone = ZoneInfo(brief.time_zone)
    rows = tuple(
        (
            _name(one.agency),
            _("report %(id)s") % {"id": one.target} if one.target_kind == "report" else one.target,
            str(State(one.state).label),
            date_format(one.deadline.astimezone(zone), "j F Y H:i") + (f" ({_('late')})" if one.is_late else ""),
        )
        for one in brief.instructions
    )
    return Section(heading, tuple(said), (_("Agency"), _("About"), _("State"), _("Deadline")), rows)


def _incidents(brief: Brief) -> Section:
    heading = _("Open incidents")
    if not brief.incidents:
        return Section(heading, (_("No incident is open."),))
    zone = ZoneInfo(brief.time_zone)
    rows = tuple(
        (
            one.title,
            one.area_name or NOTHING,
            date_format(one.opened_at.astimezone(zone), "j F Y H:i"),
            _number(one.reports),
            _number(one.open_reports),
        )
        for one in brief.incidents
    )
    columns = (_("Incident"), _("Area"), _("Opened"), _("Reports"), _("Open"))
    return Section(heading, (), columns, rows, frozenset({3, 4}))


def _cell(figure: Compared, *, decimals: int = 0, level: bool = False) -> str:
    """The figure, with its change in brackets where there is one."""
    if figure.this is None:
        return NOTHING
    change = changed(figure.change, decimals=decimals, level=level)
    return _number(figure.this, decimals) + (f" ({change})" if change else "")


def _median(figure: Compared, n: int) -> str:
    if figure.this is None:
        return NOTHING
    change = changed(figure.change, decimals=1, level=True)
    return f"{_number(figure.this, 1)} ({', '.join(filter(None, (_number(n), change)))})"


def _late_share(share: Compared) -> str:
    if share.this is None:
        return NOTHING
    change = changed(None if share.change is None else 100 * share.change, level=True)
    return f"{_number(100 * share.this)} %" + (f" ({change})" if change else "")


def _number(value: float, decimals: int = 0) -> str:
    return number_format(value, decimal_pos=decimals, force_grouping=True)


def _name(one: Name) -> str:
    return in_language(one.name_id, one.name_en)

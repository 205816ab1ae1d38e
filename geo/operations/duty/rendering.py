"""The situation in words, in the reader's language: as plain text, and as a page to be printed. What is empty says so."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from geo.reports.models.directory import in_language
from server.core.local_times import moment_in_words

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what is said under it, and a table where there is one; the cells of `numbers` are aligned to the right."""

    heading: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: frozenset[int] = frozenset()

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """The columns, each with whether numbers stand below it."""
        return [(column, i in self.numbers) for i, column in enumerate(self.columns)]

    @property
    def cells(self) -> list[list[tuple[str, bool]]]:
        """The rows, each cell with whether it is a number."""
        return [[(cell, i in self.numbers) for i, cell in enumerate(row)] for row in self.rows]


def title_of(said: Said) -> tuple[str, str]:
    """The heading of the whole, and the line below it: of when, and since when."""
    zone = ZoneInfo(said["time_zone"])
    span = _("As of %(as_of)s, since %(start)s") % {
        "as_of": _moment(said["as_of"], zone),
        "start": _moment(said["start"], zone),
    }
    return _("Situation report of %(city)s") % {"city": said["city_name"]}, span


def sections_of(said: Said) -> list[Section]:
    zone = ZoneInfo(said["time_zone"])
    return [
        _totals(said),
        _by_category(said),
        _by_area(said),
        _unanswered(said, zone),
        _escalations(said),
        _incidents(said, zone),
        *_alerts(said, zone),
        _sensors(said, zone),
    ]


def as_text(said: Said, note: str = "") -> str:
    """Lines of plain text, which any messenger can take. `note` is what a shift hands over in its own words."""
    title, span = title_of(said)
    lines = [title.upper(), span]
    for section in _with_note(sections_of(said), note):
        lines += ["", section.heading.upper(), *section.sentences, *_table(section)]
    return "\n".join(lines) + "\n"


def as_html(said: Said, note: str = "") -> tuple[str, str]:
    """One page that fetches nothing, and the Content-Security-Policy that it needs: its own style sheet, and nothing else."""
    title, span = title_of(said)
    css = render_to_string("duty/situation.css").strip()
    context = {"title": title, "span": span, "sections": _with_note(sections_of(said), note), "css": mark_safe(css)}
    digest = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return render_to_string("duty/situation.html", context), policy


def _with_note(sections: list[Section], note: str) -> list[Section]:
    return [Section(_("Handover note"), tuple(note.splitlines())), *sections] if note else sections


def _totals(said: Said) -> Section:
    totals = said["totals"]
    if not any(totals.values()):
        return Section(_("Reports"), (_("No report is open, and none came in or was closed in this time."),))
    sentence = _("%(new)s new, %(open)s open, %(late)s of them late, %(closed)s closed.")
    return Section(_("Reports"), (sentence % {name: number_format(n) for name, n in totals.items()},))


def _by_category(said: Said) -> Section:
    rows = tuple((in_language(one["name_id"], one["name_en"]), *_figures(one)) for one in said["categories"])
    return _counted(_("By category"), _("Category"), rows)


def _by_area(said: Said) -> Section:
    rows = tuple((one["name"] or _("outside every area"), *_figures(one)) for one in said["areas"])
    return _counted(_("By area"), _("Area"), rows)


def _counted(heading: str, of: str, rows: tuple[tuple[str, ...], ...]) -> Section:
    if not rows:
        return Section(heading, (_("Nothing to count."),))
    columns = (of, _("New"), _("Open"), _("Late"), _("Closed"))
    return Section(heading, (), columns, rows, frozenset({1, 2, 3, 4}))


def _figures(one: Said) -> tuple[str, ...]:
    return tuple(number_format(one[name]) for name in ("new", "open", "late", "closed"))


def _unanswered(said: Said, zone: ZoneInfo) -> Section:
    heading, count = _("Not taken by anybody"), said["unanswered"]["count"]
    if not count:
        return Section(heading, (_("Nobody waits for an overdue first response."),))
    says = ngettext(
        "%(n)s report waits for an overdue first response.", "%(n)s reports wait for an overdue first response.", count
    ) % {"n": number_format(count)}
    longest = said["unanswered"]["longest"]
    rows = tuple(
        (
            one["report"],
            in_language(one["name_id"], one["name_en"]),
            one["area_name"] or _("outside every area"),
            _moment(one["since"], zone),
            str(one["level"] or "–"),
        )
        for one in longest
    )
    sentences = (says, _("The longest:")) if count > len(longest) > 0 else (says,)
    columns = (_("Report"), _("Category"), _("Area"), _("Since"), _("Level"))
    return Section(heading, sentences, columns, rows, frozenset({4}))


def _escalations(said: Said) -> Section:
    heading, levels = _("On call"), said["escalations"]["levels"]
    if not levels:
        return Section(heading, (_("Nobody was called in this time."),))
    rows = tuple((str(one["position"]), one["name"], number_format(one["count"])) for one in levels)
    return Section(heading, (), (_("Level"), _("Name"), _("Called for")), rows, frozenset({2}))


def _incidents(said: Said, zone: ZoneInfo) -> Section:
    heading = _("Open incidents")
    if not said["incidents"]:
        return Section(heading, (_("No incident is open."),))
    rows = tuple(
        (
            one["title"],
            one["area_name"] or "–",
            _moment(one["opened_at"], zone),
            number_format(one["report_count"]),
            number_format(one["open_report_count"]),
        )
        for one in said["incidents"]
    )
    columns = (_("Incident"), _("Area"), _("Opened"), _("Reports"), _("Open"))
    return Section(heading, (), columns, rows, frozenset({3, 4}))


def _alerts(said: Said, zone: ZoneInfo) -> list[Section]:
    """None where no alert is open: the sensors below say so. A shift's log that is older than alerts are has none of them."""
    alerts = said.get("alerts", [])
    if not alerts:
        return []
    columns = (_("Thing"), _("Level"), _("Value"), _("Measured at"), _("Since"), _("Acknowledged"))
    return [Section(_("Open alerts"), (), columns, tuple(_alert(one, zone) for one in alerts), frozenset({2}))]


def _alert(one: Said, zone: ZoneInfo) -> tuple[str, ...]:
    measured = _moment(one["value_at"], zone)
    return (
        one["thing_name"],
        f"{one['level']} ({one['authority']})",
        f"{number_format(one['value'], decimal_pos=1)} {one['unit']}",
        _("%(time)s, silent since") % {"time": measured} if one["is_stale"] else measured,
        _moment(one["opened_at"], zone),
        _("yes") if one["is_acknowledged"] else _("no"),
    )


def _sensors(said: Said, zone: ZoneInfo) -> Section:
    heading, sentences = _("Sensors above their levels"), []
    if not said["sensors"]:
        sentences.append(_("No sensor is above an alert level."))
    if said["unreadable_levels"]:
        sentences.append(
            _("Alert levels that cannot be read: %(things)s") % {"things": ", ".join(said["unreadable_levels"])}
        )
    if not said["sensors"]:
        return Section(heading, tuple(sentences))
    columns = (_("Thing"), _("Observed property"), _("Value"), _("Level"), _("Measured at"))
    return Section(
        heading, tuple(sentences), columns, tuple(_sensor(one, zone) for one in said["sensors"]), frozenset({2})
    )


def _sensor(one: Said, zone: ZoneInfo) -> tuple[str, ...]:
    measured = _moment(one["phenomenon_time"], zone)
    return (
        one["thing_name"],
        in_language(one["name_id"], one["name_en"]),
        f"{number_format(one['result'], decimal_pos=1)} {one['unit']}",
        f"{one['level']} ({one['authority']})",
        _("%(time)s, silent since") % {"time": measured} if one["is_silent"] else measured,
    )


def _table(section: Section) -> list[str]:
    """Columns set apart by spaces, so that they stand below each other in a letter of fixed width."""
    if not section.rows:
        return []
    every: Sequence[tuple[str, ...]] = [section.columns, *section.rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(section.columns))]
    lines = []
    for row in every:
        cells = [
            cell.rjust(width) if i in section.numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _moment(text: str, zone: ZoneInfo) -> str:
    return moment_in_words(datetime.fromisoformat(text), zone)

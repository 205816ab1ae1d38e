"""The dossier as a page to print: the document's figures as words and tables, in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geo.api.analysis.dossier_words import AIR, HOTSPOTS, RAIN, REASONS, UNITS
from geo.api.analysis.print import period_words

Said = Mapping[str, Any]
BAR_WIDTH, BAR_HEIGHT = 640, 96


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def render_page(document: Said) -> bytes:
    """An A4 page of tables; the frame, the words and the style sheet are the site's."""
    reports, times = document["reports"], document["response_times"]
    tables = [
        Table(_("Reports"), _comparison_head(), _report_rows(reports)),
        Table(_("Reports by category"), _share_head(_("Category")), _shares(reports["by_category"], "category")),
        Table(_("Reports by channel"), _share_head(_("Channel")), _shares(reports["by_channel"], "channel")),
        Table(_("How reports were answered"), _comparison_head(), _time_rows(times), note=_answer_note()),
        Table(_("By agency"), [_("Agency"), _("Median"), "n"], _agencies(times["by_agency"])),
        _hotspot_table(document["hotspots"]),
        *_reading_tables(document["readings"]),
        _correlation_table(document["correlations"], document["readings"]),
    ]
    context = {
        "document": document,
        "facts": _facts(document),
        "bars": _bars(reports, ZoneInfo(document["period"]["time_zone"])),
        "course_title": _("Reports by week") if reports["interval"] == "week" else _("Reports by day"),
        "trend": _trend(reports["trend"]),
        "tables": [table for table in tables if table.rows or table.note],
        "caveats": _caveats(document),
    }
    return render_to_string("analysis/dossier.html", context).encode()


def shown(figure: Said) -> str:
    """A figure in words: value, unit and interval, or why there is none."""
    if figure["value"] is None:
        return _reason(figure["reason"])
    unit = UNITS.get(figure["unit"], figure["unit"])
    text = f"{_number(figure['value'])} {unit}".rstrip()
    if figure["low"] is None and figure["high"] is None:
        return text
    return f"{text} ({_number(figure['low'])} – {_number(figure['high'])})"


def _reason(code: str | None) -> str:
    return str(REASONS.get(code or "", code or "–"))


def _number(value: float | None) -> str:
    if value is None:
        return "…"
    digits = 0 if value == int(value) or abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return str(number_format(round(value, digits), decimal_pos=digits, use_l10n=True, force_grouping=True))


def _small(value: float) -> str:
    return f"< {number_format(0.001, 3)}" if value < 0.001 else str(number_format(value, 3))


def _reference(figure: Said) -> str:
    return "–" if figure["reference"] is None else _number(figure["reference"])


def _n(figure: Said) -> str:
    return "–" if figure["n"] is None else _number(figure["n"])


def _name(entry: Said) -> str:
    """The name in the reader's language, of what has two."""
    by_language = entry.get("name_en" if (get_language() or "").startswith("en") else "name_id")
    return str(by_language or entry.get("name") or _("nobody named"))


def _comparison_head() -> list[str]:
    return ["", _("Figure (95 % interval)"), "n", _("Compared with"), _("Its figure")]


def _row(label: str, figure: Said) -> list[str]:
    against = {"city": _("the city"), "period_before": _("the period before"), "area": _("the area")}
    return [label, shown(figure), _n(figure), against.get(figure["compared_with"], "–"), _reference(figure)]


def _report_rows(reports: Said) -> list[list[str]]:
    labels = {
        "total": _("Reports"),
        "per_km2": _("Per km²"),
        "per_10000": _("Per 10,000 people"),
        "ratio_per_km2": _("Rate per km² against the city's"),
        "ratio_per_10000": _("Rate per person against the city's"),
        "change": _("Against the period before"),
        "change_in_city": _("The same in the city"),
    }
    return [_row(label, reports[name]) for name, label in labels.items()]


def _share_head(first: str) -> list[str]:
    return [first, _("Reports"), _("Share (95 % interval)"), _("Share in the city")]


def _shares(entries: Sequence[Said], key: str) -> list[list[str]]:
    return [
        [
            _name(entry) if key == "category" else str(entry["name"]),
            _number(entry["reports"]["value"]),
            shown(entry["share"]),
            f"{_reference(entry['share'])} %",
        ]
        for entry in entries
    ]


def _time_rows(times: Said) -> list[list[str]]:
    labels = {
        "closed": _("Resolved or rejected in the period"),
        "median": _("Median time to close"),
        "p90": _("Nine of ten closed within"),
        "in_time": _("Closed by the date due"),
        "open_now": _("Open now"),
        "open_over_7_days": _("Open for more than 7 days"),
        "open_over_30_days": _("Open for more than 30 days"),
    }
    return [_row(label, times[name]) for name, label in labels.items()]


def _answer_note() -> str:
    return _("Duplicates are left out. Open reports are counted whenever they were made.")


def _agencies(entries: Sequence[Said]) -> list[list[str]]:
    return [[_name(entry), shown(entry["median"]), _n(entry["median"])] for entry in entries]


def _hotspot_table(hotspots: Said) -> Table:
    head = [_("Area"), _("Reports"), _("Per km²"), _("Hotspot"), "q", _("Most frequent")]
    rows = [
        [
            area["name"],
            _number(area["reports"]["value"]),
            shown(area["per_km2"]),
            str(HOTSPOTS.get(area["class"], _reason(area["reason"]))),
            "–" if area["q"] is None else _small(area["q"]),
            ", ".join(f"{_name(entry)} {entry['reports']}" for entry in area["categories"]),
        ]
        for area in hotspots["areas"]
    ]
    note = _reason(hotspots["reason"]) if hotspots["reason"] else _("Gi* among all areas of the level in the city.")
    return Table(_("Hotspots inside"), head, rows, note)


def _reading_tables(readings: Said) -> list[Table]:
    head = [_("Property"), _("Thing"), _("Distance"), _("Latest"), _("Mean"), _("Greatest"), _("Coverage")]
    rows, limits = [], []
    for entry in readings["by_property"]:
        for thing in entry["things"]:
            latest = {"low": None, "high": None, **thing["latest"]}
            is_inside = entry["value_source"] == "inside"
            distance = _("inside") if is_inside else f"{_number(round(thing['distance_m']))}\N{NO-BREAK SPACE}m"
            figures = [shown(figure) for figure in (latest, thing["mean"], thing["max"], thing["coverage"])]
            rows.append([_name(entry), thing["name"], distance, *figures])
            limits += [[_name(entry), thing["name"], *_limit(limit)] for limit in thing["limits"]]
    note = _("No reading within reach.") if not rows else ""
    return [
        Table(_("Readings"), head, rows, note),
        Table(_("Readings against limits"), [_("Property"), _("Thing"), _("Limit"), _("Found")], limits),
        _air_table(readings),
    ]


def _limit(limit: Said) -> list[str]:
    source = limit.get("authority") or limit["source"] or "–"
    if limit["kind"] == "alert_levels" and not limit["reason"]:
        levels = "; ".join(f"{level['name']} ≥ {_number(level['from'])}" for level in limit["levels"])
        highest = limit["highest_level"] or _("below every level")
        hours = "; ".join(f"{level['name']} {_number(level['hours']['value'])} h" for level in limit["levels"])
        return [f"{source}: {levels}", f"{_('highest')}: {highest}; {hours}"]
    if limit["kind"] == "rain_classes" and not limit["reason"]:
        found = "; ".join(f"{word}: {limit['days_by_class'][name]}" for name, word in RAIN.items())
        return [source, _("days") + " " + found]
    if limit["kind"] == "noise" and limit.get("energy_mean"):
        bound = "–" if limit["limit"] is None else f"{_number(limit['limit'])} dB(A)"
        verdict = {True: _("above the limit"), False: _("within the limit")}.get(limit["exceeds"])
        return [f"{source}: {bound}", f"{shown(limit['energy_mean'])}; {verdict or _reason(limit['reason'])}"]
    return [source, _reason(limit["reason"])]


def _air_table(readings: Said) -> Table:
    air = readings["air_quality"]
    properties = {entry["property"]: _name(entry) for entry in readings["by_property"]}
    things = {thing["thing"]: thing["name"] for entry in readings["by_property"] for thing in entry["things"]}
    head = [_("Thing"), _("Days"), *(str(word) for word in AIR.values()), _("Worst day"), _("Latest day")]
    rows = []
    for station in air["stations"]:
        days = [_number(station["days_by_category"][name]) for name in AIR]
        ends = [_index(station[name], station, properties) for name in ("worst", "latest")]
        thing = station["thing"]
        rows.append([things.get(thing, thing), _number(station["days"]["value"]), *days, *ends])
    note = _("Index of the worst pollutant of each whole day, by the table of %(source)s; last bound %(top)d.") % air
    return Table(_("Air quality (ISPU)"), head, rows, note if rows else "")


def _index(index: Said | None, station: Said, properties: Mapping[str, str]) -> str:
    if index is None:
        return _reason(station["reason"])
    pollutant = properties.get(index["pollutant"], index["pollutant"])
    return f"{_number(index['index'])} ({AIR[index['category']]}, {pollutant})"


def _correlation_table(correlations: Said, readings: Said) -> Table:
    names = {entry["property"]: _name(entry) for entry in readings["by_property"]}
    head = [_("Category"), _("Property"), _("Correlation (95 % interval)"), _("Lag"), "p", "q", "n"]
    rows = [
        [
            _name(pair),
            names.get(pair["property"], pair["property"]),
            shown(pair["coefficient"]),
            shown(pair["lag"]),
            _small(pair["p"]),
            _small(pair["q"]),
            _n(pair["coefficient"]),
        ]
        for pair in correlations["pairs"]
    ]
    note = _reason(correlations["reason"])
    if rows:
        note = _("The most certain of %(tests)d pairs; q is p with false discoveries controlled over all of them.")
        note = f"{note % correlations} {_('An association, not a cause.')}"
    return Table(_("What goes with complaints"), head, rows, note)


def _facts(document: Said) -> list[tuple[str, str]]:
    area, period = document["area"], document["period"]
    days = {name: datetime.fromisoformat(period[name]) for name in ("start", "end")}
    people = shown(area["population"])
    if area["population_year"]:
        people = f"{people} ({area['population_year']}; {area['population_source']})"
    return [
        (_("Area code"), f"{area['code']} ({area['level']})"),
        (_("Belongs to"), area["parent"]["name"] if area["parent"] else "–"),
        (_("Surface area"), shown(area["area_km2"])),
        (_("Population"), people),
        (_("Period"), f"{period_words(days, ZoneInfo(period['time_zone']))} ({period['time_zone']})"),
        (_("As of"), _local(document["as_of"], period)),
    ]


def _local(text: str, period: Said) -> str:
    moment = datetime.fromisoformat(text).astimezone(ZoneInfo(period["time_zone"]))
    return moment.strftime("%Y-%m-%d %H:%M")


def _bars(reports: Said, zone: ZoneInfo) -> dict[str, Any]:
    """The course as bars: x, y, width and height as texts without a locale's comma. `first` and `last` are days of the city."""
    course = reports["course"]
    most = max((part["reports"] for part in course), default=0)
    step = BAR_WIDTH / max(len(course), 1)
    days = [f"{datetime.fromisoformat(part['start']).astimezone(zone):%Y-%m-%d}" for part in course]
    bars = []
    for i, part in enumerate(course):
        height = BAR_HEIGHT * part["reports"] / most if most else 0.0
        bars.append(
            {
                "x": f"{i * step:.2f}",
                "y": f"{BAR_HEIGHT - height:.2f}",
                "width": f"{max(step - 1, 0.5):.2f}",
                "height": f"{height:.2f}",
                "title": f"{days[i]}: {part['reports']}",
            }
        )
    ends = {"first": days[0], "last": days[-1]} if days else {}
    return {"bars": bars, "width": BAR_WIDTH, "height": BAR_HEIGHT, "most": most, **ends}


def _trend(trend: Said) -> str:
    if trend["p"]["value"] is None:
        return _reason(trend["p"]["reason"])
    return _("Trend: Kendall's tau %(tau)s, slope %(slope)s, p %(p)s (Mann-Kendall, n %(n)s).") % {
        "tau": _number(trend["tau"]["value"]),
        "slope": shown(trend["slope"]),
        "p": _small(trend["p"]["value"]),
        "n": trend["p"]["n"],
    }


def _caveats(document: Said) -> list[str]:
    said = [
        _("Intervals take reports as independent. They come in bursts (a storm, a campaign), so the truth is wider."),
        _("Where more is reported, more may be wrong, or more people report."),
    ]
    if document["area"]["is_schematic"]:
        said.append(_("Boundaries are schematic: drawn from published names, areas and centroids, not surveyed."))
    if any(entry["is_simulated"] for entry in document["reports"]["by_channel"]):
        said.append(_("Some reports come from the simulated city, not from citizens."))
    if any(thing["is_simulated"] for entry in document["readings"]["by_property"] for thing in entry["things"]):
        said.append(_("Some readings come from simulated sensors."))
    return said

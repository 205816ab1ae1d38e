"""The hours around events as a picture: what was reported, what other days would give, and the band that they stay in."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from matplotlib.ticker import MultipleLocator

from geo.api.analysis.figures import (
    ACCENT,
    BAND,
    LINE,
    MARK,
    PAPER,
    SOFT_INK,
    clock_of,
    days_of,
    make_figure,
    png_bytes,
)

WHY_NOT = {
    "no_readings": gettext_lazy("nothing was measured"),
    "too_few_events": gettext_lazy("fewer than 3 events with all their hours in the period"),
    "too_many_events": gettext_lazy("the threshold is crossed too often"),
    "too_few_free_days": gettext_lazy("fewer than 20 ordinary days to compare with"),
    "no_reports": gettext_lazy("no reports"),
    "no_location": gettext_lazy("the thing has no location"),
}


def draw_events(document: Mapping[str, Any]) -> bytes:
    """A PNG of the document of `/api/analysis/events/`."""
    figure = make_figure(width_in=8.0, height_in=4.6)
    axes = figure.add_subplot()
    course = document.get("course", [])
    hours = [point["hour"] for point in course]
    if document["reason"] is None:
        low, high = ([point[name] for point in course] for name in ("band_low", "band_high"))
        label = _("95 %% band of %(n)d draws of ordinary days") % {"n": document["permutations"]}
        axes.fill_between(hours, low, high, step="mid", color=BAND, label=label)
        axes.step(hours, [point["expected"] for point in course], where="mid", color=SOFT_INK, label=_("expected"))
    else:
        text = _("No comparison: %(reason)s") % {"reason": WHY_NOT[document["reason"]]}
        axes.text(0.5, 0.75, text, transform=axes.transAxes, ha="center", color=MARK, backgroundcolor=PAPER)
    if course and course[0]["mean"] is not None:
        axes.step(
            hours, [point["mean"] for point in course], where="mid", color=ACCENT, label=_("reports around events")
        )
    axes.axvline(0, color=MARK, linewidth=1, linestyle="--", label=_("threshold reached"))
    axes.set_xlabel(_("Hours from the event, by the city's own time (h)"))
    axes.set_ylabel(_("Reports per event and hour (1/h)"))
    axes.set_xlim(-document["before"] - 0.5, document["after"] + 0.5)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MultipleLocator(6 if document["before"] + document["after"] <= 72 else 24))
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=LINE)
    axes.legend(loc="upper left", fontsize=8)
    axes.set_title(_title(document), wrap=True)
    figure.supxlabel(_caption(document), fontsize=8, color=SOFT_INK, x=0.01, ha="left")
    return png_bytes(figure)


def _title(document: Mapping[str, Any]) -> str:
    named = document["property"]
    return _("Reports within %(radius)g m of %(thing)s when %(property)s reaches %(threshold)g %(unit)s") % {
        "radius": document["radius_m"],
        "thing": document["thing"]["name"],
        "property": named["name_id"] if get_language() == "id" else named["name_en"],
        "threshold": document["threshold"],
        "unit": document["unit"],
    }


def _caption(document: Mapping[str, Any]) -> str:
    zone = document["time_zone"]
    caveat = _("An association, not a cause. As of %(as_of)s.") % {"as_of": clock_of(document["as_of"], zone)}
    if "start" not in document:
        return caveat
    start, end = days_of(document["start"], document["end"], zone)
    said = _("n = %(n)d events, %(start)s to %(end)s, %(reports)d reports in the period.") % {
        "n": document["events"],
        "start": start,
        "end": end,
        "reports": document["reports"],
    }
    return f"{said} {caveat}"

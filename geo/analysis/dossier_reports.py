"""Reports of an area: how many, of what, by which way, against the city and against the period before."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from geo.analysis.dossier_figures import SQL, Figure, Place, Subject, figure, iso, per_cent
from geo.analysis.statistics.rate_ratio import Estimate, ratio_of_rates, ratio_to_whole, share
from geo.analysis.statistics.trends import MIN_VALUES, mann_kendall
from geo.analysis.timeline import Interval, make_timeline

# A shorter period is shown by day: of fewer weeks than this no trend could be told.
WEEKLY_FROM = timedelta(days=56)
PER_10000 = "{report}/(10*4.{person})"

Rows = Sequence[Mapping[str, Any]]


def reports(subject: Subject) -> dict[str, Any]:
    """Two queries: counts by category, channel, scope and period; counts by interval."""
    rows = subject.rows(SQL.report_counts)
    now = [row for row in rows if not row["is_before"]]
    here = [row for row in now if row["in_area"]]
    total, in_city = _sum(here), _sum(now)
    return {
        "total": figure(total, "{report}", n=total, compared_with="city", reference=in_city, reference_n=in_city),
        "per_km2": _rate(total, in_city, subject, "{report}/km2", lambda place: place.area_km2 or None, "no_surface"),
        "per_10000": _rate(total, in_city, subject, PER_10000, _ten_thousands, "population_unknown"),
        "ratio_per_km2": _ratio(total, in_city, subject, lambda place: place.area_km2 or None, "no_surface"),
        "ratio_per_10000": _ratio(total, in_city, subject, _ten_thousands, "population_unknown"),
        "change": _change(subject, total, _sum([row for row in rows if row["is_before"] and row["in_area"]])),
        "change_in_city": _change(subject, in_city, _sum([row for row in rows if row["is_before"]])),
        "by_category": _parts(here, now, "category", ("name_id", "name_en")),
        "by_channel": _parts(here, now, "channel", ("channel_name", "channel_is_simulated")),
        **_course(subject),
    }


def _sum(rows: Rows) -> int:
    return sum(row["reports"] for row in rows)


def _ten_thousands(place: Place) -> float | None:
    return place.population / 10_000 if place.population else None


def _rate(
    here: int, there: int, subject: Subject, unit: str, of: Callable[[Place], float | None], unknown: str
) -> Figure:
    own, whole = of(subject.area), of(subject.city)
    return figure(
        None if own is None else here / own,
        unit,
        n=here,
        compared_with="city",
        reference=None if whole is None else there / whole,
        reference_n=there,
        reason=unknown if own is None else None,
    )


def _ratio(here: int, there: int, subject: Subject, of: Callable[[Place], float | None], unknown: str) -> Figure:
    own, whole = of(subject.area), of(subject.city)
    found, reason = Estimate(None, None, None), None
    if subject.is_the_city:
        reason = "the_area_is_the_city"
    elif own is None or whole is None:
        reason = unknown
    elif own > whole:
        # Figures of two years or two sources: a part cannot be more than the whole.
        reason = "area_exceeds_city"
    elif there == 0:
        reason = "no_reports_in_city"
    else:
        found = ratio_to_whole(here, there, own, whole)
    return figure(
        found.value, "1", n=here, interval=found, compared_with="city", reference=1.0, reference_n=there, reason=reason
    )


def _change(subject: Subject, now: int, before: int) -> Figure:
    """The rate of this period over that of the period before; hours count, since a day of the city may have 23 or 25."""
    hours, hours_before = (
        (end - start).total_seconds() / 3600
        for start, end in ((subject.start, subject.end), (subject.before_start, subject.before_end))
    )
    found, reason = Estimate(None, None, None), None
    if hours <= 0:
        reason = "period_not_begun"
    else:
        found = ratio_of_rates(now, before, hours, hours_before)
        reason = "no_reports_before" if before == 0 else None
    return figure(
        found.value,
        "1",
        n=now,
        interval=found,
        compared_with="period_before",
        reference=float(before),
        reference_n=before,
        reason=reason,
    )


def _parts(here: Rows, everywhere: Rows, key: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each value that the area has: count, and its share of the area's reports against its share of the city's."""
    own, city, words = Counter[str](), Counter[str](), {}
    for row in everywhere:
        city[row[key]] += row["reports"]
        words[row[key]] = {name.removeprefix(f"{key}_"): row[name] for name in names}
    for row in here:
        own[row[key]] += row["reports"]
    total, in_city = own.total(), city.total()
    entries = []
    for value, count in sorted(own.items(), key=lambda item: (-item[1], item[0])):
        found = per_cent(share(count, total))
        entries.append(
            {
                key: value,
                **words[value],
                "reports": figure(count, "{report}", n=count, compared_with="city", reference=city[value]),
                "share": figure(
                    found.value,
                    "%",
                    n=total,
                    interval=found,
                    compared_with="city",
                    reference=100 * city[value] / in_city,
                    reference_n=in_city,
                ),
            }
        )
    return entries


def _course(subject: Subject) -> dict[str, Any]:
    """Counts by whole week or day of the city that is over, and whether they rise or fall."""
    interval: Interval = "week" if subject.params.end - subject.params.start >= WEEKLY_FROM else "day"
    timeline = make_timeline(
        zone=subject.params.zone, start=subject.start, end=subject.end, interval=interval, history=0, now=subject.end
    )
    rows = subject.rows(SQL.interval_counts, interval=interval)
    places = timeline.places(np.array([row["start"] for row in rows], dtype=np.int64))
    counts = np.zeros(timeline.n)
    for row, place in zip(rows, places, strict=True):
        if place >= 0:
            counts[place] = row["reports"]
    starts = [iso(datetime.fromtimestamp(int(edge), UTC)) for edge in timeline.edges[: timeline.n]]
    return {
        "interval": interval,
        "course": [{"start": start, "reports": int(count)} for start, count in zip(starts, counts, strict=True)],
        "in_cut_intervals": _sum(rows) - int(counts.sum()),
        "trend": _trend(counts, interval),
    }


def _trend(counts: Any, interval: str) -> dict[str, Any]:
    n, reason, found = len(counts), None, None
    if n < MIN_VALUES:
        reason = "too_few_intervals"
    else:
        found = mann_kendall(counts[None, :])
        reason = "constant_reports" if np.isnan(found.tau[0]) else None

    def first(values: Any) -> float | None:
        return None if found is None or np.isnan(values[0]) else float(values[0])

    return {
        "tau": figure(None if found is None else first(found.tau), "1", n=n, reason=reason),
        "slope": figure(
            None if found is None else first(found.slope),
            "{report}/wk" if interval == "week" else "{report}/d",
            n=n,
            reason="too_few_intervals" if found is None else None,
        ),
        "p": figure(None if reason or found is None else first(found.p), "1", n=n, reason=reason),
    }

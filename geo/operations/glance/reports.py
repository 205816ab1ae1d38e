"""Reports of the two weeks: four statements however many categories and districts there are."""

from collections.abc import Mapping
from typing import Any

from geo.areas.models import City
from geo.operations.glance.figures import (
    DAYS,
    CategoryCounts,
    Counts,
    DistrictCounts,
    Reports,
    Spans,
    verdict_of,
)
from geo.operations.glance.rows import QUERIES, rows_of
from geo.operations.mayor.brief import Compared, Name
from geo.reports.models import Category
from geo.reports.workflow import CLOSED, Status

OPEN = sorted(set(Status.values) - set(CLOSED))
ANSWERED = [str(Status.RESOLVED), str(Status.REJECTED)]
Row = Mapping[str, Any]
NOTHING: Row = {"new": 0, "closed": 0, "open": 0, "with_due": 0, "late": 0, "timed": 0, "median_h": None}


def reports_of(
    city: City, spans: Spans, districts: list[dict[str, Any]], *, level_id: int | None, has_previous: bool
) -> Reports:
    found: dict[str, dict[int | None, dict[int, Row]]] = {"total": {}, "category": {}, "area": {}}
    asked = {"city_id": city.pk, "first": spans.before, "last": spans.until}
    for row in rows_of(
        QUERIES.reports, **asked, level_id=level_id, starts=spans.starts, ends=spans.ends, open=OPEN, answered=ANSWERED
    ):
        found[row["kind"]].setdefault(row["key"], {})[row["number"]] = row
    total = _counts(found["total"].get(None, {}), has_previous)
    days = {row["day"]: row["reports"] for row in rows_of(QUERIES.days, **asked, zone=city.timezone)}
    today = spans.until.astimezone(city.zone).weekday()
    return Reports(
        total=total,
        verdict=verdict_of(int(total.new.this or 0), int(total.new.last or 0), looks=1),
        days_this=tuple(days.get(DAYS + day, 0) if day <= today else None for day in range(DAYS)),
        days_last=tuple(days.get(day, 0) for day in range(DAYS)),
        categories=_categories(found["category"], has_previous),
        districts=tuple(_district(row, found["area"].get(row["id"], {}), has_previous) for row in districts),
    )


def _categories(found: Mapping[int | None, Mapping[int, Row]], has_previous: bool) -> tuple[CategoryCounts, ...]:
    """Those of which anything came in either week, the greatest rise first."""
    counted = {key: _counts(rows, has_previous) for key, rows in found.items()}
    told = {key: counts for key, counts in counted.items() if counts.new.this or counts.new.last}
    names = Category.objects.filter(pk__in=[key for key in told if key is not None])
    categories = [
        CategoryCounts(
            Name(one.slug, one.name_id, one.name_en),
            told[one.pk],
            verdict_of(int(told[one.pk].new.this or 0), int(told[one.pk].new.last or 0), looks=len(told)),
        )
        for one in names
    ]
    return tuple(sorted(categories, key=lambda one: (-(one.counts.new.change or 0), one.category.id or "")))


def _district(row: Row, counted: Mapping[int, Row], has_previous: bool) -> DistrictCounts:
    counts, people = _counts(counted, has_previous), row["population"]
    rate = (counts.new.this or 0) * 10_000 / people if people else None
    return DistrictCounts(Name(row["code"], row["name"], row["name"]), people, row["year"], counts, rate)


def _counts(rows: Mapping[int, Row], has_previous: bool) -> Counts:
    last, this = rows.get(1, NOTHING), rows.get(2, NOTHING)

    def compared(name: str) -> Compared:
        return Compared(this[name], last[name] if has_previous else None)

    return Counts(
        new=compared("new"),
        closed=compared("closed"),
        open=compared("open"),
        with_due=this["with_due"],
        late=compared("late"),
        timed=this["timed"],
        median_h=compared("median_h"),
    )

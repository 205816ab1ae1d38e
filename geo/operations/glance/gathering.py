"""The city at a glance, read in as many statements however much there is to tell. Public: what everybody may see, and no more."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from geo.analysis.models import ResultSet
from geo.areas.models import Area, City
from geo.operations.glance import limits, readings
from geo.operations.glance.figures import DAYS, Association, Computed, Glance, spans_of
from geo.operations.glance.reports import reports_of
from geo.operations.glance.rows import QUERIES, rows_of
from geo.operations.mayor.brief import Name
from geo.reports.models import Report
from sensors import published
from server.core.params import day_start

# geo.layers.analyses.dossier declares it; what it stores is read here.
DOSSIER = "district-dossier"
# As sure as the dossier's own list asks: of all that is called found, one in twenty is expected to be false.
MOST_Q = 0.05


def glance_of(city: City, now: datetime) -> Glance:
    spans = spans_of(now, city.zone)
    by_hours = spans_of(now.replace(minute=0, second=0, microsecond=0), city.zone)
    level_id = next((row["id"] for row in rows_of(QUERIES.level, city_id=city.pk)), None)
    rows = rows_of(QUERIES.districts, city_id=city.pk, level_id=level_id)
    districts = {row["id"]: Name(row["code"], row["name"], row["name"]) for row in rows}
    root = Area.objects.current().filter(city=city, parent=None).defer("boundary").order_by("code").first()
    has_previous = Report.objects.filter(city=city, is_public=True, reported_at__lt=spans.start).exists()
    places = readings.places_of(city, by_hours, level_id)
    courses = readings.courses_of(city, by_hours, level_id)
    air_days = limits.air_days_of(city, level_id, _days_back(city, now, 2 * DAYS), _days_back(city, now, 0))
    watches = limits.watches_of(city)
    mildest = {one.datastream_id: one.thresholds[0] for one, _rule in watches if one.thresholds}
    by_thing = {row["thing"]: districts[row["district_id"]] for row in places if row["district_id"] in districts}
    return Glance(
        city=city.slug,
        city_name=city.name,
        time_zone=city.timezone,
        root=None if root is None else root.code,
        as_of=now,
        spans=spans,
        readings_until=by_hours.until,
        has_previous=has_previous,
        reports=reports_of(city, spans, rows, level_id=level_id, has_previous=has_previous),
        domains=readings.domains_of(places, courses, districts, mildest),
        air=limits.air_of(air_days, _days_back(city, now, DAYS), by_thing),
        held=limits.held_of(watches, by_hours, places, districts),
        computed=None if root is None else _computed(city, root),
    )


def _days_back(city: City, now: datetime, days: int) -> datetime:
    """The city's midnight so many days before the last one; noon is in the right day whatever the clocks did."""
    return day_start(day_start(now, city.zone) - timedelta(days=days) + timedelta(hours=12), city.zone)


def _computed(city: City, root: Area) -> Computed | None:
    """The newest dossier of the whole city and of every category that anybody asked for."""
    found = ResultSet.objects.filter(
        analysis=DOSSIER, state=ResultSet.State.READY, parameters__city=city.slug, parameters__area=root.code
    ).exclude(parameters__has_key="category")
    result = found.order_by("-as_of").first()
    if result is None or result.as_of is None:
        return None
    said: Mapping[str, Any] = result.members
    hot = [area for area in said["hotspots"]["areas"] if str(area["class"] or "").startswith("hot")]
    hot.sort(key=lambda area: -area["z"])
    return Computed(
        as_of=result.as_of,
        start=datetime.fromisoformat(said["period"]["start"]),
        end=datetime.fromisoformat(said["period"]["counted_to"]),
        association=_association(said["correlations"]),
        hot=tuple(Name(area["code"], area["name"], area["name"]) for area in hot),
    )


def _association(said: Mapping[str, Any]) -> Association | None:
    """The first of the pairs, which are in order of certainty, if it is certain enough."""
    pair = next((each for each in said["pairs"] if each["q"] is not None and each["q"] <= MOST_Q), None)
    measured = published.observed_properties().filter(code=pair["property"]).first() if pair is not None else None
    if pair is None or measured is None:
        return None
    return Association(
        category=Name(pair["category"], pair["name_id"], pair["name_en"]),
        observed=Name(measured.code, measured.name_id, measured.name_en),
        coefficient=pair["coefficient"]["value"],
        lag=pair["lag"]["value"],
        lag_unit=pair["lag"]["unit"],
        n=pair["coefficient"]["n"],
        tests=said["tests"],
        q=pair["q"],
    )

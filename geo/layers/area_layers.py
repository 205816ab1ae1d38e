"""The layers of areas: boundaries with basic counts, and the density of reports."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.layer import Layer, Property, Query, RowSource, Style
from geo.layers.report_layers import QUERIES, reports_freshness

YELLOW_TO_RED = ("#ffffcc", "#fed976", "#fd8d3c", "#e31a1c", "#800026")

SCHEMATIC = Property(
    "is_schematic",
    "boolean",
    _("Schematic"),
    _("The boundary is a drawing that keeps areas and neighbours, not a survey."),
)
POPULATION = [
    Property("population", "integer", _("Population"), _("Null where no figure is known.")),
    Property("population_year", "integer", _("Year of the figure")),
    Property("population_source", "string", _("Source of the figure")),
]
AREA_PROPERTIES = [
    Property("code", "string", _("Area code")),
    Property("name", "string", _("Name")),
    Property("level", "string", _("Level")),
    Property("parent", "string", _("Code of the area above")),
    Property("city", "string", _("City")),
    Property("area_km2", "number", _("Surface area"), unit="km2", decimals=4),
    Property("reports", "integer", _("Reports"), _("All public reports in the area.")),
    Property("open_reports", "integer", _("Open reports"), _("Those not resolved, rejected or marked as duplicates.")),
    Property("things", "integer", _("Sensor posts"), _("Things that stand in the area now.")),
    *POPULATION,
    SCHEMATIC,
    Property("boundary_source", "string", _("Source of the boundary")),
]


def area_rows(level: str, *, every_city: bool = False) -> Callable[[Query], RowSource]:
    def rows(query: Query) -> RowSource:
        ids = list(City.objects.values_list("id", flat=True)) if every_city else [query.city.pk]
        return RowSource(QUERIES.areas, {"city_ids": ids, "level": level})

    return rows


def area_layer(layer_id: str, level: str, title: Any, description: Any, *, every_city: bool = False) -> Layer:
    return Layer(
        id=layer_id,
        title=title,
        description=description,
        geometry_type="MultiPolygon",
        properties=AREA_PROPERTIES,
        rows=area_rows(level, every_city=every_city),
        versions={"geo_dataversion": ["reports", "areas"]},
        is_of_every_city=every_city,
        style=Style("fill", None, ("#4d7ea8",)),
        freshness=reports_freshness,
    )


DENSITY_FILTERS = ("level", "category", "channel", "status", "kind", "start", "end")


def density_rows(query: Query) -> RowSource:
    params = {name: query.values.get(name) for name in DENSITY_FILTERS} | {"city_id": query.city.pk}
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.density_unplaced, params)
        unplaced = cursor.fetchone()[0]
    return RowSource(QUERIES.density, params, {**period_members(query.values), "reports_outside_areas": unplaced})


def period_members(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"start": values["start"], "end": values["end"]}


CITIES = area_layer(
    "cities",
    "kota",
    _("Cities"),
    _("Boundaries of the cities, with their reports, sensor posts and population."),
    every_city=True,
)
DISTRICTS = area_layer(
    "districts",
    "kecamatan",
    _("Districts (kecamatan)"),
    _("Boundaries of the districts, with their reports, sensor posts and population."),
)
SUBDISTRICTS = area_layer(
    "subdistricts",
    "kelurahan",
    _("Subdistricts (kelurahan)"),
    _("Boundaries of the subdistricts, with their reports, sensor posts and population."),
)

DENSITY = Layer(
    id="density",
    title=_("Density of reports"),
    description=_(
        "Reports of a period by area: how many, per km², and per 10,000 people where the population is known. "
        "Without start and end: the last 30 days of the city."
    ),
    geometry_type="MultiPolygon",
    properties=[
        *AREA_PROPERTIES[:4],
        Property("area_km2", "number", _("Surface area"), unit="km2", decimals=4),
        Property("reports", "integer", _("Reports")),
        Property("reports_per_km2", "number", _("Reports per km²"), unit="1/km2", decimals=4),
        Property(
            "reports_per_10000",
            "number",
            _("Reports per 10,000 people"),
            _("Null where the population is not known."),
            decimals=4,
        ),
        *POPULATION,
        SCHEMATIC,
    ],
    parameters=[p.level("kecamatan"), p.CATEGORY, p.CHANNEL, p.STATUS, p.KIND, p.START, p.END],
    rows=density_rows,
    resolve=p.DefaultPeriod(30),
    versions={"geo_dataversion": ["reports", "areas"]},
    freshness=reports_freshness,
    style=Style("fill", "reports_per_km2", YELLOW_TO_RED),
)

"""The layer of what the city measures."""

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.layers import parameters as p
from geo.layers.layer import Layer, Parameter, Property, Query, RowSource, Style
from geo.layers.report_layers import QUERIES
from server.core.params import parse_choice

DOMAINS = ["environment", "traffic", "health", "economy"]


def sensor_rows(query: Query) -> RowSource:
    params = {name: query.values.get(name) for name in ("property", "domain", "area")}
    return RowSource(QUERIES.sensors, {**params, "city_id": query.city.pk})


def sensor_freshness(city: City) -> Mapping[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.sensors_freshness, {"city_id": city.pk})
        return {"last_observation": cursor.fetchone()[0]}


SENSORS = Layer(
    id="sensors",
    title=_("Sensors"),
    description=_("Each datastream of each thing where it stands, with its latest observation."),
    geometry_type="Point",
    properties=[
        Property("id", "integer", _("Datastream id"), _("Of /api/datastreams/.")),
        Property("thing", "string", _("Thing")),
        Property("thing_name", "string", _("Name")),
        Property("observed_property", "string", _("Observed property")),
        Property("property_name_id", "string", _("Observed property (Indonesian)")),
        Property("property_name_en", "string", _("Observed property (English)")),
        Property("domain", "string", _("Domain")),
        Property("unit_ucum", "string", _("Unit (UCUM)")),
        Property("unit_name", "string", _("Unit")),
        Property("result", "number", _("Latest result"), unit="unit_ucum", decimals=6),
        Property("phenomenon_time", "datetime", _("Time of the latest result")),
        Property(
            "quality",
            "string",
            _("Quality"),
            _("good, or its flags with commas between: implausible, rate, stuck, spike, doubted"),
        ),
        Property("expected_interval_s", "integer", _("Expected interval"), unit="s"),
        Property(
            "state",
            "string",
            _("State"),
            _("heard, late, silent, flapping (falls silent again and again), or never: it has not been heard of"),
        ),
        Property("state_since", "datetime", _("In this state since")),
        Property("heard_at", "datetime", _("Last heard"), _("When something last came, however old its values")),
        Property("is_simulated", "boolean", _("Simulated")),
        Property("area", "string", _("Area code")),
        Property("area_name", "string", _("Area")),
    ],
    parameters=[
        p.ANY_PROPERTY,
        Parameter(
            "domain",
            _("Domain of the observed property."),
            lambda text, name, city: parse_choice(text, name, DOMAINS),
            {"type": "string", "enum": DOMAINS},
        ),
        p.AREA,
    ],
    time_field="phenomenon_time",
    has_timeless_rows=True,
    tile_properties=(
        *("thing", "thing_name", "observed_property", "property_name_id", "property_name_en", "domain"),
        *("unit_ucum", "result", "phenomenon_time", "quality", "is_simulated"),
    ),
    rows=sensor_rows,
    versions={"sensors_dataversion": ["observations", "registry", "states"], "geo_dataversion": ["areas"]},
    freshness=sensor_freshness,
    style=Style("circle", "domain", ("#2166ac", "#762a83", "#1b7837", "#b35806"), tuple(DOMAINS)),
)

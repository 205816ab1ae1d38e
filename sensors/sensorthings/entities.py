"""The eight entity types of SensorThings 1.1 over this service's tables: their properties, and the ways between them.

SQL here is a template: `{t}` is the alias of the entity itself, `{p}` that of the entity from which a navigation comes,
`{lang}` the language of the names of observed properties. Source: OGC 18-088, clause 8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from sensors.observations.models import Quality

GEOJSON = "application/geo+json"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
UCUM = "http://www.opengis.net/def/uom/UCUM/0/"


class Kind(Enum):
    """What a value is, for the filter and for its JSON."""

    ID = auto()
    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TIME = auto()
    INTERVAL = auto()
    DATE = auto()
    CLOCK = auto()
    DURATION = auto()
    GEOMETRY = auto()
    JSON = auto()
    COMPLEX = auto()
    NULL = auto()


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `end` is where an interval ends; `members` are the properties inside a complex one or a geometry."""

    kind: Kind
    sql: str = ""
    end: str = ""
    is_nullable: bool = True
    members: Mapping[str, "Property"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Navigation:
    """A way to related entities. `key` is the column of `{p}` that holds the target's id, where there is one;
    `source` stands in for the target's own, where the related ones are found quicker than by a condition on all."""

    target: str
    is_many: bool
    condition: str
    key: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity set. `columns` identify one and order a list; `id_text` is the id as it stands in a URL and in JSON."""

    name: str
    plural: str
    source: str
    columns: tuple[str, ...]
    id_text: str
    properties: Mapping[str, Property]
    navigations: Mapping[str, Navigation]


def _text(sql: str) -> Property:
    return Property(Kind.TEXT, sql, is_nullable=False)


def _geometry(sql: str) -> Property:
    """Bare GeoJSON; a client that asks for `geometry/type`, as of a Feature, gets no match."""
    kind = Property(Kind.TEXT, f"substr(ST_GeometryType({sql}), 4)")
    return Property(Kind.GEOMETRY, sql, members={"type": kind, "geometry": Property(Kind.COMPLEX, members={
        "type": Property(Kind.TEXT, "NULL::text")})})  # fmt: skip


def _json(sql: str) -> Property:
    return Property(Kind.JSON, f"nullif({sql}, '{{}}'::jsonb)")


def _edge(direction: str) -> str:
    """The first or last phenomenon time of a datastream: one index probe."""
    return (
        "(SELECT e.phenomenon_time FROM sensors_observation e WHERE e.datastream_id = {t}.id"
        f" ORDER BY e.phenomenon_time {direction} LIMIT 1)"
    )


def _quality() -> str:
    """`good`, or the names of the flags, joined by commas."""
    flags = [f"CASE WHEN {{t}}.quality & {int(flag)} <> 0 THEN '{flag.name.lower()}' END" for flag in Quality if flag]
    return f"CASE {{t}}.quality WHEN 0 THEN 'good' ELSE concat_ws(',', {', '.join(flags)}) END"


# What stands in for a thing while a drill is played is shown to nobody here. Such things are few: the set is made once.
_OF_EXERCISES = "(SELECT e.id FROM sensors_thing e WHERE e.is_exercise)"
DATASTREAMS = f"(SELECT * FROM sensors_datastream v WHERE v.thing_id NOT IN {_OF_EXERCISES})"
LOCATIONS = f"(SELECT * FROM sensors_thinglocation v WHERE v.thing_id NOT IN {_OF_EXERCISES})"
_PROPERTY_NAME = "(SELECT n.name_{lang} FROM sensors_observedproperty n WHERE n.id = {t}.observed_property_id)"
_THING_NAME = "(SELECT n.name FROM sensors_thing n WHERE n.id = {t}.thing_id)"
_DATASTREAM_NAME = f"coalesce(nullif({{t}}.name, ''), {_THING_NAME} || ': ' || {_PROPERTY_NAME})"

THING = EntityType(
    "Thing",
    "Things",
    "(SELECT * FROM sensors_thing v WHERE NOT v.is_exercise)",
    ("{t}.id",),
    "{t}.id::text",
    {
        "name": _text("{t}.name"),
        "description": _text("{t}.description"),
        "properties": Property(
            Kind.JSON,
            "({t}.properties || jsonb_build_object('slug', {t}.slug)"
            " || CASE WHEN {t}.is_simulated THEN '{\"is_simulated\": true}'::jsonb ELSE '{}'::jsonb END)",
        ),
    },
    {
        "Locations": Navigation("Locations", True, "{t}.thing_id = {p}.id AND {t}.valid_to IS NULL"),
        "HistoricalLocations": Navigation("HistoricalLocations", True, "{t}.thing_id = {p}.id"),
        "Datastreams": Navigation("Datastreams", True, "{t}.thing_id = {p}.id"),
    },
)
LOCATION = EntityType(
    "Location",
    "Locations",
    LOCATIONS,
    ("{t}.id",),
    "{t}.id::text",
    {
        "name": _text(f"coalesce(nullif({{t}}.name, ''), {_THING_NAME})"),
        "description": _text("{t}.description"),
        "encodingType": _text(f"'{GEOJSON}'::text"),
        "location": _geometry("{t}.location"),
        "properties": _json("{t}.properties"),
    },
    {
        # A place where a thing no longer stands is of no thing any more, but of a historical location.
        "Things": Navigation("Things", True, "{t}.id = {p}.thing_id AND {p}.valid_to IS NULL"),
        "HistoricalLocations": Navigation("HistoricalLocations", True, "{t}.id = {p}.id"),
    },
)
HISTORICAL_LOCATION = EntityType(
    "HistoricalLocation",
    "HistoricalLocations",
    LOCATIONS,
    ("{t}.id",),
    "{t}.id::text",
    {"time": Property(Kind.TIME, "{t}.valid_from", is_nullable=False)},
    {
        "Thing": Navigation("Things", False, "{t}.id = {p}.thing_id", key="{p}.thing_id"),
        "Locations": Navigation("Locations", True, "{t}.id = {p}.id"),
    },
)
SENSOR = EntityType(
    "Sensor",
    "Sensors",
    "sensors_sensor",
    ("{t}.id",),
    "{t}.id::text",
    {
        "name": _text("{t}.name"),
        "description": _text("{t}.description"),
        "encodingType": _text("{t}.encoding_type"),
        "metadata": _text("{t}.metadata"),
        "properties": _json("{t}.properties"),
    },
    {"Datastreams": Navigation("Datastreams", True, "{t}.sensor_id = {p}.id")},
)
OBSERVED_PROPERTY = EntityType(
    "ObservedProperty",
    "ObservedProperties",
    "sensors_observedproperty",
    ("{t}.id",),
    "{t}.id::text",
    {
        "name": _text("{t}.name_{lang}"),
        "definition": _text("{t}.definition"),
        "description": _text("{t}.description"),
        "properties": Property(
            Kind.JSON,
            "({t}.properties || jsonb_build_object('code', {t}.code, 'domain', {t}.domain, 'aggregate', {t}.aggregate))",
        ),
    },
    {"Datastreams": Navigation("Datastreams", True, "{t}.observed_property_id = {p}.id")},
)
DATASTREAM = EntityType(
    "Datastream",
    "Datastreams",
    DATASTREAMS,
    ("{t}.id",),
    "{t}.id::text",
    {
        "name": _text(_DATASTREAM_NAME),
        "description": _text(f"coalesce(nullif({{t}}.description, ''), {_DATASTREAM_NAME})"),
        "observationType": _text(f"'{MEASUREMENT}'::text"),
        "unitOfMeasurement": Property(
            Kind.COMPLEX,
            members={
                "name": _text("coalesce(nullif({t}.unit_name, ''), {t}.unit_ucum)"),
                "symbol": _text("{t}.unit_ucum"),
                "definition": _text(f"'{UCUM}' || {{t}}.unit_ucum"),
            },
        ),
        "observedArea": _geometry(
            "(SELECT ST_Envelope(ST_Collect(a.location)) FROM sensors_thinglocation a WHERE a.thing_id = {t}.thing_id)"
        ),
        "phenomenonTime": Property(Kind.INTERVAL, _edge("ASC"), end=_edge("DESC")),
        "resultTime": Property(Kind.INTERVAL, _edge("ASC"), end=_edge("DESC")),
        "properties": _json("{t}.properties"),
    },
    {
        "Thing": Navigation("Things", False, "{t}.id = {p}.thing_id", key="{p}.thing_id"),
        "Sensor": Navigation("Sensors", False, "{t}.id = {p}.sensor_id", key="{p}.sensor_id"),
        "ObservedProperty": Navigation(
            "ObservedProperties", False, "{t}.id = {p}.observed_property_id", key="{p}.observed_property_id"
        ),
        "Observations": Navigation("Observations", True, "{t}.datastream_id = {p}.id"),
    },
)
_MICROSECONDS = "(extract(epoch FROM {t}.phenomenon_time) * 1000000)::bigint"
# Of an observation: the feature that its client gave it, else the place where the thing stood, by the ids of FEATURES.
_FEATURE_ID = """coalesce(
    (SELECT -f.feature_id FROM sensors_observationfeature f
     WHERE f.datastream_id = {p}.datastream_id AND f.phenomenon_time = {p}.phenomenon_time),
    (SELECT l.id FROM sensors_datastream d JOIN sensors_thinglocation l ON l.thing_id = d.thing_id
     WHERE d.id = {p}.datastream_id AND l.valid_from <= {p}.phenomenon_time
       AND (l.valid_to IS NULL OR l.valid_to > {p}.phenomenon_time)
     ORDER BY l.valid_from DESC LIMIT 1))"""
OBSERVATION = EntityType(
    "Observation",
    "Observations",
    "sensors_observation",
    ("{t}.datastream_id", "{t}.phenomenon_time"),
    f"{{t}}.datastream_id || '-' || {_MICROSECONDS}",
    {
        "phenomenonTime": Property(Kind.TIME, "{t}.phenomenon_time", is_nullable=False),
        # A sensor's result is made when it measures.
        "resultTime": Property(Kind.TIME, "{t}.phenomenon_time", is_nullable=False),
        "result": Property(Kind.NUMBER, "{t}.result", is_nullable=False),
        "resultQuality": _text(_quality()),
        "validTime": Property(Kind.INTERVAL, "NULL::timestamptz", end="NULL::timestamptz"),
        "parameters": Property(Kind.JSON, "NULL::jsonb"),
    },
    {
        "Datastream": Navigation("Datastreams", False, "{t}.id = {p}.datastream_id", key="{p}.datastream_id"),
        "FeatureOfInterest": Navigation("FeaturesOfInterest", False, f"{{t}}.id = {_FEATURE_ID}", key=_FEATURE_ID),
    },
)
# A place of a thing has that location's id; a feature that a client gave itself has its own with a minus.
FEATURES = f"""(
    SELECT l.id, coalesce(nullif(l.name, ''), h.name) AS name, l.description, '{GEOJSON}'::text AS encoding_type,
           l.location::geometry AS feature, l.properties, l.thing_id, l.valid_from, l.valid_to, NULL::bigint AS own_id
    FROM sensors_thinglocation l JOIN sensors_thing h ON h.id = l.thing_id AND NOT h.is_exercise
    UNION ALL
    SELECT -f.id, f.name, f.description, f.encoding_type, f.feature::geometry, f.properties, NULL, NULL, NULL, f.id
    FROM sensors_featureofinterest f)"""
_OBSERVATIONS_OF_FEATURE = """(
    SELECT o.* FROM sensors_datastream d JOIN sensors_observation o ON o.datastream_id = d.id
    WHERE d.thing_id = {p}.thing_id AND o.phenomenon_time >= {p}.valid_from
      AND o.phenomenon_time < coalesce({p}.valid_to, 'infinity')
      AND NOT EXISTS (SELECT FROM sensors_observationfeature f
                      WHERE f.datastream_id = o.datastream_id AND f.phenomenon_time = o.phenomenon_time)
    UNION ALL
    SELECT o.* FROM sensors_observationfeature f
    JOIN sensors_observation o ON o.datastream_id = f.datastream_id AND o.phenomenon_time = f.phenomenon_time
    WHERE f.feature_id = {p}.own_id)"""
FEATURE_OF_INTEREST = EntityType(
    "FeatureOfInterest",
    "FeaturesOfInterest",
    FEATURES,
    ("{t}.id",),
    "{t}.id::text",
    {
        "name": _text("{t}.name"),
        "description": _text("{t}.description"),
        "encodingType": _text("{t}.encoding_type"),
        "feature": _geometry("{t}.feature"),
        "properties": _json("{t}.properties"),
    },
    {"Observations": Navigation("Observations", True, "true", source=_OBSERVATIONS_OF_FEATURE)},
)
ENTITY_TYPES = {
    entity.plural: entity
    for entity in (
        *(THING, LOCATION, HISTORICAL_LOCATION, DATASTREAM),
        *(SENSOR, OBSERVED_PROPERTY, OBSERVATION, FEATURE_OF_INTEREST),
    )
}
ID_NAMES = ("id", "@iot.id")
SELF_NAMES = ("selfLink", "@iot.selfLink")

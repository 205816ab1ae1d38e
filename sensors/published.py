"""What the rest of the project may know of sensors. `geo` imports this module, and reads the views named here; nothing else.

The views are made by the migration 0002_published; what a row means stands in their comments in the database.
"""

from collections.abc import Iterable

from django.db.models import QuerySet

from sensors.derived import ispu
from sensors.derived.deriving import ensure_derived
from sensors.ingest.broker_url import BadBrokerUrl, BrokerUrl, parse_broker_url
from sensors.ingest.exercises import forget_datastreams, remove_exercise_things
from sensors.ingest.figures import IngestFigures, ingest_figures
from sensors.ingest.floods.noting import lift_limit
from sensors.ingest.models import BATCH_MESSAGES_BOUNDS, BATCH_SECONDS_BOUNDS, IngestStatus
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.ingest.topic_rules import provision_topic_rules
from sensors.observations.coverage import count_dirty_hours, count_observations, observed_spans
from sensors.observations.retention import keep_observations
from sensors.observations.rollups import refresh_all_rollups
from sensors.registry.exercises import exercise_datastream_ids, exercise_said, make_stand_ins, stand_in_slug
from sensors.registry.models import Datastream, ObservedProperty, Thing
from sensors.registry.services import RegistryError
from sensors.states.judging import count_states
from sensors.thresholds.levels import Criteria
from sensors.thresholds.models import Crossing, Watch
from sensors.thresholds.watches import Wanted, crossings_after, set_watches, standing_crossings, watches

LOCATIONS_VIEW = "sensors_published_location"
DATASTREAMS_VIEW = "sensors_published_datastream"
HOURLY_VIEW = "sensors_published_hourly"
LATEST_VIEW = "sensors_published_latest"
STATES_VIEW = "sensors_published_state"
# The other views have nothing of an exercise; whoever watches asks this one as well.
EXERCISES_VIEW = "sensors_published_exercise"
# What grows by the million: to be analysed after a bulk load.
BULK_TABLES = ("sensors_observation", "sensors_hourlyrollup")
# The table and the scopes for server.core.versions.data_version.
VERSION_TABLE = "sensors_dataversion"
VERSION_SCOPES = ("observations", "rollups", "registry", "states")

__all__ = [
    "BATCH_MESSAGES_BOUNDS",
    "BATCH_SECONDS_BOUNDS",
    "BULK_TABLES",
    "DATASTREAMS_VIEW",
    "EXERCISES_VIEW",
    "HOURLY_VIEW",
    "LATEST_VIEW",
    "LOCATIONS_VIEW",
    "STATES_VIEW",
    "VERSION_SCOPES",
    "VERSION_TABLE",
    "BadBrokerUrl",
    "BrokerUrl",
    "Criteria",
    "Crossing",
    "IngestFigures",
    "IngestStatus",
    "NotPublished",
    "Publisher",
    "RegistryError",
    "Wanted",
    "Watch",
    "count_dirty_hours",
    "count_observations",
    "count_states",
    "crossings_after",
    "datastreams",
    "ensure_derived",
    "exercise_datastream_ids",
    "exercise_said",
    "forget_datastreams",
    "ingest_figures",
    "ispu",
    "keep_observations",
    "lift_limit",
    "make_stand_ins",
    "observed_properties",
    "observed_property_codes",
    "observed_spans",
    "parse_broker_url",
    "provision_topic_rules",
    "refresh_all_rollups",
    "remove_exercise_things",
    "set_watches",
    "stand_in_slug",
    "standing_crossings",
    "things",
    "watches",
]


def things(*, with_exercises: bool = False) -> QuerySet[Thing]:
    """The things; those that stand in for others in an exercise only where they are asked for."""
    return Thing.objects.all() if with_exercises else Thing.objects.filter(is_exercise=False)


def datastreams(*, things: Iterable[str] | None = None) -> QuerySet[Datastream]:
    """Datastreams with their thing and observed property, of all things or of these slugs."""
    found = Datastream.objects.filter(thing__is_exercise=False).select_related("thing", "observed_property")
    return found if things is None else found.filter(thing__slug__in=list(things))


def observed_properties() -> QuerySet[ObservedProperty]:
    return ObservedProperty.objects.all()


def observed_property_codes() -> list[str]:
    return list(ObservedProperty.objects.order_by("code").values_list("code", flat=True))

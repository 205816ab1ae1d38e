"""What the rest of the project may know of sensors. `geo` imports this module, and reads the views named here; nothing else.

The views are made by the migration 0002_published; what a row means stands in their comments in the database.
"""

from collections.abc import Iterable

from django.db.models import QuerySet

from sensors.ingest.broker_url import BadBrokerUrl, BrokerUrl, parse_broker_url
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.ingest.topic_rules import provision_topic_rules
from sensors.observations.coverage import count_dirty_hours, count_observations, observed_spans
from sensors.observations.newer import observations_after
from sensors.observations.rollups import hours_changed, refresh_all_rollups
from sensors.registry.models import Datastream, ObservedProperty, Thing

LOCATIONS_VIEW = "sensors_published_location"
DATASTREAMS_VIEW = "sensors_published_datastream"
HOURLY_VIEW = "sensors_published_hourly"
LATEST_VIEW = "sensors_published_latest"
# What grows by the million: to be analysed after a bulk load.
BULK_TABLES = ("sensors_observation", "sensors_hourlyrollup")
# The table and the scopes for server.core.versions.data_version.
VERSION_TABLE = "sensors_dataversion"
VERSION_SCOPES = ("observations", "rollups", "registry")

__all__ = [
    "BULK_TABLES",
    "DATASTREAMS_VIEW",
    "HOURLY_VIEW",
    "LATEST_VIEW",
    "LOCATIONS_VIEW",
    "VERSION_SCOPES",
    "VERSION_TABLE",
    "BadBrokerUrl",
    "BrokerUrl",
    "NotPublished",
    "Publisher",
    "count_dirty_hours",
    "count_observations",
    "datastreams",
    "hours_changed",
    "observations_after",
    "observed_properties",
    "observed_property_codes",
    "observed_spans",
    "parse_broker_url",
    "provision_topic_rules",
    "refresh_all_rollups",
    "things",
]


def things() -> QuerySet[Thing]:
    return Thing.objects.all()


def datastreams(*, things: Iterable[str] | None = None) -> QuerySet[Datastream]:
    """Datastreams with their thing and observed property, of all things or of these slugs."""
    found = Datastream.objects.select_related("thing", "observed_property")
    return found if things is None else found.filter(thing__slug__in=list(things))


def observed_properties() -> QuerySet[ObservedProperty]:
    return ObservedProperty.objects.all()


def observed_property_codes() -> list[str]:
    return list(ObservedProperty.objects.order_by("code").values_list("code", flat=True))

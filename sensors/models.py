"""Every model of the app, where Django looks for them."""

from sensors.derived.models import DerivedMark
from sensors.following.models import Bookmark
from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.models import IngestStatus, QuarantineCount, RejectedMessage, TopicRule
from sensors.ingest.pending.models import PendingThing
from sensors.ingest.sources.models import MqttSource
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.models import (
    Correction,
    DirtyHour,
    HourlyRollup,
    JournalEntry,
    Observation,
    ObservationFeature,
)
from sensors.registry.models import Datastream, FeatureOfInterest, ObservedProperty, Sensor, Thing, ThingLocation
from sensors.sensorthings.mqtt.models import EntityChange
from sensors.states.models import DatastreamState, DatastreamStateChange
from sensors.thresholds.models import Crossing, Watch

__all__ = [
    "Bookmark",
    "Correction",
    "Crossing",
    "Datastream",
    "DatastreamState",
    "DatastreamStateChange",
    "DerivedMark",
    "DeviceLimit",
    "DirtyHour",
    "EntityChange",
    "FeatureOfInterest",
    "HourlyRollup",
    "IngestStatus",
    "JournalEntry",
    "MqttSource",
    "Observation",
    "ObservationArchive",
    "ObservationFeature",
    "ObservedProperty",
    "PendingThing",
    "QuarantineCount",
    "RejectedMessage",
    "Sensor",
    "Thing",
    "ThingLocation",
    "TopicRule",
    "Watch",
]

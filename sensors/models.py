"""Every model of the app, where Django looks for them."""

from sensors.ingest.models import IngestStatus, RejectedMessage, TopicRule
from sensors.observations.models import Correction, DirtyHour, HourlyRollup, Observation
from sensors.registry.models import Datastream, ObservedProperty, Sensor, Thing, ThingLocation

__all__ = [
    "Correction",
    "Datastream",
    "DirtyHour",
    "HourlyRollup",
    "IngestStatus",
    "Observation",
    "ObservedProperty",
    "RejectedMessage",
    "Sensor",
    "Thing",
    "ThingLocation",
    "TopicRule",
]

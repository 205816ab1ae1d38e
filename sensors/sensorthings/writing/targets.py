"""To what a request that writes is sent, and what is done there."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed

from sensors.observations.columns import microseconds, time_at
from sensors.observations.models import Observation
from sensors.registry import services
from sensors.registry.models import Datastream, FeatureOfInterest, ObservedProperty, Sensor, Thing, ThingLocation
from sensors.sensorthings.entities import EntityType
from sensors.sensorthings.ids import ObservationId
from sensors.sensorthings.paths import Resource
from sensors.sensorthings.writing.author import Author
from sensors.sensorthings.writing.body import Body, Reference
from sensors.sensorthings.writing.changes import DELETIONS, Change, delete_observation
from sensors.sensorthings.writing.creation import Creation
from sensors.sensorthings.writing.observations import ObservationKey
from server.core.errors import Conflict, NotFound

Key = tuple[Any, ...]
"""The values of an entity's columns, as sensorthings.ids reads them."""

MODELS: dict[str, type[Any]] = {
    "Things": Thing,
    "Locations": ThingLocation,
    "HistoricalLocations": ThingLocation,
    "Datastreams": Datastream,
    "Sensors": Sensor,
    "ObservedProperties": ObservedProperty,
    "FeaturesOfInterest": FeatureOfInterest,
}
_MAKERS: dict[str, Callable[[Creation, Body], Any]] = {
    "Things": Creation.thing,
    "Locations": Creation.location,
    "HistoricalLocations": Creation.historical_location,
    "Datastreams": Creation.datastream,
    "Sensors": Creation.sensor,
    "ObservedProperties": Creation.observed_property,
    "Observations": Creation.observation,
    "FeaturesOfInterest": Creation.feature_of_interest,
}
_CHANGERS: dict[str, Callable[[Change, Any, Body], Any]] = {
    "Things": Change.thing,
    "Locations": Change.location,
    "Datastreams": Change.datastream,
    "Sensors": Change.sensor,
    "ObservedProperties": Change.observed_property,
    "FeaturesOfInterest": Change.feature_of_interest,
}


def methods_of(resource: Resource) -> list[str]:
    """By which a path is written: a set is added to, an entity is changed and deleted."""
    if resource.names or resource.form:
        return []
    if resource.is_collection:
        return ["POST"]
    is_changed = resource.entity.plural in {*_CHANGERS, "Observations"}
    return ["PUT", "PATCH", "DELETE"] if is_changed else ["DELETE"]


def create(resource: Resource, parent: Key | None, body: Body, creation: Creation) -> Key:
    """Makes what is sent to an entity set, or to the related entities of `parent`; its key. In the caller's transaction."""
    if not resource.is_collection or resource.names or resource.form:
        raise MethodNotAllowed("POST")
    if parent is not None:
        body = _with_parent(resource, parent, body)
    made = _MAKERS[resource.entity.plural](creation, body)
    creation.finish()
    return _key_of(made)


def _with_parent(resource: Resource, parent: Key, body: Body) -> Body:
    """What is posted to `Things(1)/Datastreams` is linked to Things(1)."""
    above = resource.steps[-2].entity
    if above.plural == "Observations":
        raise MethodNotAllowed("POST")
    for name, navigation in resource.entity.navigations.items():
        if navigation.target == above.plural:
            return body.beside(name, Reference(parent[0], body.at(name)), is_many=navigation.is_many)
    raise MethodNotAllowed("POST")


def change(resource: Resource, key: Key, body: Body, of: Change) -> Key:
    """Changes the entity of this key; the key it has then (a Location that is moved becomes another). Errors: as Change."""
    if resource.entity.plural == "Observations":
        return _key_of(of.observation(observation_key(key), body))
    changer = _CHANGERS.get(resource.entity.plural)
    if changer is None:
        raise MethodNotAllowed("PATCH" if of.is_partial else "PUT", _("It is made by the moves of a Thing."))
    return _key_of(changer(of, _locked(resource.entity, key), body))


def delete(resource: Resource, key: Key, author: Author, reason: str) -> None:
    """Errors: Conflict where something else, or the past, depends on it."""
    if resource.entity.plural == "Observations":
        author.must("delete", Observation)
        delete_observation(observation_key(key), author, reason)
        return
    model = MODELS[resource.entity.plural]
    author.must("delete", model)
    DELETIONS[model](_locked(resource.entity, key))


def observation_key(key: Key) -> ObservationKey:
    return ObservationKey(key[0], microseconds(key[1]))


def _locked(entity: EntityType, key: Key) -> Any:
    id_ = key[0]
    if entity.plural == "FeaturesOfInterest":
        if id_ > 0:
            raise Conflict(_("This is the place where a Thing stands: change Locations(%(id)d).") % {"id": id_})
        id_ = -id_
    # Before the row itself, as all who write the registry take the two.
    services.lock_registry()
    found = MODELS[entity.plural].objects.select_for_update(of=("self",)).filter(pk=id_).first()
    if found is None:
        raise NotFound(_("There is no such entity."))
    return found


def _key_of(made: Any) -> Key:
    if isinstance(made, ObservationKey):
        return ObservationId(made.datastream_id, time_at(made.phenomenon_us))
    return (-made.pk,) if isinstance(made, FeatureOfInterest) else (made.pk,)

"""Changing and deleting entities. A PUT is the whole entity, a PATCH what changes of it.

What has a history stays: past observations keep their unit, their place and the thing that made them.
Source: OGC 18-088, clauses 10.3 and 10.4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from sensors.observations.columns import microseconds, time_at
from sensors.observations.corrections import correct_observation
from sensors.observations.models import Correction, HourlyRollup, Observation
from sensors.registry import services
from sensors.registry.models import Datastream, FeatureOfInterest, ObservedProperty, Sensor, Thing, ThingLocation
from sensors.sensorthings.writing import fields, naming
from sensors.sensorthings.writing.author import Author
from sensors.sensorthings.writing.body import Body, Reference
from sensors.sensorthings.writing.creation import Creation, find, refuse_second, registry_errors, save
from sensors.sensorthings.writing.observations import (
    LINKS,
    NAMES,
    ObservationKey,
    link_features,
    read_observation,
    read_time,
    unlink_feature,
)
from server.core.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Change:
    """One request's change of one entity; `reason` goes into the audit line of a corrected observation."""

    author: Author
    now: datetime
    is_partial: bool
    reason: str

    def thing(self, thing: Thing, body: Body) -> Thing:
        self.author.must("change", Thing)
        self._refuse_inside(body, "Locations", "Datastreams", "HistoricalLocations")
        values = fields.THING.read(body, is_partial=self.is_partial)
        if "properties" in values:
            own, values["properties"] = naming.split(values["properties"], naming.OF_THING)
            if own.get("slug", thing.slug) != thing.slug:
                raise body.wrong("properties/slug", _("A Thing keeps its slug: it is its topic and its user name."))
        if body.linked_many("Datastreams") or body.linked_many("HistoricalLocations"):
            raise body.wrong("Datastreams", _("A Datastream stays with its Thing."))
        self._assign(thing, values, body)
        places = body.linked_many("Locations")
        if len(places) > 1:
            raise body.wrong("Locations", _("A Thing stands at one place at a time."))
        for place in places:
            Creation(self.author, self.now).stand(thing, place)
        return thing

    def location(self, place: ThingLocation, body: Body) -> ThingLocation:
        """Another geometry is a move: the Thing has another Location from now on, and this one becomes its past."""
        self.author.must("change", ThingLocation)
        self._refuse_inside(body, "Things", "HistoricalLocations")
        values = fields.LOCATION.read(body, is_partial=self.is_partial)
        if any(isinstance(each, Reference) and each.id != place.thing_id for each in body.linked_many("Things")):
            raise body.wrong("Things", _("A Location stays with its Thing."))
        point = values.pop("location", place.location)
        if not place.location.equals_exact(point, services.SAME_PLACE_DEG):
            if place.valid_to is not None:
                raise Conflict(_("The Thing stands there no more; what was measured there stays where it was."))
            told = {name: getattr(place, name) for name in ("name", "description", "properties")}
            with registry_errors(body.path):
                services.move_thing(place.thing, lon_lat=(point.x, point.y), moved_at=self.now)
            place = ThingLocation.objects.get(thing=place.thing, valid_to=None)
            values = {**told, **values}
        return self._assign(place, values, body)

    def sensor(self, sensor: Sensor, body: Body) -> Sensor:
        self.author.must("change", Sensor)
        self._refuse_inside(body, "Datastreams")
        values = fields.SENSOR.read(body, is_partial=self.is_partial)
        if Sensor.objects.filter(name=values.get("name", sensor.name)).exclude(pk=sensor.pk).exists():
            raise Conflict(_("%(name)s is taken already.") % {"name": values["name"]})
        return self._assign(sensor, values, body)

    def observed_property(self, observed: ObservedProperty, body: Body) -> ObservedProperty:
        """A name is changed in the language of the request."""
        self.author.must("change", ObservedProperty)
        self._refuse_inside(body, "Datastreams")
        values = fields.OBSERVED_PROPERTY.read(body, is_partial=self.is_partial)
        if "name" in values:
            language = "en" if (get_language() or "").startswith("en") else "id"
            values[f"name_{language}"] = values.pop("name")
        if "properties" in values:
            own, values["properties"] = naming.split(values["properties"], naming.OF_PROPERTY)
            if own.pop("code", observed.code) != observed.code:
                raise body.wrong("properties/code", _("An ObservedProperty keeps its code: it is a part of topics."))
            values.update(own)
        return self._assign(observed, values, body)

    def datastream(self, datastream: Datastream, body: Body) -> Datastream:
        self.author.must("change", Datastream)
        self._refuse_inside(body, "Thing", "Sensor", "ObservedProperty", "Observations")
        values = fields.DATASTREAM.read(body, is_partial=self.is_partial)
        if body.linked_many("Observations"):
            raise body.wrong("Observations", _("An Observation stays with its Datastream."))
        for name, attribute, model in (
            ("Thing", "thing", Thing),
            ("Sensor", "sensor", Sensor),
            ("ObservedProperty", "observed_property", ObservedProperty),
        ):
            if isinstance(linked := body.linked(name), Reference):
                values[attribute] = find(model, linked)
        fixed = {"thing": "Thing", "observed_property": "ObservedProperty", "unit_ucum": "unitOfMeasurement"}
        for attribute, name in fixed.items():
            if attribute in values and values[attribute] != getattr(datastream, attribute) and has_history(datastream):
                raise Conflict(
                    _("Datastreams(%(id)d) has observations, so that its %(name)s stays: make another Datastream.")
                    % {"id": datastream.pk, "name": name}
                )
        thing = values.get("thing", datastream.thing)
        refuse_second(thing, values.get("observed_property", datastream.observed_property), beside=datastream.pk)
        return self._assign(datastream, values, body)

    def feature_of_interest(self, feature: FeatureOfInterest, body: Body) -> FeatureOfInterest:
        self.author.must("change", FeatureOfInterest)
        self._refuse_inside(body, "Observations")
        return self._assign(feature, fields.FEATURE_OF_INTEREST.read(body, is_partial=self.is_partial), body)

    def observation(self, key: ObservationKey, body: Body) -> ObservationKey:
        """Another result is a correction, with its audit line; time and datastream are what an observation is known by."""
        self.author.must("change", Observation)
        body.refuse_unknown(NAMES | LINKS)
        self._refuse_inside(body, "Datastream")
        datastream, stored = stored_observation(key)
        linked = body.linked("Datastream")
        if isinstance(linked, Reference) and linked.id != key.datastream_id:
            raise body.wrong("Datastream", _("An Observation stays with its Datastream."))
        time = read_time(body.members, "phenomenonTime")
        if time is not None and microseconds(time) != key.phenomenon_us:
            raise body.wrong("phenomenonTime", _("An Observation is known by its time: delete it and post another."))
        members = {name: value for name, value in body.members.items() if name != "resultQuality"}
        if self.is_partial and "result" not in members:
            members["result"] = stored.result
        result = read_observation(members, now=self.now).result
        feature = body.linked("FeatureOfInterest")
        if feature is not None:
            creation = Creation(self.author, self.now)
            feature_id = creation.feature_id(feature, datastream, key.phenomenon_us)
            unlink_feature(key) if feature_id is None else link_features({key: feature_id})
        if result != stored.result:
            correct_observation(
                datastream=datastream,
                phenomenon_time=stored.phenomenon_time,
                new_result=result,
                reason=self.reason,
                by=self.author.user,
            )
        return key

    def _assign(self, instance: Any, values: dict[str, Any], body: Body) -> Any:
        for name, value in values.items():
            setattr(instance, name, value)
        return save(instance, body)

    def _refuse_inside(self, body: Body, *names: str) -> None:
        """Errors: InvalidFields for a related entity that is to be made: a change takes links alone."""
        for name in names:
            value = body.members.get(name)
            related = body.linked_many(name) if isinstance(value, list) else [body.linked(name)]
            if any(isinstance(each, Body) for each in related):
                raise body.wrong(name, _('A change takes links alone, such as {"@iot.id": 7}; make the entity first.'))


def stored_observation(key: ObservationKey) -> tuple[Datastream, Observation]:
    """Errors: NotFound."""
    stored = (
        Observation.objects.select_related("datastream__thing", "datastream__observed_property")
        .filter(datastream_id=key.datastream_id, phenomenon_time=time_at(key.phenomenon_us))
        .first()
    )
    if stored is None:
        raise NotFound(_("There is no such observation."))
    return stored.datastream, stored


def has_history(*datastreams: Datastream) -> bool:
    """Whether anything was measured: observations, their rollups where these are all that is kept, or audit lines of deleted ones."""
    return any(
        model.objects.filter(datastream_id=datastream.pk).exists()
        for datastream in datastreams
        for model in (HourlyRollup, Observation, Correction)
    )


def delete_thing(thing: Thing) -> None:
    if has_history(*thing.datastreams.all()):
        raise _has_history(thing)
    thing.delete()


def delete_datastream(datastream: Datastream) -> None:
    if has_history(datastream):
        raise _has_history(datastream)
    datastream.delete()


def _has_history(instance: Thing | Datastream) -> Conflict:
    return Conflict(
        _(
            "%(name)s has observations, or audit lines of deleted ones, which would be nobody's: leave it, and say so in its "
            "description instead."
        )
        % {"name": instance}
    )


def delete_location(place: ThingLocation) -> None:
    if has_history(*place.thing.datastreams.all()):
        raise Conflict(
            _("%(name)s has observations, and where they were made is known by its Locations: move it instead.")
            % {"name": place.thing}
        )
    place.delete()


def delete_used(instance: Sensor | ObservedProperty) -> None:
    if (used := instance.datastreams.order_by("id").first()) is not None:
        raise Conflict(
            _("%(name)s is what Datastreams(%(id)d) is made with: delete its Datastreams first.")
            % {"name": instance, "id": used.pk}
        )
    instance.delete()


def delete_feature(feature: FeatureOfInterest) -> None:
    if feature.observation_features.exists():
        raise Conflict(_("There are observations of %(name)s: delete them first.") % {"name": feature})
    feature.delete()


def delete_observation(key: ObservationKey, author: Author, reason: str) -> None:
    """With an audit line. Errors: NotFound."""
    datastream, stored = stored_observation(key)
    correct_observation(
        datastream=datastream, phenomenon_time=stored.phenomenon_time, new_result=None, reason=reason, by=author.user
    )
    unlink_feature(key)


DELETIONS: dict[type[models.Model], Callable[[Any], None]] = {
    Thing: delete_thing,
    Datastream: delete_datastream,
    ThingLocation: delete_location,
    Sensor: delete_used,
    ObservedProperty: delete_used,
    FeatureOfInterest: delete_feature,
}

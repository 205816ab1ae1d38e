"""Making entities, and those inside them (deep insert): all of a request or nothing.

Source: OGC 18-088, clause 10.2.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _

from sensors.observations.columns import time_at
from sensors.observations.models import Observation
from sensors.registry import services
from sensors.registry.models import Datastream, FeatureOfInterest, ObservedProperty, Sensor, Thing, ThingLocation
from sensors.sensorthings.writing import fields, naming
from sensors.sensorthings.writing.author import Author
from sensors.sensorthings.writing.body import Body, Reference
from sensors.sensorthings.writing.credentials import give_credential
from sensors.sensorthings.writing.observations import (
    LINKS,
    NAMES,
    NewObservations,
    ObservationKey,
    read_observation,
    ref_of,
    within,
)
from server.core.errors import Conflict, InvalidFields

Entity = TypeVar("Entity", bound=models.Model)
MOST_ID = 2**63


class Creation:
    """One request's new entities. `finish` writes the observations; call all in one transaction."""

    def __init__(self, author: Author, now: datetime) -> None:
        self._author = author
        self._now = now
        self._observations = NewObservations(now)
        # What was linked to before: a thousand observations of one datastream look it up once.
        self._linked: dict[tuple[type[models.Model], Any], Any] = {}

    def finish(self) -> None:
        """Errors: Conflict where another result is stored at an observation's time."""
        for refusal in self._observations.write().values():
            raise refusal

    def thing(self, body: Body) -> Thing:
        self._author.must("add", Thing)
        values = fields.THING.read(body)
        own, values["properties"] = naming.split(values["properties"], naming.OF_THING)
        services.lock_registry()
        thing = Thing(slug=naming.new_slug(body, own.get("slug"), values["name"]), **values)
        save(thing, body)
        for each in body.linked_many("Locations"):
            self.stand(thing, each)
        if body.linked_many("HistoricalLocations"):
            raise body.wrong("HistoricalLocations", _("They are made by the moves of a Thing."))
        for place, each in enumerate(body.linked_many("Datastreams")):
            if isinstance(each, Reference):
                raise body.wrong(f"Datastreams/{place}", _("A Datastream stays with its Thing."))
            self.datastream(each.beside("Thing", Reference(thing.pk, each.path)))
        transaction.on_commit(lambda: give_credential(thing.slug))
        return thing

    def stand(self, thing: Thing, place: Reference | Body) -> ThingLocation:
        """Puts a thing where it stands from now on; at the place of another Location, it has one of its own there."""
        self._author.must("add", ThingLocation)
        return self._move(thing, _place(place), place.path, self._now)

    def location(self, body: Body) -> ThingLocation:
        """A Location is of one Thing: to post it is to say where that Thing stands now."""
        things = body.linked_many("Things")
        if len(things) != 1:
            raise body.wrong(
                "Things", _("A Location is of one Thing: link it, or post the Location to Things(id)/Locations.")
            )
        self._author.must("add", ThingLocation)
        values = fields.LOCATION.read(body)
        thing = find(Thing, things[0]) if isinstance(things[0], Reference) else self.thing(things[0])
        return self._move(thing, values, body.path, self._now)

    def historical_location(self, body: Body) -> ThingLocation:
        """A move that is told afterwards: where the Thing has stood since `time`."""
        self._author.must("add", ThingLocation)
        values = fields.HISTORICAL_LOCATION.read(body)
        if values["time"] > self._now:
            raise body.wrong("time", _("Nobody can have moved in the future."))
        thing = self._one(body, "Thing", Thing, self.thing)
        places = body.linked_many("Locations")
        if len(places) != 1:
            raise body.wrong("Locations", _("A Thing stands at one place at a time."))
        return self._move(thing, _place(places[0]), body.path, values["time"], since=values["time"])

    def _move(
        self, thing: Thing, values: dict[str, Any], path: str, moved_at: datetime, since: datetime = services.ALWAYS
    ) -> ThingLocation:
        point = values["location"]
        with registry_errors(path):
            services.move_thing(thing, lon_lat=(point.x, point.y), moved_at=moved_at, since=since)
            place = ThingLocation.objects.get(thing=thing, valid_to=None)
            for name in ("name", "description", "properties"):
                setattr(place, name, values[name])
            services.register(place, f"location of {thing.slug}")
        return place

    def sensor(self, body: Body) -> Sensor:
        """A kind of instrument is known by its name: one that is told again just as it is there is that one."""
        self._author.must("add", Sensor)
        values = fields.SENSOR.read(body)
        self._refuse_inside(body, "Datastreams")
        services.lock_registry()
        if (found := Sensor.objects.filter(name=values["name"]).first()) is not None:
            return _same(found, values, body, f"Sensors({found.pk})")
        return save(Sensor(**values), body)

    def observed_property(self, body: Body) -> ObservedProperty:
        """As with sensors: known by its code, `properties.code` or one made of its name."""
        self._author.must("add", ObservedProperty)
        values = fields.OBSERVED_PROPERTY.read(body)
        self._refuse_inside(body, "Datastreams")
        own, values["properties"] = naming.split(values["properties"], naming.OF_PROPERTY)
        name = values.pop("name")
        services.lock_registry()
        code = naming.code_of(name) if own.get("code") is None else naming.checked(body, "code", own["code"])
        if (found := ObservedProperty.objects.filter(code=code).first()) is not None:
            if name not in (found.name_id, found.name_en):
                raise _taken(name, f"ObservedProperties({found.pk})")
            return _same(found, values, body, f"ObservedProperties({found.pk})")
        own = {"domain": ObservedProperty.Domain.ENVIRONMENT, **own, "code": code}
        return save(ObservedProperty(name_id=name, name_en=name, **own, **values), body)

    def datastream(self, body: Body) -> Datastream:
        self._author.must("add", Datastream)
        values = fields.DATASTREAM.read(body)
        thing = self._one(body, "Thing", Thing, self.thing)
        sensor = self._one(body, "Sensor", Sensor, self.sensor)
        observed = self._one(body, "ObservedProperty", ObservedProperty, self.observed_property)
        services.lock_registry()
        refuse_second(thing, observed)
        datastream = save(Datastream(thing=thing, sensor=sensor, observed_property=observed, **values), body)
        for place, each in enumerate(body.linked_many("Observations")):
            if isinstance(each, Reference):
                raise body.wrong(f"Observations/{place}", _("An Observation stays with its Datastream."))
            self.observation(each.beside("Datastream", Reference(datastream.pk, each.path)))
        return datastream

    def observation(self, body: Body) -> ObservationKey:
        self._author.must("add", Observation)
        body.refuse_unknown(NAMES | LINKS)
        try:
            read = read_observation(body.members, now=self._now)
        except InvalidFields as error:
            raise within(body.path, error) from None
        datastream = self._one(body, "Datastream", Datastream, self.datastream)
        feature = body.linked("FeatureOfInterest")
        feature_id = None if feature is None else self.feature_id(feature, datastream, read.phenomenon_us)
        return self._observations.add(ref_of(datastream), read, path=body.path, feature_id=feature_id)

    def feature_id(self, feature: Reference | Body, datastream: Datastream, phenomenon_us: int) -> int | None:
        """Of a feature that a client has given; None for the place where the Thing stood, which needs no link."""
        if isinstance(feature, Body):
            return self.feature_of_interest(feature).pk
        if isinstance(feature.id, int) and feature.id < 0:
            return find(FeatureOfInterest, Reference(-feature.id, feature.path)).pk
        place, at = find(ThingLocation, feature), time_at(phenomenon_us)
        if (
            place.thing_id == datastream.thing_id
            and place.valid_from <= at
            and (not place.valid_to or at < place.valid_to)
        ):
            return None
        raise InvalidFields(
            {feature.path: [_("The Thing did not stand there then; send the feature itself to have it linked.")]}
        )

    def feature_of_interest(self, body: Body) -> FeatureOfInterest:
        self._author.must("add", FeatureOfInterest)
        feature = save(FeatureOfInterest(**fields.FEATURE_OF_INTEREST.read(body)), body)
        for place, each in enumerate(body.linked_many("Observations")):
            if isinstance(each, Reference):
                raise body.wrong(f"Observations/{place}", _("Link it by a PATCH of the Observation."))
            self.observation(each.beside("FeatureOfInterest", Reference(-feature.pk, each.path)))
        return feature

    def _one(self, body: Body, name: str, model: type[Entity], make: Callable[[Body], Entity]) -> Entity:
        linked = body.linked(name)
        if linked is None:
            raise body.wrong(name, _("This link is mandatory."))
        if not isinstance(linked, Reference):
            return make(linked)
        found: Entity = self._linked.get((model, repr(linked.id))) or find(model, linked)
        return self._linked.setdefault((model, repr(linked.id)), found)

    def _refuse_inside(self, body: Body, name: str) -> None:
        if body.linked_many(name):
            raise body.wrong(name, _("Send them by themselves, with a link to this one."))


def _place(place: Reference | Body) -> dict[str, Any]:
    """What is said of a Location that is sent, or of the one that is linked to."""
    if isinstance(place, Body):
        return fields.LOCATION.read(place)
    like = find(ThingLocation, place)
    return {name: getattr(like, name) for name in ("name", "description", "location", "properties")}


def find(model: type[Entity], reference: Reference) -> Entity:
    """Errors: InvalidFields, at the link, where there is none."""
    id_ = reference.id
    found = None
    if isinstance(id_, int) and not isinstance(id_, bool) and 0 < id_ < MOST_ID:
        found = model._default_manager.filter(pk=id_).first()
    if found is None:
        raise InvalidFields(
            {reference.path or "body": [_("There is none with the id %(id)s.") % {"id": repr(id_)[:80]}]}
        )
    return found


def save(instance: Entity, body: Body) -> Entity:
    with registry_errors(body.path):
        services.register(instance, str(instance._meta.verbose_name))
    return instance


def refuse_second(thing: Thing, observed: ObservedProperty, *, beside: int = 0) -> None:
    """Errors: Conflict where the thing has a datastream of this property already, other than the one of this id."""
    found = Datastream.objects.filter(thing=thing, observed_property=observed).exclude(pk=beside).first()
    if found is not None:
        raise Conflict(
            _("A Thing has one Datastream for each ObservedProperty: Datastreams(%(id)d) is there.") % {"id": found.pk}
        )


@contextmanager
def registry_errors(path: str) -> Iterator[None]:
    """The registry's refusals as answers: what stands against it is a Conflict, the rest is of this path."""
    try:
        yield
    except services.RegistryConflict as error:
        raise Conflict(str(error)) from None
    except services.RegistryError as error:
        raise InvalidFields({path or "body": [str(error)]}) from None


def _same(found: Entity, values: dict[str, Any], body: Body, where: str) -> Entity:
    if any(getattr(found, name) != value for name, value in values.items()):
        raise _taken(str(body.members["name"]), where)
    return found


def _taken(name: str, where: str) -> Conflict:
    return Conflict(
        _("%(name)s is there already, and says something else: link to %(where)s, or change it.")
        % {"name": name, "where": where}
    )

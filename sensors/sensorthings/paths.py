"""Resource paths: `Things(1)/Datastreams(2)/Observations`, `Things(1)/name/$value`, `Datastreams(1)/Thing/$ref`. Pure.

Source: OGC 18-088, clause 9.2, usages 1 to 8.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from sensors.sensorthings.entities import ENTITY_TYPES, EntityType, Kind, Navigation, Property
from sensors.sensorthings.ids import parse_id
from server.core.errors import NotFound

_SEGMENT = re.compile(r"(?P<name>[A-Za-z]+)(?:\((?P<id>[^()]*)\))?")
_FORMS = ("$value", "$ref")
LONGEST = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the way: an entity set, or the related entities of the step before; of these the one with an id."""

    entity: EntityType
    name: str
    navigation: Navigation | None
    key: tuple[object, ...] | None

    @property
    def is_many(self) -> bool:
        return self.key is None and (self.navigation is None or self.navigation.is_many)


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a path leads: by `steps` to entities, then to a property by `names`; `form` is `$value`, `$ref` or empty."""

    steps: tuple[Step, ...]
    names: tuple[str, ...]
    form: str

    @property
    def entity(self) -> EntityType:
        return self.steps[-1].entity

    @property
    def is_collection(self) -> bool:
        return self.steps[-1].is_many

    @property
    def properties(self) -> tuple[Property, tuple[str, ...]]:
        """The property that `names` lead to, and what remains of them inside a JSON value."""
        found = self.entity.properties[self.names[0]]
        for place, name in enumerate(self.names[1:], start=1):
            if found.kind is Kind.JSON or name not in found.members:
                return found, self.names[place:]
            found = found.members[name]
        return found, ()


def parse_path(text: str) -> Resource:
    """What comes after the service root, without slashes around it. Errors: NotFound for a way that there is not."""
    segments = text.split("/")
    # No name inside a JSON value holds a NUL, which the database could not even be asked for.
    if len(segments) > LONGEST or "\0" in text:
        raise NotFound(_("There is no such way."))
    form = segments.pop() if segments[-1] in _FORMS else ""
    steps: list[Step] = []
    while segments and (not steps or not steps[-1].is_many):
        step = _step(segments[0], steps[-1].entity if steps else None)
        if step is None:
            break
        steps.append(step)
        segments.pop(0)
    if not steps or (segments and steps[-1].is_many):
        raise _no_way(segments[0] if segments else text)
    resource = Resource(tuple(steps), tuple(segments), form)
    _check_end(resource)
    return resource


def _step(segment: str, before: EntityType | None) -> Step | None:
    """None: the segment names no entities."""
    found = _SEGMENT.fullmatch(segment)
    name = found["name"] if found else ""
    if before is None:
        if name not in ENTITY_TYPES:
            return None
        entity, navigation = ENTITY_TYPES[name], None
    elif name in before.navigations:
        navigation = before.navigations[name]
        entity = ENTITY_TYPES[navigation.target]
    else:
        return None
    if found is None or found["id"] is None:
        return Step(entity, name, navigation, None)
    key = parse_id(entity, found["id"])
    if key is None:
        raise _no_way(segment)
    return Step(entity, name, navigation, key)


def _check_end(resource: Resource) -> None:
    names, entity = resource.names, resource.entity
    if not names:
        if resource.form == "$value":
            raise _no_way("$value")
        return
    if names[0] not in entity.properties or resource.form == "$ref":
        raise _no_way(resource.form if names[0] in entity.properties else names[0])
    found, inside = resource.properties
    if inside and found.kind is not Kind.JSON:
        raise _no_way(inside[0])


def _no_way(segment: str) -> NotFound:
    return NotFound(_("There is no %(segment)s here.") % {"segment": segment[:60]})

"""An entity as a client sends it: its members, the links to what is there, and what is to be made with it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from server.core.errors import InvalidFields

ID = "@iot.id"
# How deep entities may stand in entities: a Thing, its Datastream, its Observation, its FeatureOfInterest.
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Reference:
    """A link to an entity that is there: `{"@iot.id": 7}`."""

    id: Any
    path: str


@dataclass(frozen=True, slots=True)
class Body:
    """The members of one entity; `path` is where it stands in what was sent ("" at the top), for errors."""

    members: Mapping[str, Any]
    path: str = ""

    @classmethod
    def of(cls, value: Any, path: str = "") -> "Body":
        """Errors: InvalidFields for what is no JSON object, and for entities in entities too deep."""
        if not isinstance(value, Mapping):
            raise InvalidFields({path or "body": [_("An entity is a JSON object.")]})
        if path.count("/") > 2 * DEEPEST:
            raise InvalidFields({path: [_("Entities in entities, too deep.")]})
        return cls(value, path)

    def at(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def wrong(self, name: str, sentence: str) -> InvalidFields:
        return InvalidFields({self.at(name): [sentence]})

    def has(self, name: str) -> bool:
        return name in self.members

    def linked(self, name: str) -> "Reference | Body | None":
        """A single related entity, by link or to be made; None where there is none. Errors: InvalidFields."""
        value = self.members.get(name)
        return None if value is None else _related(value, self.at(name))

    def linked_many(self, name: str) -> "list[Reference | Body]":
        """Related entities, by link or to be made. Errors: InvalidFields."""
        value = self.members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, _("Several entities are a JSON array."))
        return [_related(each, f"{self.at(name)}/{place}") for place, each in enumerate(value)]

    def beside(self, name: str, reference: Reference, *, is_many: bool = False) -> "Body":
        """The same with a link to what it was sent to. Errors: InvalidFields where it names another one."""
        said = self.members.get(name)
        if is_many and isinstance(said, list) and len(said) == 1:
            said = said[0]
        if said is not None and not (isinstance(said, Mapping) and said.get(ID) == reference.id):
            raise self.wrong(name, _("It is sent to another one than it names."))
        link = {ID: reference.id}
        return Body({**self.members, name: [link] if is_many else link}, self.path)

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Errors: InvalidFields for a member that is neither known nor an annotation (`@iot.selfLink`)."""
        for name in self.members:
            if name not in known and "@iot." not in name:
                raise self.wrong(name, _("There is no such property; known are %(known)s.") % {"known": _listed(known)})


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _related(value: Any, path: str) -> Reference | Body:
    body = Body.of(value, path)
    # What is answered to a GET carries its id and its properties: a link has nothing beside annotations.
    if ID in body.members and all("@iot." in name for name in body.members):
        return Reference(body.members[ID], path)
    return body

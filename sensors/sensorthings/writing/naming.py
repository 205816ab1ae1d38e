"""Names that the registry goes by (a thing's slug, a property's code), of what SensorThings calls things and properties."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from sensors.registry.models import Thing
from sensors.registry.naming import SLUG_CHARACTERS, slug_of
from sensors.sensorthings.writing.body import Body
from server.core.errors import Conflict

# Members of `properties` that are fields of the registry's own.
OF_THING = frozenset({"slug"})
OF_PROPERTY = frozenset({"code", "domain", "aggregate"})


def split(properties: Mapping[str, Any], own: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members that are fields of the registry's own, and the others."""
    return (
        {name: value for name, value in properties.items() if name in own},
        {name: value for name, value in properties.items() if name not in own},
    )


def new_slug(body: Body, given: Any, name: str) -> str:
    """`properties.slug`, or one made of the name, numbered where another thing has it. Errors: Conflict, InvalidFields."""
    if given is not None:
        slug = checked(body, "slug", given)
        if Thing.objects.filter(slug=slug).exists():
            raise Conflict(_("%(name)s is taken already.") % {"name": slug})
        return slug
    base = slug_of(name) or "thing"
    taken = set(Thing.objects.filter(slug__startswith=base[: SLUG_CHARACTERS - 8]).values_list("slug", flat=True))
    slug, number = base, 1
    while slug in taken:
        number += 1
        ending = f"-{number}"
        slug = base[: SLUG_CHARACTERS - len(ending)].rstrip("-") + ending
    return slug


def code_of(name: str) -> str:
    """A property's code: `PM2.5 (24 h)` is pm2_5_24_h, and what would not begin with a letter gets one."""
    code = slug_of(name).replace("-", "_") or "property"
    return code if code[0].isalpha() else f"p_{code}"[:SLUG_CHARACTERS].rstrip("_")


def checked(body: Body, name: str, value: Any) -> str:
    """A slug or a code that is asked for; the model looks at its characters. Errors: InvalidFields."""
    if not isinstance(value, str) or not 0 < len(value) <= SLUG_CHARACTERS or "\0" in value:
        raise body.wrong(f"properties/{name}", _("A text of at most %(most)d characters.") % {"most": SLUG_CHARACTERS})
    return value

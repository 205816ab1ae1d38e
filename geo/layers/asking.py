"""From the text of parameters to values: which city, and what a layer or an analysis is asked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from geo.areas.models import City
from geo.layers.computation import Analysis
from geo.layers.layer import Layer
from server.core.errors import BadParameter
from server.core.params import Interval


def resolve_city(slug: str | None, *, any_does: bool = False) -> City:
    """The city that is named; with one city it need not be, nor where any one does."""
    if slug:
        # PostgreSQL takes no NUL, and no city has one.
        city = City.objects.filter(slug=slug).first() if "\0" not in slug else None
        if city is None:
            raise BadParameter("city", f"there is no city {slug!r}; /api/cities/ lists them")
        return city
    cities = list(City.objects.order_by("id")[:2])
    if len(cities) == 1 or (cities and any_does):
        return cities[0]
    if not cities:
        raise BadParameter("city", "there is no city yet; load one with ./pantau manage load_fixtures")
    raise BadParameter("city", "there are several cities; name one (/api/cities/ lists them)")


def city_of(layer: Layer, slug: str | None) -> City:
    """The city that a layer is asked of. A saved analysis has one: another is a BadParameter."""
    if layer.settled is None:
        return resolve_city(slug, any_does=layer.is_of_every_city)
    city = layer.settled.city
    if slug and slug != city.slug:
        raise BadParameter("city", f"{layer.id} is an analysis of {city.slug}; leave city out")
    return city


def parse_values(
    asked: Layer | Analysis, params: Mapping[str, str], city: City, interval: Interval | None, now: datetime
) -> Mapping[str, Any]:
    """The parameters' values, resolved. `interval` chooses the period of a layer that has one.

    Those of a saved analysis are settled: what `params` says is not asked, and a frozen one has them as they were resolved.
    """
    parameters = asked.parameters
    if isinstance(asked, Layer) and asked.settled is not None:
        if asked.settled.pinned is not None:
            return asked.settled.pinned.values
        parameters, params = asked.settled.base.parameters, asked.settled.texts
    values: dict[str, Any] = {}
    for parameter in parameters:
        text = params.get(parameter.name, "").strip() or parameter.default
        if text is not None:
            values[parameter.name] = parameter.parse(text, parameter.name, city)
        elif parameter.required:
            raise BadParameter(parameter.name, f"{parameter.name} is required: {parameter.description}")
    if interval is not None and isinstance(asked, Layer) and asked.has_period:
        if "start" in values or "end" in values:
            raise BadParameter("datetime", "give datetime, or start and end, not both")
        values |= {name: at for name, at in (("start", interval.start), ("end", interval.end)) if at is not None}
    return asked.resolve(city, values, now)

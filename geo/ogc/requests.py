"""From a request to a question that a layer can answer: every parameter is parsed here, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict

from geo.areas.models import City
from geo.layers.layer import Layer, Query
from server.core.errors import BadParameter
from server.core.listing import read_query
from server.core.paging import decode_token
from server.core.params import Interval, parse_bbox, parse_datetime_interval, parse_integer

COMMON = ("city", "bbox", "datetime", "limit", "next", "lang")
DEFAULT_LIMIT = 10_000
MAX_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """What was asked, resolved, with the page it starts at and the result set that the page belongs to."""

    query: Query
    limit: int
    after: int | None
    result_set: int | None


def resolve_city(slug: str | None) -> City:
    """The city that is named; with one city it need not be."""
    if slug:
        city = City.objects.filter(slug=slug).first()
        if city is None:
            raise BadParameter("city", f"there is no city {slug!r}; /api/cities/ lists them")
        return city
    cities = list(City.objects.order_by("id")[:2])
    if len(cities) == 1:
        return cities[0]
    if not cities:
        raise BadParameter("city", "there is no city yet; load one with ./pantau manage load_fixtures")
    raise BadParameter("city", "there are several cities; name one (/api/cities/ lists them)")


def parse_request(layer: Layer, given: QueryDict, now: datetime) -> LayerRequest:
    params = read_query(given, [*COMMON, *(p.name for p in layer.parameters)])
    city = resolve_city(params.get("city"))
    token = decode_token(params["next"]) if params.get("next") else {}
    if token and token.get("list") != layer.id:
        raise BadParameter("next", "next is a page token of another list")
    now = datetime.fromisoformat(token["now"]) if "now" in token else now
    interval = parse_datetime_interval(params["datetime"], city.zone) if params.get("datetime") else None
    values = _values(layer, params, city, interval, now)
    query = Query(
        city=city,
        values=values,
        now=now,
        bbox=parse_bbox(params["bbox"]) if params.get("bbox") else None,
        interval=interval,
    )
    limit = DEFAULT_LIMIT
    if params.get("limit"):
        limit = parse_integer(params["limit"], "limit", minimum=1, maximum=MAX_LIMIT, clamp=True)
    return LayerRequest(query, limit, token.get("after"), token.get("result"))


def _values(
    layer: Layer, params: Mapping[str, str], city: City, interval: Interval | None, now: datetime
) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for parameter in layer.parameters:
        text = params.get(parameter.name, "").strip() or parameter.default
        if text is not None:
            values[parameter.name] = parameter.parse(text, parameter.name, city)
        elif parameter.required:
            raise BadParameter(parameter.name, f"{parameter.name} is required: {parameter.description}")
    if interval is not None and layer.has_period:
        if "start" in values or "end" in values:
            raise BadParameter("datetime", "give datetime, or start and end, not both")
        values |= {name: at for name, at in (("start", interval.start), ("end", interval.end)) if at is not None}
    elif interval is not None and layer.time_field is None:
        raise BadParameter("datetime", f"the layer {layer.id} has no time")
    return layer.resolve(city, values, now)


def utc_now() -> datetime:
    return datetime.now(UTC)

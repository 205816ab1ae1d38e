"""From a request to a question that a layer can answer: every parameter is parsed here, once."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict

from geo.areas.models import City
from geo.layers.asking import city_of, parse_values
from geo.layers.cql2 import compile_filter
from geo.layers.cql2.cql_text import as_cql2
from geo.layers.crs import CRS84, Crs, parse_box, parse_crs
from geo.layers.geojson import Output
from geo.layers.layer import Condition, Layer, OrderBy, Property, Query
from geo.layers.results import parameters_of
from geo.layers.select import SQL_TYPES, Position
from server.core.errors import BadParameter
from server.core.listing import read_query
from server.core.paging import decode_token
from server.core.params import (
    parse_choice,
    parse_datetime_interval,
    parse_integer,
    parse_list,
    parse_number,
    parse_time,
)

# What every layer takes beside its own parameters and a filter for each property.
SELECTING = ("city", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs")
PAGING = ("limit", "offset", "next", "sortby")
SHOWING = ("crs", "properties", "skipGeometry", "f", "lang")
MAX_LIMIT = 10_000
MAX_OFFSET = 10**9
FILTER_LANGUAGES = ("cql2-text", "cql2-json", "cql-text")


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """What was asked, resolved: the question, the page it starts at, and what later pages have to know of the first one.

    `limit` None: all there is. `matched` and `leading` are those of the first page; `result_set` is that of its answer.
    """

    query: Query
    output: Output
    limit: int | None
    after: Position | None = None
    offset: int = 0
    matched: int | None = None
    leading: tuple[int, ...] = ()
    result_set: int | None = None
    is_first: bool = True


def parameters_of_layer(layer: Layer) -> tuple[str, ...]:
    """Every name that a request to the layer may use."""
    return (*SELECTING, *PAGING, *SHOWING, *(p.name for p in layer.parameters), *(p.name for p in filterable(layer)))


def filterable(layer: Layer) -> list[Property]:
    """The properties that `property=value` filters by; a parameter of the layer's own of the same name comes first."""
    taken = {*SELECTING, *PAGING, *SHOWING, *(p.name for p in layer.parameters)}
    return [prop for prop in layer.properties if prop.type in SQL_TYPES and prop.name not in taken]


def sortable(layer: Layer) -> list[Property]:
    """The properties to sort by. Where a page ended stands in the next one's address, so free text is none of them."""
    return [prop for prop in layer.properties if prop.type in SQL_TYPES and not prop.is_long]


def parse_request(
    layer: Layer,
    given: QueryDict,
    now: datetime,
    *,
    default_limit: int | None,
    fixed: Mapping[str, str] | None = None,
    refused: Iterable[str] = (),
) -> LayerRequest:
    """The question that a query string asks of a layer.

    `fixed` are parameters that the address has settled already; `refused` those that this resource does not take.
    """
    params = _params(layer, given, fixed or {}, set(refused))
    token = _token(params.get("next"), layer)
    query = _query(layer, params, datetime.fromisoformat(token["now"]) if token else now)
    if token and token.get("question") != question_of(query):
        raise BadParameter("next", "next is a page token of a question with other parameters")
    limit = default_limit
    if "limit" in params:
        limit = parse_integer(params["limit"], "limit", minimum=1, maximum=MAX_LIMIT, clamp=True)
    if token and "offset" in params:
        raise BadParameter("offset", "give offset or next, not both")
    return LayerRequest(
        query=query,
        output=_output(layer, params),
        limit=limit,
        after=Position(token["key"], tuple(token["values"])) if token else None,
        offset=parse_integer(params.get("offset", "0"), "offset", minimum=0, maximum=MAX_OFFSET),
        matched=token.get("matched"),
        leading=tuple(token.get("leading", ())),
        result_set=token.get("result"),
        is_first=not token,
    )


def _params(layer: Layer, given: QueryDict, settled: Mapping[str, str], refused: set[str]) -> dict[str, str]:
    """What was asked and what the address has settled, by name; no name may come from both."""
    params = read_query(given, [name for name in parameters_of_layer(layer) if name not in refused])
    for name in settled:
        if name in params:
            raise BadParameter(name, f"{name} is fixed by this address already; leave it out of the query")
    return {**params, **settled}


def _query(layer: Layer, params: Mapping[str, str], now: datetime) -> Query:
    """The question, whatever the page and the form of its answer."""
    city = city_of(layer, params.get("city"))
    interval = parse_datetime_interval(params["datetime"], city.zone) if "datetime" in params else None
    return Query(
        city=city,
        values=parse_values(layer, params, city, interval, now),
        now=now,
        bbox=_bbox(params),
        interval=interval,
        condition=_condition(layer, params, city),
        order=_order(layer, params.get("sortby")),
    )


def question_of(query: Query) -> str:
    """What a page token is bound to: the question, whatever the page and the form of its answer."""
    asked = [parameters_of(query), query.bbox, query.interval, query.condition, query.order]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _token(text: str | None, layer: Layer) -> dict[str, Any]:
    if text is None:
        return {}
    token = decode_token(text)
    if token.get("list") != layer.id:
        raise BadParameter("next", "next is a page token of another list")
    return token


def _bbox(params: Mapping[str, str]) -> Any:
    crs = parse_crs(params["bbox-crs"], "bbox-crs") if "bbox-crs" in params else CRS84
    return parse_box(params["bbox"], crs) if "bbox" in params else None


def _output(layer: Layer, params: Mapping[str, str]) -> Output:
    def declared(name: str, parameter: str) -> str:
        return parse_choice(name, parameter, [prop.name for prop in layer.properties])

    return Output(
        crs=parse_crs(params["crs"], "crs") if "crs" in params else CRS84,
        properties=parse_list(params["properties"], "properties", declared) if "properties" in params else None,
        has_geometry=parse_choice(params.get("skipGeometry", "false"), "skipGeometry", ["true", "false"]) == "false",
    )


def _order(layer: Layer, text: str | None) -> tuple[OrderBy, ...]:
    if text is None:
        return ()
    names = [prop.name for prop in sortable(layer)]

    def one(part: str, name: str) -> str:
        parse_choice(part.lstrip("+-").strip(), name, names)
        return part

    parts = parse_list(text, "sortby", one)
    # An unescaped "+name" arrives as " name", and is stripped before it comes here.
    order = tuple(OrderBy(part.lstrip("+-").strip(), part.startswith("-")) for part in parts)
    if len({by.name for by in order}) < len(order):
        raise BadParameter("sortby", "sortby names a property twice")
    return order


def _condition(layer: Layer, params: Mapping[str, str], city: City) -> Condition | None:
    found: Condition | None = None
    lang = parse_choice(params.get("filter-lang", "cql2-text"), "filter-lang", FILTER_LANGUAGES)
    crs: Crs = parse_crs(params["filter-crs"], "filter-crs") if "filter-crs" in params else CRS84
    if "filter" in params:
        found = compile_filter(
            as_cql2(params["filter"], [p.name for p in layer.properties if p.type == "boolean"])
            if lang == "cql-text"
            else params["filter"],
            lang="cql2-json" if lang == "cql2-json" else "cql2-text",
            layer=layer,
            zone=city.zone,
            srid=crs.srid,
            flip=crs.is_y_first,
        )
    for prop in filterable(layer):
        if prop.name in params:
            value = _property_value(prop, params[prop.name], city)
            name = f"equals_{prop.name}"
            found = Condition(f"s.{prop.name} = %({name})s::{SQL_TYPES[prop.type]}", {name: value}) & found
    return found


def _property_value(prop: Property, text: str, city: City) -> Any:
    if prop.type == "integer":
        return parse_integer(text, prop.name, minimum=-(2**63), maximum=2**63 - 1)
    if prop.type == "number":
        return parse_number(text, prop.name, minimum=-1e308, maximum=1e308)
    if prop.type == "boolean":
        # GDAL has whole numbers for booleans.
        return parse_choice(text.lower(), prop.name, ["true", "false", "1", "0"]) in ("true", "1")
    return parse_time(text, prop.name, city.zone) if prop.type == "datetime" else text


_FIXED = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=([A-Za-z0-9._:,+-]+)")


def parse_fixed(text: str) -> dict[str, str]:
    """The parameters of a `/ogc/with/key=value;key=value/` address; BadParameter for what has no such form."""
    fixed: dict[str, str] = {}
    for part in text.split(";"):
        found = _FIXED.fullmatch(part)
        if found is None:
            raise BadParameter("with", f"{part!r} is not key=value, with a value of letters, digits and . _ : , + -")
        if found[1] in fixed:
            raise BadParameter(found[1], f"{found[1]} is given twice")
        fixed[found[1]] = found[2]
    return fixed


def utc_now() -> datetime:
    return datetime.now(UTC)

"""`/layers/`: the catalogue, and each layer as plain GeoJSON for web maps."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from geo.areas.models import City
from geo.layers.catalogue import LAYERS, layer_by_id
from geo.layers.layer import Layer, Property
from geo.layers.results import current_result, named_result, parameters_of
from geo.layers.select import FeatureStream, Page
from geo.ogc.requests import LayerRequest, parse_request, resolve_city, utc_now
from server.core.geojson import Primed, feature_collection
from server.core.listing import absolute_url
from server.core.paging import encode_token
from server.core.params import refuse_unknown
from server.core.versions import data_version

GEOJSON = "application/geo+json"
BOUNDARIES = {"geo_dataversion": ["areas"]}
FEW_SECONDS = "public, max-age=5"


@require_safe
def features(request: HttpRequest, layer_id: str) -> HttpResponseBase:
    """One page of a layer as a FeatureCollection; 304 where the data behind the ETag has not changed."""
    layer = layer_by_id(layer_id)
    asked = parse_request(layer, request.GET, utc_now())
    version = data_version(layer.versions)
    as_of = asked.query.now
    if layer.is_stored:
        if asked.result_set is None:
            result = current_result(layer, asked.query, version)
        else:
            result = named_result(layer, asked.query, asked.result_set)
        as_of = result.as_of or as_of
        asked = replace(asked, result_set=result.pk, query=replace(asked.query, result_set=result.pk))
        # The figures are the result's, the boundaries are today's.
        version = data_version(BOUNDARIES)
    etag = _etag(layer, asked, version)
    if etag in [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]:
        response: HttpResponseBase = HttpResponse(status=304)
    elif request.method == "HEAD":
        response = HttpResponse(content_type=GEOJSON)
    else:
        response = StreamingHttpResponse(_body(request, layer, asked, as_of), content_type=GEOJSON)
    response["ETag"] = etag
    response["Cache-Control"] = FEW_SECONDS
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _body(request: HttpRequest, layer: Layer, asked: LayerRequest, as_of: datetime) -> Primed:
    source = layer.rows(asked.query)
    stream = FeatureStream(Page(layer, asked.query, source, asked.limit, asked.after))
    here = absolute_url(request, request.get_full_path())

    def tail(count: int) -> dict[str, Any]:
        links = [{"rel": "self", "type": GEOJSON, "href": here}]
        if stream.last_key is not None:
            token = {
                "list": layer.id,
                "after": stream.last_key,
                "result": asked.result_set,
                "now": asked.query.now.isoformat(),
            }
            query = request.GET.copy()
            query["next"] = encode_token(token)
            href = absolute_url(request, f"{request.path}?{query.urlencode()}")
            links.append({"rel": "next", "type": GEOJSON, "href": href})
        return {"numberReturned": count, "links": links}

    head = {
        "name": layer.id,
        "title": str(layer.title),
        "timeStamp": _iso(utc_now()),
        "as_of": _iso(as_of),
        **{name: _iso(value) if isinstance(value, datetime) else value for name, value in source.members.items()},
    }
    # The head and the first rows.
    return Primed(feature_collection(stream, head=head, tail=tail), pieces_now=2)


def _etag(layer: Layer, asked: LayerRequest, version: int) -> str:
    identity = [
        layer.id,
        parameters_of(asked.query),
        repr(asked.query.bbox),
        repr(asked.query.interval),
        asked.limit,
        asked.after,
        asked.result_set,
        version,
        get_language(),
    ]
    return f'W/"{hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:32]}"'


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every layer with its description, properties, units and parameters."""
    refuse_unknown(request.GET, ["f", "lang"])
    layers = [describe(request, layer) for layer in LAYERS]
    if _wants_html(request):
        return render(request, "layers.html", {"layers": layers})
    return JsonResponse(
        {"title": "Pantau", "links": [_link(request, "self", "/layers/", "application/json")], "layers": layers},
        json_dumps_params={"ensure_ascii": False},
    )


@require_safe
def layer_description(request: HttpRequest, layer_id: str) -> HttpResponse:
    """One layer, and how fresh it is."""
    refuse_unknown(request.GET, ["f", "lang", "city"])
    layer = layer_by_id(layer_id)
    city: City = resolve_city(request.GET.get("city"))
    freshness = {
        name: _iso(value) if isinstance(value, datetime) else value for name, value in layer.freshness(city).items()
    }
    body = {**describe(request, layer), "freshness": {"as_of": _iso(utc_now()), **freshness}}
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False})


def describe(request: HttpRequest, layer: Layer) -> dict[str, Any]:
    return {
        "id": layer.id,
        "title": str(layer.title),
        "description": str(layer.description),
        "geometry_type": layer.geometry_type,
        "time_field": layer.time_field,
        "properties": [_describe_property(prop) for prop in layer.properties],
        "parameters": [
            {
                "name": parameter.name,
                "description": str(parameter.description),
                "schema": dict(parameter.schema),
                "default": parameter.default,
                "required": parameter.required,
            }
            for parameter in layer.parameters
        ],
        "style": {
            "kind": layer.style.kind,
            "property": layer.style.property,
            "colours": list(layer.style.colours),
            "classes": list(layer.style.classes),
        },
        "links": [
            _link(request, "self", f"/layers/{layer.id}/", "application/json"),
            _link(request, "items", f"/layers/{layer.id}.geojson", GEOJSON),
        ],
    }


def _describe_property(prop: Property) -> Mapping[str, Any]:
    return {
        "name": prop.name,
        "type": prop.type,
        "title": str(prop.title),
        "description": str(prop.description),
        "unit": prop.unit,
    }


def _link(request: HttpRequest, rel: str, path: str, kind: str) -> dict[str, str]:
    return {"rel": rel, "type": kind, "href": absolute_url(request, path)}


def _wants_html(request: HttpRequest) -> bool:
    if "f" in request.GET:
        return request.GET["f"] == "html"
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

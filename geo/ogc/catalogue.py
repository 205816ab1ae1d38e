"""`/layers/`: the catalogue, and each layer as plain GeoJSON for web maps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from geo.areas.models import City
from geo.layers.asking import city_of, resolve_city
from geo.layers.layer import Layer, Property, Settled
from geo.ogc.api import GEOJSON, HTML, JSON, Link, layer_at, layers_at, read_only, wanted_form
from geo.ogc.dcat import JSON_LD, catalogue_document
from geo.ogc.features import iso, page_response
from geo.ogc.formats import DOWNLOADS
from geo.ogc.requests import MAX_LIMIT, LayerRequest, parse_request, utc_now
from server.core.listing import absolute_url
from server.core.params import refuse_unknown


@read_only
def geojson(request: HttpRequest, layer_id: str) -> HttpResponseBase:
    """A layer as RFC 7946 GeoJSON, so always in longitude and latitude: as much as fits on the largest page."""
    layer = layer_at(request, layer_id)

    def ask() -> LayerRequest:
        return parse_request(layer, request.GET, utc_now(), default_limit=MAX_LIMIT, refused=["crs", "f"])

    return page_response(request, layer, ask, more_links=[])


@read_only
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every layer with its description, properties, units and parameters."""
    refuse_unknown(request.GET, ["f", "lang", "city"])
    form = wanted_form(request, {"json": JSON, "html": HTML, "jsonld": JSON_LD}, "json")
    if form == "jsonld":
        document = catalogue_document(absolute_url(request, "/").rstrip("/"), resolve_city(request.GET.get("city")))
        return JsonResponse(document, content_type=JSON_LD, json_dumps_params={"ensure_ascii": False})
    listed = layers_at(request)
    layers = [describe(request, layer) for layer in listed]
    if form == "html":
        for entry, layer in zip(layers, listed, strict=True):
            entry["forms"] = _forms(request, layer)
        return render(request, "layers.html", {"layers": layers})
    links = [_link(request, "self", "/layers/", JSON), _link(request, "alternate", "/layers/?f=jsonld", JSON_LD)]
    return JsonResponse(
        {"title": "Pantau", "links": links, "layers": layers},
        json_dumps_params={"ensure_ascii": False},
    )


def _forms(request: HttpRequest, layer: Layer) -> list[tuple[str, list[Link]]]:
    """What a person can do with a layer: look, or take it along. One that requires a parameter has a row for each value."""
    missing = [parameter for parameter in layer.parameters if parameter.required]
    questions = [f"?{p.name}={choice}" for p in missing for choice in p.choices()] if missing else [""]
    endings = [
        ("GeoJSON", "geojson"),
        *((form.title, form.extension) for form in DOWNLOADS.values()),
        ("QGIS (.qlr)", "qlr"),
    ]
    rows = []
    for question in questions:
        table = f"/ogc/collections/{layer.id}/items{question}{'&' if question else '?'}f=html"
        links = [{"title": _("Table"), "href": absolute_url(request, table), "rel": "items", "type": HTML}]
        for title, ending in endings:
            href = absolute_url(request, f"/layers/{layer.id}.{ending}{question}")
            links.append({"title": str(title), "href": href, "rel": "alternate", "type": ending})
        rows.append((question.removeprefix("?"), links))
    return rows


@read_only
def layer_description(request: HttpRequest, layer_id: str) -> HttpResponse:
    """One layer, and how fresh it is."""
    refuse_unknown(request.GET, ["f", "lang", "city"])
    layer = layer_at(request, layer_id)
    city: City = city_of(layer, request.GET.get("city"))
    freshness = {
        name: iso(value) if isinstance(value, datetime) else value for name, value in layer.freshness(city).items()
    }
    body = {**describe(request, layer), "freshness": {"as_of": iso(utc_now()), **freshness}}
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False})


def describe(request: HttpRequest, layer: Layer) -> dict[str, Any]:
    described: dict[str, Any] = {
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
            _link(request, "self", f"/layers/{layer.id}/", JSON),
            _link(request, "items", f"/layers/{layer.id}.geojson", GEOJSON),
            _link(request, "tiles", f"/tiles/{layer.id}.json", JSON),
        ],
    }
    if layer.settled is not None:
        described["saved"] = _describe_saved(layer.settled)
        described["links"].append(_link(request, "about", f"/api/analysis/saved/{layer.id}/", JSON))
    return described


def _describe_saved(settled: Settled) -> dict[str, Any]:
    """Of a saved analysis: which layer with which parameters it is, and whether its result is frozen."""
    return {
        "layer": settled.base.id,
        "city": settled.city.slug,
        "parameters": dict(settled.texts),
        "is_frozen": settled.pinned is not None,
    }


def _describe_property(prop: Property) -> Mapping[str, Any]:
    return {
        "name": prop.name,
        "type": prop.type,
        "title": str(prop.title),
        "description": str(prop.description),
        "unit": prop.unit,
    }


def _link(request: HttpRequest, rel: str, path: str, kind: str) -> Link:
    return {"rel": rel, "type": kind, "href": absolute_url(request, path)}

"""Features as pages for people: a small map, a table, and what leads on from there."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geo.layers.crs import CRS84
from geo.layers.layer import Layer, Property
from geo.ogc.answers import FEW_SECONDS, Prepared
from geo.ogc.api import HTML, Api, Link
from geo.ogc.features import Page, find_feature, link_header
from geo.ogc.formats import DOWNLOADS

# A page to read is shorter than a page to load.
DEFAULT_LIMIT = 50


def items_page(request: HttpRequest, api: Api, layer: Layer, prepared: Prepared, links: list[Link]) -> HttpResponse:
    """A page of features."""
    # The map and people want degrees, whatever CRS was asked for.
    output = replace(prepared.asked.output, crs=CRS84)
    prepared = replace(prepared, asked=replace(prepared.asked, output=output))
    page = Page(request, prepared, links, leads=False, kind=HTML)
    document = json.loads(b"".join(page.pieces()))
    shown = [prop for prop in layer.properties if any(_is_shown(prop, feature) for feature in document["features"])]
    rows = [
        (
            api.url(f"/collections/{layer.id}/items/{feature['id']}", f="html"),
            feature["id"],
            [_readable(feature["properties"][prop.name], prop.type, prepared) for prop in shown],
        )
        for feature in document["features"]
    ]
    question = {n: str(v) for n, v in request.GET.items() if n not in ("f", "next", "offset", "limit", "lang")}
    context = {
        "titles": [_title(prop) for prop in shown],
        "rows": rows,
        "next": next((link["href"] for link in page.links if link["rel"] == "next"), None),
        "downloads": [
            api.link(
                "alternate", f"/collections/{layer.id}/items", form.media_type, str(form.title), **question, f=name
            )
            for name, form in DOWNLOADS.items()
        ],
    }
    crumbs = [("Pantau", "/"), (_("Layers"), "/collections"), (str(layer.title), f"/collections/{layer.id}")]
    return _render(request, api, "ogc/items.html", {**document, "links": page.links}, crumbs, context)


def item_page(
    request: HttpRequest, api: Api, layer: Layer, prepared: Prepared, fid: str, links: list[Link]
) -> HttpResponse:
    """One feature."""
    document = json.loads(find_feature(prepared, fid))
    given = document["properties"]
    values = [(_title(p), _readable(given[p.name], p.type, prepared)) for p in layer.properties if p.name in given]
    crumbs = [
        ("Pantau", "/"),
        (_("Layers"), "/collections"),
        (str(layer.title), f"/collections/{layer.id}"),
        (_("Features"), f"/collections/{layer.id}/items"),
    ]
    return _render(request, api, "ogc/item.html", {**document, "links": links}, crumbs, {"values": values})


def _render(
    request: HttpRequest, api: Api, template: str, document: dict[str, Any], crumbs: Any, more: dict[str, Any]
) -> HttpResponse:
    above = [(title, api.url(path)) for title, path in crumbs]
    response = render(request, template, {"api": api, "document": document, "crumbs": above, **more})
    response["Link"] = link_header(document["links"])
    response["Cache-Control"] = FEW_SECONDS
    patch_vary_headers(response, ["Accept", "Accept-Language"])
    return response


def _title(prop: Property) -> str:
    has_unit = prop.unit and prop.unit != "unit_ucum"
    return f"{prop.title} ({prop.unit})" if has_unit else str(prop.title)


def _is_shown(prop: Property, feature: dict[str, Any]) -> bool:
    """Not what stands at the row's head already, and not a name in the other language."""
    other = "_name_en" if get_language() == "id" else "_name_id"
    value = feature["properties"].get(prop.name)
    return prop.name in feature["properties"] and value != feature["id"] and not prop.name.endswith(other)


def _readable(value: Any, kind: str, prepared: Prepared) -> Any:
    """Times in the city's own zone; lists as text."""
    if value is None:
        return None
    if kind == "boolean":
        return _("yes") if value else _("no")
    if kind == "datetime":
        return datetime.fromisoformat(value).astimezone(prepared.asked.query.city.zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    return ", ".join(map(str, value)) if kind == "array" else value

"""QGIS's own files: a layer definition for each layer, and a project of all that need no parameter. Both open as they are.

The features come from the OGC API at this service's address. QGIS cannot add a parameter to its requests, so those of the
file's own query are fixed in that address (`/ogc/with/…`).
"""

import math
import re
from xml.etree.ElementTree import Element, SubElement, tostring

from django.conf import settings
from django.contrib.gis.db.models import Extent
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from geo.areas.models import Area, City
from geo.layers.asking import resolve_city
from geo.layers.breaks import quantile_edges
from geo.layers.layer import Layer
from geo.ogc.answers import prepare
from geo.ogc.api import layer_at, layers_at, read_only
from geo.ogc.qgis_styles import renderer
from geo.ogc.requests import LayerRequest, parse_fixed, parse_request, utc_now
from geo.reports.models import Category
from sensors import published
from server.core.errors import BadParameter
from server.core.listing import absolute_url, read_query

LAYER_DEFINITION = "application/x-qgis-layer-definition"
PROJECT = "application/x-qgis-project"
# What a project says it was written by: the oldest QGIS that is known to open it.
VERSION = "3.22.0-Białowieża"
SRS_IDS = {4326: 3452, 3857: 3857}
INTERVALS = {"hour": lazy("hourly"), "day": lazy("daily"), "week": lazy("weekly")}
EARTH_RADIUS_M = 6_378_137.0


@read_only
def layer_definition(request: HttpRequest, layer_id: str) -> HttpResponse:
    """`/layers/{id}.qlr`, with the layer's own parameters in its query."""
    layer = layer_at(request, layer_id)
    given = read_query(request.GET, ["city", *(p.name for p in layer.parameters)])
    given.pop("lang", None)
    root = Element("qlr")
    tree = _tree(root)
    maps = SubElement(root, "maplayers")
    _add(tree, maps, request, layer, given)
    return _file(root, "qgis-layer-definition", LAYER_DEFINITION, f"pantau-{layer.id}.qlr")


@read_only
def project(request: HttpRequest) -> HttpResponse:
    """`/qgis/pantau.qgs`: what is at points above, areas below."""
    given = read_query(request.GET, ["city"])
    given.pop("lang", None)
    city = resolve_city(given.get("city"))
    title = f"Pantau: {city.name}"
    root = Element("qgis", projectname=_clean(title), version=VERSION)
    SubElement(root, "title").text = _clean(title)
    SubElement(root, "projectCrs").append(_crs(3857))
    tree, maps = _tree(root), Element("projectlayers")
    layers = [layer for layer in layers_at(request) if layer.settled is None or layer.settled.city == city]
    for kind, name in (("circle", _("Places")), ("fill", _("Areas"))):
        group = SubElement(tree, "layer-tree-group", name=name, expanded="1", checked="Qt::Checked")
        for layer in layers:
            if layer.style.kind == kind and not any(p.required for p in layer.parameters):
                _add(group, maps, request, layer, given)
    _view(root, city)
    root.append(maps)
    order = SubElement(root, "layerorder")
    for item in maps.iterfind("maplayer/id"):
        SubElement(order, "layer", id=item.text or "")
    # Without this the project's CRS is not looked at.
    reference = SubElement(SubElement(root, "properties"), "SpatialRefSys")
    SubElement(reference, "ProjectionsEnabled", type="int").text = "1"
    return _file(root, "qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'", PROJECT, "pantau.qgs")


def _file(root: Element, doctype: str, kind: str, filename: str) -> HttpResponse:
    text = f"<!DOCTYPE {doctype}>\n".encode() + tostring(root, encoding="utf-8", xml_declaration=False)
    response = HttpResponse(text, content_type=kind)
    response["Content-Disposition"] = content_disposition_header(True, filename) or "attachment"
    response["Cache-Control"] = "public, max-age=60"
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _add(tree: Element, maps: Element, request: HttpRequest, layer: Layer, given: dict[str, str]) -> None:
    """One layer, in the tree of what is shown and in the list of what there is."""
    asked = parse_request(layer, _query_dict(given), utc_now(), default_limit=None)
    source = _source(request, layer, given)
    layer_id = f"pantau_{re.sub('[^a-z0-9]', '_', layer.id)}"
    title = _clean(_name(layer, given))
    SubElement(
        tree,
        "layer-tree-layer",
        id=layer_id,
        name=title,
        providerKey="OAPIF",
        source=source,
        checked="Qt::Checked",
        expanded="0",
    )
    shape = "Point" if layer.geometry_type == "Point" else "Polygon"
    element = SubElement(maps, "maplayer", type="vector", geometry=shape, wkbType=layer.geometry_type, readOnly="0")
    SubElement(element, "id").text = layer_id
    SubElement(element, "datasource").text = source
    SubElement(element, "layername").text = title
    SubElement(element, "srs").append(_crs(4326))
    _describe(element, layer)
    SubElement(element, "provider", encoding="").text = "OAPIF"
    element.append(renderer(layer, _edges(layer, asked)))
    aliases = SubElement(element, "aliases")
    for i, prop in enumerate(layer.properties):
        SubElement(aliases, "alias", field=prop.name, name=_clean(str(prop.title)), index=str(i))


def _name(layer: Layer, given: dict[str, str]) -> str:
    """The title and what its figures are of: two definitions of one layer, side by side, are told apart by nothing else."""
    words = []
    for parameter in layer.parameters:
        name, text = parameter.name, given.get(parameter.name, "")
        if name == "category" and (text or layer.is_stored):
            words.append(_category_names(text) or _("All categories"))
        elif name == "property" and text:
            words.append(published.observed_properties().get(code=text).name)
        elif name == "interval":
            words.append(str(INTERVALS[text or parameter.default or ""]))
        elif text:
            words.append(f"{name}={text}")
    return f"{layer.title} ({' · '.join(words)})" if words else str(layer.title)


def _category_names(text: str) -> str:
    slugs = [slug.strip() for slug in text.split(",")]
    return ", ".join(category.name for category in Category.objects.filter(slug__in=slugs).order_by("slug"))


def _query_dict(given: dict[str, str]) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(given)
    return query


def _source(request: HttpRequest, layer: Layer, given: dict[str, str]) -> str:
    fixed = ";".join(f"{name}={value}" for name, value in sorted(given.items()))
    if fixed:
        try:
            parse_fixed(fixed)
        except BadParameter as error:
            raise BadParameter(next(iter(given)), f"QGIS would be given this in an address: {error.detail}") from None
    path = f"/ogc/with/{fixed}/" if fixed else "/ogc/"
    values = {
        "url": absolute_url(request, path),
        "typename": layer.id,
        "srsname": "EPSG:4326",
        "restrictToRequestBBOX": "1",
        "pagingEnabled": "true",
        "preferCoordinatesForWfsT11": "false",
    }
    return " " + " ".join(f"{name}='{value}'" for name, value in values.items())


def _describe(element: Element, layer: Layer) -> None:
    about = SubElement(element, "resourceMetadata")
    SubElement(about, "identifier").text = layer.id
    SubElement(about, "type").text = "dataset"
    SubElement(about, "title").text = _clean(str(layer.title))
    SubElement(about, "abstract").text = _clean(str(layer.description))
    if settings.LICENSE_URL:
        SubElement(about, "license").text = _clean(settings.LICENSE_URL)


def _edges(layer: Layer, asked: LayerRequest) -> list[float]:
    """The classes of a layer that declares colours alone, from its rows now."""
    style = layer.style
    prop = layer.property_named(style.property) if style.property else None
    if prop is None or style.classes or layer.is_stored or prop.type not in ("integer", "number"):
        return []
    return quantile_edges(prepare(layer, asked).selection(), prop.name, len(style.colours))


def _tree(root: Element) -> Element:
    return SubElement(root, "layer-tree-group", name="", expanded="1", checked="Qt::Checked")


def _crs(srid: int) -> Element:
    # QGIS looks the rest up in its own list, if it is given its number there as well.
    system = Element("spatialrefsys", nativeFormat="Wkt")
    SubElement(system, "srsid").text = str(SRS_IDS[srid])
    SubElement(system, "srid").text = str(srid)
    SubElement(system, "authid").text = f"EPSG:{srid}"
    return system


def _view(root: Element, city: City) -> None:
    """What the map shows first: the whole city."""
    roots = Area.objects.filter(city=city, parent=None, retired_at=None)
    box = roots.aggregate(box=Extent("boundary"))["box"]
    if box is None:
        return
    sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), (*_mercator(*box[:2]), *_mercator(*box[2:])), strict=True))
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    SubElement(canvas, "units").text = "meters"
    extent = SubElement(canvas, "extent")
    for name, value in sides.items():
        SubElement(extent, name).text = f"{value:.2f}"
    SubElement(canvas, "rotation").text = "0"
    SubElement(canvas, "destinationsrs").append(_crs(3857))
    view = SubElement(root, "ProjectViewSettings", UseProjectScales="0", rotation="0")
    default = SubElement(view, "DefaultViewExtent", {name: f"{value:.2f}" for name, value in sides.items()})
    default.append(_crs(3857))


def _mercator(longitude: float, latitude: float) -> tuple[float, float]:
    """EPSG:3857's metres, east first."""
    north = math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))
    return EARTH_RADIUS_M * math.radians(longitude), EARTH_RADIUS_M * north


def _clean(text: str) -> str:
    """Without the control characters that XML 1.0 has no way to write."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)

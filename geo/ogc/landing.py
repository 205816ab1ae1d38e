"""The landing page of the OGC API, and what it conforms to."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from geo.areas.models import City
from geo.layers.cql2 import CONFORMANCE
from geo.ogc.api import HTML, JSON, OPENAPI, api_of, described, read_only, resource
from server.core.params import refuse_unknown

FEATURES = "http://www.opengis.net/spec/ogcapi-features-"
COMMON = "http://www.opengis.net/spec/ogcapi-common-"
TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"

CLASSES = (
    f"{COMMON}1/1.0/conf/core",
    f"{COMMON}1/1.0/conf/oas30",
    f"{COMMON}2/1.0/conf/collections",
    *(f"{FEATURES}1/1.0/conf/{name}" for name in ("core", "geojson", "html", "oas30")),
    f"{FEATURES}2/1.0/conf/crs",
    *(
        f"{FEATURES}3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(f"{FEATURES}4/1.0/conf/{name}" for name in ("create-replace-delete", "update", "features")),
    *(
        f"{FEATURES}5/1.0/conf/{name}"
        for name in ("schemas", "core-roles-features", "returnables-and-receivables", "queryables", "sortables")
    ),
    *(f"{CQL2}{name}" for name in CONFORMANCE),
    *(f"{TILES}{name}" for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "oas30", "mvt")),
)


@read_only
def landing(request: HttpRequest, fixed: str | None = None) -> HttpResponse:
    """Where a client begins."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    links = [
        api.link("service-desc", "/api", OPENAPI, _("The definition of this API")),
        api.link("service-doc", "/api", HTML, _("The documentation of this API"), f="html"),
        api.link("conformance", "/conformance", JSON, _("The standards that this API implements")),
        api.link("data", "/collections", JSON, _("The layers")),
        api.link("http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", "/tileMatrixSets", JSON, _("Tile grids")),
    ]
    if not api.fixed:
        # With several cities a layer has to be told which: these addresses do.
        for city in City.objects.order_by("slug"):
            links.append(api.link("child", f"/with/city={city.slug}/", JSON, city.name))
    document = {
        "title": "Pantau",
        "description": _("A city's map of what its citizens report and what its sensors measure."),
        "links": described(api, "/", links),
    }
    return resource(request, api, document, template="ogc/landing.html")


@read_only
def conformance(request: HttpRequest, fixed: str | None = None) -> HttpResponse:
    """The requirements classes that are met."""
    refuse_unknown(request.GET, ["f", "lang"])
    api = api_of(request, fixed)
    document = {"conformsTo": list(CLASSES), "links": described(api, "/conformance", [])}
    return resource(request, api, document, crumbs=[("Pantau", "/")])

"""How each route is asked. A route that stands in no row here is one that nobody has hunted through."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import Point
from django.urls import URLPattern, URLResolver, get_resolver

from geo.layers.catalogue import LAYERS
from geo.layers.tiles import Tile
from geo.ogc.formats import DOWNLOADS
from tests.privacy_hunt.planted import EXACT, PUBLIC


def tile_at(lon: float, lat: float, z: int) -> Tile:
    """The tile of the web's usual grid in which a place lies."""
    x, y = Point(lon, lat, srid=4326).transform(3857, clone=True).coords
    half = 20037508.342789244
    return Tile(z, int((x + half) / (2 * half) * 2**z), int((half - y) / (2 * half) * 2**z))


# The tiles over the exact place and over the public one.
FAR = tile_at(*PUBLIC, 10)
OVER_EXACT, OVER_PUBLIC = tile_at(EXACT.x, EXACT.y, 22), tile_at(*PUBLIC, 22)
# What a layer has to be asked with.
NEEDED = {"correlation": "property=pm25", "bivariate": "property=pm25"}
# Every form of an answer for the reports; of the others, which count them, the plain ones and a file.
FORMS = tuple(form.extension for form in DOWNLOADS.values())
FEWER_FORMS = ("csv", "gpkg")
BOX = f"bbox={EXACT.x - 0.02},{EXACT.y - 0.02},{EXACT.x + 0.02},{EXACT.y + 0.02}"
CRS = "crs=http://www.opengis.net/def/crs/EPSG/0/"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `status` is what it must be answered with: a route that refuses all is not hunted through."""

    path: str
    status: int = 200
    method: str = "get"
    accept: str = "*/*"
    tile: Tile | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A route, as the URLconf spells it, and its requests. `{name}` stands for a value of the planted city."""

    route: str
    asks: tuple[Ask, ...]


def row(route: str, *asks: str | Ask) -> Row:
    return Row(route, tuple(Ask(ask) if isinstance(ask, str) else ask for ask in asks))


def refused(route: str, path: str, status: int, method: str = "post") -> Row:
    return Row(route, (Ask(path, status, method),))


def _of_each(template: str) -> list[str]:
    """The address of what is said of each layer."""
    return [template.replace("{layer}", layer.id) for layer in LAYERS]


def _each(template: str, *, of: tuple[str, ...] = tuple(layer.id for layer in LAYERS)) -> list[str]:
    """The address of the rows of each layer, with the parameters that it has to have."""
    asks = []
    for layer in of:
        path = template.replace("{layer}", layer)
        if layer in NEEDED:
            path += ("&" if "?" in path else "?") + NEEDED[layer]
        asks.append(path)
    return asks


def _tiles(template: str) -> list[Ask]:
    """Where the sensitive report is not, a tile has nothing to show: that is what test_probes asks."""
    found = []
    for tile in (FAR, OVER_PUBLIC):
        for path in _each(template.replace("{z}", str(tile.z)).replace("{x}", str(tile.x)).replace("{y}", str(tile.y))):
            is_empty = tile is OVER_PUBLIC and "/sensors/" in path
            found.append(Ask(path, 204 if is_empty else 200, tile=tile))
    return found


def _downloads() -> list[str]:
    every = [f"/layers/reports.{form}" for form in FORMS]
    return (
        every
        + [f"/layers/reports.csv?geometry=lonlat,wkt&{CRS}32748", "/layers/reports.xlsx?lang=en"]
        + [path for form in FEWER_FORMS for path in _each(f"/layers/{{layer}}.{form}", of=_without_reports())]
    )


def _without_reports() -> tuple[str, ...]:
    return tuple(layer.id for layer in LAYERS if layer.id != "reports")


def _features() -> list[Row]:
    c = "ogc/collections/<slug:layer_id>"
    items = "/ogc/collections/{layer}/items"
    return [
        row("ogc/", "/ogc/?f=json", "/ogc/?f=html"),
        row("ogc/conformance", "/ogc/conformance"),
        row("ogc/api", "/ogc/api?f=json", "/ogc/api?f=html"),
        row("ogc/collections", "/ogc/collections?f=json", "/ogc/collections?f=html"),
        row(c, *_of_each("/ogc/collections/{layer}?f=json"), "/ogc/collections/reports?f=html"),
        row(f"{c}/queryables", *_of_each("/ogc/collections/{layer}/queryables")),
        row(f"{c}/sortables", *_of_each("/ogc/collections/{layer}/sortables")),
        row(f"{c}/schema", *_of_each("/ogc/collections/{layer}/schema")),
        row(f"{c}/feature-schema", *_of_each("/ogc/collections/{layer}/feature-schema")),
        row(f"{c}/items", *_each(f"{items}?f=json"), *_each(f"{items}?f=html"),
            f"/ogc/collections/reports/items?f=json&{BOX}", f"/ogc/collections/reports/items?f=json&{CRS}3857",
            f"/ogc/collections/reports/items?f=json&{CRS}32748", "/ogc/collections/reports/items?limit=1",
            "/ogc/collections/reports/items?f=csv", "/ogc/collections/reports/items?f=gpkg"),
        row(f"{c}/items/<str:fid>", "/ogc/collections/reports/items/{report}?f=json",
            "/ogc/collections/reports/items/{report}?f=html", f"/ogc/collections/reports/items/{{report}}?{CRS}3857",
            "/ogc/collections/reports/items/{plain}", Ask("/ogc/collections/reports/items/{hidden}", 404)),
        row(f"{c}/tiles", *_of_each("/ogc/collections/{layer}/tiles")),
        row(f"{c}/tiles/<str:matrix_set>", "/ogc/collections/reports/tiles/WebMercatorQuad"),
        row(f"{c}/tiles/<str:matrix_set>/<str:matrix>/<str:row>/<str:col>",
            *_tiles("/ogc/collections/{layer}/tiles/WebMercatorQuad/{z}/{y}/{x}")),
        row("ogc/tileMatrixSets", "/ogc/tileMatrixSets"),
        row("ogc/tileMatrixSets/<str:matrix_set>", "/ogc/tileMatrixSets/WebMercatorQuad"),
    ]  # fmt: skip


def _settled(rows: list[Row]) -> Iterator[Row]:
    """The same under /ogc/with/…, of the layer of reports alone: the same views answer."""
    for one in rows:
        asks = []
        for ask in one.asks:
            if ("/collections/" in ask.path and "/reports" not in ask.path) or "f=gpkg" in ask.path:
                continue
            path = ask.path.replace("/ogc/", "/ogc/with/category=kekerasan/", 1).replace(
                "items/{plain}", "items/{report}"
            )
            asks.append(Ask(path, ask.status, ask.method, ask.accept, ask.tile))
        yield Row(one.route.replace("ogc/", "ogc/with/<str:fixed>/", 1), tuple(asks))


LAYER_ROWS = [
    row("layers/", "/layers/?f=json", "/layers/?f=html", "/layers/?lang=en"),
    row("layers/<slug:layer_id>/", *_of_each("/layers/{layer}/?f=json"), *_of_each("/layers/{layer}/?f=html")),
    row("layers/<slug:layer_id>.geojson", *_each("/layers/{layer}.geojson"),
        f"/layers/reports.geojson?{BOX}&sortby=-updated_at"),
    row("layers/<slug:layer_id>.qlr", *_each("/layers/{layer}.qlr")),
    row("qgis/pantau.qgs", "/qgis/pantau.qgs"),
    row("layers/<slug:layer_id>.<str:extension>", *_downloads()),
    row("tiles/<slug:layer_id>.json", *_each("/tiles/{layer}.json")),
    row("tiles/<slug:layer_id>/style.json", *_each("/tiles/{layer}/style.json")),
    row("tiles/<slug:layer_id>/<str:z>/<str:x>/<str:y>.mvt", *_tiles("/tiles/{layer}/{z}/{x}/{y}.mvt")),
]  # fmt: skip

OGC_ROWS = [
    row("ogc", "/ogc?f=json"),
    row("ogc/with/<str:fixed>", "/ogc/with/category=kekerasan?f=json"),
    *_features(),
    *_settled(_features()),
]

API_ROWS = [
    row("api/reports/", "/api/reports/", f"/api/reports/?{BOX}", "/api/reports/?area=kota-uji.1.2", "/api/reports/?limit=1",
        "/api/reports/?category=kekerasan&status=coordination&lang=en"),
    row("api/reports/summary/", "/api/reports/summary/", "/api/reports/summary/?area=kota-uji.1.2&group=parent"),
    row("api/reports/counts/", "/api/reports/counts/?start=2026-01-01&end=2026-12-31"),
    row("api/reports/export.csv", "/api/reports/export.csv", f"/api/reports/export.csv?{BOX}",
        "/api/reports/export.csv?category=kekerasan&area=kota-uji.1.2&bom=true&lang=en", Ask("/api/reports/export.csv?late=true", 403)),
    row("api/reports/duplicates/",
        f"/api/reports/duplicates/?category=kekerasan&lon={PUBLIC[0]}&lat={PUBLIC[1]}&q=Saya%20takut"),
    row("api/reports/<slug:public_id>/", "/api/reports/{report}/", "/api/reports/{plain}/",
        Ask("/api/reports/{hidden}/", 404)),
    row("api/reports/<slug:public_id>/photos/<int:number>/", "/api/reports/{report}/photos/1/",
        "/api/reports/{plain}/photos/1/", Ask("/api/reports/{report}/photos/2/", 404)),
    row("api/reports/<slug:public_id>/photos/<int:number>/thumbnail/", "/api/reports/{report}/photos/1/thumbnail/"),
    row("api/reports/<slug:public_id>/private/", Ask("/api/reports/{report}/private/", 403),
        Ask("/api/reports/{hidden}/private/", 404)),
    row("api/reports/<slug:public_id>/handling/", Ask("/api/reports/{report}/handling/", 403),
        Ask("/api/reports/{hidden}/handling/", 404)),
    refused("api/reports/steps/", "/api/reports/steps/", 403),
    refused("api/reports/<slug:public_id>/support/", "/api/reports/{report}/support/", 400),
    row("api/reports/<slug:public_id>/field-link/", Ask("/api/reports/{report}/field-link/", 403)),
    refused("api/reports/<slug:public_id>/status/", "/api/reports/{report}/status/", 403),
    row("api/reports/<slug:public_id>/duplicates/", "/api/reports/{report}/duplicates/", "/api/reports/{plain}/duplicates/"),
    refused("api/reports/<slug:public_id>/merge/", "/api/reports/{report}/merge/", 403),
    refused("api/reports/<slug:public_id>/split/", "/api/reports/{report}/split/", 403),
    row("api/routing/dry-run/", Ask("/api/routing/dry-run/", 403)),
    refused("api/routing/reroute/", "/api/routing/reroute/", 403),
    row("api/reports/<slug:public_id>/evidence/", Ask("/api/reports/{report}/evidence/", 403),
        Ask("/api/reports/{hidden}/evidence/", 404)),
    row("api/reports/<slug:public_id>/evidence/<int:evidence_id>/", Ask("/api/reports/{report}/evidence/1/", 403)),
    row("api/report-link/", Ask("/api/report-link/", 401)),
    refused("api/report-link/reopen/", "/api/report-link/reopen/", 401),
    refused("api/report-link/confirm/", "/api/report-link/confirm/", 401),
    row("api/incidents/", "/api/incidents/", "/api/incidents/?status=open"),
    row("api/incidents/<slug:public_id>/", "/api/incidents/{incident}/"),
    refused("api/incidents/<slug:public_id>/reports/", "/api/incidents/{incident}/reports/", 403),
    refused("api/incidents/<slug:public_id>/message/", "/api/incidents/{incident}/message/", 403),
    refused("api/incidents/<slug:public_id>/close/", "/api/incidents/{incident}/close/", 403),
    row("api/alerts/", "/api/alerts/", "/api/alerts/?thing=river-1"),
    row("api/alerts/<slug:public_id>/", "/api/alerts/{alert}/"),
    *(refused(f"api/alerts/<slug:public_id>/{name}/", f"/api/alerts/{{alert}}/{name}/", 403)
      for name in ("acknowledge", "close", "incident")),
    row("api/alert-rules/", "/api/alert-rules/"),
    row("api/thresholds/", "/api/thresholds/"),
    row("api/duty/situation/", Ask("/api/duty/situation/", 403), Ask("/api/duty/situation/?f=html", 403)),
    row("api/duty/shifts/", Ask("/api/duty/shifts/", 403)),
    row("api/duty/shifts/<int:number>/", Ask("/api/duty/shifts/1/", 403)),
    refused("api/duty/shifts/<int:number>/end/", "/api/duty/shifts/1/end/", 403),
    row("api/instructions/", Ask("/api/instructions/", 403)),
    row("api/instructions/figures/", Ask("/api/instructions/figures/", 403)),
    row("api/instructions/<slug:public_id>/", Ask("/api/instructions/none/", 403)),
    refused("api/instructions/<slug:public_id>/state/", "/api/instructions/none/state/", 403),
    row("api/brief/", Ask("/api/brief/", 403), Ask("/api/brief/?f=html", 403)),
    row("api/queue/", Ask("/api/queue/", 403)),
    row("api/board/", Ask("/api/board/", 403)),
    *(row(f"api/board/{name}/", Ask(f"/api/board/{name}/", 403))
      for name in ("agencies", "categories", "channels", "areas", "ping-pong", "closings")),
    row("api/statuses/", "/api/statuses/"),
    row("api/subscriptions/", Ask("/api/subscriptions/", 403)),
    row("api/subscriptions/<uuid:key>/", Ask("/api/subscriptions/{subscription}/", 403)),
    refused("api/subscriptions/<uuid:key>/rotate/", "/api/subscriptions/{subscription}/rotate/", 403),
    row("api/subscriptions/confirm/<str:token>/", "/api/subscriptions/confirm/{confirm}/",
        "/api/subscriptions/confirm/{confirm}/?f=html", Ask("/api/subscriptions/confirm/none/", 404)),
    row("api/subscriptions/end/<str:token>/", "/api/subscriptions/end/{end}/", "/api/subscriptions/end/{end}/?f=html"),
    row("api/tokens/", Ask("/api/tokens/", 401)),
    row("api/tokens/<int:number>/", Ask("/api/tokens/1/", 401)),
    refused("api/device-tokens/", "/api/device-tokens/", 201),
    row("api/areas/", "/api/areas/"),
    row("api/areas/<str:code>/", "/api/areas/kota-uji.1.1/", "/api/areas/kota-uji.1.2/"),
    row("api/categories/", "/api/categories/"),
    row("api/agencies/", "/api/agencies/"),
    row("api/channels/", "/api/channels/"),
    row("api/cities/", "/api/cities/"),
    row("api/glance/", "/api/glance/"),
    row("api/analysis/density-grid/", "/api/analysis/density-grid/?category=kekerasan"),
    row("api/analysis/districts/<str:code>/", "/api/analysis/districts/kota-uji.1/?f=json",
        "/api/analysis/districts/kota-uji.1/?f=html", "/api/analysis/districts/kota-uji.1.1/?f=json"),
    row("api/analysis/matrix/", "/api/analysis/matrix/"),
    row("api/analysis/events/", "/api/analysis/events/?thing=pos-1&property=pm25&threshold=10"),
    row("api/analysis/results/<str:token>/", Ask("/api/analysis/results/none/", 404)),
    row("api/analysis/saved/", "/api/analysis/saved/"),
    row("api/analysis/saved/<slug:slug>/", "/api/analysis/saved/{saved}/"),
    refused("api/analysis/saved/<slug:slug>/freeze/", "/api/analysis/saved/{saved}/freeze/", 403),
    row("api/analysis/saved/<slug:slug>/print/", "/api/analysis/saved/{saved}/print/"),
    row("api/analysis/interventions/", "/api/analysis/interventions/"),
    row("api/analysis/interventions/<int:number>/", "/api/analysis/interventions/{intervention}/"),
    row("api/analysis/interventions/<int:number>/effect/", "/api/analysis/interventions/{intervention}/effect/"),
    row("api/observed-properties/", "/api/observed-properties/"),
    row("api/things/", "/api/things/"),
    row("api/things/<slug:slug>/", "/api/things/pos-1/"),
    row("api/things/<slug:slug>/locations/", "/api/things/pos-1/locations/"),
    row("api/datastreams/<int:datastream_id>/", "/api/datastreams/{datastream}/"),
    refused("api/things/import/", "/api/things/import/", 401),
    refused("api/things/<slug:slug>/datastreams/", "/api/things/pos-1/datastreams/", 401),
    Row("api/pending-things/", (Ask("/api/pending-things/", 401),)),
    *(refused(f"api/pending-things/<slug:slug>/{step}/", f"/api/pending-things/pos-9/{step}/", 401)
      for step in ("approve", "reject", "reopen")),
    row("api/datastreams/", "/api/datastreams/"),
    row("api/datastreams/<int:datastream_id>/observations/", "/api/datastreams/{datastream}/observations/"),
    row("api/datastreams/states/", "/api/datastreams/states/", "/api/datastreams/states/?state=silent"),
    refused("api/datastreams/<int:datastream_id>/corrections/", "/api/datastreams/{datastream}/corrections/", 401),
    *(refused(f"api/{route}", f"/api/{path}", 401) for route, path in (
        ("observations/", "observations/"), ("things/<slug:slug>/observations/", "things/pos-1/observations/"),
        ("^hooks/the-things-stack/?$", "hooks/the-things-stack/"), ("^hooks/chirpstack/?$", "hooks/chirpstack/"))),
    row(r"sta/^v1\.1/?$", "/sta/v1.1"),
    row(r"sta/^v1\.1/(?P<path>.+)$", *(f"/sta/v1.1/{path}" for path in (
        "Things?$expand=Datastreams/Observations,Locations", "HistoricalLocations", "Sensors", "ObservedProperties",
        "FeaturesOfInterest?$expand=Observations", "Observations?$resultFormat=dataArray", "Datastreams({datastream})/name/$value"))),
    refused(r"sta/^v1\.1/CreateObservations/?$", "/sta/v1.1/CreateObservations", 401),
    refused(r"sta/^v1\.1/\$batch/?$", "/sta/v1.1/$batch", 415),
    row("api/schema/", "/api/schema/", "/api/schema/?format=json"),
    row("api/docs/", "/api/docs/"),
]  # fmt: skip

_FORM = r"\.(?P<form>json|xml)$"
OPEN311_ROWS = [
    Row(f"open311/v2/{route}{_FORM}", tuple(Ask(f"/open311/v2/{path}".replace("FORM", form), status)
                                            for form in ("json", "xml") for path, status in asks))
    for route, asks in {
        "^discovery": [("discovery.FORM", 200)],
        "^services": [("services.FORM", 200)],
        "^services/(?P<code>[^/]+)": [("services/kekerasan.FORM", 200)],
        "^requests": [("requests.FORM", 200), ("requests.FORM?service_code=kekerasan", 200), (f"requests.FORM?{BOX}", 200),
                      ("requests.FORM?service_request_id={report},{hidden}", 200)],
        "^requests/(?P<public_id>[^/]+)": [("requests/{report}.FORM", 200), ("requests/{plain}.FORM", 200),
                                           ("requests/{hidden}.FORM", 404)],
        "^tokens/(?P<token>[^/]+)": [("tokens/{token}.FORM", 200), ("tokens/none.FORM", 404)],
    }.items()
] + [row(r"open311/v2/^(?P<path>[\s\S]*)$", Ask("/open311/v2/nothing.json", 404), Ask("/open311/v2/reports.xml", 404))]  # fmt: skip

OTHER_ROWS = [
    row("", "/", "/?lang=en"),
    row("embed", "/embed", "/embed?lang=en&category=kekerasan"),
    row("operations/", Ask("/operations/", 302)),
    row("city/", "/city/", "/city/?lang=en", "/city/?wall"),
    row("report/", "/report/", "/report/?lang=en"),
    row("report/aspirasi/", "/report/aspirasi/"),
    row("report/mine/", "/report/mine/"),
    row("report/status/", "/report/status/", Ask("/report/status/?number={hidden}", 404)),
    row(
        "report/status/<str:number>/",
        "/report/status/{report}/",
        "/report/status/{plain}/?lang=en",
        Ask("/report/status/{hidden}/", 404),
    ),
    row("report/manifest.webmanifest", "/report/manifest.webmanifest"),
    row("report/worker.js", "/report/worker.js"),
    row("field/<str:token>/", Ask("/field/none/", 404)),
    row("field/<str:token>/photos/<int:number>/", Ask("/field/none/photos/1/", 404)),
    row("field/<str:token>/photos/<int:number>/thumbnail/", Ask("/field/none/photos/1/thumbnail/", 404)),
    row("api/observations/stream", Ask("/api/observations/stream", 307)),
    row("health/live", "/health/live"),
    row("health/ready", "/health/ready"),
    row("metrics", "/metrics"),
    refused("i18n/setlang/", "/i18n/setlang/", 302),
]

ROWS = [*LAYER_ROWS, *OGC_ROWS, *API_ROWS, *OPEN311_ROWS, *OTHER_ROWS]

# The admin's are asked all alike: somebody who has not signed in is sent to the door.
ADMIN = "admin/"
_CONVERTERS = (("<path:object_id>", "1"), ("<int:content_type_id>", "1"), ("<id>", "1"), ("(?P<url>.*)$", "nothing"))


def routes() -> list[str]:
    """Every route of the URLconf, as it is spelt there."""
    return list(_walk(get_resolver(), ""))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route)
        else:
            assert isinstance(pattern, URLPattern)
            yield route


def admin_paths() -> list[str]:
    paths = []
    for route in routes():
        if route.startswith(ADMIN):
            path = route
            for name, value in _CONVERTERS:
                path = path.replace(name, value)
            if path.endswith("$"):
                paths += [
                    f"/admin/{app}/"
                    for app in re.findall(r"[a-z_0-9]+", path[path.index("(") :])[1:]
                    if app != "app_label"
                ]
            else:
                paths.append(f"/{path}")
    return paths


def filled(path: str, values: dict[str, Any]) -> str:
    return path.format(**values) if "{" in path else path

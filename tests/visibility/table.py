"""The table: each route, what is asked of it, who is answered, and who sees which secret in the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geo.ogc.formats import DOWNLOADS

Who = frozenset[str]


def who(*names: str) -> Who:
    return frozenset(names)


# Of the city asked about, but where "foreign" is said.
PEOPLE = who(
    *("officer", "other_officer", "lurah", "other_lurah", "dispatcher", "planner", "mayor", "administrator"),
    *("foreign_dispatcher", "foreign_administrator", "superuser"),
)
FOREIGN = who("foreign_dispatcher", "foreign_administrator")
EVERYBODY = PEOPLE | who("anonymous", "link", "channel", "other_channel", "citizen")
NOBODY = who()
SUPER = who("superuser")
STAFF = PEOPLE - FOREIGN
DISPATCH = who("dispatcher", "administrator", "superuser")
# The report is of the agency dlh, in the area of the lurah, and was sent by the channel.
DEALS = DISPATCH | who("officer", "lurah")
OVERSEES = DEALS | who("mayor")
READS = OVERSEES | who("channel")
OTHER_CITY = FOREIGN | SUPER
OWNS = who("planner", "administrator", "superuser")
ADMINISTRATES = who("administrator", "superuser")
SOME = who("anonymous", "officer", "superuser")
SIGNED_IN = PEOPLE | who("citizen")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `answered` get `status`, all others one of `refused`. `sees`: who finds a secret in the answer."""

    path: str
    answered: Who = EVERYBODY
    method: str = "get"
    body: Mapping[str, Any] | None = None
    status: int = 200
    refused: frozenset[int] = frozenset({401, 403, 404})
    sees: Mapping[str, Who] = field(default_factory=dict)
    kind: str = "application/json"
    # Who asks: of what takes seconds to make and is made for nobody in particular, a few do.
    by: Who = EVERYBODY


@dataclass(frozen=True, slots=True)
class Row:
    """A route as the URLconf spells it, and what is asked of it. `{name}` stands for a value of the planted cities."""

    route: str
    asks: tuple[Ask, ...]


def row(route: str, *asks: Ask | str) -> Row:
    return Row(route, tuple(Ask(ask) if isinstance(ask, str) else ask for ask in asks))


def post(path: str, answered: Who, body: Mapping[str, Any], status: int = 200, **more: Any) -> Ask:
    return Ask(path, answered, "post", body, status, **more)


_R = "api/reports/<slug:public_id>/"
HIDDEN = {"a": READS}
STEP = {"status": "in_progress"}
POINT = {"type": "Point", "coordinates": [106.91, -6.25]}
FEATURE = {
    "type": "Feature",
    "geometry": POINT,
    "properties": {"category": "sampah", "kind": "laporan", "description": "Baru"},
}
_SENDERS = STAFF | who("channel", "other_channel")
_PROPERTY = {"code": "angin", "name_id": "Angin", "name_en": "Wind", "domain": "environment"}
_GEOJSON, _PATCH = "application/geo+json", "application/merge-patch+json"

REPORT_ROWS = [
    row("api/reports/",
        Ask("/api/reports/", sees={"a": READS, "b": OTHER_CITY}),
        Ask("/api/reports/?city=makassar", sees={"b": OTHER_CITY}),
        post("/api/reports/", EVERYBODY - FOREIGN, {"category": "sampah", "lon": 106.91, "lat": -6.25}, 201)),
    row("api/reports/summary/", "/api/reports/summary/?city=kota-uji"),
    row("api/reports/counts/", "/api/reports/counts/?city=kota-uji&start=2026-01-01&end=2026-12-31"),
    row("api/reports/export.csv", Ask("/api/reports/export.csv?city=kota-uji", sees=HIDDEN)),
    row("api/reports/duplicates/", "/api/reports/duplicates/?category=sampah&lon=106.91&lat=-6.25&q=rahasia"),
    row(_R, Ask("/api/reports/{mine}/", READS, sees=HIDDEN), "/api/reports/{shown}/",
        Ask("/api/reports/{theirs}/", OTHER_CITY, sees={"b": OTHER_CITY})),
    row(f"{_R}photos/<int:number>/", Ask("/api/reports/{mine}/photos/1/", READS), "/api/reports/{shown}/photos/1/"),
    row(f"{_R}photos/<int:number>/thumbnail/", Ask("/api/reports/{mine}/photos/1/thumbnail/", READS)),
    row(f"{_R}private/", Ask("/api/reports/{mine}/private/", OVERSEES, sees={"a": OVERSEES}),
        Ask("/api/reports/{shown}/private/", OVERSEES, sees={"contact": DEALS}),
        Ask("/api/reports/{theirs}/private/", OTHER_CITY, sees={"b": OTHER_CITY})),
    row(f"{_R}handling/", Ask("/api/reports/{mine}/handling/", OVERSEES), Ask("/api/reports/{shown}/handling/", OVERSEES),
        Ask("/api/reports/{theirs}/handling/", OTHER_CITY)),
    row("api/reports/steps/", post("/api/reports/steps/", PEOPLE, {"reports": [{"id": "none"}], **STEP})),
    row(f"{_R}support/", post("/api/reports/{mine}/support/", NOBODY, {}, refused=frozenset({400}))),
    row(f"{_R}status/", Ask("/api/reports/{mine}/status/", READS), "/api/reports/{shown}/status/",
        post("/api/reports/{mine}/status/", DEALS, STEP, sees={"a": DEALS}), post("/api/reports/{shown}/status/", DEALS, STEP),
        post("/api/reports/{theirs}/status/", OTHER_CITY, STEP, sees={"b": OTHER_CITY})),
    row(f"{_R}field-link/", Ask("/api/reports/{mine}/field-link/", DISPATCH),
        post("/api/reports/{shown}/field-link/", DISPATCH, {}, 409),
        Ask("/api/reports/{shown}/field-link/", DISPATCH, "delete", status=204)),
    row(f"{_R}duplicates/", Ask("/api/reports/{mine}/duplicates/", READS), "/api/reports/{shown}/duplicates/"),
    row(f"{_R}merge/", post("/api/reports/{other}/merge/", DEALS, {"into": "{shown}"}),
        post("/api/reports/{theirs}/merge/", NOBODY, {"into": "{shown}"}, refused=frozenset({400, 403, 404, 409}))),
    row(f"{_R}split/", post("/api/reports/{shown}/split/", DEALS, {}, 409)),
    row(f"{_R}evidence/", Ask("/api/reports/{mine}/evidence/", OVERSEES), Ask("/api/reports/{shown}/evidence/", OVERSEES),
        post("/api/reports/{shown}/evidence/", DEALS, {}, 400)),
    row(f"{_R}evidence/<int:evidence_id>/", Ask("/api/reports/{shown}/evidence/1/", NOBODY)),
]  # fmt: skip

_LINK = who("link")
API_ROWS = [
    row("api/report-link/", Ask("/api/report-link/", _LINK)),
    row("api/report-link/reopen/", post("/api/report-link/reopen/", _LINK, {}, 400)),
    row("api/report-link/confirm/", post("/api/report-link/confirm/", _LINK, {}, 400)),
    row("api/routing/dry-run/", Ask("/api/routing/dry-run/?city=kota-uji", DISPATCH)),
    row("api/routing/reroute/", post("/api/routing/reroute/", DISPATCH, {"city": "kota-uji"})),
    row("api/incidents/", Ask("/api/incidents/?city=kota-uji", sees={"incident": STAFF}),
        post("/api/incidents/", DISPATCH, {"city": "kota-uji", "title": "Banjir"}, 201)),
    row("api/incidents/<slug:public_id>/", Ask("/api/incidents/{incident}/", STAFF, sees={"incident": STAFF}),
        Ask("/api/incidents/{incident}/", DISPATCH, "patch", {"title": "Banjir"})),
    row("api/incidents/<slug:public_id>/reports/",
        post("/api/incidents/{incident}/reports/", DISPATCH, {"add": ["{other}"]}, sees={"incident": DISPATCH})),
    row("api/incidents/<slug:public_id>/message/", post("/api/incidents/{incident}/message/", DISPATCH, {"text": "Terima kasih"})),
    row("api/incidents/<slug:public_id>/close/", post("/api/incidents/{incident}/close/", DISPATCH, {}, sees={"incident": DISPATCH})),
    row("api/alerts/", Ask("/api/alerts/?city=kota-uji", sees={"alert_note": STAFF})),
    row("api/alerts/<slug:public_id>/", Ask("/api/alerts/{alert}/", sees={"alert_note": STAFF})),
    row("api/alerts/<slug:public_id>/acknowledge/",
        post("/api/alerts/{alert}/acknowledge/", DISPATCH, {}, sees={"alert_note": DISPATCH})),
    row("api/alerts/<slug:public_id>/close/", post("/api/alerts/{alert}/close/", DISPATCH, {}, sees={"alert_note": DISPATCH})),
    row("api/alerts/<slug:public_id>/incident/",
        post("/api/alerts/{alert}/incident/", DISPATCH, {}, 201, sees={"alert_note": DISPATCH})),
    row("api/alert-rules/", "/api/alert-rules/?city=kota-uji"),
    row("api/thresholds/", "/api/thresholds/?city=kota-uji"),
    row("api/duty/situation/", Ask("/api/duty/situation/?city=kota-uji", STAFF, sees={"incident": STAFF})),
    row("api/duty/shifts/", Ask("/api/duty/shifts/?city=kota-uji", PEOPLE, sees={"shift": DISPATCH | who("mayor")}),
        post("/api/duty/shifts/", DISPATCH, {"city": "kota-uji"}, 201)),
    row("api/duty/shifts/<int:number>/", Ask("/api/duty/shifts/{shift}/", STAFF, sees={"shift": DISPATCH | who("mayor")})),
    row("api/duty/shifts/<int:number>/end/", post("/api/duty/shifts/{shift}/end/", DISPATCH, {}, 409)),
    row("api/instructions/", Ask("/api/instructions/", PEOPLE),
        post("/api/instructions/", who("mayor", "superuser"),
             {"city": "kota-uji", "agency": "dlh", "area": "kota-uji.1", "deadline": "2099-01-01T00:00:00Z", "text": "Bersihkan"}, 201)),
    row("api/instructions/figures/", Ask("/api/instructions/figures/", PEOPLE)),
    row("api/instructions/<slug:public_id>/", Ask("/api/instructions/none/", NOBODY)),
    row("api/instructions/<slug:public_id>/state/", post("/api/instructions/none/state/", NOBODY, {"state": "done"})),
    row("api/brief/", Ask("/api/brief/?city=kota-uji", DISPATCH | who("mayor"), sees={"incident": DISPATCH | who("mayor")})),
    row("api/queue/", Ask("/api/queue/?city=kota-uji", STAFF, sees={"a": OVERSEES})),
    row("api/board/", Ask("/api/board/?city=kota-uji", STAFF)),
    row("api/board/agencies/", Ask("/api/board/agencies/?city=kota-uji", STAFF)),
    row("api/board/categories/", Ask("/api/board/categories/?city=kota-uji", STAFF)),
    row("api/board/channels/", Ask("/api/board/channels/?city=kota-uji", STAFF)),
    row("api/board/areas/", Ask("/api/board/areas/?city=kota-uji", STAFF)),
    row("api/board/ping-pong/", Ask("/api/board/ping-pong/?city=kota-uji", STAFF)),
    row("api/board/closings/", Ask("/api/board/closings/?city=kota-uji", STAFF)),
    row("api/statuses/", "/api/statuses/"),
    row("api/subscriptions/", Ask("/api/subscriptions/", PEOPLE)),
    row("api/subscriptions/<uuid:key>/", Ask("/api/subscriptions/{subscription}/", NOBODY),
        Ask("/api/subscriptions/{subscription}/", NOBODY, "delete")),
    row("api/subscriptions/<uuid:key>/rotate/", post("/api/subscriptions/{subscription}/rotate/", NOBODY, {})),
    row("api/subscriptions/confirm/<str:token>/", "/api/subscriptions/confirm/{confirm}/"),
    row("api/subscriptions/end/<str:token>/", "/api/subscriptions/end/{end}/"),
    row("api/device-tokens/", post("/api/device-tokens/", EVERYBODY, {}, 201)),
    row("api/tokens/", Ask("/api/tokens/", SIGNED_IN, sees={"token": who("administrator")}),
        post("/api/tokens/", SIGNED_IN, {"name": "QGIS"}, 201)),
    row("api/tokens/<int:number>/", Ask("/api/tokens/{access_token}/", who("administrator"), sees={"token": who("administrator")}),
        Ask("/api/tokens/{access_token}/", who("administrator"), "delete", status=204)),
    row("api/areas/", "/api/areas/"),
    row("api/areas/<str:code>/", "/api/areas/kota-uji.1.1/"),
    row("api/categories/", "/api/categories/"),
    row("api/agencies/", "/api/agencies/"),
    row("api/channels/", "/api/channels/"),
    row("api/cities/", "/api/cities/"),
    row("api/glance/", "/api/glance/?city=kota-uji"),
    row("api/observed-properties/", "/api/observed-properties/", post("/api/observed-properties/", SUPER, _PROPERTY, 201)),
    row("api/things/", "/api/things/", post("/api/things/", SUPER, {"slug": "pos-9", "name": "Pos 9"}, 201)),
    row("api/things/<slug:slug>/", "/api/things/pos-1/",
        Ask("/api/things/pos-1/", SUPER, "put", {"name": "Pos"}), Ask("/api/things/pos-1/", SUPER, "patch", {"name": "Pos"})),
    row("api/things/<slug:slug>/locations/", "/api/things/pos-1/locations/",
        post("/api/things/pos-1/locations/", SUPER, {"location": POINT}, 201)),
    row("api/things/<slug:slug>/datastreams/",
        post("/api/things/pos-1/datastreams/", SUPER, {"observed_property": "pm25", "unit_ucum": "ug/m3"})),
    # Without a file.
    row("api/things/import/", Ask("/api/things/import/", SUPER, "post", status=400, kind="text/csv")),
    row("api/pending-things/", Ask("/api/pending-things/", SUPER)),
    # Of a device that nobody has seen.
    *(row(f"api/pending-things/<slug:slug>/{step}/",
        Ask(f"/api/pending-things/pos-9/{step}/", SUPER, "post", {}, 404, refused=frozenset({401, 403})))
      for step in ("approve", "reject", "reopen")),
    row("api/datastreams/<int:datastream_id>/", "/api/datastreams/{datastream}/",
        Ask("/api/datastreams/{datastream}/", SUPER, "patch", {"plausible_max": 900})),
    row("api/datastreams/", "/api/datastreams/"),
    row("api/datastreams/<int:datastream_id>/observations/", "/api/datastreams/{datastream}/observations/"),
    row("api/datastreams/states/", "/api/datastreams/states/"),
    row("api/datastreams/<int:datastream_id>/corrections/", Ask("/api/datastreams/{datastream}/corrections/", SUPER),
        post("/api/datastreams/{datastream}/corrections/", SUPER,
             {"phenomenon_time": "2020-01-01T00:00:00Z", "confirm": True, "reason": "x"}, 404)),
    # Of no thing that is there: kept in quarantine.
    row("api/observations/", post("/api/observations/", SUPER, {"thing": "none", "results": {"pm25": 1}}, 202)),
    row("api/things/<slug:slug>/observations/", post("/api/things/none/observations/", SUPER, {"results": {"pm25": 1}}, 202)),
    row("api/^hooks/the-things-stack/?$", post("/api/hooks/the-things-stack", SUPER, {}, 202)),
    row("api/^hooks/chirpstack/?$", post("/api/hooks/chirpstack/?event=join", SUPER, {})),
    row(r"sta/^v1\.1/?$", "/sta/v1.1"),
    row(r"sta/^v1\.1/(?P<path>.+)$", "/sta/v1.1/Things?$expand=Datastreams/Observations", "/sta/v1.1/Datastreams({datastream})/name"),
    row(r"sta/^v1\.1/(?P<path>.+)$", post("/sta/v1.1/Things", SUPER, {"name": "Pos 9", "description": ""}, 201),
        *(Ask(f"/sta/v1.1/Datastreams({{datastream}}){way}", SUPER, method, body, status)
          for method, way, body, status in (
              ("patch", "", {"name": "Debu"}, 200), ("put", "", {"name": "Debu"}, 400), ("delete", "/Sensor", {}, 404)))),
    row(r"sta/^v1\.1/CreateObservations/?$", Ask("/sta/v1.1/CreateObservations", SUPER, "post", {}, 400)),
    # Whoever sends it: each request in it is looked at by itself.
    row(r"sta/^v1\.1/\$batch/?$",
        post("/sta/v1.1/$batch", EVERYBODY, {"requests": [{"id": "1", "method": "GET", "url": "Things?$top=0"}]})),
    row("api/schema/", Ask("/api/schema/", by=SOME)),
    row("api/docs/", "/api/docs/"),
]  # fmt: skip

_SAVED, _KEPT = "/api/analysis/saved/{saved}/", "/api/analysis/saved/{kept}/"
_NEW = {"city": "kota-uji", "layer": "clusters", "parameters": {"category": "sampah"}, "title": "Baru"}
ANALYSIS_ROWS = [
    row("api/analysis/density-grid/", "/api/analysis/density-grid/?city=kota-uji&category=sampah"),
    row("api/analysis/districts/<str:code>/", "/api/analysis/districts/kota-uji.1/?f=json"),
    row("api/analysis/matrix/", "/api/analysis/matrix/?city=kota-uji"),
    row("api/analysis/events/", Ask("/api/analysis/events/?city=kota-uji&thing=pos-1&property=pm25&threshold=10")),
    row("api/analysis/results/<str:token>/", Ask("/api/analysis/results/none/", NOBODY)),
    row("api/analysis/saved/", Ask("/api/analysis/saved/", sees={"insight": STAFF}), post("/api/analysis/saved/", STAFF, _NEW, 201)),
    row("api/analysis/saved/<slug:slug>/", _SAVED, Ask(_KEPT, STAFF, sees={"insight": STAFF}),
        Ask(_SAVED, OWNS, "patch", {"title": "Lain"}), Ask(_KEPT, OWNS, "patch", {"description": "x"}, sees={"insight": OWNS}),
        Ask(_SAVED, OWNS, "delete", status=204)),
    row("api/analysis/saved/<slug:slug>/freeze/", post(f"{_KEPT}freeze/", OWNS, {}, sees={"insight": OWNS})),
    row("api/analysis/saved/<slug:slug>/print/", Ask(f"{_KEPT}print/", STAFF, sees={"insight": STAFF})),
    row("api/analysis/interventions/", "/api/analysis/interventions/"),
    row("api/analysis/interventions/<int:number>/", "/api/analysis/interventions/{intervention}/",
        Ask("/api/analysis/interventions/{intervention}/", OWNS, "patch", {"title": "Lain"}),
        Ask("/api/analysis/interventions/{intervention}/", OWNS, "delete", status=204)),
    row("api/analysis/interventions/<int:number>/effect/", "/api/analysis/interventions/{intervention}/effect/"),
]  # fmt: skip

# What the layers show of reports is public for everybody alike: not even those who deal with it find a hidden one there.
_C, _I = "ogc/collections/<slug:layer_id>", "ogc/collections/<slug:layer_id>/items"
_ITEMS = "/ogc/collections/reports/items"
_CHANGE = DEALS | who("channel")
_TILE = "WebMercatorQuad/10/529/816"
_CITY = "?city=kota-uji"
FEATURE_ROWS = [
    row("ogc/", Ask("/ogc/?f=json")),
    row("ogc/conformance", "/ogc/conformance"),
    row("ogc/api", Ask("/ogc/api?f=json", sees={"insight": STAFF})),
    row("ogc/collections", Ask("/ogc/collections?f=json", sees={"insight": STAFF})),
    row(_C, "/ogc/collections/reports?f=json", Ask("/ogc/collections/{kept}?f=json", STAFF, sees={"insight": STAFF})),
    row(f"{_C}/queryables", "/ogc/collections/reports/queryables",
        Ask("/ogc/collections/{kept}/queryables", STAFF, sees={"insight": STAFF})),
    row(f"{_C}/sortables", "/ogc/collections/reports/sortables",
        Ask("/ogc/collections/{kept}/sortables", STAFF, sees={"insight": STAFF})),
    row(f"{_C}/schema", "/ogc/collections/reports/schema", Ask("/ogc/collections/{kept}/schema", STAFF, sees={"insight": STAFF})),
    row(f"{_C}/feature-schema", "/ogc/collections/reports/feature-schema",
        Ask("/ogc/collections/{kept}/feature-schema", STAFF, sees={"insight": STAFF})),
    row(_I, f"{_ITEMS}{_CITY}", Ask("/ogc/collections/{kept}/items", STAFF, sees={"insight": STAFF}),
        post(_ITEMS, _SENDERS, FEATURE, 201, kind=_GEOJSON)),
    row(f"{_I}/<str:fid>", f"{_ITEMS}/{{shown}}{_CITY}", Ask(f"{_ITEMS}/{{mine}}{_CITY}", NOBODY),
        Ask(f"{_ITEMS}/{{shown}}", _CHANGE, "patch", {"properties": {"kind": "aspirasi"}}, kind=_PATCH),
        Ask(f"{_ITEMS}/{{shown}}", _CHANGE, "put", FEATURE, kind=_GEOJSON),
        Ask(f"{_ITEMS}/{{mine}}", NOBODY, "patch", {"properties": {"kind": "aspirasi"}}, kind=_PATCH),
        Ask(f"{_ITEMS}/{{theirs}}", NOBODY, "delete"), Ask(f"{_ITEMS}/{{shown}}", _CHANGE, "delete", status=204)),
    row(f"{_C}/tiles", "/ogc/collections/reports/tiles", Ask("/ogc/collections/{kept}/tiles", STAFF, sees={"insight": STAFF})),
    row(f"{_C}/tiles/<str:matrix_set>", "/ogc/collections/reports/tiles/WebMercatorQuad",
        Ask("/ogc/collections/{kept}/tiles/WebMercatorQuad", STAFF, sees={"insight": STAFF})),
    row(f"{_C}/tiles/<str:matrix_set>/<str:matrix>/<str:row>/<str:col>", f"/ogc/collections/reports/tiles/{_TILE}{_CITY}",
        Ask(f"/ogc/collections/{{kept}}/tiles/{_TILE}", STAFF)),
    row("ogc/tileMatrixSets", "/ogc/tileMatrixSets"),
    row("ogc/tileMatrixSets/<str:matrix_set>", "/ogc/tileMatrixSets/WebMercatorQuad"),
]  # fmt: skip


def _settled(one: Row) -> Row:
    """The same under /ogc/with/…: the same views answer."""
    prefix = "/ogc/with/city=kota-uji/"
    asks = tuple(
        Ask(ask.path.replace("/ogc/", prefix, 1).replace(_CITY, ""), ask.answered, ask.method, ask.body, ask.status,
            ask.refused, ask.sees, ask.kind, ask.by)
        for ask in one.asks
    )  # fmt: skip
    return Row(one.route.replace("ogc/", "ogc/with/<str:fixed>/", 1), asks)


LAYER_ROWS = [
    row("layers/", Ask("/layers/?f=json", sees={"insight": STAFF})),
    row("layers/<slug:layer_id>/", "/layers/reports/?f=json&city=kota-uji", Ask("/layers/{kept}/?f=json", STAFF, sees={"insight": STAFF})),
    row("layers/<slug:layer_id>.geojson", f"/layers/reports.geojson{_CITY}", Ask("/layers/{kept}.geojson", STAFF, sees={"insight": STAFF})),
    row("layers/<slug:layer_id>.qlr", f"/layers/reports.qlr{_CITY}", Ask("/layers/{kept}.qlr", STAFF, sees={"insight": STAFF})),
    row("qgis/pantau.qgs", Ask(f"/qgis/pantau.qgs{_CITY}", sees={"insight": STAFF})),
    row("layers/<slug:layer_id>.<str:extension>", *(f"/layers/reports.{form.extension}{_CITY}" for form in DOWNLOADS.values()),
        Ask("/layers/{kept}.csv", STAFF)),
    row("tiles/<slug:layer_id>.json", f"/tiles/reports.json{_CITY}", Ask("/tiles/{kept}.json", STAFF, sees={"insight": STAFF})),
    row("tiles/<slug:layer_id>/style.json", f"/tiles/reports/style.json{_CITY}",
        Ask("/tiles/{kept}/style.json", STAFF, sees={"insight": STAFF})),
    row("tiles/<slug:layer_id>/<str:z>/<str:x>/<str:y>.mvt", f"/tiles/reports/10/816/529.mvt{_CITY}",
        Ask("/tiles/{kept}/10/816/529.mvt", STAFF)),
    row("ogc", "/ogc?f=json"),
    row("ogc/with/<str:fixed>", "/ogc/with/city=kota-uji?f=json"),
]  # fmt: skip

_FORM = r"\.(?P<form>json|xml)$"
_O = "/open311/v2/"
_J = "?jurisdiction_id=kota-uji"
# GeoReport has no answer but the public one; a key opens sending, in the form and not in a header that others read.
OPEN311_ROWS = [
    row(f"open311/v2/^discovery{_FORM}", f"{_O}discovery.json"),
    row(f"open311/v2/^services{_FORM}", f"{_O}services.json{_J}"),
    row(f"open311/v2/^services/(?P<code>[^/]+){_FORM}", f"{_O}services/sampah.xml{_J}"),
    row(f"open311/v2/^requests{_FORM}", f"{_O}requests.json{_J}", f"{_O}requests.xml{_J}",
        post(f"{_O}requests.json", who("channel", "other_channel"),
             {"service_code": "sampah", "lat": "-6.25", "long": "106.91", "jurisdiction_id": "kota-uji", "description": "x"},
             201, kind="form")),
    row(f"open311/v2/^requests/(?P<public_id>[^/]+){_FORM}", f"{_O}requests/{{shown}}.json{_J}",
        Ask(f"{_O}requests/{{mine}}.json{_J}", NOBODY)),
    row(f"open311/v2/^tokens/(?P<token>[^/]+){_FORM}", f"{_O}tokens/{{token}}.json{_J}"),
    row(r"open311/v2/^(?P<path>[\s\S]*)$", Ask(f"{_O}nothing.json", NOBODY)),
]  # fmt: skip

OTHER_ROWS = [
    row("", "/"),
    row("embed", "/embed"),
    row("city/", "/city/?city=kota-uji"),
    row("operations/", Ask("/operations/?city=kota-uji", PEOPLE, refused=frozenset({302, 403}))),
    row("report/", "/report/"),
    row("report/aspirasi/", "/report/aspirasi/"),
    row("report/mine/", "/report/mine/"),
    row("report/status/", "/report/status/"),
    # Made for the public, whoever asks.
    row("report/status/<str:number>/", "/report/status/{shown}/", Ask("/report/status/{mine}/", NOBODY)),
    row("report/manifest.webmanifest", "/report/manifest.webmanifest"),
    row("report/worker.js", "/report/worker.js"),
    row("field/<str:token>/", Ask("/field/none/", NOBODY)),
    row("field/<str:token>/photos/<int:number>/", Ask("/field/none/photos/1/", NOBODY)),
    row("field/<str:token>/photos/<int:number>/thumbnail/", Ask("/field/none/photos/1/thumbnail/", NOBODY)),
    row("api/observations/stream", Ask("/api/observations/stream", status=307)),
    row("health/live", "/health/live"),
    row("health/ready", "/health/ready"),
    row("metrics", "/metrics"),
    row("i18n/setlang/", post("/i18n/setlang/", EVERYBODY, {"language": "id"}, 302)),
]

GROUPS: Mapping[str, list[Row]] = {
    "reports": REPORT_ROWS,
    "api": API_ROWS,
    "analysis": ANALYSIS_ROWS,
    "ogc": FEATURE_ROWS,
    "ogc, settled": [_settled(one) for one in FEATURE_ROWS],
    "layers": LAYER_ROWS,
    "open311": OPEN311_ROWS,
    "other": OTHER_ROWS,
}

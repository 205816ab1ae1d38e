"""HEAD at every address that can be read: the headers of GET, without its body (RFC 9110, section 9.3.2)."""

import io
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver, resolve
from PIL import Image

from geo.areas.models import City
from geo.models import Area, Category, Intervention, ResultSet
from geo.ogc.formats import DOWNLOADS
from sensors.models import Datastream
from tests.factories import NOW, make_agency, make_category, make_datastream, make_thing
from tests.saved_analyses import saved_by, staff

pytestmark = pytest.mark.django_db

LAYER = "collections/reports"
OGC = [
    "",
    "conformance",
    "api",
    "collections",
    LAYER,
    f"{LAYER}/queryables",
    f"{LAYER}/sortables",
    f"{LAYER}/schema",
    f"{LAYER}/feature-schema",
    f"{LAYER}/items",
    f"{LAYER}/items/{{report}}",
    f"{LAYER}/tiles",
    f"{LAYER}/tiles/WebMercatorQuad",
    f"{LAYER}/tiles/WebMercatorQuad/10/529/816",
    "tileMatrixSets",
    "tileMatrixSets/WebMercatorQuad",
]
IN_FORMS = [
    "/layers/?f=html",
    "/layers/?f=jsonld",
    "/ogc/?f=html",
    "/ogc/api?f=html",
    "/ogc/collections/districts?f=html",
    *(f"/ogc/collections/reports/items?f={name}" for name in DOWNLOADS),
]
# The text, or a header, is another one each second.
TELLS_THE_TIME = [
    "/layers/reports/",
    "/ogc/collections/reports/items?f=html",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/city/",
    "/operations/",
    "/api/glance/",
]
ADDRESSES = [
    "/",
    "/embed",
    "/api/observations/stream",
    "/report/",
    "/report/aspirasi/",
    "/report/mine/",
    "/report/status/",
    "/report/status/{report}/",
    "/report/manifest.webmanifest",
    "/report/worker.js",
    "/field/none/",
    "/field/none/photos/1/",
    "/field/none/photos/1/thumbnail/",
    *(f"/ogc/{path}" for path in OGC),
    *(f"/ogc/with/category=sampah/{path}" for path in OGC),
    "/ogc",
    "/ogc/with/category=sampah",
    *IN_FORMS,
    "/layers/",
    "/layers/reports.geojson",
    "/layers/reports.qlr",
    "/layers/reports.csv",
    "/qgis/pantau.qgs",
    "/tiles/reports.json",
    "/tiles/reports/style.json",
    "/tiles/reports/10/816/529.mvt",
    "/api/reports/",
    "/api/reports/summary/",
    "/api/reports/counts/?start=2026-02-01&end=2026-02-07",
    "/api/reports/duplicates/?category=sampah&lon=106.93&lat=-6.25",
    "/api/reports/export.csv",
    "/api/reports/{report}/",
    "/api/reports/{report}/duplicates/",
    "/api/reports/{report}/photos/1/",
    "/api/reports/{report}/photos/1/thumbnail/",
    "/api/reports/{report}/private/",
    "/api/reports/{report}/handling/",
    "/api/reports/{report}/field-link/",
    "/api/reports/{report}/evidence/",
    "/api/reports/{report}/evidence/1/",
    "/api/report-link/",
    "/api/routing/dry-run/",
    "/api/incidents/",
    "/api/incidents/none/",
    "/api/alerts/",
    "/api/alerts/none/",
    "/api/alert-rules/",
    "/api/thresholds/",
    "/api/duty/situation/",
    "/api/duty/shifts/",
    "/api/duty/shifts/1/",
    "/api/instructions/",
    "/api/instructions/figures/",
    "/api/instructions/none/",
    "/api/brief/",
    "/api/queue/",
    "/api/board/",
    "/api/board/agencies/",
    "/api/board/categories/",
    "/api/board/channels/",
    "/api/board/areas/",
    "/api/board/ping-pong/",
    "/api/board/closings/",
    "/api/statuses/",
    "/api/subscriptions/",
    "/api/subscriptions/00000000-0000-4000-8000-000000000000/",
    "/api/subscriptions/confirm/none/",
    "/api/subscriptions/end/none/",
    "/api/tokens/",
    "/api/tokens/1/",
    "/api/areas/",
    "/api/areas/kota-uji.1/",
    "/api/categories/",
    "/api/agencies/",
    "/api/channels/",
    "/api/cities/",
    "/api/observed-properties/",
    "/api/things/",
    "/api/things/pos-1/",
    "/api/things/pos-1/locations/",
    "/api/datastreams/{datastream}/",
    "/api/pending-things/",
    "/api/datastreams/",
    "/api/datastreams/{datastream}/observations/",
    "/api/datastreams/states/",
    "/api/datastreams/{datastream}/corrections/",
    "/api/analysis/matrix/?start=2026-02-01&end=2026-02-07",
    "/api/analysis/density-grid/?start=2026-02-01&end=2026-02-07",
    "/api/analysis/events/?thing=pos-1&property=pm25&threshold=55&start=2026-02-01&end=2026-02-07",
    "/api/analysis/districts/kota-uji.1/?start=2026-02-01&end=2026-02-07",
    "/api/analysis/results/{result}/",
    "/api/analysis/saved/",
    "/api/analysis/saved/air-kotor/",
    "/api/analysis/saved/air-kotor/print/",
    "/api/analysis/interventions/",
    "/api/analysis/interventions/{intervention}/",
    "/api/analysis/interventions/{intervention}/effect/",
    "/sta/v1.1",
    "/sta/v1.1/Things?$expand=Datastreams/Observations",
    "/sta/v1.1/Datastreams({datastream})/name/$value",
    "/api/schema/",
    "/api/docs/",
    "/open311/v2/discovery.json",
    "/open311/v2/services.xml",
    "/open311/v2/services/sampah.json",
    "/open311/v2/requests.xml",
    "/open311/v2/requests/{report}.json",
    "/open311/v2/tokens/none.json",
    "/open311/v2/unknown",
    "/layers/unknown/",
    "/ogc/collections/reports/items?limit=none",
]
WRITTEN_TO_ONLY = {
    "api/reports/steps/",
    "api/reports/<slug:public_id>/merge/",
    "api/reports/<slug:public_id>/split/",
    "api/reports/<slug:public_id>/status/",
    "api/report-link/reopen/",
    "api/report-link/confirm/",
    "api/reports/<slug:public_id>/support/",
    "api/routing/reroute/",
    "api/incidents/<slug:public_id>/reports/",
    "api/incidents/<slug:public_id>/message/",
    "api/incidents/<slug:public_id>/close/",
    "api/alerts/<slug:public_id>/acknowledge/",
    "api/alerts/<slug:public_id>/close/",
    "api/alerts/<slug:public_id>/incident/",
    "api/duty/shifts/<int:number>/end/",
    "api/instructions/<slug:public_id>/state/",
    "api/device-tokens/",
    "api/subscriptions/<uuid:key>/rotate/",
    "api/analysis/saved/<slug:slug>/freeze/",
    "i18n/setlang/",
    "api/things/import/",
    "api/things/<slug:slug>/datastreams/",
    "api/pending-things/<slug:slug>/approve/",
    "api/pending-things/<slug:slug>/reject/",
    "api/pending-things/<slug:slug>/reopen/",
    "api/observations/",
    "api/things/<slug:slug>/observations/",
    "api/hooks/the-things-stack/?$",
    "api/hooks/chirpstack/?$",
    r"sta/v1\.1/CreateObservations/?$",
    r"sta/v1\.1/\$batch/?$",
}


@pytest.fixture
def names(client: Client, city: City, categories: None) -> dict[str, Any]:
    """One of everything that the addresses name."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "JPEG")
    form = {"category": "sampah", "lon": "106.93", "lat": "-6.25"}
    photo = SimpleUploadedFile("a.jpg", picture.getvalue(), "image/jpeg")
    report = client.post("/api/reports/", {**form, "photos": [photo]}).json()["id"]
    make_agency(city, "dlh", make_category())
    datastream: Datastream = make_datastream(make_thing())
    owner = staff("perencana", city)
    period = {"start": "2026-02-01", "end": "2026-02-07"}
    saved_by(owner, city, layer_id="surface", title="Air kotor", slug="air-kotor", parameters=period)
    done = Intervention.objects.create(
        city=city,
        owner=owner,
        area=Area.objects.get(code="kota-uji.1"),
        category=Category.objects.get(slug="banjir"),
        date=date(2026, 2, 1),
        title="Pompa baru",
        created_at=NOW,
        updated_at=NOW,
    )
    client.get("/api/analysis/density-grid/?start=2026-02-01&end=2026-02-07")
    result = ResultSet.objects.get(analysis="density-grid")
    return {"report": report, "datastream": datastream.pk, "result": result.token, "intervention": done.pk}


def headers_of(response: Any) -> dict[str, str]:
    if response.streaming:
        b"".join(response.streaming_content)
    # Whether a small answer is compressed is left to chance: Django adds random bytes, and sees if it became shorter.
    # If it is, its tag is a weak one.
    told = {
        name: value for name, value in response.headers.items() if name not in ("Content-Length", "Content-Encoding")
    }
    return told | {name: value.removeprefix("W/") for name, value in told.items() if name == "ETag"}


def routes(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


@pytest.mark.parametrize("compression", ["", "gzip"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_head_has_the_headers_of_get(client: Client, names: dict[str, Any], address: str, compression: str) -> None:
    path = address.format(**names)
    asked = {"accept-encoding": compression}
    got = client.get(path, headers=asked)
    expected = headers_of(got)
    told = client.head(path, headers=asked)
    assert told.status_code == got.status_code
    assert headers_of(told) == expected


@pytest.mark.parametrize("address", TELLS_THE_TIME)
def test_head_has_the_headers_of_get_where_they_tell_the_time(
    client: Client, names: dict[str, Any], address: str
) -> None:
    got, told = headers_of(client.get(address)), headers_of(client.head(address))
    assert told.keys() == got.keys()
    assert {name for name in got if told[name] != got[name]} <= {"ETag", "Expires"}


@pytest.mark.parametrize("address", ["/ogc/collections", "/ogc/collections/reports", "/ogc/collections/reports/items"])
def test_head_is_a_304_where_get_is(client: Client, names: dict[str, Any], address: str) -> None:
    etag = headers_of(client.get(address))["ETag"]
    got, told = (ask(address, headers={"if-none-match": etag}) for ask in (client.get, client.head))
    assert (got.status_code, told.status_code) == (304, 304)
    assert headers_of(told) == headers_of(got)


def test_no_address_is_left_out(client: Client, names: dict[str, Any]) -> None:
    listed = [address.format(**names).partition("?")[0] for address in [*ADDRESSES, *TELLS_THE_TIME]]
    known = {route for route in routes(get_resolver().url_patterns) if not route.startswith("admin/")}
    assert {resolve(path).route for path in listed} == known - WRITTEN_TO_ONLY

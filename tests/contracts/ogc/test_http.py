"""What every resource of the API does as HTTP: validators, HEAD, OPTIONS, CORS, compression, caching."""

import gzip
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geo.models import Report
from tests.contracts.ogc.asking import PROBLEM, get, items_path, text_of
from tests.factories import make_report

pytestmark = pytest.mark.usefixtures("town")
RESOURCES = [
    "/ogc/",
    "/ogc/conformance",
    "/ogc/api",
    "/ogc/collections",
    "/ogc/collections/reports",
    "/ogc/collections/districts",
    "/ogc/collections/reports/queryables",
    "/ogc/collections/reports/sortables",
    "/ogc/collections/reports/schema",
    "/ogc/collections/reports/items",
    "/ogc/collections/sensors/items",
    "/ogc/collections/districts/items",
    "/ogc/collections/density/items",
    "/ogc/collections/correlation/items?property=pm25",
    "/ogc/collections/districts/items/kota-uji.1",
    "/ogc/with/category=banjir/collections/reports/items",
]
FEATURES = [path for path in RESOURCES if "/items" in path]


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize("path", RESOURCES)
def test_rec_core_etag_what_has_not_changed_is_not_sent_again(client: Client, path: str) -> None:
    first = get(client, path)
    etag = first["ETag"]
    for sent in (etag, f'"other", {etag}', "*", etag.removeprefix("W/")):
        again = get(client, path, if_none_match=sent)
        assert (again.status_code, text_of(again)) == (304, ""), sent
        # RFC 9110 section 15.4.5: a 304 carries these as the 200 would.
        assert again["ETag"] == etag
        assert again["Vary"] == first["Vary"]
        assert again["Cache-Control"] == first["Cache-Control"]
    assert get(client, path, if_none_match='"other"').status_code == 200


@pytest.mark.parametrize("path", FEATURES)
def test_the_etag_of_features_belongs_to_their_parameters(client: Client, path: str) -> None:
    one = "id" if "reports" in path or "sensors" in path else "code"
    mark = "&" if "?" in path else "?"
    forms = ("crs=EPSG:3857", "crs=EPSG:4326", f"properties={one}", "skipGeometry=true")
    asked = [path, *(f"{path}{mark}{form}" for form in forms)]
    tags = [get(client, url)["ETag"] for url in asked]
    assert len(set(tags)) == len(tags)


def test_the_etag_of_items_belongs_to_what_selects_them(client: Client) -> None:
    tags = [
        get(client, f"{items_path('reports')}?{query}")["ETag"]
        for query in (
            "", "limit=5", "offset=1", "bbox=106,-7,107,-6", "bbox=106,-7,108,-6", "status=submitted", "status=resolved",
            "datetime=2026-02-28", "datetime=2026-02-27", "filter=status='submitted'", "filter=status='resolved'",
            "sortby=status", "sortby=-status", "support_count=0", "support_count=3", "lang=en",
        )
    ]  # fmt: skip
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("path", ["/ogc/collections/reports/items", "/ogc/collections/districts/items"])
def test_a_change_of_data_changes_the_etag(client: Client, path: str) -> None:
    etag = get(client, path)["ETag"]
    make_report()
    after = get(client, path, if_none_match=etag)
    assert after.status_code == 200
    Report.objects.filter(external_id="heap").update(status="resolved")
    assert get(client, path, if_none_match=after["ETag"]).status_code == 200


def test_a_304_never_reads_the_rows(client: Client) -> None:
    etag = get(client, items_path("reports"))["ETag"]
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert get(client, items_path("reports"), if_none_match=etag).status_code == 304
    assert not [query["sql"] for query in seen.captured_queries if "public_location" in query["sql"]]
    assert len(seen.captured_queries) <= 3


@pytest.mark.parametrize("path", RESOURCES)
def test_head_answers_as_get_does_without_a_body(client: Client, path: str) -> None:
    first = get(client, path)
    head: Any = client.head(path)
    assert head.status_code == 200
    assert b"".join(head.streaming_content if head.streaming else [head.content]) == b""
    for name in ("Content-Type", "Vary", "Cache-Control", "Access-Control-Allow-Origin"):
        assert head[name] == first[name], name
    if path in FEATURES:
        assert head["ETag"] == first["ETag"]
        assert head["Content-Crs"] == first["Content-Crs"]


@pytest.mark.parametrize("path", RESOURCES)
def test_vary_names_what_the_answer_depends_on(client: Client, path: str) -> None:
    assert {"accept", "accept-encoding", "accept-language"} <= names(get(client, path)["Vary"])


@pytest.mark.parametrize("path", RESOURCES)
def test_any_origin_may_read_and_sees_the_headers_that_it_needs(client: Client, path: str) -> None:
    response = get(client, path, origin="https://peta.example")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert {"etag", "link", "content-crs"} <= names(response["Access-Control-Expose-Headers"])


def test_a_refusal_may_be_read_by_any_origin_too(client: Client) -> None:
    for path in (f"{items_path('reports')}?nonsense=1", "/ogc/collections/nonsense"):
        assert get(client, path, origin="https://peta.example")["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", RESOURCES)
def test_an_answer_is_compressed_where_asked(client: Client, path: str) -> None:
    plain = text_of(get(client, path))
    response = get(client, path, accept_encoding="gzip")
    assert response["Content-Encoding"] == "gzip"
    packed = b"".join(response.streaming_content) if response.streaming else response.content
    unpacked = gzip.decompress(packed).decode()
    assert json.loads(unpacked).keys() == json.loads(plain).keys()


@pytest.mark.parametrize("path", RESOURCES)
def test_every_answer_says_how_long_it_may_be_kept(client: Client, path: str) -> None:
    assert "max-age=" in get(client, path)["Cache-Control"]


@pytest.mark.parametrize("path", FEATURES)
def test_features_say_when_their_data_last_changed(client: Client, path: str) -> None:
    assert get(client, path)["Last-Modified"].endswith("GMT")


@pytest.mark.parametrize("path", [path for path in FEATURES if "kota-uji.1" not in path])
def test_a_stream_takes_no_ranges(client: Client, path: str) -> None:
    response = get(client, path, range="bytes=0-9")
    assert response.status_code == 200
    assert response["Accept-Ranges"] == "none"


@pytest.mark.parametrize("path", RESOURCES)
def test_options_tells_the_methods(client: Client, path: str) -> None:
    response: Any = client.options(path.partition("?")[0])
    assert response.status_code in (200, 204)
    assert {"get", "head", "options"} <= names(response["Allow"])


def test_a_preflight_is_answered(client: Client) -> None:
    response: Any = client.options(
        items_path("reports"),
        headers={"origin": "https://peta.example", "access-control-request-method": "PUT"},
    )
    assert response.status_code in (200, 204)
    assert response["Access-Control-Allow-Origin"] == "*"
    assert {"get", "post", "put", "patch", "delete"} <= names(response["Access-Control-Allow-Methods"])
    assert {"content-type", "if-none-match", "x-api-key"} <= names(response["Access-Control-Allow-Headers"])


def test_a_refused_method_is_a_problem(client: Client) -> None:
    response: Any = client.delete("/ogc/collections")
    assert (response.status_code, response["Content-Type"]) == (405, PROBLEM)


def test_a_question_costs_a_bounded_number_of_queries(client: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        make_report()
    with django_assert_max_num_queries(12):
        get(client, items_path("reports"), {"filter": "status = 'submitted'", "bbox": "106,-7,108,-6"})

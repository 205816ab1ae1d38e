"""OGC 20-002r1, Part 4: create, replace, update and delete features of `reports`, for those who may."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from geo.models import HistoryEntry, Report
from geo.reports.access.channel_keys import create_key
from tests.contracts.ogc.asking import (
    COLLECTIONS,
    CRS84,
    EPSG_3857,
    EPSG_4326,
    GEOJSON,
    NEEDS,
    PROBLEM,
    ask,
    get,
    items,
    items_path,
    report_ids,
    text_of,
)
from tests.factories import make_channel

pytestmark = pytest.mark.usefixtures("town")
ITEMS = items_path("reports")
MERGE_PATCH = "application/merge-patch+json"
WRITING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def web(town: Any) -> str:
    """A key of the channel "web", which sent "heap", "flood", "puddle" and "wish"."""
    return create_key(channel=make_channel("web"))[1]


@pytest.fixture
def qlue(town: Any) -> str:
    """A key of another channel."""
    return create_key(channel=make_channel("qlue"))[1]


def feature(**more: Any) -> dict[str, Any]:
    properties = {
        "category": "sampah",
        "kind": "laporan",
        "description": "Dari sistem lain",
        **more.pop("properties", {}),
    }
    geometry = {"type": "Point", "coordinates": [106.94, -6.24]}
    return {"type": "Feature", "geometry": geometry, "properties": properties, **more}


def send(
    client: Client, method: str, path: str, value: Any = None, *, key: str = "", kind: str = GEOJSON, **headers: str
) -> Any:
    if key:
        headers["X-Api-Key"] = key
    data = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return client.generic(method, path, data, content_type=kind, headers=headers)


def allowed(client: Client, path: str, key: str = "") -> set[str]:
    response: Any = client.options(path, headers={"X-Api-Key": key} if key else {})
    assert response.status_code == 200
    return {name.strip() for name in response["Allow"].split(",")}


def test_req_create_replace_delete_options_response_tells_what_each_may_do_where(
    client: Client, reports: dict[str, str], web: str, qlue: str
) -> None:
    reading = {"GET", "HEAD", "OPTIONS"}
    heap = f"{ITEMS}/{reports['heap']}"
    assert allowed(client, ITEMS) == allowed(client, heap) == reading
    assert allowed(client, ITEMS, web) == reading | {"POST"}
    assert allowed(client, heap, web) == reading | {"PUT", "PATCH", "DELETE"}
    assert allowed(client, heap, qlue) == reading


def test_req_create_replace_delete_options_accept_post_names_the_media_types(client: Client, web: str) -> None:
    response: Any = client.options(ITEMS, headers={"X-Api-Key": web})
    assert GEOJSON in response["Accept-Post"]
    assert "Accept-Post" not in client.options(ITEMS)


def test_req_update_options_accept_patch_names_the_media_types(
    client: Client, reports: dict[str, str], web: str
) -> None:
    response: Any = client.options(f"{ITEMS}/{reports['heap']}", headers={"X-Api-Key": web})
    assert MERGE_PATCH in response["Accept-Patch"]


@pytest.mark.parametrize("collection", [name for name in COLLECTIONS if name != "reports"])
def test_other_collections_are_read_only(client: Client, web: str, collection: str) -> None:
    path = items_path(collection)
    fid = items(client, collection)["features"][0]["id"]
    needs = f"?{urlencode(NEEDS[collection])}" if collection in NEEDS else ""
    for method, where in (
        ("POST", path),
        ("PUT", f"{path}/{fid}"),
        ("PATCH", f"{path}/{fid}"),
        ("DELETE", f"{path}/{fid}"),
    ):
        response = send(client, method, where + needs, feature(), key=web)
        assert (response.status_code, response["Content-Type"]) == (405, PROBLEM), method
        assert not WRITING & {name.strip() for name in response["Allow"].split(",")}


def test_req_create_replace_delete_post_response_a_new_feature_is_a_201_with_its_address(
    client: Client, web: str
) -> None:
    before = set(report_ids(client))
    response = send(client, "POST", ITEMS, feature(), key=web)
    assert response.status_code == 201, text_of(response)
    made = ask(client, response["Location"])
    assert response["Location"] == f"http://testserver{ITEMS}/{made['id']}"
    assert made["id"] not in before
    assert made["geometry"]["coordinates"] == [106.94, -6.24]
    assert (made["properties"]["description"], made["properties"]["channel"]) == ("Dari sistem lain", "web")
    assert (made["properties"]["status"], made["properties"]["area"]) == ("submitted", "kota-uji.1.1")
    assert set(report_ids(client)) == before | {made["id"]}


def test_req_create_replace_delete_post_response_rid_an_id_that_is_sent_is_not_taken_over_from_another(
    client: Client, reports: dict[str, str], web: str
) -> None:
    response = send(client, "POST", ITEMS, feature(id=reports["heap"]), key=web)
    assert response.status_code in (201, 400, 409, 422)
    if response.status_code == 201:
        assert response["Location"].rpartition("/")[2] not in reports.values()
    assert ask(client, f"{ITEMS}/{reports['heap']}")["properties"]["description"].startswith("Sampah menumpuk")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_req_create_replace_delete_post_content_type_a_body_without_a_media_type_is_refused(
    client: Client, reports: dict[str, str], web: str, method: str
) -> None:
    path = ITEMS if method == "POST" else f"{ITEMS}/{reports['heap']}"
    assert send(client, method, path, feature(), key=web, kind="").status_code == 400
    for kind in ("text/xml", "application/x-www-form-urlencoded", "text/plain"):
        assert send(client, method, path, feature(), key=web, kind=kind).status_code == 415, kind


def test_without_a_right_nothing_is_created_changed_or_deleted(
    client: Client, reports: dict[str, str], qlue: str
) -> None:
    heap = f"{ITEMS}/{reports['heap']}"
    before = ask(client, ITEMS)["features"]
    for method, path in (("POST", ITEMS), ("PUT", heap), ("PATCH", heap), ("DELETE", heap)):
        kind = MERGE_PATCH if method == "PATCH" else GEOJSON
        nobody = send(client, method, path, feature(), kind=kind)
        assert nobody.status_code == 401, method
        assert nobody["WWW-Authenticate"]
        wrong = send(client, method, path, feature(), key="abc.def", kind=kind)
        assert wrong.status_code == 401, method
        if method != "POST":
            other = send(client, method, path, feature(), key=qlue, kind=kind)
            assert (other.status_code, other["Content-Type"]) == (403, PROBLEM), method
    assert ask(client, ITEMS)["features"] == before


@pytest.mark.parametrize(
    "sent",
    [
        "", "{", "[]", "null", "5", "{}", '{"type": "Point", "coordinates": [106.9, -6.2]}',
        {"type": "FeatureCollection", "features": []},
        feature(geometry=None), feature(geometry={"type": "Point", "coordinates": [-6.24, 106.94]}),
        feature(geometry={"type": "Point", "coordinates": ["a", "b"]}),
        feature(geometry={"type": "Point", "coordinates": []}),
        feature(geometry={"type": "LineString", "coordinates": [[106.9, -6.2], [107, -6.2]]}),
        feature(geometry={"type": "Point", "coordinates": [1e400, 1]}),
        feature(geometry=5), feature(properties={"category": "no-such"}), feature(properties={"category": 5}),
        feature(properties={"description": "x" * 6000}), feature(properties={"description": ["x"]}),
        feature(properties={"description": "a\0b"}), {**feature(), "properties": None}, {**feature(), "properties": []},
        feature(properties={"status": "resolved"}),
    ],
    ids=lambda value: (value if isinstance(value, str) else json.dumps(value))[:60],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_req_create_replace_delete_post_body_what_is_no_such_feature_is_refused(
    client: Client, reports: dict[str, str], web: str, method: str, sent: Any
) -> None:
    path = ITEMS if method == "POST" else f"{ITEMS}/{reports['heap']}"
    before = ask(client, ITEMS)["features"]
    response = send(client, method, path, sent, key=web)
    assert response.status_code in (400, 409, 422), (response.status_code, text_of(response))
    assert response["Content-Type"] == PROBLEM
    assert ask(client, ITEMS)["features"] == before


def test_req_create_replace_delete_put_response_replaces_what_may_be_changed(
    client: Client, reports: dict[str, str], web: str
) -> None:
    path = f"{ITEMS}/{reports['heap']}"
    sent = feature(properties={"category": "banjir", "description": "Air", "status": "submitted"})
    response = send(client, "PUT", path, sent, key=web)
    assert response.status_code in (200, 204), text_of(response)
    after = ask(client, path)
    assert after["id"] == reports["heap"]
    assert after["geometry"]["coordinates"] == [106.94, -6.24]
    assert (after["properties"]["category"], after["properties"]["description"]) == ("banjir", "Air")
    assert after["properties"]["status"] == "submitted"


def test_req_create_replace_delete_put_what_was_read_can_be_written_back(
    client: Client, reports: dict[str, str], web: str
) -> None:
    """A client that edits sends the whole feature as it got it, with one value changed."""
    path = f"{ITEMS}/{reports['flood']}"
    whole = ask(client, path)
    whole["properties"]["description"] = "Surut"
    response = send(client, "PUT", path, whole, key=web)
    assert response.status_code in (200, 204), text_of(response)
    after = ask(client, path)
    unchanged = {name: value for name, value in whole["properties"].items() if name != "updated_at"}
    assert {name: value for name, value in after["properties"].items() if name != "updated_at"} == unchanged
    assert after["geometry"] == whole["geometry"]


def test_req_create_replace_delete_put_rid_the_id_of_the_address_stays(
    client: Client, reports: dict[str, str], web: str
) -> None:
    path = f"{ITEMS}/{reports['heap']}"
    response = send(client, "PUT", path, feature(id=reports["lamp"]), key=web)
    assert response.status_code in (200, 204, 400, 409, 422)
    assert ask(client, path)["id"] == reports["heap"]
    assert ask(client, f"{ITEMS}/{reports['lamp']}")["properties"]["description"].startswith("Lampu mati")


@pytest.mark.parametrize(("method", "kind"), [("PUT", GEOJSON), ("PATCH", MERGE_PATCH), ("DELETE", GEOJSON)])
def test_req_create_replace_delete_put_rid_exception_what_is_not_there_is_a_404(
    client: Client, web: str, method: str, kind: str
) -> None:
    before = report_ids(client)
    response = send(client, method, f"{ITEMS}/no-such-id", feature(), key=web, kind=kind)
    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)
    assert report_ids(client) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_of_status_is_refused(client: Client, reports: dict[str, str], web: str, method: str) -> None:
    """The status follows the workflow of those who answer, not the channel that sent the report."""
    path = f"{ITEMS}/{reports['heap']}"
    before = ask(client, path)
    sent = feature(properties={"status": "resolved"}) if method == "PUT" else {"properties": {"status": "resolved"}}
    response = send(client, method, path, sent, key=web, kind=GEOJSON if method == "PUT" else MERGE_PATCH)
    assert response.status_code in (400, 409)
    assert response["Content-Type"] == PROBLEM
    assert ask(client, path) == before


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"properties": {"description": "Baru"}}, {"description": "Baru"}),
        ({"properties": {"category": "genangan"}}, {"category": "genangan"}),
        ({"geometry": {"type": "Point", "coordinates": [107.06, -6.26]}}, {"area": "kota-uji.2.2"}),
        (
            {"properties": {"status": "submitted", "description": "Sama"}},
            {"description": "Sama", "status": "submitted"},
        ),
        ({}, {}),
    ],
)
def test_req_update_update_patch_response_changes_what_is_named_and_nothing_else(
    client: Client, reports: dict[str, str], web: str, patch: dict[str, Any], expected: dict[str, str]
) -> None:
    path = f"{ITEMS}/{reports['heap']}"
    before = ask(client, path)
    response = send(client, "PATCH", path, patch, key=web, kind=MERGE_PATCH)
    assert response.status_code in (200, 204), text_of(response)
    after = ask(client, path)
    for name, value in expected.items():
        assert after["properties"][name] == value
    follows = {"updated_at", "area", "area_name", "agency", "category_name_id", "category_name_en", *expected}
    for name, value in before["properties"].items():
        if name not in follows:
            assert after["properties"][name] == value, name
    assert after["geometry"] == patch.get("geometry", before["geometry"])


def test_req_update_rid_the_id_cannot_be_patched(client: Client, reports: dict[str, str], web: str) -> None:
    path = f"{ITEMS}/{reports['heap']}"
    for patch in ({"id": "another"}, {"properties": {"id": "another"}}):
        response = send(client, "PATCH", path, patch, key=web, kind=MERGE_PATCH)
        assert response.status_code in (200, 204, 400, 409, 422)
        assert ask(client, path)["properties"]["id"] == reports["heap"]


def test_req_create_replace_delete_delete_response_withdraws_and_keeps_the_history(
    client: Client, reports: dict[str, str], web: str
) -> None:
    path = f"{ITEMS}/{reports['heap']}"
    steps = HistoryEntry.objects.filter(report__public_id=reports["heap"]).count()
    etag = get(client, ITEMS)["ETag"]
    response = send(client, "DELETE", path, key=web)
    assert (response.status_code, text_of(response)) == (204, "")
    assert get(client, path).status_code == 404
    assert get(client, f"/api/reports/{reports['heap']}/").status_code == 404
    assert reports["heap"] not in report_ids(client)
    assert get(client, ITEMS, if_none_match=etag).status_code == 200
    assert Report.objects.filter(public_id=reports["heap"], is_public=False).exists()
    assert HistoryEntry.objects.filter(report__public_id=reports["heap"]).count() > steps
    assert send(client, "DELETE", path, key=web).status_code == 404


def test_every_change_is_a_step_of_the_history(client: Client, reports: dict[str, str], web: str) -> None:
    steps = HistoryEntry.objects.filter(report__public_id=reports["heap"]).count()
    path = f"{ITEMS}/{reports['heap']}"
    send(client, "PATCH", path, {"properties": {"description": "Baru"}}, key=web, kind=MERGE_PATCH)
    assert HistoryEntry.objects.filter(report__public_id=reports["heap"]).count() == steps + 1


@pytest.mark.parametrize(
    ("crs", "coordinates"),
    [
        (CRS84, [106.94, -6.24]),
        (EPSG_4326, [-6.24, 106.94]),
        # 6378137 * radians(106.94), 6378137 * ln tan(45 - 3.12 degrees)
        (EPSG_3857, [11904506.345433, -696010.891635]),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_req_features_content_crs_header_says_what_the_coordinates_mean(
    client: Client, reports: dict[str, str], web: str, method: str, crs: str, coordinates: list[float]
) -> None:
    path = ITEMS if method == "POST" else f"{ITEMS}/{reports['heap']}"
    sent = feature(geometry={"type": "Point", "coordinates": coordinates})
    response = send(client, method, path, sent, key=web, Content_Crs=f"<{crs}>")
    assert response.status_code in (200, 201, 204), text_of(response)
    made = ask(client, response["Location"] if method == "POST" else path)
    assert made["geometry"]["coordinates"] == pytest.approx([106.94, -6.24], abs=1e-6)


def test_req_features_crs_other_crs_one_that_is_not_offered_is_refused(client: Client, web: str) -> None:
    other = "<http://www.opengis.net/def/crs/EPSG/0/2154>"
    response = send(client, "POST", ITEMS, feature(), key=web, Content_Crs=other)
    assert 400 <= response.status_code < 500


def test_req_features_schema_a_property_that_is_not_declared_is_refused_where_the_schema_says_so(
    client: Client, web: str
) -> None:
    schema = ask(client, "/ogc/collections/reports/schema")
    response = send(client, "POST", ITEMS, feature(properties={"colour": "red"}), key=web)
    if schema.get("additionalProperties") is False:
        assert 400 <= response.status_code < 500
    else:
        assert response.status_code == 201


def test_an_answer_to_a_writer_is_kept_by_nobody(client: Client, reports: dict[str, str], web: str) -> None:
    response = send(client, "POST", ITEMS, feature(), key=web)
    assert "no-store" in response["Cache-Control"]
    assert response["Access-Control-Allow-Origin"] == "*"


def test_a_change_by_somebody_else_in_between_is_not_written_over(
    client: Client, reports: dict[str, str], web: str
) -> None:
    path = f"{ITEMS}/{reports['heap']}"
    etag = get(client, path)["ETag"]
    patch = {"properties": {"description": "Pertama"}}
    assert send(client, "PATCH", path, patch, key=web, kind=MERGE_PATCH, If_Match=etag).status_code in (200, 204)
    late = send(
        client, "PATCH", path, {"properties": {"description": "Kedua"}}, key=web, kind=MERGE_PATCH, If_Match=etag
    )
    assert (late.status_code, late["Content-Type"]) == (412, PROBLEM)
    assert ask(client, path)["properties"]["description"] == "Pertama"


def test_under_a_prefix_only_what_it_shows_can_be_changed(client: Client, reports: dict[str, str], web: str) -> None:
    floods = "/ogc/with/category=banjir/collections/reports/items"
    assert send(client, "DELETE", f"{floods}/{reports['heap']}", key=web).status_code == 404
    assert send(client, "DELETE", f"{floods}/{reports['flood']}", key=web).status_code == 204

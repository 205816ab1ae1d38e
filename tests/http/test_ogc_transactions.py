"""Reports created, replaced, updated and withdrawn as OGC API features (OGC 20-002)."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection, connections, transaction
from django.test import Client

from geo.models import HistoryEntry, Report
from geo.reports.access.principals import Principal
from geo.reports.revision import revise_report
from tests.factories import NOW, make_agency, make_category
from tests.http.ogc_writing import (
    GEOJSON,
    ITEMS,
    LAT_LON,
    PATCH,
    POINT,
    UTM,
    at,
    feature,
    get,
    own,
    refused,
    send,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city", "categories")]


# Create


def test_a_posted_feature_is_a_report_at_its_location(client: Client, key: str) -> None:
    answer = send(client, "POST", ITEMS, feature(), key)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    made = answer.json()
    assert answer["Location"] == f"http://testserver{ITEMS}/{made['id']}"
    found = get(client, answer["Location"])
    assert found["geometry"] == POINT
    assert (found["properties"]["category"], found["properties"]["channel"]) == ("sampah", "qlue")
    assert (found["properties"]["status"], found["properties"]["area"]) == ("submitted", "kota-uji.1.1")
    assert found["properties"] == made["properties"]


def test_the_same_external_id_again_is_the_first_feature(client: Client, key: str) -> None:
    first = send(client, "POST", ITEMS, feature(external_id="Q-1"), key)
    again = send(client, "POST", ITEMS, feature(external_id="Q-1", description="another"), key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Location"] == first["Location"]
    assert again.json() == first.json()
    assert Report.objects.count() == 1


def test_a_withdrawn_external_id_is_not_taken_in_again(client: Client, key: str) -> None:
    first = send(client, "POST", ITEMS, feature(external_id="Q-1"), key)
    assert send(client, "DELETE", first["Location"], key=key).status_code == 204
    refused(send(client, "POST", ITEMS, feature(external_id="Q-1"), key), 409)
    assert not Report.objects.get().is_public


def test_a_new_feature_in_metres_lies_where_it_should(client: Client, key: str) -> None:
    # 106.93 E, 6.25 S, by gdaltransform -s_srs EPSG:4326 -t_srs EPSG:32748.
    metres = {"type": "Point", "coordinates": [713532.377, 9308768.120]}
    answer = send(client, "POST", ITEMS, feature(metres), key, Content_Crs=UTM)
    assert answer.status_code == 201, answer.content
    assert answer["Content-Crs"] == UTM
    assert answer.json()["geometry"]["coordinates"] == [713532.38, 9308768.12]
    stored = Report.objects.get().location
    assert (stored.x, stored.y) == pytest.approx((106.93, -6.25), abs=1e-6)


def test_the_authoritys_axis_order_counts(client: Client, key: str) -> None:
    swapped = {"type": "Point", "coordinates": [-6.25, 106.93]}
    assert send(client, "POST", ITEMS, feature(swapped), key, Content_Crs=LAT_LON).status_code == 201
    assert (Report.objects.get().location.x, Report.objects.get().location.y) == (106.93, -6.25)
    assert "geometry" in refused(send(client, "POST", ITEMS, feature(swapped), key), 400)["errors"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "type"),
        ({"type": "FeatureCollection", "features": []}, "type"),
        ({"type": "Feature", "geometry": POINT}, "properties"),
        ({"type": "Feature", "geometry": POINT, "properties": None}, "properties"),
        (feature({"type": "Polygon", "coordinates": []}), "geometry"),
        (feature(None), "geometry"),
        (feature({"type": "Point", "coordinates": ["106.93", "-6.25"]}), "geometry"),
        (feature({"type": "Point", "coordinates": [10**400, 1]}), "geometry"),
        (feature({"type": "Point", "coordinates": [200, 95]}), "geometry"),
        (feature(category="nothing"), "category"),
        (feature(category=None), "category"),
        (feature(kind="other"), "kind"),
        (feature(kind=[1]), "kind"),
        (feature(description="x" * 5001), "description"),
        (feature(description="a\0b"), "description"),
        (feature(reported_at="2026-03-01T05:00:00"), "reported_at"),
        (feature(external_id=""), "external_id"),
        (feature(status="resolved"), "status"),
        (feature(id="mine"), "id"),
        (feature(colour="red"), "colour"),
        ({**feature(), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32748"}}}, "crs"),
        ({**feature(), "coordRefSys": "http://www.opengis.net/def/crs/EPSG/0/3857"}, "coordRefSys"),
    ],
)
def test_what_is_no_report_is_refused_by_name_and_nothing_is_stored(
    client: Client, key: str, body: Any, named: str
) -> None:
    assert named in refused(send(client, "POST", ITEMS, body, key), 400)["errors"]
    assert not Report.objects.exists()


def test_a_body_that_names_the_same_crs_is_taken(client: Client, key: str) -> None:
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert send(client, "POST", ITEMS, {**feature(), "crs": named}, key).status_code == 201


def test_nulls_of_what_the_service_sets_are_no_fault(client: Client, key: str) -> None:
    assert send(client, "POST", ITEMS, feature(id=None, status=None, reported_at=None), key).status_code == 201


@pytest.mark.parametrize("text", ["", "{", '{"type": NaN}', "[" * 100_000, "\xff"])
def test_a_body_that_is_no_json_is_a_400(client: Client, key: str, text: str) -> None:
    refused(send(client, "POST", ITEMS, text, key), 400)


def test_unknown_crs_and_unknown_parameters_are_named(client: Client, key: str) -> None:
    answer = send(client, "POST", ITEMS, feature(), key, Content_Crs="<http://www.opengis.net/def/crs/EPSG/0/1>")
    assert refused(answer, 400)["parameter"] == "Content-Crs"
    assert refused(send(client, "POST", f"{ITEMS}?limit=1", feature(), key), 400)["parameter"] == "limit"
    infinite = {"type": "Point", "coordinates": [1e300, 1e300]}
    assert "geometry" in refused(send(client, "POST", ITEMS, feature(infinite), key, Content_Crs=UTM), 400)["errors"]


def test_other_content_types_are_a_415_that_says_which_are_taken(client: Client, key: str) -> None:
    report = own()
    answer = send(client, "POST", ITEMS, feature(), key, "text/csv")
    refused(answer, 415)
    assert answer["Accept-Post"] == "application/geo+json, application/json"
    answer = send(client, "PATCH", at(report), {}, key, "application/json-patch+json")
    refused(answer, 415)
    assert answer["Accept-Patch"] == PATCH
    refused(send(client, "PUT", at(report), feature(), key, PATCH), 415)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_without_a_content_type_is_a_400(client: Client, key: str, method: str) -> None:
    path = ITEMS if method == "POST" else at(own())
    refused(send(client, method, path, feature(), key, ""), 400)


def test_a_body_that_is_too_large_is_a_413(client: Client, key: str) -> None:
    refused(send(client, "POST", ITEMS, feature(description="x" * 2_700_000), key), 413)


# Replace and update


def test_a_replaced_feature_has_what_was_sent(client: Client, key: str, city: Any) -> None:
    make_agency(city, "dbmsda", make_category("banjir"))
    report = own(description="before")
    body = feature(
        {"type": "Point", "coordinates": [107.05, -6.25]},
        category="banjir",
        kind="aspirasi",
        description="Telp 081234567890",
    )
    answer = send(client, "PUT", at(report), body, key)
    assert answer.status_code == 200, answer.content
    found = get(client, at(report))
    assert answer.json()["properties"] == found["properties"]
    assert found["geometry"]["coordinates"] == [107.05, -6.25]
    shown = found["properties"]
    assert (shown["category"], shown["kind"], shown["description"]) == ("banjir", "aspirasi", "Telp [telepon]")
    assert (shown["area"], shown["agency"], shown["status"]) == ("kota-uji.2.1", "dbmsda", "submitted")


def test_a_feature_comes_back_as_it_was_read_and_changes_nothing(client: Client, key: str) -> None:
    private = make_category("kekerasan", public_grid_m=500)
    report = own(category=private, description="WA 0812-3456-7890", location=Point(106.93123, -6.25321, srid=4326))
    read = get(client, at(report))
    assert read["properties"]["description"] == "WA [telepon]"
    answer = send(client, "PUT", at(report), read, key)
    assert answer.status_code == 200, answer.content
    after = Report.objects.get(pk=report.pk)
    assert (after.description, after.location) == ("WA 0812-3456-7890", report.location)
    assert after.updated_at == report.updated_at
    assert HistoryEntry.objects.count() == 1


def test_the_place_stays_exact_while_the_rest_is_edited_in_another_crs(client: Client, key: str) -> None:
    private = make_category("kekerasan", public_grid_m=500)
    report = own(category=private, location=Point(106.93123, -6.25321, srid=4326))
    for crs in (UTM, LAT_LON):
        read = get(client, f"{at(report)}?crs={crs[1:-1]}")
        read["properties"]["description"] = f"edited in {crs}"
        assert send(client, "PUT", at(report), read, key, Content_Crs=crs).status_code == 200
    after = Report.objects.get(pk=report.pk)
    assert (after.location, after.public_location) == (report.location, report.public_location)


@pytest.mark.parametrize("name", ["status", "channel", "area", "support_count", "updated_at", "id", "category_name_id"])
def test_what_cannot_be_changed_is_a_conflict_that_names_it(client: Client, key: str, name: str) -> None:
    report = own()
    read = get(client, at(report))
    read["properties"] |= {name: "resolved", "description": "half"}
    assert name in refused(send(client, "PUT", at(report), read, key), 409)["detail"]
    assert name in refused(send(client, "PATCH", at(report), {"properties": {name: "x"}}, key, PATCH), 409)["detail"]
    assert Report.objects.get(pk=report.pk).description != "half"


def test_another_id_in_the_body_is_a_conflict(client: Client, key: str) -> None:
    report = own()
    refused(send(client, "PUT", at(report), {**feature(), "id": "other"}, key), 409)
    refused(send(client, "PATCH", at(report), {"id": "other"}, key, PATCH), 409)
    assert send(client, "PUT", at(report), {**feature(), "id": report.public_id}, key).status_code == 200


def test_an_external_id_stays(client: Client, key: str) -> None:
    report = own(external_id="Q-1")
    assert send(client, "PUT", at(report), feature(external_id="Q-1"), key).status_code == 200
    assert "external_id" in refused(send(client, "PUT", at(report), feature(external_id="Q-2"), key), 409)["detail"]


def test_a_patch_changes_what_it_names_alone(client: Client, key: str) -> None:
    report = own(description="before")
    before = get(client, at(report))["properties"]
    answer = send(client, "PATCH", at(report), {"properties": {"category": "banjir"}}, key, PATCH)
    assert answer.status_code == 200, answer.content
    after = get(client, at(report))["properties"]
    assert {name for name in before if before[name] != after[name]} == {
        "category",
        "category_name_id",
        "category_name_en",
        "updated_at",
    }


def test_a_patch_moves_a_feature_and_unsets_its_text(client: Client, key: str) -> None:
    report = own(description="before")
    patch = {"geometry": {"type": "Point", "coordinates": [107.05, -6.25]}, "properties": {"description": None}}
    assert send(client, "PATCH", at(report), patch, key, PATCH).status_code == 200
    found = get(client, at(report))
    assert (found["geometry"]["coordinates"], found["properties"]["description"]) == ([107.05, -6.25], "")
    for name in ("category", "kind", "reported_at"):
        patch = {"properties": {name: None}}
        assert name in refused(send(client, "PATCH", at(report), patch, key, PATCH), 400)["errors"]
    for patch in ({"geometry": None}, {"properties": None}, {"type": None}, "text", 5, []):
        refused(send(client, "PATCH", at(report), json.dumps(patch), key, PATCH), 400)


def test_a_whole_feature_has_every_property_that_can_be_changed(client: Client, key: str) -> None:
    report = own()
    body = feature()
    del body["properties"]["description"]
    assert "description" in refused(send(client, "PUT", at(report), body, key), 400)["errors"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_what_is_not_there_is_a_404(client: Client, key: str, method: str) -> None:
    kind = PATCH if method == "PATCH" else GEOJSON
    hidden = own(is_public=False)
    for fid in ("nothing", hidden.public_id):
        refused(send(client, method, f"{ITEMS}/{fid}", feature(), key, kind), 404)
        refused(send(client, method, f"{ITEMS}/{fid}", feature(), key, kind, If_Match='"xyz"'), 404)
    assert Report.objects.count() == 1


# Delete


def test_a_deleted_report_is_withdrawn_and_kept(client: Client, key: str) -> None:
    report = own()
    assert report.public_id in client.get(f"{ITEMS}?f=json").getvalue().decode()
    answer = send(client, "DELETE", at(report), key=key)
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (204, b"", "no-store")
    assert client.get(at(report)).status_code == 404
    assert report.public_id not in client.get(f"{ITEMS}?f=json").getvalue().decode()
    refused(send(client, "DELETE", at(report), key=key), 404)
    kept = Report.objects.get(pk=report.pk)
    assert (kept.is_public, kept.status) == (False, "submitted")
    line = kept.history.order_by("id").last()
    assert line is not None
    assert (line.action, line.channel.slug, line.new) == ("withdrawn", "qlue", {"is_public": False})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_an_id_that_no_text_of_the_database_can_be_is_a_404(client: Client, key: str, method: str) -> None:
    kind = PATCH if method == "PATCH" else GEOJSON
    assert send(client, method, f"{ITEMS}/a%00b", feature(), key, kind).status_code == 404


def waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("condition", "status", "kind"), [({}, 200, "aspirasi"), ({"If-Match": "as read"}, 412, "laporan")]
)
def test_a_change_that_waited_for_another_is_made_to_what_that_one_left(
    client: Client, key: str, condition: dict[str, str], status: int, kind: str
) -> None:
    report = own(description="before")
    headers = {name: client.get(at(report))["ETag"] for name in condition}
    answers: list[int] = []

    def second() -> None:
        try:
            patch = {"properties": {"kind": "aspirasi"}}
            answers.append(send(Client(), "PATCH", at(report), patch, key, PATCH, **headers).status_code)
        finally:
            connections.close_all()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        later = NOW + timedelta(hours=1)
        revise_report(report=report, by=Principal(is_superuser=True), now=later, description="meanwhile")
        thread.start()
        while not waiting_for_a_lock():
            assert thread.is_alive()
    thread.join(timeout=30)
    after = Report.objects.get(pk=report.pk)
    assert (answers, after.kind, after.description) == ([status], kind, "meanwhile")


# What it costs


@pytest.mark.parametrize(("method", "most"), [("POST", 18), ("PUT", 26), ("PATCH", 26), ("DELETE", 13)])
def test_a_write_has_a_query_count_ceiling(
    client: Client, key: str, django_assert_max_num_queries: Any, method: str, most: int
) -> None:
    path = ITEMS if method == "POST" else at(own())
    body = feature({"type": "Point", "coordinates": [107.05, -6.25]}, category="banjir", description="new")
    with django_assert_max_num_queries(most):
        answer = send(client, method, path, body, key, PATCH if method == "PATCH" else GEOJSON)
    assert answer.status_code in (200, 201, 204)


# What is said of it


def test_the_definition_has_the_writes_of_reports_alone(client: Client) -> None:
    document = get(client, "/ogc/api")
    methods = {path: set(entry) for path, entry in document["paths"].items() if set(entry) != {"get"}}
    assert methods == {
        "/collections/reports/items": {"get", "post", "options"},
        "/collections/reports/items/{featureId}": {"get", "put", "patch", "delete", "options"},
    }
    create = document["paths"]["/collections/reports/items"]["post"]
    assert set(create["responses"]) == {"200", "201", "400", "401", "403", "404", "405", "409", "413", "415"}
    assert create["security"] == [{"channelKey": []}, {"session": []}]
    assert set(document["components"]["securitySchemes"]) == {"channelKey", "session"}
    update = document["paths"]["/collections/reports/items/{featureId}"]["patch"]
    assert set(update["requestBody"]["content"]) == {PATCH}
    assert {"200", "204", "409", "412", "415"} <= set(update["responses"])


def test_the_schema_says_what_can_be_sent(client: Client) -> None:
    document = get(client, "/ogc/collections/reports/schema")
    sendable = {name for name, entry in document["properties"].items() if not entry.get("readOnly")}
    assert sendable == {"category", "kind", "description", "reported_at", "geometry"}
    assert (document["required"], document["additionalProperties"]) == (["category", "kind", "description"], False)
    assert "readOnly" not in get(client, "/ogc/collections/districts/schema")["properties"]["name"]

"""Saved analyses over HTTP: as layers wherever layers are, and by whom they are seen."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from geo.models import ResultSet
from tests.factories import make_city
from tests.http.analysis_saving import API, body, city, patch, planner, post, signed_in
from tests.saved_analyses import FIXED, OPEN_ENDED, counted, saved_by, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
__all__ = ["city", "counted", "planner"]


def got(client: Client, path: str) -> Any:
    """The response, read to its end as a client would, which closes it."""
    response = client.get(path)
    if response.streaming:
        b"".join(response.streaming_content)
    return response


def everywhere(slug: str) -> list[str]:
    """Every address at which a layer is."""
    collection = f"/ogc/collections/{slug}"
    return [
        collection,
        *(f"{collection}/{part}" for part in ("queryables", "sortables", "schema", "feature-schema", "items", "tiles")),
        f"{collection}/items?f=html",
        f"{collection}/items?f=csv",
        f"{collection}/items?f=gpkg",
        f"{collection}/items/kota-uji.1",
        f"{collection}/tiles/WebMercatorQuad",
        f"{collection}/tiles/WebMercatorQuad/8/132/204",
        f"/ogc/with/city=kota-uji/collections/{slug}/items",
        f"/layers/{slug}/",
        f"/layers/{slug}.geojson",
        f"/layers/{slug}.qlr",
        f"/layers/{slug}.xlsx",
        f"/tiles/{slug}.json",
        f"/tiles/{slug}/style.json",
        f"/tiles/{slug}/8/204/132.mvt",
        f"{API}{slug}/",
        f"{API}{slug}/print/",
    ]


def test_it_is_a_collection_without_parameters(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    listed = client.get("/ogc/collections").json()["collections"]
    mine = next(each for each in listed if each["id"] == "banjir-air")
    assert (mine["title"], mine["description"]) == ("Banjir dan muka air", "Counts reports by area.")
    assert client.get("/ogc/collections/banjir-air").json()["id"] == "banjir-air"
    answer = body(client.get("/ogc/collections/banjir-air/items"))
    assert [(f["id"], f["properties"]["reports"]) for f in answer["features"]] == [
        ("kota-uji.1", 3),
        ("kota-uji.2", None),
    ]
    assert (answer["name"], answer["title"], answer["total"]) == ("banjir-air", "Banjir dan muka air", 3)
    response = client.get("/ogc/collections/banjir-air/items?category=banjir")
    assert (response.status_code, response.json()["parameter"]) == (400, "category")


def test_it_is_wherever_layers_are(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    for path in everywhere("banjir-air"):
        response = got(client, path)
        assert response.status_code == 200, path
        assert "no-store" not in response.headers.get("Cache-Control", ""), path
        assert "Cookie" not in response.headers.get("Vary", "") or path.startswith("/api/"), path
    entry = client.get("/layers/banjir-air/").json()
    assert entry["parameters"] == []
    assert entry["saved"] == {"layer": "counted", "city": "kota-uji", "parameters": FIXED, "is_frozen": False}
    for path in ("/layers/", "/layers/?f=html", "/ogc/api", "/layers/?f=jsonld", "/qgis/pantau.qgs"):
        assert b"banjir-air" in client.get(path).content, path


def test_its_answers_are_those_of_its_layer_with_these_parameters(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    query = "&".join(f"{name}={text}" for name, text in FIXED.items())
    assert (
        body(client.get("/layers/banjir-air.geojson"))["features"]
        == body(client.get(f"/layers/counted.geojson?{query}"))["features"]
    )
    assert ResultSet.objects.count() == 1


def test_pages_lead_on(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    links = body(client.get("/ogc/collections/banjir-air/items?limit=1"))["links"]
    follow = next(link["href"] for link in links if link["rel"] == "next")
    assert [feature["id"] for feature in body(client.get(follow))["features"]] == ["kota-uji.2"]


def test_its_city_is_settled(client: Client, city: City, planner: Any) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    saved_by(planner, city)
    # With several cities built-in layers have to be told which; this one knows.
    assert [each["id"] for each in client.get("/ogc/collections").json()["collections"]] == ["cities", "banjir-air"]
    assert len(body(client.get("/layers/banjir-air.geojson"))["features"]) == 2
    assert len(body(client.get("/layers/banjir-air.geojson?city=kota-uji"))["features"]) == 2
    response = client.get("/layers/banjir-air.geojson?city=makassar")
    assert (response.status_code, response.json()["parameter"]) == (400, "city")
    response = client.get("/layers/banjir-air/?city=makassar")
    assert (response.status_code, response.json()["parameter"]) == (400, "city")
    assert client.get("/ogc/with/city=makassar/collections/banjir-air").status_code == 404
    there = client.get("/ogc/with/city=makassar/collections").json()["collections"]
    assert "banjir-air" not in [each["id"] for each in there]
    assert b"banjir-air" not in client.get("/layers/?f=jsonld&city=makassar").content
    assert b"banjir-air" not in client.get("/qgis/pantau.qgs?city=makassar").content


def test_a_new_title_changes_the_etag(client: Client, city: City, planner: Any) -> None:
    saved = saved_by(planner, city)
    first = client.get("/layers/banjir-air.geojson")
    body(first)
    tag = {"if-none-match": first["ETag"]}
    assert client.get("/layers/banjir-air.geojson", headers=tag).status_code == 304
    assert patch(signed_in(planner), saved.slug, {"title": "Lain"}).status_code == 200
    again = client.get("/layers/banjir-air.geojson", headers=tag)
    assert (again.status_code, body(again)["title"]) == (200, "Lain")


def test_the_citys_next_day_changes_the_etag_of_a_relative_period(
    client: Client, city: City, planner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geo.ogc import answers, requests

    saved_by(planner, city, parameters=OPEN_ENDED)
    at = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return at

    monkeypatch.setattr(answers, "datetime", Clock)
    monkeypatch.setattr(requests, "datetime", Clock)
    first = client.get("/layers/banjir-air.geojson")
    assert body(first)["end"] == "2026-03-01T17:00:00Z"
    tag = {"if-none-match": first["ETag"]}
    assert client.get("/layers/banjir-air.geojson", headers=tag).status_code == 304
    at = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    again = client.get("/layers/banjir-air.geojson", headers=tag)
    assert (again.status_code, body(again)["end"]) == (200, "2026-03-02T17:00:00Z")


def test_a_public_one_costs_one_query_more_than_a_built_in_layer(
    client: Client, city: City, planner: Any, django_assert_num_queries: Any
) -> None:
    saved_by(planner, city)
    response = client.get("/layers/banjir-air.geojson")
    body(response)
    with django_assert_num_queries(2):  # itself, and the data version
        client.get("/layers/banjir-air.geojson", headers={"if-none-match": response["ETag"]})


@pytest.mark.parametrize("visibility", ["link", "city"])
def test_what_is_not_public_is_kept_by_no_cache(city: City, planner: Any, visibility: str) -> None:
    saved = saved_by(planner, city, visibility=visibility)
    for path in everywhere(saved.slug):
        response = got(signed_in(planner), path)
        assert response.status_code == 200, (path, response.content)
        assert "no-store" in response["Cache-Control"], path
        assert "private" in response["Cache-Control"], path
        if not path.startswith("/api/"):
            assert {"Cookie", "Authorization"} <= set(response["Vary"].split(", ")), path


def test_what_is_of_the_city_is_a_404_to_everybody_else(client: Client, city: City, planner: Any) -> None:
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    saved = saved_by(planner, city, visibility="city")
    strangers = [client, signed_in(staff("lain", other)), signed_in(staff("tanpa-peran"))]
    for path in everywhere(saved.slug):
        for stranger in strangers:
            response = stranger.get(path)
            assert response.status_code == 404, path
            assert "no-store" in response["Cache-Control"], path
        unknown = client.get(path.replace(saved.slug, "nothing"))
        assert unknown.status_code == 404
        assert unknown.content.replace(b"nothing", b"banjir-air") == client.get(path).content, path
    chief = signed_in(staff("kepala", is_superuser=True))
    assert got(chief, f"/layers/{saved.slug}.geojson").status_code == 200


def test_an_error_of_a_private_layer_is_kept_by_no_cache_either(city: City, planner: Any) -> None:
    saved_by(planner, city, visibility="city")
    response = signed_in(planner).get("/layers/banjir-air.geojson?bbox=1")
    assert (response.status_code, response.json()["parameter"]) == (400, "bbox")
    assert response["Cache-Control"] == "private, no-store"


def test_lists_name_what_each_may_see(client: Client, city: City, planner: Any) -> None:
    slugs = {}
    for visibility in ("public", "link", "city"):
        slugs[visibility] = saved_by(planner, city, slug=f"x-{visibility}", visibility=visibility).slug
    insider = signed_in(planner)

    def named(who: Client, path: str) -> set[str]:
        text = who.get(path).content.decode()
        return {visibility for visibility, slug in slugs.items() if slug in text}

    for path in ("/ogc/collections", "/ogc/api", "/layers/", "/layers/?f=html", "/qgis/pantau.qgs"):
        assert named(client, path) == {"public"}, path
        assert named(insider, path) == {"public", "city"}, path
        assert insider.get(path)["Cache-Control"] == "private, no-store", path
    assert named(insider, "/layers/?f=jsonld") == {"public"}
    assert named(client, API) == {"public"}
    assert named(insider, API) == {"public", "link", "city"}
    assert got(client, f"/layers/{slugs['link']}.geojson").status_code == 200


def test_names_of_users_are_for_staff_of_the_city(client: Client, city: City, planner: Any) -> None:
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    saved = saved_by(planner, city)
    assert post(signed_in(planner), f"{API}{saved.slug}/freeze/").status_code == 200
    for who in (client, signed_in(staff("lain", other))):
        for path in (
            API,
            f"{API}{saved.slug}/",
            f"{API}{saved.slug}/print/",
            "/layers/",
            f"/layers/{saved.slug}.geojson",
        ):
            response = who.get(path)
            text = b"".join(response.streaming_content) if response.streaming else response.content
            assert b"perencana" not in text, path
    entry = signed_in(planner).get(f"{API}{saved.slug}/").json()
    assert (entry["owner"], entry["frozen"]["frozen_by"]) == ("perencana", "perencana")

"""Saved analyses over HTTP: as layers wherever layers are, by whom they are seen, and the API that keeps them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.layers import results
from geo.models import Area, ResultSet, SavedAnalysis
from tests.factories import centre, make_category, make_city, make_report
from tests.saved_analyses import FIXED, OPEN_ENDED, counted, counted_city, saved_by, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
__all__ = ["counted"]
API = "/api/analysis/saved/"


@pytest.fixture
def city() -> City:
    city = counted_city()
    for day in (3, 4, 5):
        make_report(
            category=make_category("banjir"),
            location=centre("kota-uji.1.1"),
            reported_at=datetime(2026, 2, day, tzinfo=UTC),
        )
    return city


@pytest.fixture
def planner(city: City) -> Any:
    return staff("perencana", city)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body(response: Any) -> Any:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return json.loads(content)


def got(client: Client, path: str) -> Any:
    """The response, read to its end as a client would, which closes it."""
    response = client.get(path)
    if response.streaming:
        b"".join(response.streaming_content)
    return response


def post(client: Client, path: str, given: Any = None, **headers: str) -> Any:
    return client.post(path, json.dumps(given or {}), content_type="application/json", headers=headers)


def patch(client: Client, slug: str, given: Any) -> Any:
    return client.patch(f"{API}{slug}/", json.dumps(given), content_type="application/json")


def new(**more: Any) -> dict[str, Any]:
    return {"layer": "counted", "parameters": FIXED, "title": "Banjir Februari", **more}


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


# A layer like any other


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


# Who sees it


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


# The API


def test_staff_of_the_city_save_an_analysis(city: City, planner: Any) -> None:
    response = post(signed_in(planner), API, new())
    assert response.status_code == 201
    assert response["Location"] == "http://testserver/api/analysis/saved/banjir-februari/"
    entry = response.json()
    assert {name: entry[name] for name in ("id", "city", "layer", "parameters", "visibility", "refresh", "owner")} == {
        "id": "banjir-februari",
        "city": "kota-uji",
        "layer": "counted",
        "parameters": FIXED,
        "visibility": "public",
        "refresh": "live",
        "owner": "perencana",
    }
    assert entry["frozen"] is None
    assert entry["links"]["collection"] == "http://testserver/ogc/collections/banjir-februari"
    saved = SavedAnalysis.objects.get()
    assert (saved.owner, saved.created_at) == (planner, saved.updated_at)
    assert abs((saved.created_at - timezone.now()).total_seconds()) < 600


def test_others_may_not_save(client: Client, city: City, key: str) -> None:
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    given = new(city="kota-uji")
    assert post(client, API, given).status_code == 403
    assert post(client, API, given, **{"X-Api-Key": key}).status_code == 403
    assert post(client, API, given, **{"X-Api-Key": "wrong.key"}).status_code == 401
    assert post(signed_in(staff("lain", other)), API, given).status_code == 403
    assert post(signed_in(staff("tanpa-peran")), API, given).status_code == 403
    assert not SavedAnalysis.objects.exists()


def test_a_session_needs_its_csrf_token(city: City, planner: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(planner)
    assert post(client, API, new()).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    assert post(client, API, new(), **{"X-CSRFToken": "a" * 32}).status_code == 201


@pytest.mark.parametrize(
    ("change", "field", "parameter"),
    [
        ({"title": ""}, "title", None),
        ({"title": "x" * 201}, "title", None),
        ({"layer": "reports"}, "layer", None),
        ({"layer": "nothing"}, "layer", None),
        ({"id": "Banjir Air"}, "id", None),
        ({"id": "counted"}, "slug", None),
        ({"visibility": "secret"}, "visibility", None),
        ({"refresh": "frozen"}, "refresh", None),
        ({"parameters": [1]}, "parameters", None),
        ({"colour": "red"}, "colour", None),
        ({"city": "atlantis"}, None, "city"),
        ({"parameters": {"category": "nothing"}}, None, "category"),
        ({"parameters": {}}, None, "category"),
        ({"parameters": {**FIXED, "seed": -1}}, None, "seed"),
        ({"parameters": {**FIXED, "bbox": "1,2,3,4"}}, None, "bbox"),
    ],
)
def test_what_cannot_be_saved_is_named(
    city: City, planner: Any, change: dict[str, Any], field: str | None, parameter: str | None
) -> None:
    response = post(signed_in(planner), API, new(**change))
    assert response.status_code == 400
    problem = response.json()
    assert problem.get("parameter") == parameter
    assert list(problem.get("errors", [])) == ([field] if field else [])
    assert not SavedAnalysis.objects.exists()


def test_a_list_is_paged_and_filtered(
    client: Client, city: City, planner: Any, django_assert_max_num_queries: Any
) -> None:
    for i in range(5):
        saved_by(planner, city, slug=f"a-{i}")
    seen: list[str] = []
    url: str | None = f"{API}?limit=2&layer=counted&city=kota-uji"
    while url:
        page = client.get(url).json()
        seen += [entry["id"] for entry in page["results"]]
        url = page["next"]
    assert seen == ["a-4", "a-3", "a-2", "a-1", "a-0"]
    assert client.get(f"{API}?layer=correlation").json() == {"next": None, "results": []}
    response = client.get(f"{API}?city=atlantis")
    assert (response.status_code, response.json()["parameter"]) == (400, "city")
    with django_assert_max_num_queries(1):
        client.get(API)


def test_the_owner_and_administrators_change_and_delete_it(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    colleague = signed_in(staff("rekan", city))
    chief = signed_in(staff("kepala", city, role="administrator"))
    for who, status in ((client, 403), (colleague, 403), (signed_in(planner), 200), (chief, 200)):
        response = patch(who, "banjir-air", {"title": "Baru", "refresh": "daily"})
        assert response.status_code == status
    assert SavedAnalysis.objects.values_list("title", "refresh").get() == ("Baru", "daily")
    assert patch(chief, "banjir-air", {"refresh": "frozen"}).json()["errors"].keys() == {"refresh"}
    assert patch(chief, "banjir-air", {"parameters": {}}).json()["errors"].keys() == {"parameters"}
    for who, status in ((client, 403), (colleague, 403), (chief, 204), (chief, 404)):
        assert who.delete(f"{API}banjir-air/").status_code == status


def test_an_owner_who_left_the_city_has_no_more_say(city: City, planner: Any) -> None:
    saved_by(planner, city)
    planner.city_roles.all().delete()
    assert patch(signed_in(planner), "banjir-air", {"title": "Baru"}).status_code == 403


# Frozen


def test_freezing_pins_what_is_answered(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    before = body(client.get("/layers/banjir-air.geojson"))
    insider = signed_in(planner)
    for who, status in ((client, 403), (signed_in(staff("rekan", city)), 403), (insider, 200), (insider, 409)):
        response = post(who, f"{API}banjir-air/freeze/")
        assert response.status_code == status
    entry = client.get(f"{API}banjir-air/").json()
    assert entry["refresh"] == "frozen"
    frozen = entry["frozen"]
    assert (frozen["seed"], len(frozen["checksum"]), frozen["parameters"]["seed"]) == (7, 64, 7)
    assert frozen["as_of"][:19] == before["as_of"][:19]
    # The world moves on.
    make_report(
        category=make_category("banjir"), location=centre("kota-uji.2.1"), reported_at=datetime(2026, 2, 6, tzinfo=UTC)
    )
    Area.objects.filter(code="kota-uji.1").update(name="Baru")
    ResultSet.objects.filter(pinned_by=None).delete()
    after = body(client.get("/layers/banjir-air.geojson"))
    assert after["features"] == before["features"]
    assert (after["as_of"], after["checksum"]) == (before["as_of"], frozen["checksum"])
    assert ResultSet.objects.count() == 1


def test_an_unchanged_frozen_one_is_a_304_whatever_the_data_does(
    client: Client, city: City, planner: Any, django_assert_num_queries: Any
) -> None:
    saved_by(planner, city, parameters=OPEN_ENDED)
    post(signed_in(planner), f"{API}banjir-air/freeze/")
    first = client.get("/layers/banjir-air.geojson")
    body(first)
    make_report(category=make_category("banjir"))
    Area.objects.filter(code="kota-uji.1").update(name="Baru")
    with django_assert_num_queries(1):
        again = client.get("/layers/banjir-air.geojson", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304


def test_a_frozen_one_is_not_changed_and_deleted_by_administrators_alone(city: City, planner: Any) -> None:
    saved_by(planner, city)
    insider, chief = signed_in(planner), signed_in(staff("kepala", city, role="administrator"))
    post(insider, f"{API}banjir-air/freeze/")
    assert patch(insider, "banjir-air", {"title": "Baru"}).status_code == 409
    assert insider.delete(f"{API}banjir-air/").status_code == 403
    assert chief.delete(f"{API}banjir-air/").status_code == 204
    assert not ResultSet.objects.filter(pinned_by__isnull=False).exists()


def test_freezing_what_is_not_computed_yet_is_a_503(
    city: City, planner: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_by(planner, city)
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    monkeypatch.setattr(results, "WAIT_S", 0.0)
    response = post(signed_in(planner), f"{API}banjir-air/freeze/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert not SavedAnalysis.objects.get().is_frozen


# On paper


def test_a_sheet_says_what_it_takes_to_cite_it(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city, description="Untuk <anggaran> 2027")
    post(signed_in(planner), f"{API}banjir-air/freeze/")
    entry = client.get(f"{API}banjir-air/").json()["frozen"]
    Area.objects.update(is_schematic=True)  # after it was frozen: not of these boundaries
    response = client.get(f"{API}banjir-air/print/?lang=en", headers={"accept": "text/html"})
    assert (response.status_code, response["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = response.content.decode()
    for said in (
        "Banjir dan muka air",
        "Kota Uji",
        "Counts reports by area.",
        "Untuk &lt;anggaran&gt; 2027",
        "2026-02-01 – 2026-02-20",
        "2 areas, 1 of them with a figure",
        "<dt>seed</dt><dd>7</dd>",
        "<dt>total</dt><dd>3</dd>",
        "Hanya contoh.",
        "Without a figure, since there is too little for one: 1.",
        entry["checksum"],
        entry["code_version"],
        "http://testserver/api/analysis/saved/banjir-air/",
        "size: A4 landscape",
        'fill="#fd8d3c"',
        'fill="#b9b9b9"',
    ):
        assert said in text, said
    for unsaid in ("Not frozen", "no longer agree", "schematic", "<script", "style=", "src=", "perencana"):
        assert unsaid not in text, unsaid
    assert "style-src 'sha256-" in response["Content-Security-Policy"]
    assert "size: A4 portrait" in client.get(f"{API}banjir-air/print/?orientation=portrait").content.decode()


def test_a_sheet_says_that_it_is_not_frozen_or_no_longer_what_was_frozen(
    client: Client, city: City, planner: Any
) -> None:
    saved = saved_by(planner, city)
    assert "Not frozen" in client.get(f"{API}banjir-air/print/?lang=en").content.decode()
    post(signed_in(planner), f"{API}banjir-air/freeze/")
    saved.refresh_from_db()
    assert saved.result_set is not None
    row = saved.result_set.rows.order_by("key")[0]
    row.figures["reports"] = 99
    row.save()
    assert "no longer agree with the checksum" in client.get(f"{API}banjir-air/print/?lang=en").content.decode()


def test_a_sheet_of_another_orientation_is_named(client: Client, city: City, planner: Any) -> None:
    saved_by(planner, city)
    response = client.get(f"{API}banjir-air/print/?orientation=round")
    assert (response.status_code, response.json()["parameter"]) == (400, "orientation")


# The admin


def test_the_admin_shows_it_and_changes_its_words(admin_client: Any, city: City, planner: Any) -> None:
    saved = saved_by(planner, city)
    assert admin_client.get("/admin/geo/savedanalysis/").status_code == 200
    address = f"/admin/geo/savedanalysis/{saved.pk}/change/"
    assert admin_client.get(address).status_code == 200
    form = {"title": "Baru", "description": "", "visibility": "public", "slug": "forged", "parameters": "{}"}
    assert admin_client.post(address, form).status_code == 302
    saved.refresh_from_db()
    assert (saved.title, saved.slug, saved.parameters) == ("Baru", "banjir-air", FIXED)
    assert saved.updated_at > saved.created_at


def test_a_frozen_one_is_read_only_in_the_admin(admin_client: Any, city: City, planner: Any) -> None:
    saved = saved_by(planner, city)
    post(signed_in(planner), f"{API}{saved.slug}/freeze/")
    page = admin_client.get(f"/admin/geo/savedanalysis/{saved.pk}/change/").content.decode()
    assert 'name="title"' not in page
    assert admin_client.post(f"/admin/geo/savedanalysis/{saved.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not SavedAnalysis.objects.exists()
    assert not ResultSet.objects.filter(parameters_key__startswith="frozen").exists()


def test_the_admin_shows_staff_their_own_cities(city: City, planner: Any) -> None:
    from django.contrib.auth.models import Permission

    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    saved = saved_by(planner, city)
    stranger = staff("lain", other)
    for user in (planner, stranger):
        user.user_permissions.set(Permission.objects.filter(content_type__model="savedanalysis"))
    address = f"/admin/geo/savedanalysis/{saved.pk}/change/"
    assert signed_in(planner).get(address).status_code == 200
    assert signed_in(stranger).get(address).status_code == 302
    # Frozen, it is deleted by an administrator alone.
    post(signed_in(planner), f"{API}{saved.slug}/freeze/")
    assert signed_in(planner).get(f"/admin/geo/savedanalysis/{saved.pk}/delete/").status_code == 403

"""The API and the admin that keep saved analyses."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.models import ResultSet, SavedAnalysis
from tests.factories import make_city
from tests.http.analysis_saving import API, city, patch, planner, post, signed_in
from tests.saved_analyses import FIXED, counted, saved_by, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
__all__ = ["city", "counted", "planner"]


def new(**more: Any) -> dict[str, Any]:
    return {"layer": "counted", "parameters": FIXED, "title": "Banjir Februari", **more}


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

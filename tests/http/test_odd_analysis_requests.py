"""What no honest client sends to the analyses, and what many clients at once may take from the others."""

import json
import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.layers import results
from geo.models import ResultSet
from geo.reports.models import CityRole
from tests.factories import make_city
from tests.spatial_city import lattice_city

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def planner(city: City) -> Client:
    user = get_user_model().objects.create_user("perencana", password="kata-sandi-uji", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=CityRole.Role.PLANNER)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", ["/api/analysis/districts/%00/", "/api/analysis/results/%00/"])
def test_a_path_with_a_nul_leads_nowhere(client: Client, city: City, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_city_with_a_nul_is_named(client: Client, city: City) -> None:
    response = client.get("/api/analysis/districts/kota-uji.1/?city=%00")
    assert (response.status_code, response.json()["parameter"]) == (400, "city")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
def test_a_parameter_that_cannot_be_stored_is_named(planner: Client, text: str) -> None:
    given = '{"layer": "hotspots", "title": "Sampah", "parameters": {"category": "TEXT"}}'.replace("TEXT", text)
    response = planner.post("/api/analysis/saved/", given, content_type="application/json")
    assert (response.status_code, response.json()["parameter"]) == (400, "category")


def test_nobody_cancels_for_a_city_that_has_another_name_by_now(planner: Client, city: City) -> None:
    result = ResultSet.objects.create(
        analysis="matrix",
        parameters_key="x",
        parameters={"city": "nama-lama"},
        data_version=1,
        requested_at=timezone.now(),
        touched_at=timezone.now(),
    )
    assert planner.delete(f"/api/analysis/results/{result.token}/").status_code == 403
    result.refresh_from_db()
    assert result.state == ResultSet.State.PENDING


def test_who_finds_all_places_to_wait_taken_is_answered_at_once(
    client: Client, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(results, "_places_to_wait", taken)

    def wait(seconds: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr(results.time, "sleep", wait)
    response = client.get("/layers/hotspots.geojson")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_place_to_wait_is_given_back(
    client: Client, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(results, "_places_to_wait", places)
    monkeypatch.setattr(results, "WAIT_S", 0.0)
    assert client.get("/layers/hotspots.geojson").status_code == 503
    assert places.acquire(blocking=False)


def test_slices_and_permutations_are_bounded_together(client: Client) -> None:
    lattice_city()
    asked = {"slice": "day", "slices": "60", "end": "2026-03-01", "neighbours": "nearest", "k": "4"}
    response = client.get("/layers/emerging.geojson", {**asked, "permutations": "10001"})
    assert (response.status_code, response.json()["parameter"]) == (400, "permutations")
    assert "600060; at most 600000" in response.json()["detail"]
    response = client.get("/layers/emerging.geojson", {**asked, "permutations": "9"})
    assert json.loads(b"".join(response.streaming_content))["slices"] == 60


def test_an_analysis_is_not_frozen_before_it_was_computed(planner: Client) -> None:
    given = {"layer": "hotspots", "title": "Sampah", "id": "sampah"}
    assert planner.post("/api/analysis/saved/", given, content_type="application/json").status_code == 201
    frozen = planner.post("/api/analysis/saved/sampah/freeze/").json()["frozen"]
    assert frozen["frozen_at"] >= frozen["as_of"]

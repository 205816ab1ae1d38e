"""Saved analyses that are frozen, and their sheets on paper."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from geo.layers import results
from geo.models import Area, ResultSet, SavedAnalysis
from tests.factories import centre, make_category, make_report
from tests.http.analysis_saving import API, body, city, patch, planner, post, signed_in
from tests.saved_analyses import OPEN_ENDED, counted, saved_by, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
__all__ = ["city", "counted", "planner"]


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

"""jurisdiction_id where two cities are served."""

from typing import Any

import pytest
from django.contrib.gis.geos import Point

from geo.models import Report
from tests.contracts.open311.asking import Open311
from tests.contracts.open311.town import make_town
from tests.factories import make_category, make_city, make_report

pytestmark = pytest.mark.django_db
HERE, THERE = "kota-uji", "kota-sebelah"
RESOURCES = ("services", "services/sampah", "requests", "requests/{id}", "tokens/x")


@pytest.fixture(scope="module")
def town(committed: None) -> str:  # type: ignore[override]
    """The town, and a city to the east of it, in another time zone, with a service of its own; a report in each."""
    make_town()
    neighbour = make_city(THERE, west=108.0, timezone="Asia/Makassar")
    make_category("dermaga", city=neighbour)
    make_report(external_id="there", location=Point(108.02, -6.25, srid=4326))
    return make_report(external_id="here").public_id


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_missing_jurisdiction_id_is_a_400_where_there_are_several_cities(
    open311: Open311, town: str, resource: str
) -> None:
    for params in ({}, {"jurisdiction_id": ""}):
        reply = open311.get(resource.format(id=town), params)
        assert reply.status == 400
        assert "jurisdiction_id" in reply.errors[0][1]


@pytest.mark.parametrize("resource", RESOURCES)
def test_an_unknown_jurisdiction_id_is_a_404(open311: Open311, town: str, resource: str) -> None:
    reply = open311.get(resource.format(id=town), {"jurisdiction_id": "atlantis"})
    assert reply.status == 404
    assert "atlantis" in reply.errors[0][1]


def test_discovery_needs_none(open311: Open311) -> None:
    assert open311.get("discovery").status == 200
    assert open311.get("discovery", {"jurisdiction_id": HERE}).status == 200


def test_a_city_has_the_services_of_all_and_its_own(open311: Open311) -> None:
    codes = {
        city: open311.get("services", {"jurisdiction_id": city}).texts("services/service/service_code")
        for city in (HERE, THERE)
    }
    assert codes[HERE] == ["banjir", "genangan", "kekerasan", "sampah"]
    assert codes[THERE] == ["banjir", "dermaga", "genangan", "kekerasan", "sampah"]
    assert open311.get("services/dermaga", {"jurisdiction_id": HERE}).status == 404
    assert open311.get("services/dermaga", {"jurisdiction_id": THERE}).status == 200


def test_a_city_has_its_own_requests_in_its_own_time(open311: Open311) -> None:
    window = {"start_date": "2026-03-01T00:00:00Z"}
    times = {
        city: open311.get("requests", {**window, "jurisdiction_id": city}).texts(
            "service_requests/request/requested_datetime"
        )
        for city in (HERE, THERE)
    }
    assert times == {HERE: ["2026-03-01T12:00:00+07:00"], THERE: ["2026-03-01T13:00:00+08:00"]}


def post(open311: Open311, key: str, **fields: str) -> Any:
    return open311.post({"api_key": key, "service_code": "sampah", "lat": "-6.25", "long": "106.93", **fields})


def test_a_post_needs_a_jurisdiction_id_too(open311: Open311, key: str) -> None:
    before = Report.objects.count()
    assert post(open311, key).status == 400
    assert post(open311, key, jurisdiction_id="atlantis").status == 404
    assert Report.objects.count() == before
    assert post(open311, key, jurisdiction_id=HERE).status == 201


def test_jurisdiction_id_of_a_post_may_stand_in_its_address(open311: Open311, key: str) -> None:
    fields = {"api_key": key, "service_code": "sampah", "lat": "-6.25", "long": "106.93"}
    reply = open311.send("POST", f"requests.{open311.form}?jurisdiction_id={HERE}", data=fields)
    assert reply.status == 201


def test_the_place_decides_where_it_lies_in_another_city_and_the_number_is_followed_all_the_same(
    open311: Open311, key: str
) -> None:
    (number,) = post(open311, key, jurisdiction_id=HERE, long="108.02").ids
    assert Report.objects.get(public_id=number).city.slug == THERE
    for city in (HERE, THERE):
        assert open311.get(f"requests/{number}", {"jurisdiction_id": city}).ids == [number]


def test_a_service_of_another_city_than_the_place_is_a_400(open311: Open311, key: str) -> None:
    reply = post(open311, key, jurisdiction_id=THERE, service_code="dermaga")
    assert reply.status == 400
    assert reply.errors[0][1].startswith("service_code: ")


def test_where_no_point_is_given_the_jurisdiction_decides(open311: Open311, key: str) -> None:
    fields = {"api_key": key, "service_code": "sampah", "address_string": "Jalan Kenari", "jurisdiction_id": THERE}
    (number,) = open311.post(fields).ids
    assert Report.objects.get(public_id=number).city.slug == THERE

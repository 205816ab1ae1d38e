"""`/api/areas/` and the directory: cities, categories, agencies, channels."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from geo.models import Area, PopulationFigure
from tests.factories import make_agency, make_category, make_channel, make_city

pytestmark = pytest.mark.django_db


def codes(client: Any, query: str = "") -> list[str]:
    return [area["code"] for area in client.get(f"/api/areas/{query}").json()["results"]]


def test_areas_are_filtered_by_level_parent_city_and_name(client: Any) -> None:
    make_city()
    make_city("makassar", west=119.4, south=-5.2, districts=1)
    assert len(codes(client)) == 11
    assert codes(client, "?level=kecamatan") == ["kota-uji.1", "kota-uji.2", "makassar.1"]
    assert codes(client, "?parent=kota-uji.2") == ["kota-uji.2.1", "kota-uji.2.2"]
    assert codes(client, "?city=makassar&level=kelurahan") == ["makassar.1.1", "makassar.1.2"]
    assert codes(client, "?q=MAKASSAR%201%202") == ["makassar.1.2"]
    Area.objects.filter(code="kota-uji.2.2").update(retired_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert codes(client, "?parent=kota-uji.2") == ["kota-uji.2.1"]


def test_pages_of_areas_join_without_a_gap(client: Any) -> None:
    make_city()
    seen, url = [], "/api/areas/?limit=3"
    while url:
        page = client.get(url).json()
        seen += [area["code"] for area in page["results"]]
        url = page["next"]
    assert seen == sorted(Area.objects.values_list("code", flat=True))


def test_boundaries_come_only_when_asked_for(client: Any) -> None:
    make_city()
    assert "geometry" not in client.get("/api/areas/").json()["results"][0]
    assert client.get("/api/areas/?geometry=true").json()["results"][0]["geometry"]["type"] == "MultiPolygon"


def test_one_area_is_a_feature_with_its_latest_population_figure(client: Any) -> None:
    make_city()
    area = Area.objects.get(code="kota-uji.1")
    for year, people in ((2010, 1), (2020, 257030)):
        PopulationFigure.objects.create(area=area, year=year, population=people, source="census")
    answer = client.get("/api/areas/kota-uji.1/").json()
    assert (answer["type"], answer["id"], answer["geometry"]["type"]) == ("Feature", "kota-uji.1", "MultiPolygon")
    said = answer["properties"]
    assert said["population"] == {"population": 257030, "year": 2020, "source": "census"}
    assert (said["level"], said["parent"], said["city"]) == ("kecamatan", "kota-uji", "kota-uji")
    assert client.get("/api/areas/kota-uji.2/").json()["properties"]["population"] is None
    assert client.get("/api/areas/nowhere/").status_code == 404


@pytest.mark.parametrize("query", ["level=x", "parent=x", "city=x", "geometry=yes", "colour=red", "next=x", "limit=-1"])
def test_bad_parameter_of_areas_is_named(client: Any, query: str) -> None:
    make_city()
    answer = client.get(f"/api/areas/?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, query.split("=")[0])


def test_token_of_another_list_is_refused(client: Any) -> None:
    make_city()
    token = client.get("/api/areas/?limit=1").json()["next"].split("next=")[1]
    assert client.get(f"/api/reports/?next={token}").json()["parameter"] == "next"


def test_lists_ask_a_few_queries_however_long_they_are(client: Any, django_assert_max_num_queries: Any) -> None:
    city = make_city(districts=8)
    for number in range(10):
        make_agency(city, f"dinas-{number}", make_category(f"k-{number}"))
    for url, ceiling in (("areas", 3), ("agencies", 3), ("categories", 2), ("channels", 2), ("cities", 3)):
        with django_assert_max_num_queries(ceiling):
            assert client.get(f"/api/{url}/").status_code == 200


def test_categories_are_a_tree_in_the_language_asked_for(client: Any) -> None:
    above = make_category("jalan", name_id="Jalan", name_en="Roads")
    make_category("jalan-rusak", parent=above, name_id="Jalan rusak", name_en="Damaged road")
    make_category("lama", is_active=False)
    (tree,) = client.get("/api/categories/", headers={"Accept-Language": "en"}).json()["results"]
    assert (tree["name"], [child["name"] for child in tree["children"]]) == ("Roads", ["Damaged road"])
    answer = client.get("/api/categories/", headers={"Accept-Language": "id"})
    assert answer.json()["results"][0]["name"] == "Jalan"
    assert "Accept-Language" in answer["Vary"]


def test_what_belongs_to_another_city_is_left_out(client: Any) -> None:
    bekasi, makassar = make_city(), make_city("makassar", west=119.4, south=-5.2)
    make_category("semua")
    make_category("pete-pete", city=makassar)
    make_channel("pot", city=bekasi)
    make_agency(bekasi, "dlh")
    for url, key, expected in (
        ("categories/?city=kota-uji", "slug", ["semua"]),
        ("categories/?city=makassar", "slug", ["pete-pete", "semua"]),
        ("channels/?city=makassar", "slug", []),
        ("channels/?city=kota-uji", "slug", ["pot"]),
        ("agencies/?city=makassar", "slug", []),
        ("agencies/?city=kota-uji", "slug", ["dlh"]),
        ("cities/", "slug", ["kota-uji", "makassar"]),
    ):
        assert [row[key] for row in client.get(f"/api/{url}").json()["results"]] == expected, url
    assert client.get("/api/agencies/?city=x").status_code == 400


def test_agency_names_what_it_is_responsible_for_today(client: Any) -> None:
    city = make_city()
    today = datetime.now(UTC).date()
    make_agency(city, "dlh", make_category("sampah"))
    make_agency(city, "dlh", make_category("dulu"), valid_to=today - timedelta(days=1))
    make_agency(city, "dlh", make_category("nanti"), valid_from=date(2999, 1, 1))
    assert client.get("/api/agencies/").json()["results"][0]["categories"] == ["sampah"]


def test_city_tells_its_box_and_time_zone(client: Any) -> None:
    make_city()
    (city,) = client.get("/api/cities/").json()["results"]
    assert (city["area"], city["timezone"], city["bbox"]) == ("kota-uji", "Asia/Jakarta", [106.9, -6.3, 107.1, -6.2])


def test_schema_and_docs_are_served(client: Any) -> None:
    assert client.get("/api/schema/").status_code == 200


def test_schema_is_valid_and_has_no_warning(capsys: Any) -> None:
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")

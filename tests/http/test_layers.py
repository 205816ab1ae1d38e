"""The layers as plain GeoJSON, over HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client

from geo.areas.models import City, PopulationFigure
from geo.layers.catalogue import LAYERS
from geo.models import Area, Report, ReportContact
from sensors.models import Observation
from sensors.observations.partitions import ensure_partitions
from tests.factories import (
    centre,
    make_area,
    make_category,
    make_channel,
    make_city,
    make_datastream,
    make_report,
    make_thing,
)

pytestmark = pytest.mark.django_db

LIVE = [layer.id for layer in LAYERS if not layer.is_stored]


def body(response: Any) -> dict[str, Any]:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return json.loads(content)


def get(client: Client, path: str, **headers: str) -> Any:
    """The response with its body read to the end, as a client would."""
    response = client.get(path, headers=headers)
    if response.streaming:
        response.streaming_content = [b"".join(response.streaming_content)]
    return response


def pages(client: Client, path: str) -> Iterator[dict[str, Any]]:
    url: str | None = path
    while url:
        page = body(get(client, url))
        yield page
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


@pytest.mark.parametrize("layer_id", LIVE)
def test_an_empty_layer_is_a_valid_empty_collection(client: Client, city: City, layer_id: str) -> None:
    Area.objects.update(retired_at=datetime.now(UTC))
    response = get(client, f"/layers/{layer_id}.geojson")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/geo+json"
    answer = body(response)
    assert (answer["type"], answer["features"], answer["numberReturned"]) == ("FeatureCollection", [], 0)


def test_a_report_is_a_feature_with_longitude_first(client: Client, city: City) -> None:
    report = make_report(location=Point(106.93, -6.25, srid=4326), description="Lampu mati")
    feature = body(get(client, "/layers/reports.geojson"))["features"][0]
    assert feature["type"] == "Feature"
    assert feature["id"] == report.public_id
    assert feature["geometry"] == {"type": "Point", "coordinates": [106.93, -6.25]}
    assert feature["properties"]["description"] == "Lampu mati"
    assert feature["properties"]["area"] == "kota-uji.1.1"


def test_outer_rings_run_counter_clockwise(client: Client, city: City) -> None:
    ring = body(get(client, "/layers/districts.geojson"))["features"][0]["geometry"]["coordinates"][0][0]
    doubled_area = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))
    assert doubled_area > 0


def test_numbers_keep_their_decimal_point(client: Client, city: City) -> None:
    text = b"".join(get(client, "/layers/districts.geojson").streaming_content).decode()
    assert '"area_km2":1.0000' in text


def test_pages_hold_every_report_once_even_while_new_ones_arrive(client: Client, city: City) -> None:
    first = [make_report().public_id for _ in range(7)]
    seen: list[str] = []
    for page in pages(client, "/layers/reports.geojson?limit=3"):
        seen += [feature["id"] for feature in page["features"]]
        make_report()
    assert [public_id for public_id in seen if public_id in first] == first[::-1]
    assert len(seen) == len(set(seen))


def test_the_last_page_has_no_next_link_when_it_is_exactly_full(client: Client, city: City) -> None:
    for _ in range(4):
        make_report()
    assert [page["numberReturned"] for page in pages(client, "/layers/reports.geojson?limit=2")] == [2, 2]


def test_links_are_absolute_and_keep_the_parameters(client: Client, city: City) -> None:
    for _ in range(2):
        make_report()
    links = body(get(client, "/layers/reports.geojson?limit=1&category=sampah"))["links"]
    follow = next(link["href"] for link in links if link["rel"] == "next")
    assert follow.startswith("http://testserver/layers/reports.geojson?limit=1&category=sampah&next=")


def test_a_bbox_keeps_what_lies_in_it(client: Client, city: City) -> None:
    inside = make_report(location=Point(106.93, -6.25, srid=4326))
    make_report(location=Point(107.05, -6.25, srid=4326))
    answer = body(get(client, "/layers/reports.geojson?bbox=106.9,-6.3,107.0,-6.2"))
    assert [feature["id"] for feature in answer["features"]] == [inside.public_id]


def test_datetime_takes_the_citys_day(client: Client, city: City) -> None:
    before = make_report(reported_at=datetime(2026, 2, 28, 16, 59, 59, tzinfo=UTC))
    midnight = make_report(reported_at=datetime(2026, 2, 28, 17, 0, tzinfo=UTC))
    answer = body(get(client, "/layers/reports.geojson?datetime=2026-03-01"))
    assert [feature["id"] for feature in answer["features"]] == [midnight.public_id]
    answer = body(get(client, "/layers/reports.geojson?datetime=../2026-02-28"))
    assert [feature["id"] for feature in answer["features"]] == [before.public_id]


def test_a_category_includes_those_below_it(client: Client, city: City) -> None:
    flood = make_category("banjir")
    make_report(category=make_category("genangan", parent=flood))
    make_report(category=make_category("sampah"))
    assert body(get(client, "/layers/reports.geojson?category=banjir"))["numberReturned"] == 1


def test_an_area_of_any_level_includes_those_below_it(client: Client, city: City) -> None:
    make_report(location=centre("kota-uji.1.1"))
    make_report(location=centre("kota-uji.2.1"))
    for code, expected in (("kota-uji", 2), ("kota-uji.1", 1), ("kota-uji.1.1", 1), ("kota-uji.1.2", 0)):
        assert body(get(client, f"/layers/reports.geojson?area={code}"))["numberReturned"] == expected


def test_hidden_reports_and_personal_data_are_not_in_the_layer(client: Client, city: City) -> None:
    make_report(is_public=False, description="tersembunyi")
    shown = make_report(description="Hubungi 0812-3456-7890")
    ReportContact.objects.update_or_create(report=shown, defaults={"name": "Siti Rahasia", "phone": "081234567890"})
    text = b"".join(get(client, "/layers/reports.geojson").streaming_content).decode()
    assert shown.public_id in text
    for secret in ("tersembunyi", "0812-3456-7890", "081234567890", "Siti Rahasia"):
        assert secret not in text


def test_a_snapped_category_never_shows_the_exact_place(client: Client, city: City) -> None:
    exact = Point(106.93123, -6.25321, srid=4326)
    make_report(location=exact, category=make_category("kekerasan", public_grid_m=250))
    shown = body(get(client, "/layers/reports.geojson"))["features"][0]["geometry"]["coordinates"]
    assert abs(shown[0] - exact.x) + abs(shown[1] - exact.y) > 0.0001
    tight = "106.9312,-6.2533,106.9313,-6.2532"
    assert body(get(client, f"/layers/reports.geojson?bbox={tight}"))["numberReturned"] == 0


def test_density_counts_the_period_and_knows_no_rate_without_population(client: Client, city: City) -> None:
    PopulationFigure.objects.create(
        area=Area.objects.get(code="kota-uji.1"), year=2020, population=20_000, source="census"
    )
    for day in (1, 2, 3):
        make_report(
            location=centre("kota-uji.1.1"),
            reported_at=datetime(2026, 3, day, 5, tzinfo=UTC),
            now=datetime(2026, 3, 9, tzinfo=UTC),
        )
    answer = body(get(client, "/layers/density.geojson?start=2026-03-01&end=2026-03-02"))
    rows = {feature["id"]: feature["properties"] for feature in answer["features"]}
    assert (rows["kota-uji.1"]["reports"], rows["kota-uji.1"]["reports_per_10000"]) == (2, 1.0)
    assert (rows["kota-uji.1"]["population_year"], rows["kota-uji.1"]["population_source"]) == (2020, "census")
    assert (rows["kota-uji.2"]["reports"], rows["kota-uji.2"]["reports_per_10000"]) == (0, None)
    assert (answer["start"], answer["end"]) == ("2026-02-28T17:00:00Z", "2026-03-02T17:00:00Z")


def test_density_says_how_many_reports_lie_in_no_area(client: Client, city: City) -> None:
    make_report(location=centre("kota-uji.1.1"))
    outside = make_report(location=Point(106.5, -6.25, srid=4326), category=make_category("banjir"))
    assert outside.public_area_id is None
    answer = body(get(client, "/layers/density.geojson?start=2026-02-01&end=2026-03-31"))
    assert sum(feature["properties"]["reports"] for feature in answer["features"]) == 1
    assert answer["reports_outside_areas"] == 1


def test_a_sensor_without_an_observation_is_there_with_nulls(client: Client, city: City) -> None:
    make_datastream(make_thing("pos-udara"), "pm25")
    feature = body(get(client, "/layers/sensors.geojson"))["features"][0]
    assert feature["properties"]["thing"] == "pos-udara"
    assert (feature["properties"]["result"], feature["properties"]["phenomenon_time"]) == (None, None)


def test_nothing_of_another_city_is_shown(client: Client, city: City) -> None:
    other = make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    make_datastream(make_thing("pos-a"), "pm25")
    make_datastream(make_thing("pos-b", location=centre("makassar.1.1")), "no2")
    here = make_report()
    there = make_report(location=centre("makassar.1.1"), channel=make_channel("qlue"))
    assert there.city == other
    for slug, report, thing in (("kota-uji", here, "pos-a"), ("makassar", there, "pos-b")):
        reports = body(get(client, f"/layers/reports.geojson?city={slug}"))["features"]
        assert [feature["id"] for feature in reports] == [report.public_id]
        sensors = body(get(client, f"/layers/sensors.geojson?city={slug}"))["features"]
        assert [feature["properties"]["thing"] for feature in sensors] == [thing]
        districts = body(get(client, f"/layers/districts.geojson?city={slug}"))["features"]
        assert {feature["properties"]["city"] for feature in districts} == {slug}
    assert body(get(client, "/layers/cities.geojson?city=makassar"))["numberReturned"] == 2


def test_with_several_cities_one_must_be_named(client: Client, city: City) -> None:
    make_city("makassar", west=119.4, south=-5.2)
    response = get(client, "/layers/reports.geojson")
    assert (response.status_code, response.json()["parameter"]) == (400, "city")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=-6.3,106.9,-6.2,107", "bbox"),
        ("datetime=yesterday", "datetime"),
        ("limit=0", "limit"),
        ("limit=1.5", "limit"),
        ("category=unknown", "category"),
        ("status=lost", "status"),
        ("area=99", "area"),
        ("categroy=sampah", "categroy"),
        ("next=made-up", "next"),
        ("city=atlantis", "city"),
        ("kind=x", "kind"),
        ("status=submitted&status=resolved", "status"),
        ("category=%00", "category"),
    ],
)
def test_a_bad_parameter_is_a_problem_that_names_it(client: Client, city: City, query: str, parameter: str) -> None:
    response = get(client, f"/layers/reports.geojson?{query}")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["parameter"] == parameter


def test_an_unknown_layer_is_not_found(client: Client, city: City) -> None:
    response = get(client, "/layers/nonsense.geojson")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_an_unchanged_layer_is_not_sent_again(client: Client, city: City) -> None:
    make_report()
    etag = get(client, "/layers/reports.geojson")["ETag"]
    assert get(client, "/layers/reports.geojson", if_none_match=etag).status_code == 304
    make_report()
    assert get(client, "/layers/reports.geojson", if_none_match=etag).status_code == 200


def test_the_etag_belongs_to_its_parameters(client: Client, city: City) -> None:
    tags = {
        get(client, f"/layers/reports.geojson?{query}")["ETag"]
        for query in ("", "limit=5", "bbox=106,-7,107,-6", "status=submitted")
    }
    assert len(tags) == 4


def test_a_change_of_status_changes_the_etag(client: Client, city: City) -> None:
    report = make_report()
    etag = get(client, "/layers/reports.geojson")["ETag"]
    Report.objects.filter(pk=report.pk).update(status="resolved")
    assert get(client, "/layers/reports.geojson", if_none_match=etag).status_code == 200


def test_any_origin_may_read_a_layer(client: Client, city: City) -> None:
    response = get(client, "/layers/reports.geojson", origin="https://peta.example")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in response["Access-Control-Expose-Headers"]


def test_a_layer_is_compressed_where_asked(client: Client, city: City) -> None:
    for _ in range(20):
        make_report(description="Sampah menumpuk " * 10)
    assert get(client, "/layers/reports.geojson", accept_encoding="gzip")["Content-Encoding"] == "gzip"


def test_head_answers_without_a_body(client: Client, city: City) -> None:
    response = client.head("/layers/reports.geojson")
    assert (response.status_code, b"".join(response.streaming_content)) == (200, b"")
    assert response["ETag"]


def test_a_layer_cannot_be_written_to(client: Client, city: City) -> None:
    assert client.post("/layers/reports.geojson").status_code == 405


@pytest.mark.parametrize("layer_id", LIVE)
def test_a_layer_takes_a_bounded_number_of_queries(
    client: Client, city: City, layer_id: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        make_report()
    with django_assert_max_num_queries(10):
        body(get(client, f"/layers/{layer_id}.geojson"))


def test_the_catalogue_describes_each_layer(client: Client, city: City) -> None:
    answer = get(client, "/layers/").json()
    assert [layer["id"] for layer in answer["layers"]] == [
        "reports",
        "incidents",
        "sensors",
        "cities",
        "districts",
        "subdistricts",
        "density",
        "surface",
        "hotspots",
        "clusters",
        "emerging",
        "correlation",
        "bivariate",
    ]
    density = next(layer for layer in answer["layers"] if layer["id"] == "density")
    assert {prop["name"]: prop["unit"] for prop in density["properties"]}["reports_per_km2"] == "1/km2"
    assert "category" in [parameter["name"] for parameter in density["parameters"]]


@pytest.mark.parametrize("layer_id", LIVE)
def test_every_feature_has_just_the_declared_properties(client: Client, city: City, layer_id: str) -> None:
    make_report()
    make_datastream(make_thing(), "pm25")
    asked = "?start=2026-02-28&min_reports=1" if layer_id == "incidents" else ""
    feature = body(get(client, f"/layers/{layer_id}.geojson{asked}"))["features"][0]
    declared = next(layer for layer in LAYERS if layer.id == layer_id)
    assert list(feature["properties"]) == [prop.name for prop in declared.properties]
    assert feature["geometry"]["type"] == declared.geometry_type


def test_a_layer_says_how_fresh_it_is(client: Client, city: City) -> None:
    make_report()
    freshness = get(client, "/layers/reports/").json()["freshness"]
    assert (freshness["reports"], freshness["share_with_location"]) == (1, 1.0)


def test_a_thing_outside_every_area_belongs_to_the_nearest_city(client: Client, city: City) -> None:
    make_datastream(make_thing("hulu", location=Point(106.95, -6.5, srid=4326)), "river_level")
    feature = body(get(client, "/layers/sensors.geojson"))["features"][0]
    assert (feature["properties"]["thing"], feature["properties"]["area"]) == ("hulu", None)


def test_a_retired_area_is_not_in_the_layer(client: Client, city: City) -> None:
    Area.objects.filter(code="kota-uji.2").update(retired_at=datetime.now(UTC) - timedelta(days=1))
    answer = body(get(client, "/layers/districts.geojson"))
    assert [feature["id"] for feature in answer["features"]] == ["kota-uji.1"]


def test_names_with_quotes_and_other_scripts_come_out_as_json(client: Client, city: City) -> None:
    make_area(
        city,
        "odd",
        Area.objects.get(code="kota-uji.1").boundary,
        level="kecamatan",
        parent=Area.objects.get(code="kota-uji"),
        name='Kp. "Rawa" \\ Aren — 日本',
    )
    names = [feature["properties"]["name"] for feature in body(get(client, "/layers/districts.geojson"))["features"]]
    assert 'Kp. "Rawa" \\ Aren — 日本' in names


def test_a_client_that_goes_away_leaves_no_transaction_open(client: Client, city: City) -> None:
    for _ in range(3):
        make_report()
    depth = len(connection.savepoint_ids)
    response = client.get("/layers/reports.geojson")
    next(iter(response.streaming_content))
    assert len(connection.savepoint_ids) == depth + 1
    response.close()
    assert len(connection.savepoint_ids) == depth


def test_a_page_token_of_another_layer_is_refused(client: Client, city: City) -> None:
    for _ in range(2):
        make_report()
    links = body(get(client, "/layers/reports.geojson?limit=1"))["links"]
    token = next(link["href"] for link in links if link["rel"] == "next").split("next=")[1]
    assert get(client, f"/layers/districts.geojson?next={token}").status_code == 400


def test_a_writing_method_is_refused_with_or_without_a_token(city: City) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/layers/reports.geojson").status_code == 405
    assert strict.delete("/layers/").status_code == 405


def test_the_last_observation_is_that_of_the_city_itself(client: Client, city: City) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    here = make_datastream(make_thing("pos-a"), "pm25")
    there = make_datastream(make_thing("pos-b", location=centre("makassar.1.1")), "pm25")
    ensure_partitions({date(2026, 3, 1)})
    for datastream, hour in ((here, 1), (there, 5)):
        moment = datetime(2026, 3, 1, hour, tzinfo=UTC)
        Observation.objects.create(datastream=datastream, phenomenon_time=moment, result=1.0, received_at=moment)
    assert (
        get(client, "/layers/sensors/?city=kota-uji").json()["freshness"]["last_observation"] == "2026-03-01T01:00:00Z"
    )


def test_a_304_costs_the_query_of_the_data_version(client: Client, city: City, django_assert_num_queries: Any) -> None:
    make_report(category=make_category("sampah"))
    for path in (
        "/layers/reports.geojson?category=sampah",
        "/layers/density.geojson",
        "/ogc/collections/reports/items?filter=status='submitted'",
        "/tiles/reports/0/0/0.mvt",
    ):
        etag = get(client, path)["ETag"]
        with django_assert_num_queries(1) as asked:
            assert get(client, path, if_none_match=etag).status_code == 304
        assert "geo_dataversion" in asked[0]["sql"]


def test_a_page_token_belongs_to_its_question(client: Client, city: City) -> None:
    for _ in range(2):
        make_report()
    links = body(get(client, "/layers/reports.geojson?limit=1"))["links"]
    token = next(link["href"] for link in links if link["rel"] == "next").split("next=")[1]
    refused = get(client, f"/layers/reports.geojson?limit=1&status=submitted&next={token}")
    assert (refused.status_code, refused.json()["parameter"]) == (400, "next")


def test_head_tells_of_the_next_page_as_get_does(client: Client, city: City) -> None:
    for _ in range(2):
        make_report()
    asked, told = get(client, "/layers/reports.geojson?limit=1"), client.head("/layers/reports.geojson?limit=1")
    assert 'rel="next"' in told["Link"]
    assert (told["ETag"], told["Accept-Ranges"]) == (asked["ETag"], "none")


def test_a_time_alone_never_says_that_nothing_changed(client: Client, city: City) -> None:
    """Transactions do not commit in the order of their times."""
    make_report()
    since = get(client, "/layers/reports.geojson")["Last-Modified"]
    assert get(client, "/layers/reports.geojson", if_modified_since=since).status_code == 200
    assert get(client, "/layers/reports.csv", if_modified_since=since).status_code == 200


def test_the_layer_of_every_city_needs_no_city_named(client: Client, city: City) -> None:
    make_city("makassar", west=119.4, south=-5.2)
    assert body(get(client, "/layers/cities.geojson"))["numberReturned"] == 2
    assert get(client, "/tiles/cities/0/0/0.mvt").status_code == 200


def test_a_box_beyond_all_bounds_is_refused_at_once(client: Client, city: City) -> None:
    """GDAL's transform of 1e20 metres in EPSG:3857 does not return."""
    for bbox in ("1e20,0,1e20,0", "nan,0,1,1", "0,0,1e300,1e300"):
        refused = get(client, f"/layers/reports.geojson?bbox-crs=EPSG:3857&bbox={bbox}")
        assert (refused.status_code, refused.json()["parameter"]) == (400, "bbox")

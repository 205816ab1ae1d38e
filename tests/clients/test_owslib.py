"""OWSLib's client of OGC API - Features against the real service. Counts: tests.clients.city_data."""

import pytest
from owslib.ogcapi.features import Features

from tests.clients.service import Service

EPSG_4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
HUNDRED = [107.1995, -6.1005, 107.2095, -6.0905]


@pytest.fixture(scope="module")
def client(service: Service) -> Features:
    return Features(f"{service.url}/ogc")


def matched(client: Features, **asked: object) -> int:
    page = client.collection_items("reports", limit=1, **asked)
    assert page["type"] == "FeatureCollection"
    assert page["numberReturned"] == len(page["features"]) == min(1, page["numberMatched"])
    return page["numberMatched"]


def test_the_landing_page_leads_to_the_definition_and_the_conformance(client):
    definition = client.api()
    assert definition["openapi"].startswith("3.0")
    assert "/collections/reports/items" in definition["paths"]
    classes = client.conformance()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson" in classes


def test_collections_are_feature_collections_with_extents_and_crs(client):
    assert {"reports", "sensors", "cities", "districts", "subdistricts", "density"} <= set(client.feature_collections())
    reports = client.collection("reports")
    west, south, east, north = reports["extent"]["spatial"]["bbox"][0]
    assert (east, north) == (107.224, -6.081)
    assert (west, south) == pytest.approx((106.9019, -6.3982), abs=0.001)
    assert reports["extent"]["temporal"]["interval"][0][0].startswith("2026-01-01T00:10:00")
    assert EPSG_4326 in reports["crs"]


def test_queryables_and_schema_name_the_properties_with_their_types(client):
    queryables = client.collection_queryables("reports")["properties"]
    assert queryables["support_count"]["type"] == "integer"
    assert queryables["closed_at"]["format"] == "date-time"
    assert "geometry" in queryables
    assert client.collection_schema("reports")["properties"]["geometry"]["x-ogc-role"] == "primary-geometry"


def test_items_within_a_box(client):
    assert matched(client, bbox=HUNDRED) == 100
    # The same box with latitude first, as the authority has it.
    swapped = [-6.1005, 107.1995, -6.0905, 107.2095]
    assert matched(client, bbox=swapped, **{"bbox-crs": EPSG_4326}) == 100


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-01-01T00:20:00Z", 1),
        ("2026-02-01T00:00:00Z/..", 16_037),
        ("../2026-01-01T00:59:59Z", 5),
        ("2026-01-01T07:20:00+07:00/2026-01-01T07:29:59+07:00", 1),
        # A date is a day of the city, in Jakarta's time.
        ("2026-02-01", 144),
    ],
)
def test_items_at_a_time(client, when, expected):
    assert matched(client, datetime_=when) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("status = 'resolved' AND category = 'banjir'", 1025),
        ("area IS NULL", 500),
        ("support_count BETWEEN 2 AND 3 OR agency IS NULL", 7642),
        ("description LIKE 'Laporan nomor 123%'", 111),
        ("CASEI(description) LIKE CASEI('LAPORAN nomor 123%')", 111),
        ("category IN ('banjir', 'sampah')", 10_250),
        ("is_simulated = FALSE", 20_500),
        ("T_AFTER(reported_at, TIMESTAMP('2026-05-01T00:00:00Z'))", 3220),
        ("S_INTERSECTS(geometry, BBOX(107.1995, -6.1005, 107.2095, -6.0905))", 100),
        ("S_INTERSECTS(geometry, POLYGON((107.1995 -6.1005, 107.21 -6.1005, 107.1995 -6.09, 107.1995 -6.1005)))", 55),
    ],
)
def test_items_by_a_cql2_filter(client, expression, expected):
    assert matched(client, filter=expression) == expected


def test_filter_box_and_time_hold_together(client):
    # Column and row of the grid are both below 10, i % 4 = 1, and i >= 20,151 from 2026-05-20T22:30Z on: rows 6 to 9.
    asked = {"filter": "category = 'banjir'", "bbox": HUNDRED, "datetime_": "2026-05-20T22:30:00Z/.."}
    assert matched(client, **asked) == 10


def test_items_in_another_crs_have_its_axis_order(client):
    page = client.collection_items("reports", filter="id = 'r20500'", crs=EPSG_4326)
    assert page["features"][0]["geometry"]["coordinates"] == [-6.081, 107.224]
    assert client.response_headers["Content-Crs"] == f"<{EPSG_4326}>"


def test_pages_by_offset_are_each_feature_once(client):
    ids = []
    for offset in range(0, 20_500, 5000):
        page = client.collection_items("reports", limit=5000, offset=offset)
        assert page["numberMatched"] == 20_500
        ids += [feature["id"] for feature in page["features"]]
    assert len(ids) == 20_500
    assert len(set(ids)) == 20_500


def test_items_in_an_order(client):
    first = client.collection_items("reports", sortby=("reported_at", "asc"), limit=1)["features"][0]
    assert (first["id"], first["properties"]["reported_at"][:21]) == ("r00001", "2026-01-01T00:10:00.5")
    most = client.collection_items("reports", sortby=("support_count", "desc"), limit=5)["features"]
    assert [feature["properties"]["support_count"] for feature in most] == [6] * 5


def test_one_item(client):
    item = client.collection_item("reports", "r20500")
    assert item["type"] == "Feature"
    assert item["geometry"] == {"type": "Point", "coordinates": [107.224, -6.081]}
    assert item["properties"]["closed_at"] is None


def test_a_parameter_that_nobody_knows_is_refused_by_name(client):
    with pytest.raises(RuntimeError, match="nonsense"):
        client.collection_items("reports", nonsense="1")

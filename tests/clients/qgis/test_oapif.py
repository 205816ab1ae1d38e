"""OGC API - Features layers in QGIS."""

import pytest
from PyQt5.QtCore import QDateTime, Qt
from qgis.core import NULL, QgsFeatureRequest, QgsRectangle, QgsVectorLayer, QgsWkbTypes

from tests.clients.city_data import ASKED

# Columns 0 to 9 and rows 0 to 9 of the grid of reports outside the city.
HUNDRED = QgsRectangle(107.1995, -6.1005, 107.2095, -6.0905)


def oapif(url, collection, *, api="/ogc/", more=""):
    layer = QgsVectorLayer(f"url='{url}{api}' typename='{collection}' {more}", collection, "OAPIF")
    assert layer.isValid(), layer.error().message()
    return layer


@pytest.fixture(scope="module")
def reports(url):
    return oapif(url, "reports")


def test_a_saved_analysis_loads_as_a_layer_of_its_own(url):
    layer = oapif(url, "titik-panas-banjir")
    assert layer.wkbType() == QgsWkbTypes.MultiPolygon
    assert layer.featureCount() == 12
    features = list(layer.getFeatures())
    # Every fourth of the 20,000 reports in the city.
    assert sum(feature["reports"] for feature in features) == 5000
    assert len({feature["code"] for feature in features}) == 12


def types(layer):
    return {field.name(): field.typeName() for field in layer.fields()}


def test_reports_have_their_fields_with_their_types(reports):
    assert reports.wkbType() == QgsWkbTypes.Point
    assert types(reports) == {
        "id": "String",
        "category": "String",
        "category_name_id": "String",
        "category_name_en": "String",
        "kind": "String",
        "status": "String",
        "description": "String",
        "channel": "String",
        "is_simulated": "Boolean",
        "area": "String",
        "area_name": "String",
        "agency": "String",
        "reported_at": "DateTime",
        "updated_at": "DateTime",
        "closed_at": "DateTime",
        "support_count": "Integer",
    }


def test_reports_have_a_crs_and_an_extent(reports):
    assert reports.crs().authid() in ("EPSG:4326", "OGC:CRS84")
    extent = reports.extent()
    assert (extent.xMinimum(), extent.yMinimum()) == pytest.approx((106.9019, -6.3982), abs=0.001)
    assert (extent.xMaximum(), extent.yMaximum()) == pytest.approx((107.224, -6.081), abs=1e-6)


def test_the_count_is_what_is_iterated_and_each_report_comes_once(reports):
    assert reports.featureCount() == 20_500
    ids = [feature["id"] for feature in reports.getFeatures()]
    assert len(ids) == 20_500
    assert len(set(ids)) == 20_500


def test_a_filter_rectangle_gives_what_lies_in_it(reports):
    found = list(reports.getFeatures(QgsFeatureRequest(HUNDRED)))
    assert len(found) == 100
    assert all(HUNDRED.contains(feature.geometry().asPoint()) for feature in found)


def test_a_layer_that_asks_for_what_is_in_view_leaves_the_rest_at_the_service(url, log):
    layer = oapif(url, "reports", more="restrictToRequestBBOX='1'")
    with log.watching() as seen:
        assert len(list(layer.getFeatures(QgsFeatureRequest(HUNDRED)))) == 100
    boxes = [request.query["bbox"] for request in seen if "bbox" in request.query]
    assert len(boxes) == 1
    assert [float(part) for part in boxes[0].split(",")] == pytest.approx([107.1995, -6.1005, 107.2095, -6.0905])


def test_an_expression_selects_reports(reports):
    expression = "\"status\" = 'resolved' AND \"category\" = 'banjir'"
    assert len(list(reports.getFeatures(QgsFeatureRequest().setFilterExpression(expression)))) == 1025


def report(layer, fid):
    (found,) = layer.getFeatures(QgsFeatureRequest().setFilterExpression(f"\"id\" = '{fid}'"))
    return found


def utc(text):
    at = QDateTime.fromString(text, "yyyy-MM-ddTHH:mm:ss.zzz")
    at.setTimeSpec(Qt.UTC)
    return at


def test_values_arrive_as_they_are_and_nulls_as_null(reports):
    last = report(reports, "r20500")
    assert last["description"] == 'Kata "banjir" \\ dan é中,\nlalu baris kedua'
    assert [last[name] for name in ("area", "area_name", "agency", "closed_at")] == [NULL] * 4
    assert last["is_simulated"] is False
    assert last["support_count"] == 4
    point = last.geometry().asPoint()
    assert (point.x(), point.y()) == pytest.approx((107.224, -6.081), abs=1e-9)
    closed = report(reports, "r00004")
    assert closed["closed_at"] == utc("2026-01-02T00:40:00.000")
    assert closed["agency"] == "dlh"
    assert report(reports, "r00001")["reported_at"] == utc("2026-01-01T00:10:00.500")


def test_whole_and_missing_figures_first_do_not_make_whole_numbers_of_the_rest(url):
    sensors = oapif(url, "sensors")
    assert types(sensors)["result"] == "Real"
    results = [feature["result"] for feature in sensors.getFeatures()]
    assert (results.count(NULL), results.count(5.0), results.count(7.25), len(results)) == (1, 298, 1, 300)


@pytest.mark.parametrize(
    ("collection", "expected"), [("cities", 1), ("districts", 12), ("subdistricts", 56), ("density", 12)]
)
def test_areas_are_multipolygons(url, collection, expected):
    layer = oapif(url, collection)
    assert layer.wkbType() == QgsWkbTypes.MultiPolygon
    assert layer.featureCount() == expected
    assert all(feature.geometry().isGeosValid() for feature in layer.getFeatures())


def test_parameters_that_the_address_fixes_reach_a_layer_of_figures(url):
    density = oapif(url, "density", api="/ogc/with/start=2026-01-01;end=2026-06-01/")
    assert sum(feature["reports"] for feature in density.getFeatures()) == 20_000
    assert types(density)["reports_per_km2"] == "Real"


def fixed(number):
    """The address that fixes the parameters of one of the computed layers, and its collection."""
    collection, given = ASKED[number]
    return collection, "/ogc/with/" + ";".join(f"{name}={value}" for name, value in given.items()) + "/"


def test_hotspots_of_areas_load_with_a_class_for_each(url):
    collection, api = fixed(0)
    layer = oapif(url, collection, api=api)
    assert layer.wkbType() == QgsWkbTypes.MultiPolygon
    assert (types(layer)["class"], types(layer)["z"], types(layer)["neighbours_used"]) == ("String", "Real", "Integer")
    features = list(layer.getFeatures())
    assert layer.featureCount() == len(features) == 56
    # A hundred in each of the first fifty, none in the last six.
    assert sorted(feature["reports"] for feature in features) == [0] * 6 + [100] * 50
    classes = {"hot_99", "hot_95", "hot_90", "none", "cold_90", "cold_95", "cold_99"}
    assert all(feature["class"] in classes for feature in features)


def test_hotspots_of_hexagons_load_and_tile_the_city(url):
    collection, api = fixed(1)
    layer = oapif(url, collection, api=api)
    assert layer.wkbType() == QgsWkbTypes.MultiPolygon
    features = list(layer.getFeatures())
    assert all(feature["code"].startswith("hex-2000.") for feature in features)
    assert sum(feature["reports"] for feature in features) == 5000
    # Bekasi's area as the fixture has it.
    assert sum(feature["area_km2"] for feature in features) == pytest.approx(213.05, abs=0.1)
    assert all(feature.geometry().isGeosValid() for feature in features)


def test_the_density_surface_loads_with_its_peak(url):
    collection, api = fixed(2)
    layer = oapif(url, collection, api=api)
    features = list(layer.getFeatures())
    assert layer.featureCount() == len(features) > 500
    assert max(feature["share"] for feature in features) == 1
    assert min(feature["density"] for feature in features) > 0
    square = next(feature for feature in features if feature["share"] == 1).geometry().boundingBox()
    # Half a kilometre at six degrees south, where a degree of latitude is 110.6 km.
    assert square.height() == pytest.approx(0.5 / 110.6, rel=0.02)


def test_an_empty_layer_is_valid(url):
    # QGIS 3.22 takes fields and geometry from the first features alone, and here there are none.
    layer = oapif(url, "reports", api="/ogc/with/category=kebakaran/")
    assert layer.featureCount() == 0
    assert list(layer.getFeatures()) == []


def test_an_address_without_its_last_slash_works_as_well(url):
    assert oapif(url, "districts", api="/ogc").featureCount() == 12
    assert oapif(url, "districts", api="/ogc/with/city=bekasi").featureCount() == 12


def test_twenty_thousand_features_take_at_most_24_requests(url, log):
    with log.watching() as seen:
        layer = oapif(url, "reports", api="/ogc/with/area=32.75/")
        assert len(list(layer.getFeatures())) == 20_000
    assert len(seen) <= 24
    assert {request.status for request in seen} == {200}

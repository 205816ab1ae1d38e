"""QGIS's layer definitions and project, as XML; tests/clients/qgis opens them in QGIS itself."""

import json
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from geo.areas.models import Area, City
from geo.layers.catalogue import LAYERS
from tests.factories import (
    centre,
    make_category,
    make_city,
    make_datastream,
    make_observed_property,
    make_report,
    make_thing,
)

pytestmark = pytest.mark.django_db

AT_NEED = dict.fromkeys(("correlation", "bivariate"), "?property=river_level")


def xml(client: Client, path: str, **more: Any) -> Element:
    response = client.get(path, **more)
    assert response.status_code == 200, response.content
    return fromstring(response.content)


def source(document: Element) -> str:
    found = document.find("maplayers/maplayer/datasource")
    assert found is not None
    return found.text or ""


@pytest.fixture(autouse=True)
def _a_property(db: None) -> None:
    make_observed_property("river_level", name_en="River level")
    make_datastream(make_thing("hulu"), "river_level")


@pytest.mark.parametrize("layer", [layer.id for layer in LAYERS])
def test_each_layer_has_a_definition_that_reads_it_from_this_service(client: Client, city: City, layer: str) -> None:
    document = xml(client, f"/layers/{layer}.qlr{AT_NEED.get(layer, '')}")
    element = document.find("maplayers/maplayer")
    assert element is not None
    assert element.findtext("provider") == "OAPIF"
    assert f"typename='{layer}'" in source(document)
    prefix = "with/property=river_level/" if layer in AT_NEED else ""
    assert f"url='http://testserver/ogc/{prefix}'" in source(document)
    shown = document.find("layer-tree-group/layer-tree-layer")
    assert shown is not None
    assert (shown.get("id"), shown.get("source")) == (element.findtext("id"), source(document))


def test_a_definition_is_an_attachment_of_qgis_own_kind(client: Client, city: City) -> None:
    response = client.get("/layers/reports.qlr")
    assert response["Content-Type"] == "application/x-qgis-layer-definition"
    assert response["Content-Disposition"] == 'attachment; filename="pantau-reports.qlr"'
    assert response.content.startswith(b"<!DOCTYPE qgis-layer-definition>\n<qlr>")


def test_the_parameters_of_the_query_are_fixed_in_the_address(client: Client, city: City) -> None:
    document = xml(client, "/layers/density.qlr?level=kelurahan&city=kota-uji&start=2026-01-01T00:00:00Z")
    assert "url='http://testserver/ogc/with/city=kota-uji;level=kelurahan;start=2026-01-01T00:00:00Z/'" in source(
        document
    )


def test_the_public_address_is_the_configured_one(client: Client, city: City, settings: Any) -> None:
    settings.BASE_URL = "https://peta.example"
    assert "url='https://peta.example/ogc/'" in source(xml(client, "/layers/reports.qlr"))


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("correlation.qlr", "property"),
        ("density.qlr?level=negara", "level"),
        ("reports.qlr?bbox=1,2,3,4", "bbox"),
        ("reports.qlr?area=it's", "area"),
    ],
)
def test_a_definition_that_could_not_be_read_is_refused(client: Client, city: City, path: str, parameter: str) -> None:
    response = client.get(f"/layers/{path}")
    assert (response.status_code, response.json()["parameter"]) == (400, parameter)


def test_with_several_cities_one_has_to_be_named(client: Client, city: City) -> None:
    make_city("makassar", west=119.4, south=-5.2, timezone="Asia/Makassar", metric_srid=32750)
    for path in ("/layers/reports.qlr", "/qgis/pantau.qgs"):
        refused = client.get(path)
        assert (refused.status_code, refused.json()["parameter"]) == (400, "city")
    assert "/ogc/with/city=makassar/'" in source(xml(client, "/layers/reports.qlr?city=makassar"))
    project = xml(client, "/qgis/pantau.qgs?city=makassar")
    assert all(
        "/ogc/with/city=makassar/'" in text.text for text in project.iterfind("projectlayers/maplayer/datasource")
    )


def test_a_categorised_layer_has_a_class_for_each_value_and_one_for_the_rest(client: Client, city: City) -> None:
    renderer = xml(client, "/layers/reports.qlr?lang=en").find("maplayers/maplayer/renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("categorizedSymbol", "status")
    assert [(part.get("value"), part.get("symbol")) for part in renderer.iterfind("categories/category")] == [
        ("submitted", "0"),
        ("in_progress", "1"),
        ("resolved", "2"),
        ("", "3"),
    ]
    colours = [option.get("value") for option in renderer.iterfind("symbols/symbol/layer/Option/Option[@name='color']")]
    labels = [part.get("label") for part in renderer.iterfind("categories/category")]
    assert labels == ["submitted", "in progress", "resolved", "others"]
    # #b2182b, #e08214, #1b7837 and a grey.
    assert colours == ["178,24,43,255", "224,130,20,255", "27,120,55,255", "185,185,185,255"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("reports", ["menunggu", "proses", "selesai", "lainnya"]),
        ("sensors", ["lingkungan", "lalu lintas", "kesehatan", "ekonomi", "lainnya"]),
    ],
)
def test_classes_are_named_in_the_language_of_whoever_asks(
    client: Client, city: City, layer: str, expected: list[str]
) -> None:
    document = xml(client, f"/layers/{layer}.qlr?lang=id")
    assert [part.get("label") for part in document.iterfind(".//renderer-v2/categories/category")] == expected


def test_a_layer_of_figures_with_p_values_has_its_declared_classes_solid_and_pale(client: Client, city: City) -> None:
    renderer = xml(client, "/layers/correlation.qlr?property=river_level&lang=en").find(
        "maplayers/maplayer/renderer-v2"
    )
    assert renderer is not None
    assert renderer.get("type") == "RuleRenderer"
    assert [(rule.get("label"), rule.get("filter")) for rule in renderer.iterfind("rules/rule")] == [
        ("significant (p < 0.05)", '"p_value" < 0.05'),
        ("not significant (p ≥ 0.05)", '"p_value" IS NULL OR "p_value" >= 0.05'),
        ("no figure", '"rho" IS NULL'),
    ]
    solid, pale, _none = renderer.findall("rules/rule")
    for group in (solid, pale):
        assert [(rule.get("label"), rule.get("filter")) for rule in group] == [
            ("≥ 0.5", '"rho" >= 0.5'),
            ("0.2 – 0.5", '"rho" >= 0.2 AND "rho" < 0.5'),
            ("-0.2 – 0.2", '"rho" >= -0.2 AND "rho" < 0.2'),
            ("-0.5 – -0.2", '"rho" >= -0.5 AND "rho" < -0.2'),
            ("< -0.5", '"rho" < -0.5'),
        ]
    symbols = {symbol.get("name"): symbol for symbol in renderer.iterfind("symbols/symbol")}
    drawn = [symbols[group[0].get("symbol")] for group in (solid, pale)]
    assert [symbol.get("alpha") for symbol in drawn] == ["0.75", "0.25"]
    colours = [symbol.find("layer/Option/Option[@name='color']") for symbol in drawn]
    assert [colour.get("value") for colour in colours if colour is not None] == ["178,24,43,255"] * 2  # #b2182b


def test_the_legend_of_p_values_is_in_the_language_of_whoever_asks(client: Client, city: City) -> None:
    document = xml(client, "/layers/correlation.qlr?property=river_level&lang=id")
    labels = [rule.get("label") for rule in document.iterfind(".//renderer-v2/rules/rule")]
    assert labels == ["signifikan (p < 0,05)", "tidak signifikan (p ≥ 0,05)", "tidak ada angka"]
    assert document.find(".//renderer-v2/rules/rule/rule[@label='0,2 – 0,5']") is not None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "correlation.qlr?property=river_level&lang=en",
            "Complaints against readings (All categories · River level · daily)",
        ),
        (
            "correlation.qlr?property=river_level&category=banjir,sampah&interval=hour&lag=2&lang=en",
            "Complaints against readings (Flood, Waste · River level · hourly · lag=2)",
        ),
        ("density.qlr?category=banjir&level=kelurahan&lang=en", "Density of reports (level=kelurahan · Flood)"),
        ("density.qlr?lang=en", "Density of reports"),
    ],
)
def test_the_name_of_a_layer_says_what_its_figures_are_of(client: Client, city: City, path: str, expected: str) -> None:
    make_category("banjir", name_en="Flood")
    make_category("sampah", name_en="Waste")
    document = xml(client, f"/layers/{path}")
    assert document.findtext("maplayers/maplayer/layername") == expected
    shown = document.find("layer-tree-group/layer-tree-layer")
    assert shown is not None
    assert shown.get("name") == expected


def test_classes_that_a_style_leaves_open_are_those_of_the_data(client: Client, city: City) -> None:
    for _ in range(3):
        make_report(now=datetime(2026, 3, 1, tzinfo=UTC), location=Point(106.93, -6.25, srid=4326))
    path = "/layers/density.qlr?start=2026-02-01T00:00:00Z&end=2026-04-01T00:00:00Z"
    renderer = xml(client, path).find("maplayers/maplayer/renderer-v2")
    assert renderer is not None
    # One district of 1 km² has three reports, the other none.
    assert [part.get("label") for part in renderer.iterfind("ranges/range")] == ["≥ 3", "0 (tidak ada laporan)"]
    empty = xml(client, "/layers/density.qlr?start=2020-02-01T00:00:00Z&end=2020-04-01T00:00:00Z")
    only = empty.find("maplayers/maplayer/renderer-v2")
    assert only is not None
    assert only.get("type") == "singleSymbol"


def test_every_area_with_a_report_lies_in_a_coloured_class(client: Client, city: City) -> None:
    # 1 report on 0.7 km² is 1.428571…, carried as 1.4286; 2 on 0.9 km² are 2.222222…, carried as 2.2222.
    for code, km2, reports in (("kota-uji.1", 0.7, 1), ("kota-uji.2", 0.9, 2)):
        Area.objects.filter(code=code).update(area_km2=km2)
        for _ in range(reports):
            make_report(now=datetime(2026, 3, 1, tzinfo=UTC), location=centre(f"{code}.1"))
    query = "start=2026-02-01T00:00:00Z&end=2026-04-01T00:00:00Z"
    shown = b"".join(client.get(f"/layers/density.geojson?{query}").streaming_content)
    carried = sorted(feature["properties"]["reports_per_km2"] for feature in json.loads(shown)["features"])
    assert carried == [1.4286, 2.2222]
    coloured = xml(client, f"/layers/density.qlr?{query}").findall(".//renderer-v2/ranges/range")[:-1]
    assert [part.get("lower") for part in coloured] == ["2.2222", "1.4286"]


def test_fields_are_named_in_the_language_of_whoever_asks(client: Client, city: City) -> None:
    aliases = {
        alias.get("field"): alias.get("name")
        for alias in xml(client, "/layers/reports.qlr?lang=en").iterfind("maplayers/maplayer/aliases/alias")
    }
    assert aliases["support_count"] == "Supporters"


def test_the_project_has_every_layer_that_needs_no_parameter_points_above_areas(client: Client, city: City) -> None:
    response = client.get("/qgis/pantau.qgs")
    assert response["Content-Type"] == "application/x-qgis-project"
    assert response["Content-Disposition"] == 'attachment; filename="pantau.qgs"'
    document = fromstring(response.content)
    groups = [
        [layer.get("id") for layer in group.iterfind("layer-tree-layer")]
        for group in document.iterfind("layer-tree-group/layer-tree-group")
    ]
    assert groups == [
        ["pantau_reports", "pantau_incidents", "pantau_sensors"],
        [
            *("pantau_cities", "pantau_districts", "pantau_subdistricts", "pantau_density"),
            *("pantau_surface", "pantau_hotspots", "pantau_clusters", "pantau_emerging"),
        ],
    ]
    listed = [layer.findtext("id") for layer in document.iterfind("projectlayers/maplayer")]
    assert listed == [layer for group in groups for layer in group]


def test_the_project_shows_the_city_in_web_mercator(client: Client, city: City) -> None:
    document = xml(client, "/qgis/pantau.qgs")
    assert document.findtext("title") == "Pantau: Kota Uji"
    assert document.findtext("projectCrs/spatialrefsys/authid") == "EPSG:3857"
    # 106.9 to 107.1 E: a degree is 111,319.4908 m on the equator of the sphere of 6,378,137 m.
    assert document.findtext("mapcanvas/extent/xmin") == "11900053.57"
    assert document.findtext("mapcanvas/extent/xmax") == "11922317.46"


def test_what_xml_cannot_hold_or_takes_for_its_own_does_no_harm(client: Client, city: City) -> None:
    City.objects.filter(pk=city.pk).update(name='Kota <b>"Uji"</b> & \x0bkawan é中')
    document = xml(client, "/qgis/pantau.qgs")
    assert document.findtext("title") == 'Pantau: Kota <b>"Uji"</b> & kawan é中'


def test_an_unknown_layer_is_not_found(client: Client, city: City) -> None:
    assert client.get("/layers/nothing.qlr").status_code == 404

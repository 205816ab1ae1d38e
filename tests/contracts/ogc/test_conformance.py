"""What `/ogc/conformance` claims: just what is tested here, class by class."""

from importlib import import_module

import pytest
from django.test import Client

from tests.contracts.ogc.asking import ask

SPEC = "http://www.opengis.net/spec/"
# class: (module here, what the names of its tests begin with).
TESTED = {
    "ogcapi-common-1/1.0/conf/core": ("test_core", "test_req_core_root"),
    "ogcapi-common-1/1.0/conf/oas30": ("test_openapi", "test_req_oas30_"),
    "ogcapi-common-2/1.0/conf/collections": ("test_core", "test_req_core_fc_md"),
    "ogcapi-features-1/1.0/conf/core": ("test_items", "test_req_core_"),
    "ogcapi-features-1/1.0/conf/geojson": ("test_items", "test_req_geojson_"),
    "ogcapi-features-1/1.0/conf/html": ("test_html", "test_req_html_"),
    "ogcapi-features-1/1.0/conf/oas30": ("test_openapi", "test_req_oas30_"),
    "ogcapi-features-2/1.0/conf/crs": ("test_crs", "test_req_crs_"),
    "ogcapi-features-3/1.0/conf/queryables": ("test_filter", "test_req_queryables_"),
    "ogcapi-features-3/1.0/conf/queryables-query-parameters": ("test_filter", "test_req_queryables_query_parameters_"),
    "ogcapi-features-3/1.0/conf/filter": ("test_filter", "test_req_filter_"),
    "ogcapi-features-3/1.0/conf/features-filter": ("test_filter", "test_req_features_filter_"),
    "ogcapi-features-4/1.0/conf/create-replace-delete": ("test_writes", "test_req_create_replace_delete_"),
    "ogcapi-features-4/1.0/conf/update": ("test_writes", "test_req_update_"),
    "ogcapi-features-4/1.0/conf/features": ("test_writes", "test_req_features_"),
    "ogcapi-features-5/1.0/conf/schemas": ("test_schemas", "test_req_schemas_"),
    "ogcapi-features-5/1.0/conf/core-roles-features": ("test_schemas", "test_req_core_roles_features_"),
    "ogcapi-features-5/1.0/conf/returnables-and-receivables": (
        "test_schemas",
        "test_req_returnables_and_receivables_",
    ),
    "ogcapi-features-5/1.0/conf/queryables": ("test_schemas", "test_req_queryables_5_"),
    "ogcapi-features-5/1.0/conf/sortables": ("test_schemas", "test_req_sortables_"),
    "cql2/1.0/conf/cql2-text": ("test_cql2", "test_req_cql2_text_"),
    "cql2/1.0/conf/cql2-json": ("test_cql2", "test_req_cql2_json_"),
    "cql2/1.0/conf/basic-cql2": ("test_cql2", "test_req_basic_cql2_"),
    "cql2/1.0/conf/advanced-comparison-operators": ("test_cql2", "test_req_advanced_comparison_operators_"),
    "cql2/1.0/conf/case-insensitive-comparison": ("test_cql2", "test_req_case_insensitive_comparison_"),
    "cql2/1.0/conf/accent-insensitive-comparison": ("test_cql2", "test_req_accent_insensitive_comparison_"),
    "cql2/1.0/conf/arithmetic": ("test_cql2", "test_req_arithmetic_"),
    "cql2/1.0/conf/property-property": ("test_cql2", "test_req_property_property_"),
    "cql2/1.0/conf/basic-spatial-functions": ("test_cql2_space_and_time", "test_req_basic_spatial_functions_spatial"),
    "cql2/1.0/conf/basic-spatial-functions-plus": (
        "test_cql2_space_and_time",
        "test_req_basic_spatial_functions_plus_",
    ),
    "cql2/1.0/conf/spatial-functions": ("test_cql2_space_and_time", "test_req_spatial_functions_"),
    "cql2/1.0/conf/temporal-functions": ("test_cql2_space_and_time", "test_req_temporal_functions_"),
    "ogcapi-tiles-1/1.0/conf/core": ("test_tiles", "test_req_tiles_core_"),
    "ogcapi-tiles-1/1.0/conf/tileset": ("test_tile_sets", "test_req_tileset_"),
    "ogcapi-tiles-1/1.0/conf/tilesets-list": ("test_tile_sets", "test_req_tilesets_list_"),
    "ogcapi-tiles-1/1.0/conf/geodata-tilesets": ("test_tile_sets", "test_req_geodata_tilesets_"),
    "ogcapi-tiles-1/1.0/conf/oas30": ("test_tiles", "test_req_tiles_oas30_"),
    "ogcapi-tiles-1/1.0/conf/mvt": ("test_tiles", "test_req_tiles_mvt_"),
}


@pytest.mark.django_db
def test_req_core_conformance_success_just_the_classes_that_are_tested_are_claimed(client: Client) -> None:
    claimed = ask(client, "/ogc/conformance")["conformsTo"]
    assert sorted(claimed) == sorted(f"{SPEC}{name}" for name in TESTED)


@pytest.mark.parametrize("name", TESTED)
def test_every_class_that_is_claimed_has_its_tests(name: str) -> None:
    module, beginning = TESTED[name]
    tests = [test for test in dir(import_module(f"tests.contracts.ogc.{module}")) if test.startswith(beginning)]
    assert tests, f"no test of {module} begins with {beginning}"

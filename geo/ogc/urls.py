"""Routes of the layers."""

from django.urls import URLPattern, include, path
from django.views.decorators.csrf import csrf_exempt

from geo.ogc import catalogue, collections, downloads, items, landing, openapi, qgis, tile_sets, tiles

# A writing method is a 405 but at items, whose view asks for the CSRF token itself where a session writes.
_FEATURES: list[URLPattern] = [
    path("", csrf_exempt(landing.landing)),
    path("conformance", csrf_exempt(landing.conformance)),
    path("api", csrf_exempt(openapi.definition)),
    path("collections", csrf_exempt(collections.collections)),
    path("collections/<slug:layer_id>", csrf_exempt(collections.collection)),
    path("collections/<slug:layer_id>/queryables", csrf_exempt(collections.queryables_document)),
    path("collections/<slug:layer_id>/sortables", csrf_exempt(collections.sortables_document)),
    path("collections/<slug:layer_id>/schema", csrf_exempt(collections.schema_document)),
    path("collections/<slug:layer_id>/feature-schema", csrf_exempt(collections.feature_schema_document)),
    path("collections/<slug:layer_id>/items", csrf_exempt(items.items)),
    path("collections/<slug:layer_id>/items/<str:fid>", csrf_exempt(items.item)),
    path("collections/<slug:layer_id>/tiles", csrf_exempt(tile_sets.tile_sets)),
    path("collections/<slug:layer_id>/tiles/<str:matrix_set>", csrf_exempt(tile_sets.tile_set)),
    path(
        "collections/<slug:layer_id>/tiles/<str:matrix_set>/<str:matrix>/<str:row>/<str:col>",
        csrf_exempt(tiles.ogc_tile),
    ),
    path("tileMatrixSets", csrf_exempt(tile_sets.matrix_sets)),
    path("tileMatrixSets/<str:matrix_set>", csrf_exempt(tile_sets.matrix_set)),
]
urlpatterns = [
    path("layers/", csrf_exempt(catalogue.catalogue), name="layers"),
    path("layers/<slug:layer_id>/", csrf_exempt(catalogue.layer_description), name="layer"),
    path("layers/<slug:layer_id>.geojson", csrf_exempt(catalogue.geojson), name="layer-geojson"),
    path("layers/<slug:layer_id>.qlr", csrf_exempt(qgis.layer_definition), name="layer-qlr"),
    path("qgis/pantau.qgs", csrf_exempt(qgis.project), name="qgis-project"),
    path("layers/<slug:layer_id>.<str:extension>", csrf_exempt(downloads.layer_download), name="layer-download"),
    path("tiles/<slug:layer_id>.json", csrf_exempt(tiles.tile_json)),
    path("tiles/<slug:layer_id>/style.json", csrf_exempt(tiles.tile_style)),
    path("tiles/<slug:layer_id>/<str:z>/<str:x>/<str:y>.mvt", csrf_exempt(tiles.map_tile)),
    path("ogc", csrf_exempt(landing.landing)),
    path("ogc/with/<str:fixed>", csrf_exempt(landing.landing)),
    path("ogc/with/<str:fixed>/", include(_FEATURES)),
    path("ogc/", include(_FEATURES)),
]

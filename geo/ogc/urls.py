"""Routes of the layers."""

from django.urls import URLPattern, include, path
from django.views.decorators.csrf import csrf_exempt

from geo.ogc import catalogue, collections, items, landing, openapi

# Read-only: a writing method is a 405, with or without a CSRF token.
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
]
urlpatterns = [
    path("layers/", csrf_exempt(catalogue.catalogue), name="layers"),
    path("layers/<slug:layer_id>/", csrf_exempt(catalogue.layer_description), name="layer"),
    path("layers/<slug:layer_id>.geojson", csrf_exempt(catalogue.geojson), name="layer-geojson"),
    path("ogc/with/<str:fixed>/", include(_FEATURES)),
    path("ogc/", include(_FEATURES)),
]

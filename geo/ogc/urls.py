"""Routes of the layers."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from geo.ogc import geojson

# Read-only: a writing method is a 405, with or without a CSRF token.
urlpatterns = [
    path("layers/", csrf_exempt(geojson.catalogue), name="layers"),
    path("layers/<slug:layer_id>/", csrf_exempt(geojson.layer_description), name="layer"),
    path("layers/<slug:layer_id>.geojson", csrf_exempt(geojson.features), name="layer-geojson"),
]

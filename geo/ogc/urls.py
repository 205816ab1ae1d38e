"""Routes of the layers."""

from django.urls import path

from geo.ogc import geojson

urlpatterns = [
    path("layers/", geojson.catalogue, name="layers"),
    path("layers/<slug:layer_id>/", geojson.layer_description, name="layer"),
    path("layers/<slug:layer_id>.geojson", geojson.features, name="layer-geojson"),
]

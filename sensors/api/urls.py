"""Routes of the API, under /api/."""

from django.urls import path

from sensors.api import datastreams, things

urlpatterns = [
    path("observed-properties/", things.ObservedPropertiesView.as_view(), name="observed-properties"),
    path("things/", things.ThingsView.as_view(), name="things"),
    path("things/<slug:slug>/", things.ThingView.as_view(), name="thing"),
    path("datastreams/", datastreams.DatastreamsView.as_view(), name="datastreams"),
    path(
        "datastreams/<int:datastream_id>/observations/",
        datastreams.ObservationsView.as_view(),
        name="datastream-observations",
    ),
]

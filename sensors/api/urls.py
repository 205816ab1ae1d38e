"""Routes of the API, under /api/."""

from django.urls import path, re_path

from sensors.api import corrections, datastreams, importing, intake, pending, places, states, things

urlpatterns = [
    path("observed-properties/", things.ObservedPropertiesView.as_view(), name="observed-properties"),
    path("things/", things.ThingsView.as_view(), name="things"),
    path("things/import/", importing.ThingsImportView.as_view(), name="things-import"),
    path("things/<slug:slug>/", things.ThingView.as_view(), name="thing"),
    path("things/<slug:slug>/locations/", places.ThingLocationsView.as_view(), name="thing-locations"),
    path("things/<slug:slug>/datastreams/", places.ThingDatastreamsView.as_view(), name="thing-datastreams"),
    path("pending-things/", pending.PendingThingsView.as_view(), name="pending-things"),
    path("pending-things/<slug:slug>/approve/", pending.ApproveView.as_view(), name="pending-thing-approve"),
    path("pending-things/<slug:slug>/reject/", pending.RejectView.as_view(), name="pending-thing-reject"),
    path("pending-things/<slug:slug>/reopen/", pending.ReopenView.as_view(), name="pending-thing-reopen"),
    path("datastreams/states/", states.StatesView.as_view(), name="datastream-states"),
    path("datastreams/<int:datastream_id>/", places.DatastreamView.as_view(), name="datastream"),
    path("datastreams/", datastreams.DatastreamsView.as_view(), name="datastreams"),
    path(
        "datastreams/<int:datastream_id>/observations/",
        datastreams.ObservationsView.as_view(),
        name="datastream-observations",
    ),
    path(
        "datastreams/<int:datastream_id>/corrections/",
        corrections.CorrectionsView.as_view(),
        name="datastream-corrections",
    ),
    path("observations/", intake.ObservationsIntakeView.as_view(), name="observations-intake"),
    path("things/<slug:slug>/observations/", intake.ThingIntakeView.as_view(), name="thing-intake"),
    # Network servers join a webhook's address from parts, and may take its last slash away.
    re_path(r"^hooks/the-things-stack/?$", intake.TheThingsStackHookView.as_view(), name="the-things-stack-hook"),
    re_path(r"^hooks/chirpstack/?$", intake.ChirpStackHookView.as_view(), name="chirpstack-hook"),
]

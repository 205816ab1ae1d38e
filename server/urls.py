"""Every route of the service."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from server import health, metrics
from server.web import field_page
from server.web.city.page import city_page
from server.web.map.page import city_map, embedded_map
from server.web.operations.page import operations_page
from server.web.report import app as report_app
from server.web.report.page import report_form
from server.web.report.status_page import find_report, my_report, report_status
from server.web.to_stream import to_stream

urlpatterns = [
    path("", city_map, name="map"),
    path("embed", embedded_map, name="embedded-map"),
    path("report/", report_form, name="report-page"),
    path("report/aspirasi/", report_form, {"kind": "aspirasi"}, name="wish-page"),
    path("report/mine/", my_report, name="reporter-page"),
    path("report/status/", find_report, name="report-find"),
    path("report/status/<str:number>/", report_status, name="report-status-page"),
    path("report/manifest.webmanifest", report_app.manifest, name="report-manifest"),
    path("report/worker.js", report_app.worker, name="report-worker"),
    path("city/", city_page, name="city-page"),
    path("operations/", operations_page, name="operations-page"),
    path("field/<str:token>/", field_page.field_page, name="field-page"),
    path("field/<str:token>/photos/<int:number>/", field_page.field_photo, name="field-photo"),
    path(
        "field/<str:token>/photos/<int:number>/thumbnail/",
        field_page.field_photo,
        {"is_small": True},
        name="field-thumbnail",
    ),
    path("", include("geo.ogc.urls")),
    path("api/observations/stream", to_stream, name="observations-stream"),
    path("api/", include("geo.api.urls")),
    path("api/", include("sensors.api.urls")),
    path("open311/v2/", include("geo.open311.urls")),
    path("sta/", include("sensors.sensorthings.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.metrics),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
handler400 = "server.web.refusals.bad_request"
handler404 = "server.web.refusals.not_found"
handler500 = "server.web.refusals.server_error"

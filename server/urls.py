"""Every route of the service."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from server import health
from server.web import field_page, views

urlpatterns = [
    path("", views.city_map, name="map"),
    path("report/", views.reporter_page, name="reporter-page"),
    path("field/<str:token>/", field_page.field_page, name="field-page"),
    path("field/<str:token>/photos/<int:number>/", field_page.field_photo, name="field-photo"),
    path(
        "field/<str:token>/photos/<int:number>/thumbnail/",
        field_page.field_photo,
        {"is_small": True},
        name="field-thumbnail",
    ),
    path("", include("geo.ogc.urls")),
    path("api/", include("geo.api.urls")),
    path("api/", include("sensors.api.urls")),
    path("open311/v2/", include("geo.open311.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
handler400 = "server.web.views.bad_request"
handler404 = "server.web.views.not_found"
handler500 = "server.web.views.server_error"

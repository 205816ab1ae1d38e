"""Every route of the service."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from server import health
from server.web import views

urlpatterns = [
    path("", views.city_map, name="map"),
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

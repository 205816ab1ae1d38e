"""Routes of SensorThings, under /sta/, with and without a slash at the end of the service root."""

from django.urls import re_path

from sensors.sensorthings import views
from sensors.sensorthings.batch.views import BatchView
from sensors.sensorthings.writing.views import CreateObservationsView, EntityView

urlpatterns = [
    re_path(r"^v1\.1/?$", views.ServiceRootView.as_view(), name="sensorthings"),
    re_path(r"^v1\.1/CreateObservations/?$", CreateObservationsView.as_view(), name="sensorthings-create-observations"),
    re_path(r"^v1\.1/\$batch/?$", BatchView.as_view(), name="sensorthings-batch"),
    re_path(r"^v1\.1/(?P<path>.+)$", EntityView.as_view(), name="sensorthings-resource"),
]

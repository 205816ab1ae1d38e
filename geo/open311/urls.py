"""Routes of GeoReport v2, under /open311/v2/."""

from django.urls import re_path

from geo.open311 import views
from geo.open311.answering import endpoint

FORM = r"\.(?P<form>json|xml)$"

urlpatterns = [
    re_path(rf"^discovery{FORM}", endpoint(get=views.discovery), name="open311-discovery"),
    re_path(rf"^services{FORM}", endpoint(get=views.services), name="open311-services"),
    re_path(rf"^services/(?P<code>[^/]+){FORM}", endpoint(get=views.service_definition), name="open311-service"),
    re_path(rf"^requests{FORM}", endpoint(get=views.requests, post=views.create_request), name="open311-requests"),
    re_path(rf"^requests/(?P<public_id>[^/]+){FORM}", endpoint(get=views.one_request), name="open311-request"),
    re_path(rf"^tokens/(?P<token>[^/]+){FORM}", endpoint(get=views.token), name="open311-token"),
    re_path(r"^(?P<path>[\s\S]*)$", views.nothing_here, name="open311-nothing"),
]

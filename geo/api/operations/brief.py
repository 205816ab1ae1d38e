"""`/api/brief/`: the weekly brief, for the mayor and those who oversee the city."""

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff
from geo.api.operations.duty import FORM, HTML, JSON, TEXT, FormedView, form_of
from geo.api.reports import PROBLEM
from geo.api.views import parameter, utc_now
from geo.layers.asking import resolve_city
from geo.operations.mayor.brief import Brief, brief_as_json
from geo.operations.mayor.gathering import weekly_brief
from geo.operations.mayor.rendering import as_html, as_text
from geo.operations.mayor.weeks import last_week, read_week
from server.core.errors import Forbidden
from server.core.listing import read_query


class BriefView(FormedView):
    @extend_schema(
        operation_id="brief_retrieve",
        parameters=[
            parameter("city", "The city by slug; with one city it is the default."),
            parameter("week", "A week of ISO 8601 (2026-W47); else the last that is over."),
            FORM,
        ],
        responses={
            (200, JSON): OpenApiTypes.OBJECT,
            (200, TEXT): OpenApiTypes.STR,
            (200, HTML): OpenApiTypes.STR,
            **dict.fromkeys((400, 401, 403), PROBLEM),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """A week against the week before: reports, agencies, the four domains, instructions, incidents."""
        require_some_staff(self.principal)
        values = read_query(request.query_params, ["city", "week", "f"])
        form = form_of(request, values.get("f"))
        city = resolve_city(values.get("city"))
        if not self.principal.may_oversee_city(city.pk):
            raise Forbidden(_("Only the mayor and those who oversee the city read its brief."))
        now = utc_now()
        week = read_week(values["week"], now=now, zone=city.zone) if "week" in values else last_week(now, city.zone)
        return _formed(weekly_brief(city, week, now), form)


def _formed(brief: Brief, form: str) -> HttpResponseBase:
    response: HttpResponseBase
    if form == "json":
        response = Response(brief_as_json(brief))
    elif form == "text":
        response = HttpResponse(as_text(brief), content_type=f"{TEXT}; charset=utf-8")
    else:
        page, policy = as_html(brief)
        response = HttpResponse(page, content_type=f"{HTML}; charset=utf-8")
        response["Content-Security-Policy"] = policy
    patch_vary_headers(response, ["Accept", "Accept-Language"])
    patch_cache_control(response, private=True, no_store=True)
    return response

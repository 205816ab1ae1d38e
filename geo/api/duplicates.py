"""Open reports that may tell of the same thing, asked for before posting or of a report; merging and splitting, by staff."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff, require_staff
from geo.api.reports import PROBLEM, find_report
from geo.api.serializers import CandidatesSerializer, ReportDetailSerializer
from geo.api.views import PublicView, parameter, utc_now
from geo.reports.duplicates import Candidate, duplicates_of, find_duplicates, nearness_of
from geo.reports.merging import merge_reports, split_report
from geo.reports.models import Category, Report
from geo.reports.positions import city_boxes, position_fault
from server.core.errors import BadParameter, InvalidFields
from server.core.listing import read_query
from server.core.params import parse_number

LONGEST_TEXT = 1000
PUBLIC_ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH)
WRITE_ANSWERS = {200: ReportDetailSerializer, **dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)}


class DuplicatesView(PublicView):
    @extend_schema(
        operation_id="reports_duplicates",
        parameters=[
            OpenApiParameter("category", str, OpenApiParameter.QUERY, required=True, description="Slug of a category."),
            OpenApiParameter("lon", float, OpenApiParameter.QUERY, required=True, description="Longitude in degrees."),
            OpenApiParameter("lat", float, OpenApiParameter.QUERY, required=True, description="Latitude in degrees."),
            parameter("q", f"What would be reported, to compare the texts; at most {LONGEST_TEXT} characters."),
        ],
        responses={200: CandidatesSerializer, 400: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """Open reports near a place that may tell of the same thing, most likely first: before another one is sent."""
        values = read_query(request.query_params, ["category", "lon", "lat", "q"])
        category = _category(values)
        location = _location(values)
        text = values.get("q", "")
        if len(text) > LONGEST_TEXT:
            raise BadParameter("q", f"q has at most {LONGEST_TEXT} characters")
        found = find_duplicates(category=category, location=location, at=utc_now(), text=text)
        return Response(_shown(category, found, request))


class ReportDuplicatesView(PublicView):
    @extend_schema(
        operation_id="reports_duplicates_of",
        parameters=[PUBLIC_ID],
        responses={200: CandidatesSerializer, 400: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Open reports that may tell of the same as this one. By the exact places, for staff of its city."""
        read_query(request.query_params, [])
        report = find_report(self.principal, public_id)
        found = duplicates_of(report, exact=self.principal.may_oversee(report))
        return Response(_shown(report.category, found, request))


class MergeInput(serializers.Serializer[Any]):
    into = serializers.CharField(max_length=16, help_text="Id of the report to follow from now on.")


class MergeView(PublicView):
    @extend_schema(operation_id="reports_merge", parameters=[PUBLIC_ID], request=MergeInput, responses=WRITE_ANSWERS)
    def post(self, request: Request, public_id: str) -> Response:
        """Merges a report into another, whose status it follows from now on. For staff of their city, by their session.

        An open report follows no closed one (409): that one is reopened first, or merged into the open one.
        """
        report = _of_staff(self, public_id)
        form = MergeInput(data=request.data)
        form.is_valid(raise_exception=True)
        into = form.validated_data["into"]
        parent = Report.objects.visible_to(self.principal).filter(public_id=into).first()
        if parent is None:
            raise InvalidFields({"into": [_("There is no such report.")]})
        merge_reports(parent=parent, children=[report], by=self.principal, now=utc_now())
        return _answer(report, request)


class SplitView(PublicView):
    @extend_schema(operation_id="reports_split", parameters=[PUBLIC_ID], request=None, responses=WRITE_ANSWERS)
    def post(self, request: Request, public_id: str) -> Response:
        """Lets a merged report stand for itself again, with the status that it had before. For staff of its city."""
        report = _of_staff(self, public_id)
        split_report(report=report, by=self.principal, now=utc_now())
        return _answer(report, request)


def _of_staff(view: PublicView, public_id: str) -> Report:
    require_some_staff(view.principal)
    report = find_report(view.principal, public_id)
    require_staff(view.principal, report.city_id)
    return report


def _answer(report: Report, request: Request) -> Response:
    whole = Report.objects.for_answer().get(pk=report.pk)
    return Response(ReportDetailSerializer(whole, context={"request": request}).data)


def _shown(category: Category, found: Sequence[Candidate], request: Request) -> Any:
    near = nearness_of(category)
    answer = {"radius_m": near.radius_m, "days": near.days, "results": found}
    return CandidatesSerializer(answer, context={"request": request}).data


def _category(values: Mapping[str, str]) -> Category:
    slug = _needed(values, "category")
    category = Category.objects.filter(slug=slug).first()
    if category is None:
        raise BadParameter("category", f"there is no category {slug!r}; /api/categories/ lists them")
    return category


def _location(values: Mapping[str, str]) -> Point:
    lon = parse_number(_needed(values, "lon"), "lon", minimum=-180, maximum=180)
    lat = parse_number(_needed(values, "lat"), "lat", minimum=-90, maximum=90)
    if fault := position_fault(lon, lat, city_boxes()):
        raise BadParameter("lon", fault)
    return Point(lon, lat, srid=4326)


def _needed(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise BadParameter(name, f"{name} is needed: category, lon and lat say what is asked for")
    return values[name]

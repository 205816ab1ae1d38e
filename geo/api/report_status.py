"""`/api/statuses/`: what each status is called everywhere. `/api/reports/{id}/status/`: the next step of a report, by staff."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff, require_staff
from geo.api.reports import PROBLEM
from geo.api.serializers import ReportDetailSerializer
from geo.api.views import PublicView, utc_now
from geo.reports.models import Report
from geo.reports.report_input import OffsetDateTime
from geo.reports.status import change_status
from geo.reports.workflow import CLOSED, WORDS, Status
from server.core.errors import NotFound
from server.core.listing import read_query

LONGEST_NOTE = 2000


class StatusWordsSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Status.choices)
    name = serializers.CharField()
    name_id = serializers.CharField()
    name_en = serializers.CharField()
    is_closed = serializers.BooleanField()
    open311 = serializers.ChoiceField(choices=["open", "closed"])
    qlue = serializers.ChoiceField(choices=["menunggu", "proses", "selesai"])


class StatusesSerializer(serializers.Serializer[Any]):
    results = StatusWordsSerializer(many=True)


class StatusesView(PublicView):
    @extend_schema(operation_id="statuses_list", responses={200: StatusesSerializer, 400: PROBLEM})
    def get(self, request: Request) -> Response:
        """Every status, and its word in each language, in Open311 and in Qlue: the same for every channel."""
        read_query(request.query_params, [])
        results = [
            {
                "status": status,
                "name": words.name,
                "name_id": words.name_id,
                "name_en": words.name_en,
                "is_closed": status in CLOSED,
                "open311": words.open311,
                "qlue": words.qlue,
            }
            for status, words in WORDS.items()
        ]
        return Response({"results": results})


class StatusInput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Status.choices)
    note = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")
    note_is_public = serializers.BooleanField(
        default=True, help_text="A public note is shown to everybody, and goes back to the channel."
    )
    as_of = OffsetDateTime(
        required=False,
        help_text="The updated_at that was read: a 412 tells that somebody has changed the report since.",
    )


class ReportStatusView(PublicView):
    @extend_schema(
        operation_id="reports_status",
        parameters=[OpenApiParameter("public_id", str, OpenApiParameter.PATH)],
        request=StatusInput,
        responses={200: ReportDetailSerializer, **dict.fromkeys((400, 401, 403, 404, 409, 412), PROBLEM)},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Sets the status of a report, and of those that were merged into it. For staff of its city, by their session."""
        require_some_staff(self.principal)
        report = Report.objects.visible_to(self.principal).filter(public_id=public_id).first()
        if report is None:
            raise NotFound(_("There is no such report."))
        require_staff(self.principal, report.city_id)
        form = StatusInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        change_status(
            report=report,
            status=Status(given["status"]),
            by=self.principal,
            now=utc_now(),
            note=given["note"].strip(),
            note_is_public=given["note_is_public"],
            as_of=given.get("as_of"),
        )
        whole = Report.objects.for_answer().get(pk=report.pk)
        return Response(ReportDetailSerializer(whole, context={"request": request}).data)

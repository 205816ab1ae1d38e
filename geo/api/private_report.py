"""`/api/reports/{id}/private/`: what a report holds beside what the public sees, for those who deal with it."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_gis.fields import GeometryField

from geo.api.reports import PROBLEM
from geo.api.views import PublicView
from geo.reports.models import HistoryNote, Report, ReportContact, ReportPhoto
from geo.reports.report_input import POINT_SCHEMA
from server.core.errors import Forbidden, NotFound
from server.core.listing import read_query


@extend_schema_field({**POINT_SCHEMA, "nullable": True})
class ExactPoint(GeometryField):
    pass


class ContactSerializer(serializers.ModelSerializer[ReportContact]):
    class Meta:
        model = ReportContact
        fields = ["name", "phone", "email"]


class PrivatePhotoSerializer(serializers.ModelSerializer[ReportPhoto]):
    class Meta:
        model = ReportPhoto
        fields = ["taken_at", "distance_m"]


class PrivateNoteSerializer(serializers.ModelSerializer[HistoryNote]):
    class Meta:
        model = HistoryNote
        fields = ["text"]


class PrivateReportSerializer(serializers.ModelSerializer[Report]):
    """What was sent, as it was sent: exact place, original text, address, landmark, answers. The contact only with `sees_contact`."""

    id = serializers.CharField(source="public_id")
    location = ExactPoint(precision=7)
    area = serializers.CharField(source="area.code", allow_null=True, default=None)
    attributes = serializers.DictField()
    photos = PrivatePhotoSerializer(many=True)
    notes = serializers.SerializerMethodField()
    contact = serializers.SerializerMethodField()

    class Meta:
        model = Report
        fields = [
            *(
                "id",
                "external_id",
                "description",
                "location",
                "location_flag",
                "area",
                "address",
                "landmark",
                "attributes",
            ),
            *("photos", "notes", "contact", "anonymised_at"),
        ]

    @extend_schema_field(PrivateNoteSerializer(many=True))
    def get_notes(self, report: Report) -> Any:
        return PrivateNoteSerializer(
            report.notes.filter(is_public=False).exclude(text="").order_by("id"), many=True
        ).data

    @extend_schema_field(ContactSerializer(allow_null=True))
    def get_contact(self, report: Report) -> Any:
        contact = getattr(report, "contact", None) if self.context["sees_contact"] else None
        return ContactSerializer(contact).data if contact is not None else None


class PrivateReportView(PublicView):
    @extend_schema(
        operation_id="reports_private",
        responses={200: PrivateReportSerializer, 400: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """What was sent, as it was sent; for staff of its city. The contact is null without leave to see contacts."""
        read_query(request.query_params, [])
        report = (
            Report.objects.visible_to(self.principal)
            .select_related("area", "contact")
            .defer("area__boundary")
            .filter(public_id=public_id)
            .first()
        )
        if report is None:
            raise NotFound(_("There is no such report."))
        if not self.principal.may_oversee(report):
            raise Forbidden(_("Only those who deal with this report see what was sent."))
        sees_contact = self.principal.may_see_contact(report) and request.user.has_perm("geo.view_reportcontact")
        answer = Response(PrivateReportSerializer(report, context={"sees_contact": sees_contact}).data)
        answer["Cache-Control"] = "private, no-store"
        return answer

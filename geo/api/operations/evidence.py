"""`/api/reports/{id}/evidence/`: photos of what was done, and what was found out about them. For those who deal with the report."""

import io
from typing import Any

from django.http import FileResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.reports import PROBLEM
from geo.api.views import PublicView, utc_now
from geo.reports.evidence.checks import Code
from geo.reports.evidence.services import add_evidence, reopened_at
from geo.reports.models import Report, ReportEvidence
from geo.reports.photos.stored import read_file
from server.core.errors import Forbidden, InvalidFields, NotFound
from server.core.listing import absolute_url, read_query

PATH_ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH)


class FindingSerializer(serializers.Serializer[Any]):
    """What was found out about a photo. It informs; whether the report is done is decided by a person."""

    code = serializers.ChoiceField(choices=[code.value for code in Code])
    distance_m = serializers.IntegerField(required=False, help_text="With far: to the report's exact place.")
    report = serializers.CharField(required=False, help_text="With seen_before: the report that has this picture.")


class EvidenceSerializer(serializers.ModelSerializer[ReportEvidence]):
    url = serializers.SerializerMethodField()
    findings = FindingSerializer(many=True)
    is_current = serializers.SerializerMethodField(
        help_text="False: it was brought before the report was opened again, and proves nothing of its next closing."
    )

    class Meta:
        model = ReportEvidence
        fields = ["id", "url", "width", "height", "added_at", "taken_at", "distance_m", "findings", "is_current"]

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, evidence: ReportEvidence) -> str:
        path = reverse("report-evidence-image", args=[self.context["public_id"], evidence.pk])
        return absolute_url(self.context["request"], path)

    def get_is_current(self, evidence: ReportEvidence) -> bool:
        since = self.context["reopened_at"]
        return since is None or evidence.added_at >= since


class EvidenceListSerializer(serializers.Serializer[Any]):
    results = EvidenceSerializer(many=True)


class EvidenceInput(serializers.Serializer[Any]):
    photo = serializers.FileField(
        help_text="A JPEG, PNG or WebP file of 10 MB at the most, with the time and place that the camera wrote into it."
    )


class EvidenceView(PublicView):
    @extend_schema(
        operation_id="reports_evidence_list",
        parameters=[PATH_ID],
        responses={200: EvidenceListSerializer, **dict.fromkeys((400, 401, 403, 404), PROBLEM)},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """The photos of what was done, the oldest first; for those who see what of a report is not public."""
        read_query(request.query_params, [])
        report = overseen_report(self, public_id)
        answer = Response({"results": self._shown(request, report, report.evidence.order_by("id"), many=True)})
        answer["Cache-Control"] = "private, no-store"
        return answer

    @extend_schema(
        operation_id="reports_evidence_create",
        parameters=[PATH_ID],
        request={"multipart/form-data": EvidenceInput},
        responses={
            201: EvidenceSerializer,
            200: OpenApiResponse(EvidenceSerializer, description="brought before: the first one"),
            **dict.fromkeys((400, 401, 403, 404, 409, 503), PROBLEM),
        },
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Brings a photo of what was done, and says at once what was found out about it. For those who deal with the report."""
        report = visible_report(self, public_id)
        # Before a file is looked at: strangers make nobody read one.
        if not self.principal.may_handle(report):
            raise Forbidden(_("Only those who deal with this report bring evidence."))
        if others := {name[:100] for name in request.FILES} - {"photo"}:
            raise InvalidFields({name: [_("Not a field for files; the photo is sent as photo.")] for name in others})
        form = EvidenceInput(data=request.data)
        form.is_valid(raise_exception=True)
        evidence, is_new = add_evidence(
            report=report, photo=form.validated_data["photo"], by=self.principal, now=utc_now()
        )
        return Response(self._shown(request, report, evidence), status=201 if is_new else 200)

    def _shown(self, request: Request, report: Report, evidence: Any, *, many: bool = False) -> Any:
        context = {"request": request, "public_id": report.public_id, "reopened_at": reopened_at(report)}
        return EvidenceSerializer(evidence, many=many, context=context).data


class EvidenceImageView(PublicView):
    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # An <img> may accept images alone; what is sent is no rendering of DRF's.
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="reports_evidence_image",
        responses={
            (200, "image/jpeg"): OpenApiTypes.BINARY,
            **dict.fromkeys((401, 403, 404, 503), PROBLEM),
        },
    )
    def get(self, request: Request, public_id: str, evidence_id: int) -> FileResponse:
        """One photo of what was done, as JPEG."""
        report = overseen_report(self, public_id)
        evidence = report.evidence.filter(pk=evidence_id).first()
        if evidence is None:
            raise NotFound(_("There is no such photo."))
        response = FileResponse(io.BytesIO(read_file(evidence.image)), content_type="image/jpeg")
        response["Cache-Control"] = "private, no-store"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Content-Disposition"] = "inline"
        return response


def visible_report(view: PublicView, public_id: str) -> Report:
    report = Report.objects.visible_to(view.principal).filter(public_id=public_id).first()
    if report is None:
        raise NotFound(_("There is no such report."))
    return report


def overseen_report(view: PublicView, public_id: str) -> Report:
    report = visible_report(view, public_id)
    if not view.principal.may_oversee(report):
        raise Forbidden(_("Only those who deal with this report see its evidence."))
    return report

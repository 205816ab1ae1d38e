"""`/api/reports/{id}/field-link/`: a report sent out as a signed link, to an agency that has no workstation. For dispatchers."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.operations.evidence import visible_report
from geo.api.reports import PROBLEM
from geo.api.views import PublicView, utc_now
from geo.operations.field_links.models import AgencyContact, FieldLink
from geo.operations.field_links.services import end_links, send_links
from geo.reports.models import Report
from server.core.errors import Forbidden
from server.core.listing import read_query

PATH_ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH)
REFUSALS = dict.fromkeys((401, 403, 404), PROBLEM)


class FieldLinkSerializer(serializers.ModelSerializer[FieldLink]):
    """Neither the link itself nor where it was sent to: both are for its reader alone."""

    agency = serializers.CharField(source="agency.slug")
    contact = serializers.CharField(source="contact.name")
    kind = serializers.ChoiceField(source="contact.kind", choices=AgencyContact.Kind.choices)
    opened_at = serializers.DateTimeField(
        allow_null=True, help_text="The first time; the preview of a chat counts as well."
    )
    ended_at = serializers.DateTimeField(source="revoked_at", allow_null=True)

    class Meta:
        model = FieldLink
        fields = [
            *("id", "agency", "contact", "kind", "created_at", "sent_at", "opened_at", "expires_at"),
            *("ended_at", "ending", "used"),
        ]


class FieldLinkListSerializer(serializers.Serializer[Any]):
    results = FieldLinkSerializer(many=True)


class FieldLinkView(PublicView):
    @extend_schema(
        operation_id="reports_field_links",
        parameters=[PATH_ID],
        responses={200: FieldLinkListSerializer, 400: PROBLEM, **REFUSALS},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """The links to a report that were sent, the latest first, 100 at the most."""
        read_query(request.query_params, [])
        report = self._report(public_id)
        links = report.field_links.select_related("agency", "contact").order_by("-id")[:100]
        return _answer({"results": FieldLinkSerializer(links, many=True).data}, 200)

    @extend_schema(
        operation_id="reports_field_link_send",
        parameters=[PATH_ID],
        request=None,
        responses={201: FieldLinkListSerializer, 409: PROBLEM, **REFUSALS},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Sends a link to each contact of the agency that has the report. Those sent to them before end with that."""
        links = send_links(report=self._report(public_id), by=self.principal, now=utc_now())
        return _answer({"results": FieldLinkSerializer(links, many=True).data}, 201)

    @extend_schema(operation_id="reports_field_link_withdraw", parameters=[PATH_ID], responses={204: None, **REFUSALS})
    def delete(self, request: Request, public_id: str) -> Response:
        """Withdraws every link to a report that is still good."""
        end_links(report=self._report(public_id), by=self.principal, now=utc_now())
        return Response(status=204)

    def _report(self, public_id: str) -> Report:
        report = visible_report(self, public_id)
        if not self.principal.may_dispatch(report):
            raise Forbidden(_("Only dispatchers send a report out as a link."))
        return report


def _answer(body: dict[str, Any], status: int) -> Response:
    answer = Response(body, status=status)
    answer["Cache-Control"] = "private, no-store"
    return answer

"""`/api/report-link/`: a report for the one who sent it, by the link that they were given; the token is sent as a header.

Not in the path: paths are written into logs.
"""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.report_status import LONGEST_NOTE
from geo.api.reports import PROBLEM
from geo.api.serializers import ReportDetailSerializer
from geo.api.views import PublicView, address_of, utc_now
from geo.operations.closing.models import Closing
from geo.operations.closing.services import answer_closing, reopen_report, reopenable_until
from geo.reports.access.authentication import ReportLinkAuthentication
from geo.reports.access.links import admit_write
from geo.reports.models import Report, ReportContact
from geo.reports.personal_data.masking import mask
from geo.reports.workflow import Status
from server.core.listing import read_query

RESPONSES = dict.fromkeys((400, 401, 409, 429), PROBLEM)


class AnswerSerializer(serializers.ModelSerializer[Closing]):
    at = serializers.DateTimeField(source="answered_at")

    class Meta:
        model = Closing
        fields = ["is_done", "at"]


class LinkedReportSerializer(ReportDetailSerializer):
    """A report as its reporter sees it: what the public may read of it, even where it is not public, and what they can do."""

    landmark = serializers.SerializerMethodField(help_text="As it was given, but for names and numbers of people.")
    reopenable_until = serializers.SerializerMethodField(
        help_text="Null: it cannot be opened again, since it is open, or was closed too long ago."
    )
    can_be_confirmed = serializers.SerializerMethodField(help_text="It is resolved: is it done?")
    answer = serializers.SerializerMethodField(help_text="What the reporter has said of this closing.")

    class Meta(ReportDetailSerializer.Meta):
        fields = [*ReportDetailSerializer.Meta.fields, "landmark", "reopenable_until", "can_be_confirmed", "answer"]

    def get_landmark(self, report: Report) -> str:
        # A link may be passed on: it shows of a text what the public would read of it.
        contact = ReportContact.objects.filter(report=report).first()
        return mask(report.landmark, contact.words if contact is not None else [])

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_reopenable_until(self, report: Report) -> Any:
        until = reopenable_until(report)
        if until is None or until < self.context["now"]:
            return None
        return serializers.DateTimeField().to_representation(until)

    def get_can_be_confirmed(self, report: Report) -> bool:
        return bool(report.status == Status.RESOLVED)

    @extend_schema_field(AnswerSerializer(allow_null=True))
    def get_answer(self, report: Report) -> Any:
        if report.closed_at is None:
            return None
        closing = Closing.objects.filter(report=report, closed_at=report.closed_at).exclude(is_done=None).first()
        return AnswerSerializer(closing).data if closing is not None else None


class ReopenInput(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=LONGEST_NOTE, help_text="Read by those who deal with the report; not public."
    )


class ConfirmInput(serializers.Serializer[Any]):
    is_done = serializers.BooleanField()
    comment = serializers.CharField(
        max_length=LONGEST_NOTE, allow_blank=True, default="", help_text="Read as a reason is; not public."
    )


class LinkView(PublicView):
    """What the three share. No session counts here: staff who open somebody's link are that reporter, and nobody else."""

    authentication_classes = [ReportLinkAuthentication]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.principal.link is None:
            raise NotAuthenticated(_("Needed: the header X-Report-Link, with the token of the report's link."))
        if request.method == "POST":
            admit_write(self.principal.link, address_of(request), now=utc_now())

    def report(self) -> Report:
        assert self.principal.link is not None
        return Report.objects.for_answer().select_related("duplicate_of").get(pk=self.principal.link.report_id)

    def shown(self, request: Request) -> Response:
        context = {"request": request, "now": utc_now()}
        answer = Response(LinkedReportSerializer(self.report(), context=context).data)
        answer["Cache-Control"] = "private, no-store"
        return answer


class ReportLinkView(LinkView):
    @extend_schema(operation_id="report_link", responses={200: LinkedReportSerializer, 400: PROBLEM, 401: PROBLEM})
    def get(self, request: Request) -> Response:
        """The report to which the link belongs, and whether it can be opened again."""
        read_query(request.query_params, [])
        return self.shown(request)


class ReopenView(LinkView):
    @extend_schema(
        operation_id="report_link_reopen", request=ReopenInput, responses={200: LinkedReportSerializer, **RESPONSES}
    )
    def post(self, request: Request) -> Response:
        """Opens a report again that is not done; with one that was merged, the group that it follows."""
        form = ReopenInput(data=request.data)
        form.is_valid(raise_exception=True)
        reopen_report(report=self.report(), reason=form.validated_data["reason"], by=self.principal, now=utc_now())
        return self.shown(request)


class ConfirmView(LinkView):
    @extend_schema(
        operation_id="report_link_confirm", request=ConfirmInput, responses={200: LinkedReportSerializer, **RESPONSES}
    )
    def post(self, request: Request) -> Response:
        """Says whether a resolved report is done. Later it can be said otherwise; it does not open the report again."""
        form = ConfirmInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        answer_closing(
            report=self.report(),
            is_done=given["is_done"],
            comment=given["comment"].strip(),
            by=self.principal,
            now=utc_now(),
        )
        return self.shown(request)

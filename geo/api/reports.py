"""`/api/reports/`: taking reports in, and giving them out as the public may see them."""

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.filters import FILTERS, parse_report_filter
from geo.api.report_pages import Position, order_of, page_of_reports
from geo.api.serializers import (
    DeviceTokenSerializer,
    NewReportSerializer,
    ProblemSerializer,
    ReportDetailSerializer,
    ReportPageSerializer,
    ReportSerializer,
    SupportSerializer,
)
from geo.api.views import PAGE_PARAMETERS, PublicView, address_of, parameter, utc_now
from geo.reports.access.links import make_link
from geo.reports.access.principals import Principal
from geo.reports.intake_limits import admit, admit_token, issue_token, sender_of
from geo.reports.models import Report
from geo.reports.report_input import ReportInput, store_input
from geo.reports.services import channel_of, support_report
from server.core.errors import InvalidFields, NotFound
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query

FILTER_PARAMETERS = [
    parameter("category", "Categories by slug, comma separated; a category includes all below it."),
    parameter("status", "Statuses, comma separated."),
    parameter("area", "Code of an area at any level."),
    parameter("channel", "Channels by slug, comma separated."),
    parameter("agency", "Agencies by slug, comma separated; `none`: the reports that no agency has yet."),
    parameter("kind", "laporan or aspirasi."),
    parameter("city", "Slug of a city."),
    parameter("bbox", "west,south,east,north in degrees."),
    parameter("datetime", "A time, a date (a day of the city), or start/end; `..` is open."),
    parameter("start", "From this time or day of the city on (included)."),
    parameter("end", "To this time (excluded), or to the end of this day of the city."),
    parameter("q", "Text to be found in the public description."),
    parameter("late", "`true`: those that are open and past their time. For staff, of the reports that they oversee."),
    parameter(
        "exercise",
        "`true`: those of an exercise alone; `false`: the real ones alone. Staff see both in lists; what counts reports, and the "
        "export, leave an exercise out unless it is asked for. The public never sees one.",
    ),
]
DEVICE_TOKEN = OpenApiParameter(
    "X-Device-Token",
    str,
    OpenApiParameter.HEADER,
    description="From /api/device-tokens/; makes limits count per device.",
)
PROBLEM = OpenApiResponse(ProblemSerializer, description="problem+json that names the parameter or field")


class ReportsView(PublicView):
    @extend_schema(
        operation_id="reports_list",
        parameters=[*FILTER_PARAMETERS, *PAGE_PARAMETERS],
        responses={200: ReportPageSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """Reports, by the time for which they were reported, newest first; what is late, longest late first."""
        values = read_query(request.query_params, [*FILTERS, *PAGING])
        asked = parse_report_filter(values, now=utc_now())
        kind = order_of(asked).name
        limit, token = page_of(values, kind)
        after = Position.of_token(token) if token is not None else None
        page, end = page_of_reports(asked, self.principal, limit=limit, after=after)
        following = next_link(request, kind, end.as_token()) if end is not None else None
        results = ReportSerializer(page, many=True, context={"request": request}).data
        return Response({"next": following, "results": results})

    @extend_schema(
        operation_id="reports_create",
        parameters=[DEVICE_TOKEN],
        request={"application/json": ReportInput, "multipart/form-data": ReportInput},
        responses={
            201: NewReportSerializer,
            200: OpenApiResponse(NewReportSerializer, description="sent before: the first one"),
            400: PROBLEM,
            401: PROBLEM,
            403: PROBLEM,
            429: PROBLEM,
        },
    )
    def post(self, request: Request) -> Response:
        """Takes in a report: from anybody, or from a channel with its API key. Names open ones that may be the same."""
        principal, sender = self.principal, None
        if not principal.may_submit:
            sender = sender_of(request.headers.get("X-Device-Token"), address_of(request))
            admit(sender, now=utc_now())
        channel = channel_of(principal)
        _refuse_other_files(request)
        form = ReportInput(data=request.data)
        form.is_valid(raise_exception=True)
        report, created = store_input(form.validated_data, channel=channel, sender=sender, by=principal, now=utc_now())
        whole = Report.objects.for_answer().get(pk=report.pk)
        # The report is committed by now: of two that come at once, the later one sees the other among its duplicates.
        # An officer who writes down what somebody tells them does not become the one who is asked whether it is done. Of a
        # repeat, whoever shows that they are the sender: the first answer may have been lost on its way.
        is_sender = principal.channel is not None or (sender is not None and sender.has_token)
        is_told = (created or is_sender) and not principal.is_staff
        token = make_link(report, now=report.received_at) if is_told else None
        answer = NewReportSerializer(whole, context={"request": request, "token": token}).data
        headers = {"Location": absolute_url(request, reverse("report", args=[report.public_id]))}
        return Response(answer, status=201 if created else 200, headers=headers)


def _refuse_other_files(request: Request) -> None:
    """A file that nobody reads would be lost, and its sender would believe that it was taken."""
    if others := {name[:100] for name in request.FILES} - {"photos"}:
        raise InvalidFields({name: [_("Not a field for files; photos are sent as photos.")] for name in sorted(others)})


def find_report(principal: Principal, public_id: str) -> Report:
    report = Report.objects.visible_to(principal).for_answer().filter(public_id=public_id).first()
    if report is None:
        raise NotFound(_("There is no such report."))
    return report


class ReportView(PublicView):
    @extend_schema(operation_id="reports_retrieve", responses={200: ReportDetailSerializer, 400: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, public_id: str) -> Response:
        """One report, with the steps of its life."""
        read_query(request.query_params, [])
        report = find_report(self.principal, public_id)
        return Response(ReportDetailSerializer(report, context={"request": request}).data)


class SupportView(PublicView):
    @extend_schema(
        operation_id="reports_support",
        parameters=[OpenApiParameter("X-Device-Token", str, OpenApiParameter.HEADER, required=True)],
        request=None,
        responses={201: SupportSerializer, 200: SupportSerializer, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Supports an open report or wish, once for each device; one that was merged supports its parent."""
        token = request.headers.get("X-Device-Token")
        if not token:
            raise InvalidFields(
                {"X-Device-Token": [_("Needed, so that each device counts once: see /api/device-tokens/.")]}
            )
        sender = sender_of(token, address_of(request))
        admit(sender, now=utc_now())
        support = support_report(
            report=find_report(self.principal, public_id), device_hash=sender.device_hash, now=utc_now()
        )
        return Response({"support_count": support.support_count}, status=201 if support.is_new else 200)


class DeviceTokensView(PublicView):
    @extend_schema(
        operation_id="device_tokens_create", request=None, responses={201: DeviceTokenSerializer, 429: PROBLEM}
    )
    def post(self, request: Request) -> Response:
        """A device token: random, bound to nobody; limits then count this device and not its whole network."""
        admit_token(address_of(request), now=utc_now())
        return Response({"token": issue_token()}, status=201)

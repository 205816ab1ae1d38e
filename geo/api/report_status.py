"""`/api/statuses/`: what each status is called everywhere, and the workflow's table. `/api/reports/{id}/status/`: a report's
next steps, and taking one."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.reports import PROBLEM
from geo.api.serializers import ReportDetailSerializer
from geo.api.views import PublicView, utc_now
from geo.reports.models import Agency, Report
from geo.reports.report_input import OffsetDateTime
from geo.reports.status import change_status, next_steps
from geo.reports.workflow import CLOSED, EDGES, WORDS, Actor, Edge, Need, Status
from server.core.errors import Forbidden, InvalidFields, NotFound
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


class WorkflowStepSerializer(serializers.Serializer[Any]):
    """One edge of the workflow."""

    status = serializers.ChoiceField(choices=Status.choices, source="target")
    name = serializers.SerializerMethodField()
    needs = serializers.SerializerMethodField()

    def get_name(self, edge: Edge) -> str:
        return WORDS[edge.target].name

    @extend_schema_field({"type": "array", "items": {"type": "string", "enum": [need.value for need in Need]}})
    def get_needs(self, edge: Edge) -> list[str]:
        return [need.value for need in Need if need in edge.needs]


class EdgeSerializer(WorkflowStepSerializer):
    from_status = serializers.ChoiceField(choices=Status.choices, source="source")
    actors = serializers.SerializerMethodField()

    @extend_schema_field({"type": "array", "items": {"type": "string", "enum": [actor.value for actor in Actor]}})
    def get_actors(self, edge: Edge) -> list[str]:
        return [actor.value for actor in Actor if actor in edge.actors]


class StatusesSerializer(serializers.Serializer[Any]):
    results = StatusWordsSerializer(many=True)
    steps = EdgeSerializer(many=True)


class StepsSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Status.choices)
    updated_at = serializers.DateTimeField()
    steps = WorkflowStepSerializer(many=True)


class StatusesView(PublicView):
    @extend_schema(operation_id="statuses_list", responses={200: StatusesSerializer, 400: PROBLEM})
    def get(self, request: Request) -> Response:
        """Every status, and its word in each language, in Open311 and in Qlue: the same for every channel. And every step."""
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
        return Response({"results": results, "steps": EdgeSerializer(EDGES, many=True).data})


class StatusInput(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Status.choices)
    note = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")
    note_is_public = serializers.BooleanField(
        default=True, help_text="A public note is shown to everybody, and goes back to the channel."
    )
    agency = serializers.SlugField(
        required=False, max_length=64, help_text="Who has it from now on; where the step hands it over."
    )
    as_of = OffsetDateTime(
        required=False,
        help_text="The updated_at that was read: where somebody was quicker, a 409 says how the report is now.",
    )


class ReportStatusView(PublicView):
    @extend_schema(
        operation_id="reports_steps",
        parameters=[OpenApiParameter("public_id", str, OpenApiParameter.PATH)],
        responses={200: StepsSerializer, **dict.fromkeys((400, 401, 404), PROBLEM)},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Where a report stands, and the steps that whoever asks may take with it."""
        read_query(request.query_params, [])
        report = self._report(public_id)
        steps = next_steps(report, self.principal, now=utc_now())
        answer = {"status": report.status, "updated_at": report.updated_at, "steps": steps}
        return Response(StepsSerializer(answer).data)

    @extend_schema(
        operation_id="reports_status",
        parameters=[OpenApiParameter("public_id", str, OpenApiParameter.PATH)],
        request=StatusInput,
        responses={200: ReportDetailSerializer, **dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Takes a step of a report, and of those that were merged into it. For those who deal with it.

        A 409 says how the report is now, and what was done to it last: `current`.
        """
        report = self._report(public_id)
        if not (self.principal.is_staff or self.principal.actors(report)):
            raise Forbidden(_("Only those who deal with this report take its steps."))
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
            agency=_agency(given.get("agency"), report.city_id),
            as_of=given.get("as_of"),
        )
        whole = Report.objects.for_answer().get(pk=report.pk)
        return Response(ReportDetailSerializer(whole, context={"request": request}).data)

    def _report(self, public_id: str) -> Report:
        report = Report.objects.visible_to(self.principal).filter(public_id=public_id).first()
        if report is None:
            raise NotFound(_("There is no such report."))
        return report


def _agency(slug: str | None, city_id: int) -> Agency | None:
    if slug is None:
        return None
    agency = Agency.objects.filter(slug=slug, city_id=city_id).first()
    if agency is None:
        raise InvalidFields({"agency": [_("There is no such agency in this city.")]})
    return agency

"""`/api/reports/{id}/handling/`: how a report stands with those who deal with it. `/api/reports/steps/`: one step of many reports."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.operations.evidence import overseen_report
from geo.api.report_status import LONGEST_NOTE, WorkflowStepSerializer
from geo.api.reports import PROBLEM
from geo.api.views import PublicView, utc_now
from geo.reports.access.principals import Principal
from geo.reports.admin.history_words import Line, history_lines
from geo.reports.models import Agency, Report
from geo.reports.report_input import OffsetDateTime
from geo.reports.status import change_status, next_steps
from geo.reports.workflow import WORDS, Status
from server.core.errors import Conflict, Forbidden, InvalidFields
from server.core.listing import read_query

# Each step is a transaction of its own; so many take a second or two.
MOST_AT_ONCE = 100


class LogLineSerializer(serializers.Serializer[Line]):
    """Who did what: in words of the asked language."""

    at = serializers.DateTimeField()
    who = serializers.CharField()
    what = serializers.CharField()
    origin = serializers.CharField(help_text="From where.")
    note = serializers.CharField()
    note_is_public = serializers.BooleanField()


class HandlingSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="report.public_id")
    status = serializers.ChoiceField(source="report.status", choices=Status.choices)
    status_name = serializers.CharField()
    updated_at = serializers.DateTimeField(source="report.updated_at")
    is_public = serializers.BooleanField(source="report.is_public")
    agency = serializers.CharField(source="report.agency.slug", allow_null=True, default=None)
    agency_name = serializers.CharField(source="report.agency.name", allow_null=True, default=None)
    due_at = serializers.DateTimeField(source="report.due_at", allow_null=True)
    is_late = serializers.BooleanField(help_text="Open and past its time, now.")
    response_due_at = serializers.DateTimeField(source="report.response_due_at", allow_null=True)
    responded_at = serializers.DateTimeField(source="report.responded_at", allow_null=True)
    reopenings = serializers.IntegerField(source="report.reopened_count")
    handovers = serializers.IntegerField(source="report.handover_count")
    arbiter = serializers.CharField(
        source="report.arbiter.username", allow_null=True, default=None, help_text="User name of who decides about it."
    )
    follows = serializers.CharField(
        source="report.duplicate_of.public_id",
        allow_null=True,
        default=None,
        help_text="Id of the report into which it was merged.",
    )
    may_handle = serializers.BooleanField(help_text="Whether it is theirs to deal with.")
    may_dispatch = serializers.BooleanField(help_text="Whether they decide about it, whichever agency has it.")
    steps = WorkflowStepSerializer(many=True)
    log = LogLineSerializer(many=True)


class HandlingView(PublicView):
    @extend_schema(
        operation_id="reports_handling",
        parameters=[OpenApiParameter("public_id", str, OpenApiParameter.PATH)],
        responses={200: HandlingSerializer, **dict.fromkeys((400, 401, 403, 404), PROBLEM)},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """How a report stands, the steps that whoever asks may take, and who did what. For those who oversee it."""
        read_query(request.query_params, [])
        now = utc_now()
        report = overseen_report(self, public_id)
        answer = Response(HandlingSerializer(_handling(report, self.principal, now=now)).data)
        answer["Cache-Control"] = "private, no-store"
        return answer


def _handling(report: Report, by: Principal, *, now: datetime) -> dict[str, Any]:
    is_open = report.closed_at is None
    return {
        "report": report,
        "status_name": WORDS[Status(report.status)].name,
        "is_late": is_open and report.due_at is not None and report.due_at < now,
        "may_handle": by.may_handle(report),
        "may_dispatch": by.may_dispatch(report),
        "steps": next_steps(report, by, now=now),
        "log": history_lines(report),
    }


class OneOfManySerializer(serializers.Serializer[Any]):
    id = serializers.CharField(max_length=16)
    as_of = OffsetDateTime(required=False, help_text="The updated_at that was read; see /api/reports/{id}/status/.")

    def to_internal_value(self, data: Any) -> Any:
        """A slip in the name of `as_of` must not take the step without it."""
        if unknown := sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []:
            raise serializers.ValidationError({name: [_("This cannot be given here.")] for name in unknown})
        return super().to_internal_value(data)


class StepsInput(StrictSerializer):
    reports = serializers.ListField(child=OneOfManySerializer(), min_length=1, max_length=MOST_AT_ONCE)
    status = serializers.ChoiceField(choices=Status.choices)
    note = serializers.CharField(max_length=LONGEST_NOTE, allow_blank=True, default="")
    note_is_public = serializers.BooleanField(default=True)
    agency = serializers.SlugField(required=False, max_length=64)


class StepOutcomeSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    is_done = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why not; empty where it was done.")
    current = serializers.DictField(
        required=False, help_text="How it is now, where somebody was quicker; as of /api/reports/{id}/status/."
    )


class StepsOutcomeSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    results = StepOutcomeSerializer(many=True, help_text="Of each report, in the order in which they were given.")


class StepsView(PublicView):
    @extend_schema(
        operation_id="reports_take_steps",
        request=StepsInput,
        responses={200: StepsOutcomeSerializer, **dict.fromkeys((400, 401, 403), PROBLEM)},
    )
    def post(self, request: Request) -> Response:
        """Takes the same step of many reports, each by itself: what hinders one hinders no other. For staff."""
        require_some_staff(self.principal)
        form = StepsInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        asked = {one["id"]: one.get("as_of") for one in given["reports"]}
        found = Report.objects.visible_to(self.principal).filter(public_id__in=asked)
        reports = {report.public_id: report for report in found}
        results = []
        for public_id, as_of in asked.items():
            outcome = self._take(reports.get(public_id), as_of, given)
            results.append({"id": public_id, "is_done": not outcome, "reason": "", **outcome})
        done = sum(result["is_done"] for result in results)
        return Response({"done": done, "results": results})

    def _take(self, report: Report | None, as_of: datetime | None, given: dict[str, Any]) -> dict[str, Any]:
        """Nothing where it was done, else why not."""
        if report is None:
            return {"reason": _("There is no such report.")}
        agency = None
        if "agency" in given:
            agency = Agency.objects.filter(slug=given["agency"], city_id=report.city_id).first()
            if agency is None:
                return {"reason": _("There is no such agency in this city.")}
        try:
            change_status(
                report=report,
                status=Status(given["status"]),
                by=self.principal,
                now=utc_now(),
                note=given["note"].strip(),
                note_is_public=given["note_is_public"],
                agency=agency,
                as_of=as_of,
            )
        except Conflict as conflict:
            return {"reason": str(conflict.detail), **conflict.extra}
        except InvalidFields as invalid:
            return {"reason": " ".join(str(text) for says in invalid.fields.values() for text in says)}
        except Forbidden as forbidden:
            return {"reason": str(forbidden.detail)}
        return {}

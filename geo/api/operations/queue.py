"""`/api/queue/`: the work that waits, as the board lists it; for staff, of the reports that they oversee."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import is_staff_of, require_some_staff
from geo.api.filters import parse_report_filter
from geo.api.reports import FILTER_PARAMETERS, PROBLEM
from geo.api.serializers import ReportSerializer
from geo.api.views import PAGE_PARAMETERS, PublicView, utc_now
from geo.layers.asking import resolve_city
from geo.operations.board.queue import Tab, condition, counts, in_order, waiting
from geo.reports.models import Report
from geo.reports.workflow import WORDS, Status
from server.core.errors import BadParameter, Forbidden
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import parse_choice
from server.core.versions import data_version

KIND = "queue"
QUEUE_FILTERS = ("city", "category", "status", "area", "channel", "agency", "q", "exercise")
# Steps, handovers and merges are written with the report that they are of.
SCOPES = {"geo_dataversion": ["reports", "areas"]}


class QueuedReportSerializer(ReportSerializer):
    """A report in the list of those who deal with it; its text and place are those of the public."""

    agency_name = serializers.CharField(source="agency.name", allow_null=True, default=None)
    status_name = serializers.SerializerMethodField()
    is_late = serializers.SerializerMethodField(help_text="Past its time, at `as_of`.")
    is_answered = serializers.SerializerMethodField(help_text="Somebody has taken it up, whatever came after.")
    reopenings = serializers.IntegerField(source="reopened_count")
    handovers = serializers.IntegerField(source="handover_count")

    class Meta(ReportSerializer.Meta):
        fields = [
            *ReportSerializer.Meta.fields,
            *("agency_name", "status_name", "due_at", "is_late", "response_due_at", "is_answered"),
            *("reopenings", "handovers", "is_public"),
        ]

    def get_status_name(self, report: Report) -> str:
        return WORDS[Status(report.status)].name

    def get_is_late(self, report: Report) -> bool:
        return report.due_at is not None and report.due_at < self.context["now"]

    def get_is_answered(self, report: Report) -> bool:
        return report.responded_at is not None


class QueueSerializer(serializers.Serializer[Any]):
    city = serializers.CharField()
    as_of = serializers.DateTimeField(help_text="A whole minute: what is late is late by this time.")
    tab = serializers.ChoiceField(choices=[tab.value for tab in Tab])
    counts = serializers.SerializerMethodField(help_text="How many reports each tab holds, under the same filters.")
    next = serializers.URLField(allow_null=True)
    results = QueuedReportSerializer(many=True)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_counts(self, answer: dict[str, Any]) -> Any:
        return answer["counts"]


class QueueView(PublicView):
    @extend_schema(
        operation_id="queue_list",
        parameters=[
            OpenApiParameter(
                "tab",
                str,
                OpenApiParameter.QUERY,
                enum=[tab.value for tab in Tab],
                description="`due`: within 24 hours. `reopened`: once at least. `mine`: of an officer what their agency or area "
                "has; of anybody what they arbitrate, and what they have taken a step of. `open` unless said otherwise.",
            ),
            *(one for one in FILTER_PARAMETERS if one.name in QUEUE_FILTERS),
            *PAGE_PARAMETERS,
        ],
        responses={200: QueueSerializer, 400: PROBLEM, 401: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """What is open and follows no other report, the most urgent first, and how much of it each tab holds.

        Those that whoever asks oversees. `ETag` and `If-None-Match` give a 304 for one small query, so that a program may ask
        every few seconds.
        """
        require_some_staff(self.principal)
        values = read_query(request.query_params, ["tab", *QUEUE_FILTERS, *PAGING])
        city = resolve_city(values.get("city"))
        if not is_staff_of(self.principal, city.pk):
            raise Forbidden(_("Only staff of the city see its queue."))
        now = utc_now().replace(second=0, microsecond=0)
        tag = self._tag(request, now)
        if tag in [given.strip() for given in request.headers.get("If-None-Match", "").split(",")]:
            response = Response(status=304)
        else:
            response = Response(self._answer(request, {**values, "city": city.slug}, now))
        response["ETag"] = tag
        # The browser may keep it, and has to ask each time.
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Accept-Language"])
        return response

    def _tag(self, request: Request, now: datetime) -> str:
        """Of the data, the minute, and who asks with which roles: a role that was taken away shows at once."""
        by = self.principal
        who = [by.user_id, by.is_superuser, sorted(map(repr, by.grants))]
        question = [request.get_full_path(), get_language(), now.isoformat(), data_version(SCOPES).number, who]
        return f'W/"{hashlib.sha256(json.dumps(question).encode()).hexdigest()[:32]}"'

    def _answer(self, request: Request, values: dict[str, str], now: datetime) -> dict[str, Any]:
        tab = Tab(parse_choice(values.pop("tab", Tab.OPEN.value), "tab", [each.value for each in Tab]))
        limit, token = page_of(values, KIND)
        asked = {name: text for name, text in values.items() if name in QUEUE_FILTERS}
        chosen = parse_report_filter(asked, now=now)
        reports = replace(chosen, late_at=None).apply(Report.objects.overseen_by(self.principal))
        found = waiting(reports).filter(condition(tab, self.principal, now=now))
        page = list(in_order(found, _after(token)).for_answer()[: limit + 1])
        following = None
        if len(page) > limit:
            last = page[limit - 1]
            following = next_link(request, KIND, [last.due_at.isoformat() if last.due_at else None, last.pk])
        answer = {
            "city": values["city"],
            "as_of": now,
            "tab": tab.value,
            "counts": counts(reports, self.principal, now=now),
            "next": following,
            "results": page[:limit],
        }
        return dict(QueueSerializer(answer, context={"request": request, "now": now}).data)


def _after(token: Any) -> tuple[datetime | None, int] | None:
    if token is None:
        return None
    try:
        due_at, key = token
        return datetime.fromisoformat(due_at) if due_at is not None else None, int(key)
    except (TypeError, ValueError):
        raise BadParameter("next", "next is a page token of another list") from None

"""`/api/reports/summary/`: how many reports of which category, and their shares."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.filters import FILTERS, parse_report_filter
from geo.api.reports import FILTER_PARAMETERS, PROBLEM
from geo.api.views import PublicView, parameter, utc_now
from geo.reports.models import Category
from server.core.listing import read_query
from server.core.params import parse_choice


class PeriodSerializer(serializers.Serializer[Any]):
    """Half-open: `end` is the first moment that no longer counts. Null is open."""

    start = serializers.DateTimeField(allow_null=True)
    end = serializers.DateTimeField(allow_null=True)
    time_zone = serializers.CharField()


class CategoryShareSerializer(serializers.Serializer[Any]):
    category = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()
    share = serializers.FloatField(help_text="Per cent of the total, one decimal.")


class SummarySerializer(serializers.Serializer[Any]):
    period = PeriodSerializer()
    total = serializers.IntegerField()
    categories = CategoryShareSerializer(many=True)


class SummaryView(PublicView):
    @extend_schema(
        operation_id="reports_summary",
        parameters=[*FILTER_PARAMETERS, parameter("group", "category (as stored, the default) or parent.")],
        responses={200: SummarySerializer, 400: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """Reports by category, the most frequent first, with their shares of the total."""
        values = read_query(request.query_params, [*FILTERS, "group"])
        group = parse_choice(values.get("group", "category"), "group", ("category", "parent"))
        asked = parse_report_filter(values, now=utc_now())
        key = F("category_id") if group == "category" else Coalesce("category__parent_id", "category_id")
        found = asked.without_exercise().seen_by(self.principal).order_by()
        counts = dict(found.annotate(key=key).values_list("key").annotate(n=Count("id")))
        total = sum(counts.values())
        categories = [
            {"category": category.slug, "name": category.name, "count": n, "share": round(100 * n / total, 1)}
            for category, n in ((category, counts[category.pk]) for category in Category.objects.filter(pk__in=counts))
        ]
        categories.sort(key=lambda row: (-row["count"], row["category"]))
        period = {
            "start": _local(asked.start, asked.zone),
            "end": _local(asked.end, asked.zone),
            "time_zone": asked.zone.key,
        }
        return Response({"period": period, "total": total, "categories": categories})


def _local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat() if moment is not None else None

"""`/api/reports/counts/`: how many reports of each hour, day or week of the city."""

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import Trunc
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.filters import FILTERS, parse_report_filter
from geo.api.reports import FILTER_PARAMETERS, PROBLEM
from geo.api.summary import PeriodSerializer
from geo.api.views import PublicView, parameter, utc_now
from server.core.errors import BadParameter
from server.core.listing import read_query
from server.core.params import parse_choice

STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
MOST_STEPS = 1000


class StepCountSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField(help_text="When the step begins, in the city's time; a week on its Monday.")
    count = serializers.IntegerField()


class CountsSerializer(serializers.Serializer[Any]):
    period = PeriodSerializer()
    step = serializers.ChoiceField(list(STEPS))
    total = serializers.IntegerField()
    counts = StepCountSerializer(many=True, help_text="In the order of time. A step without reports is left out.")


class CountsView(PublicView):
    @extend_schema(
        operation_id="reports_counts",
        parameters=[*FILTER_PARAMETERS, parameter("step", "hour, day (the default) or week, in the city's time.")],
        responses={200: CountsSerializer, 400: PROBLEM, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """Reports by the time for which they were reported: a count for each step of a period, which has to have a start."""
        values = read_query(request.query_params, [*FILTERS, "step"])
        step = parse_choice(values.get("step", "day"), "step", list(STEPS))
        now = utc_now()
        asked = parse_report_filter(values, now=now)
        if asked.start is None:
            raise BadParameter("start", _("the period has to have a start"))
        if ((asked.end or now) - asked.start) / STEPS[step] > MOST_STEPS:
            raise BadParameter("step", _("at most %(most)d steps can be asked for at once") % {"most": MOST_STEPS})
        found = asked.without_exercise().seen_by(self.principal).order_by()
        at = Trunc("reported_at", step, tzinfo=asked.zone)
        counts = list(found.annotate(at=at).values("at").annotate(n=Count("id")).order_by("at").values_list("at", "n"))
        period = {
            "start": asked.start.astimezone(asked.zone).isoformat(),
            "end": asked.end.astimezone(asked.zone).isoformat() if asked.end else None,
            "time_zone": asked.zone.key,
        }
        return Response(
            {
                "period": period,
                "step": step,
                "total": sum(n for _at, n in counts),
                "counts": [{"start": at.isoformat(), "count": n} for at, n in counts],
            }
        )

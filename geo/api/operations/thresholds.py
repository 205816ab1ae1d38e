"""`/api/thresholds/`: each datastream that is held against levels, by whose levels, and how it stands. Public, as the readings are."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter
from geo.operations.alerts.models import AlertRule
from geo.operations.alerts.watching import OWNERS
from sensors import published
from server.core.listing import PAGING, next_link, page_of, read_query

KIND = "thresholds"


class LevelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    vars()["from"] = serializers.FloatField(help_text="The value from which on it counts, in the rule's direction.")


class ThresholdSerializer(serializers.Serializer[Any]):
    thing = serializers.CharField()
    thing_name = serializers.CharField()
    datastream = serializers.IntegerField()
    observed_property = serializers.CharField()
    unit = serializers.CharField(help_text="UCUM.")
    city = serializers.CharField()
    rule = serializers.IntegerField(help_text="Its id in /api/alert-rules/.")
    authority = serializers.CharField(help_text="Whose levels these are.")
    # A field of this name would hide what a serializer calls its source.
    vars()["source"] = serializers.CharField()
    direction = serializers.ChoiceField(["above", "below"])
    levels = LevelSerializer(many=True, help_text="The mildest first.")
    hysteresis = serializers.FloatField(help_text="In the unit.")
    opens_after_s = serializers.FloatField()
    closes_after_s = serializers.FloatField()
    level = serializers.IntegerField(help_text="How many levels are on; 0: none.")
    level_name = serializers.CharField(allow_null=True)
    value = serializers.FloatField(allow_null=True, help_text="The latest good value that was held against the levels.")
    value_at = serializers.DateTimeField(allow_null=True)


class ThresholdPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ThresholdSerializer(many=True)


class ThresholdsView(PublicView):
    @extend_schema(
        operation_id="thresholds_list",
        parameters=[
            parameter("city", "Slug of the city whose rules they are."),
            parameter("thing", "Slug of a thing."),
            parameter("property", "Code of an observed property."),
            *PAGE_PARAMETERS,
        ],
        responses={200: ThresholdPageSerializer, 400: PROBLEM, 401: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """What is watched: each datastream with the levels that an authority has set for it, and the one that it has reached."""
        values = read_query(request.query_params, ["city", "thing", "property", *PAGING])
        limit, after = page_of(values, KIND)
        found = published.watches(OWNERS).filter(datastream__thing__is_exercise=False)
        if "city" in values:
            rules = AlertRule.objects.filter(city=find_city(values["city"])).values_list("pk", flat=True)
            found = found.filter(owner__in=[f"{OWNERS}{pk}" for pk in rules])
        if "thing" in values:
            found = found.filter(datastream__thing__slug=values["thing"])
        if "property" in values:
            found = found.filter(datastream__observed_property__code=values["property"])
        if after is not None:
            found = found.filter(id__gt=after)
        page = list(found.order_by("id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        rules_by_owner = _rules(page[:limit])
        rows = [_row(one, rules_by_owner[one.owner]) for one in page[:limit] if one.owner in rules_by_owner]
        return Response({"next": following, "results": ThresholdSerializer(rows, many=True).data})


def _rules(watches: list[published.Watch]) -> dict[str, AlertRule]:
    numbers = {int(one.owner.removeprefix(OWNERS)) for one in watches}
    return {f"{OWNERS}{rule.pk}": rule for rule in AlertRule.objects.filter(pk__in=numbers).select_related("city")}


def _row(watch: published.Watch, rule: AlertRule) -> dict[str, Any]:
    stream = watch.datastream
    levels = zip(watch.level_names, watch.thresholds, strict=True)
    return {
        "thing": stream.thing.slug,
        "thing_name": stream.thing.name,
        "datastream": stream.pk,
        "observed_property": stream.observed_property.code,
        "unit": stream.unit_ucum,
        "city": rule.city.slug,
        "rule": rule.pk,
        "authority": rule.authority,
        "source": rule.source,
        "direction": rule.direction,
        "levels": [{"name": name, "from": threshold} for name, threshold in levels],
        "hysteresis": watch.hysteresis,
        "opens_after_s": watch.opens_after.total_seconds(),
        "closes_after_s": watch.closes_after.total_seconds(),
        "level": watch.level,
        "level_name": watch.level_names[watch.level - 1] if watch.level else None,
        "value": watch.value,
        "value_at": watch.heard_at,
    }

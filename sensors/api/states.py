"""`/api/datastreams/states/`: which datastreams are heard of, and since when not."""

from datetime import UTC
from typing import Any

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.views import PAGE_PARAMETERS, OpenView, SensorProblemSerializer, parameter
from sensors.observations.columns import quality_words
from sensors.registry.models import ObservedProperty, Thing
from sensors.states.models import DatastreamState, State
from server.core.errors import BadParameter
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import parse_choice

KIND = "states"


class StateSerializer(serializers.ModelSerializer[DatastreamState]):
    datastream = serializers.IntegerField(source="datastream_id")
    thing = serializers.CharField(source="datastream.thing.slug")
    thing_name = serializers.CharField(source="datastream.thing.name")
    observed_property = serializers.CharField(source="datastream.observed_property.code")
    unit_ucum = serializers.CharField(source="datastream.unit_ucum")
    expected_interval_s = serializers.IntegerField(source="datastream.expected_interval_s")
    silent_after_s = serializers.IntegerField(source="datastream.silent_after_s", allow_null=True)
    since = serializers.DateTimeField(default_timezone=UTC)
    heard_at = serializers.DateTimeField(
        default_timezone=UTC, allow_null=True, help_text="When something last came, however old its values."
    )
    latest_at = serializers.DateTimeField(default_timezone=UTC, allow_null=True)
    latest_quality = serializers.SerializerMethodField()

    class Meta:
        model = DatastreamState
        fields = [
            "datastream",
            "thing",
            "thing_name",
            "observed_property",
            "unit_ucum",
            "expected_interval_s",
            "silent_after_s",
            "state",
            "since",
            "heard_at",
            "latest_at",
            "latest_result",
            "latest_quality",
        ]

    def get_latest_quality(self, state: DatastreamState) -> str | None:
        return None if state.latest_quality is None else quality_words(state.latest_quality)


class StateCountsSerializer(serializers.Serializer[Any]):
    never = serializers.IntegerField()
    heard = serializers.IntegerField()
    late = serializers.IntegerField()
    silent = serializers.IntegerField()
    flapping = serializers.IntegerField()


class StatePageSerializer(serializers.Serializer[Any]):
    counts = StateCountsSerializer(help_text="Of all that are asked for, whatever their state.")
    next = serializers.URLField(allow_null=True)
    results = StateSerializer(many=True)


class StatesView(OpenView):
    @extend_schema(
        operation_id="datastreams_states_list",
        parameters=[
            parameter("state", "never, heard, late, silent or flapping; several with commas between."),
            parameter("thing", "Slug of a thing."),
            parameter("property", "Code of an observed property."),
            *PAGE_PARAMETERS,
        ],
        responses={200: StatePageSerializer, 400: SensorProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """The datastreams with their states: silent after three expected intervals (or `silent_after_s`), late after half of
        that, flapping where one came back from silence three times within a day."""
        values = read_query(request.query_params, ["state", "thing", "property", *PAGING])
        limit, after = page_of(values, KIND)
        asked = DatastreamState.objects.filter(datastream__thing__is_exercise=False)
        if "thing" in values:
            if not Thing.objects.filter(slug=values["thing"]).exists():
                raise BadParameter("thing", f"there is no thing {values['thing']!r}; /api/things/ lists them")
            asked = asked.filter(datastream__thing__slug=values["thing"])
        if "property" in values:
            codes = ObservedProperty.objects.order_by("code").values_list("code", flat=True)
            asked = asked.filter(
                datastream__observed_property__code=parse_choice(values["property"], "property", codes)
            )
        counts = dict(asked.values_list("state").annotate(n=Count("pk")))
        found = asked.select_related("datastream__thing", "datastream__observed_property").order_by("datastream_id")
        if "state" in values:
            found = found.filter(
                state__in=[parse_choice(each.strip(), "state", State.values) for each in values["state"].split(",")]
            )
        if after is not None:
            found = found.filter(datastream_id__gt=after)
        page = list(found[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        return Response(
            {
                "counts": {state: counts.get(state, 0) for state in State.values},
                "next": following,
                "results": StateSerializer(page[:limit], many=True).data,
            }
        )

"""`/api/things/` and `/api/observed-properties/`: what there is to measure with, and what is measured."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.serializers import ObservedPropertySerializer, ThingDetailSerializer, ThingSerializer
from sensors.api.views import PAGE_PARAMETERS, OpenView, SensorProblemSerializer
from sensors.registry.models import Datastream, ObservedProperty, Thing, ThingLocation
from server.core.errors import NotFound
from server.core.listing import PAGING, next_link, page_of, read_query

KIND = "things"


class ThingPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ThingSerializer(many=True)


class ObservedPropertiesSerializer(serializers.Serializer[Any]):
    results = ObservedPropertySerializer(many=True)


def _with_location() -> QuerySet[Thing]:
    return Thing.objects.prefetch_related(Prefetch("locations", ThingLocation.objects.filter(valid_to=None)))


class ThingsView(OpenView):
    @extend_schema(
        operation_id="things_list",
        parameters=PAGE_PARAMETERS,
        responses={200: ThingPageSerializer, 400: SensorProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """The things, by slug, each where it stands now."""
        values = read_query(request.query_params, PAGING)
        limit, after = page_of(values, KIND)
        found = _with_location().order_by("slug")
        if after is not None:
            found = found.filter(slug__gt=after)
        page = list(found[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].slug) if len(page) > limit else None
        return Response({"next": following, "results": ThingSerializer(page[:limit], many=True).data})


class ThingView(OpenView):
    @extend_schema(operation_id="things_retrieve", responses={200: ThingDetailSerializer, 404: SensorProblemSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """One thing, with its datastreams."""
        read_query(request.query_params, [])
        streams = Datastream.objects.select_related("thing", "observed_property", "sensor").order_by("id")
        thing = _with_location().prefetch_related(Prefetch("datastreams", streams)).filter(slug=slug).first()
        if thing is None:
            raise NotFound(_("There is no such thing."))
        return Response(ThingDetailSerializer(thing).data)


class ObservedPropertiesView(OpenView):
    @extend_schema(
        operation_id="observed_properties_list",
        responses={200: ObservedPropertiesSerializer, 400: SensorProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """What is measured, by code."""
        read_query(request.query_params, [])
        return Response(
            {"results": ObservedPropertySerializer(ObservedProperty.objects.order_by("code"), many=True).data}
        )

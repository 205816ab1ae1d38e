"""`/api/things/{slug}/locations/` and `…/datastreams/`: where a thing stands and stood, and what more it measures."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_gis.fields import GeometryField

from sensors.api.inputs import DatastreamChange, DatastreamInput, MoveInput
from sensors.api.registering import registry_errors, thing_named
from sensors.api.serializers import POINT, DatastreamSerializer
from sensors.api.things import REFUSED
from sensors.api.views import PAGE_PARAMETERS, SensorProblemSerializer, SharedView, WritingView
from sensors.observations.coverage import is_observed
from sensors.registry.models import Datastream, ThingLocation
from sensors.registry.services import DatastreamEntry, change_datastream, move_thing, provision_datastream
from server.core.errors import Conflict, NotFound
from server.core.listing import PAGING, next_link, page_of, read_query

WRITTEN = {**REFUSED, 404: SensorProblemSerializer, 409: SensorProblemSerializer}


class LocationSerializer(serializers.ModelSerializer[ThingLocation]):
    """A place, from when to when."""

    location = serializers.SerializerMethodField()
    valid_from = serializers.DateTimeField(default_timezone=UTC)
    valid_to = serializers.DateTimeField(default_timezone=UTC, allow_null=True, help_text="Null: it stands there now.")

    class Meta:
        model = ThingLocation
        fields = ["location", "valid_from", "valid_to"]

    @extend_schema_field(POINT)
    def get_location(self, place: ThingLocation) -> Any:
        return GeometryField(precision=7).to_representation(place.location)


class LocationPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = LocationSerializer(many=True)


class ThingLocationsView(SharedView):
    @extend_schema(
        operation_id="things_locations_list",
        auth=[],
        parameters=PAGE_PARAMETERS,
        responses={200: LocationPageSerializer, 400: SensorProblemSerializer, 404: SensorProblemSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Where a thing has stood, the first place first."""
        values = read_query(request.query_params, PAGING)
        thing = thing_named(slug)
        kind = f"locations:{thing.pk}"
        limit, after = page_of(values, kind)
        found = ThingLocation.objects.filter(thing=thing).order_by("valid_from", "id")
        if after is not None:
            at, key = datetime.fromisoformat(after[0]), after[1]
            found = found.filter(Q(valid_from__gt=at) | Q(valid_from=at, id__gt=key))
        page = list(found[: limit + 1])
        following = None
        if len(page) > limit:
            last = page[limit - 1]
            following = next_link(request, kind, [last.valid_from.isoformat(), last.pk])
        return Response({"next": following, "results": LocationSerializer(page[:limit], many=True).data})

    @extend_schema(
        operation_id="things_locations_create",
        request=MoveInput,
        responses={201: LocationSerializer, 200: LocationSerializer, **WRITTEN},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Moves a thing. What it measured before stays where it was measured; where it stands already, nothing is done (200)."""
        self.require("sensors.change_thing")
        thing = thing_named(slug)
        body = MoveInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        before = ThingLocation.objects.filter(thing=thing).count()
        with registry_errors():
            move_thing(thing, lon_lat=values["location"], moved_at=values.get("moved_at") or datetime.now(UTC))
        places = list(ThingLocation.objects.filter(thing=thing).order_by("valid_from", "id"))
        return Response(LocationSerializer(places[-1]).data, 201 if len(places) > before else 200)


class ThingDatastreamsView(WritingView):
    @extend_schema(
        operation_id="things_datastreams_create",
        request=DatastreamInput,
        responses={201: DatastreamSerializer, 200: DatastreamSerializer, **WRITTEN},
    )
    def post(self, request: Request, slug: str) -> Response:
        """What a thing measures as well; of a property that it measures already, changes what is given (200)."""
        self.require("sensors.add_datastream")
        thing = thing_named(slug)
        body = DatastreamInput(data=request.data)
        body.is_valid(raise_exception=True)
        with registry_errors():
            datastream, done = provision_datastream(thing, DatastreamEntry(**body.validated_data))
        return Response(DatastreamSerializer(datastream).data, 201 if done == "created" else 200)


class DatastreamView(SharedView):
    @extend_schema(
        operation_id="datastreams_retrieve",
        auth=[],
        responses={200: DatastreamSerializer, 404: SensorProblemSerializer},
    )
    def get(self, request: Request, datastream_id: int) -> Response:
        """One datastream."""
        read_query(request.query_params, [])
        return Response(DatastreamSerializer(_datastream(datastream_id)).data)

    @extend_schema(
        operation_id="datastreams_partial_update",
        request=DatastreamChange,
        responses={200: DatastreamSerializer, **WRITTEN},
    )
    def patch(self, request: Request, datastream_id: int) -> Response:
        """Changes what is given. The unit of one that has observations stays: they would become another quantity."""
        self.require("sensors.change_datastream")
        datastream = _datastream(datastream_id)
        body = DatastreamChange(data=request.data)
        body.is_valid(raise_exception=True)
        unit = body.validated_data.get("unit_ucum", datastream.unit_ucum)
        if unit != datastream.unit_ucum and is_observed(datastream.pk):
            raise Conflict(
                _(
                    "There are observations in %(unit)s: the unit stays. A value that is sent in another unit is converted."
                )
                % {"unit": datastream.unit_ucum}
            )
        with registry_errors():
            change_datastream(datastream, body.validated_data)
        return Response(DatastreamSerializer(_datastream(datastream_id)).data)


def _datastream(datastream_id: int) -> Datastream:
    streams = Datastream.objects.select_related("thing", "observed_property", "sensor")
    found = streams.filter(pk=datastream_id).first() if datastream_id < 2**63 else None
    if found is None:
        raise NotFound(_("There is no such datastream."))
    return found

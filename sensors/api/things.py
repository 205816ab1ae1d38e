"""`/api/things/` and `/api/observed-properties/`: what there is to measure with, and what is measured."""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.inputs import ObservedPropertyInput, ThingChange, ThingInput, ThingUpdate, refuse_reserved, thing_entry
from sensors.api.registering import BrokerSerializer, broker_answer, registry_errors, thing_named
from sensors.api.serializers import ObservedPropertySerializer, ThingDetailSerializer, ThingSerializer
from sensors.api.views import EXERCISE, PAGE_PARAMETERS, SensorProblemSerializer, SharedView, wants_exercise
from sensors.registry.models import Datastream, ObservedProperty, Thing, ThingLocation, slug_rule
from sensors.registry.services import ALWAYS, change_thing, provision_observed_properties, provision_things
from server.core.errors import Conflict, NotFound
from server.core.listing import PAGING, next_link, page_of, read_query

KIND = "things"
REFUSED = dict.fromkeys((400, 401, 403), SensorProblemSerializer)


class ThingPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ThingSerializer(many=True)


class ObservedPropertiesSerializer(serializers.Serializer[Any]):
    results = ObservedPropertySerializer(many=True)


class RegisteredThingSerializer(ThingDetailSerializer):
    """A thing as it is now, and how its device publishes."""

    broker = BrokerSerializer()

    class Meta(ThingDetailSerializer.Meta):
        fields = [*ThingDetailSerializer.Meta.fields, "broker"]


def with_location() -> QuerySet[Thing]:
    return Thing.objects.prefetch_related(Prefetch("locations", ThingLocation.objects.filter(valid_to=None)))


def thing_detail(slug: str) -> dict[str, Any]:
    """A thing with its datastreams, as it goes out. Errors: NotFound."""
    streams = Datastream.objects.select_related("thing", "observed_property", "sensor").order_by("id")
    thing = with_location().prefetch_related(Prefetch("datastreams", streams)).filter(slug=slug).first()
    if thing is None:
        raise NotFound(_("There is no such thing."))
    return dict(ThingDetailSerializer(thing).data)


def registered(slug: str, status: int) -> Response:
    """The answer to who has registered a thing."""
    answer = thing_detail(slug) | {"broker": broker_answer(slug)}
    return Response(answer, status, headers={"Location": f"/api/things/{slug}/"} if status == 201 else None)


class ThingsView(SharedView):
    @extend_schema(
        operation_id="things_list",
        auth=[],
        parameters=[EXERCISE, *PAGE_PARAMETERS],
        responses={200: ThingPageSerializer, 400: SensorProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """The things, by slug, each where it stands now."""
        values = read_query(request.query_params, ["exercise", *PAGING])
        limit, after = page_of(values, KIND)
        found = with_location().filter(is_exercise=wants_exercise(values)).order_by("slug")
        if after is not None:
            found = found.filter(slug__gt=after)
        page = list(found[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].slug) if len(page) > limit else None
        return Response({"next": following, "results": ThingSerializer(page[:limit], many=True).data})

    @extend_schema(
        operation_id="things_create",
        request=ThingInput,
        responses={
            201: RegisteredThingSerializer,
            200: RegisteredThingSerializer,
            **REFUSED,
            409: SensorProblemSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Registers a thing, with where it stands and what it measures. Sent again it is a repeat (200); one of the same slug
        that is another is a conflict."""
        self.require("sensors.add_thing")
        body = ThingInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        if values.get("datastreams"):
            self.require("sensors.add_datastream")
        counts = _provision(values, values["slug"], only_new=True)
        return registered(values["slug"], 201 if counts["things_created"] else 200)


def _provision(values: dict[str, Any], slug: str, *, only_new: bool = False) -> Any:
    with registry_errors(), transaction.atomic():
        counts = provision_things(
            [thing_entry(values, slug)],
            moved_at=values.get("moved_at") or datetime.now(UTC),
            standing_since=values.get("standing_since") or ALWAYS,
        )
        if only_new and not counts["things_created"] and not counts["things_unchanged"]:
            raise Conflict(
                _("There is a thing %(slug)s, and it is another. PUT /api/things/%(slug)s/ changes it.")
                % {"slug": slug}
            )
    return counts


class ThingView(SharedView):
    @extend_schema(
        operation_id="things_retrieve", auth=[], responses={200: ThingDetailSerializer, 404: SensorProblemSerializer}
    )
    def get(self, request: Request, slug: str) -> Response:
        """One thing, with its datastreams."""
        read_query(request.query_params, [])
        return Response(thing_detail(slug))

    @extend_schema(
        operation_id="things_update",
        request=ThingUpdate,
        responses={
            200: RegisteredThingSerializer,
            201: RegisteredThingSerializer,
            **REFUSED,
            409: SensorProblemSerializer,
        },
    )
    def put(self, request: Request, slug: str) -> Response:
        """Makes a thing, or makes it what is said here; datastreams that are not named stay. Elsewhere, it has moved."""
        self.require("sensors.add_thing", "sensors.change_thing")
        body = ThingUpdate(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data.get("datastreams"):
            self.require("sensors.add_datastream", "sensors.change_datastream")
        serializers.CharField(max_length=64, validators=[slug_rule]).run_validation(slug)
        counts = _provision(body.validated_data, refuse_reserved(slug))
        return registered(slug, 201 if counts["things_created"] else 200)

    @extend_schema(
        operation_id="things_partial_update",
        request=ThingChange,
        responses={200: ThingDetailSerializer, **REFUSED, 404: SensorProblemSerializer},
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Changes what is given."""
        self.require("sensors.change_thing")
        thing = thing_named(slug)
        body = ThingChange(data=request.data)
        body.is_valid(raise_exception=True)
        with registry_errors():
            change_thing(thing, body.validated_data)
        return Response(thing_detail(slug))


class ObservedPropertiesView(SharedView):
    @extend_schema(
        operation_id="observed_properties_list",
        auth=[],
        responses={200: ObservedPropertiesSerializer, 400: SensorProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """What is measured, by code."""
        read_query(request.query_params, [])
        return Response(
            {"results": ObservedPropertySerializer(ObservedProperty.objects.order_by("code"), many=True).data}
        )

    @extend_schema(
        operation_id="observed_properties_create",
        request=ObservedPropertyInput,
        responses={
            201: ObservedPropertySerializer,
            200: ObservedPropertySerializer,
            **REFUSED,
            409: SensorProblemSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Makes an observed property. Sent again it is a repeat (200); one of the same code that is another is a conflict."""
        self.require("sensors.add_observedproperty")
        body = ObservedPropertyInput(data=request.data)
        body.is_valid(raise_exception=True)
        code = body.validated_data["code"]
        with registry_errors(), transaction.atomic():
            counts = provision_observed_properties([body.validated_data])
            if counts["updated"]:
                raise Conflict(
                    _("There is an observed property %(code)s, and it is another; the admin changes it.")
                    % {"code": code}
                )
        found = ObservedProperty.objects.get(code=code)
        return Response(ObservedPropertySerializer(found).data, 201 if counts["created"] else 200)

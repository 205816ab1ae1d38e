"""`/api/pending-things/`: devices that publish and that nobody has registered, to be approved or rejected."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.inputs import PointField, StrictInput, UnitField
from sensors.api.registering import BrokerSerializer, broker_answer, registry_errors
from sensors.api.serializers import ThingDetailSerializer
from sensors.api.things import REFUSED, thing_detail
from sensors.api.views import PAGE_PARAMETERS, SensorProblemSerializer, WritingView, parameter
from sensors.ingest.decoders import Decoder
from sensors.ingest.models import TopicRule
from sensors.ingest.pending.approving import Approval, Meaning, approve_thing, reject_thing, reopen_thing
from sensors.ingest.pending.models import PendingThing
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import parse_choice

KIND = "pending-things"
CHANGE = "sensors.change_pendingthing"


class SeenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="As the device calls it.")
    result = serializers.FloatField(help_text="The last one.")
    unit = serializers.CharField(help_text="As the device says; empty where it says none.")
    time = serializers.DateTimeField()


class PendingThingSerializer(serializers.ModelSerializer[PendingThing]):
    format = serializers.SerializerMethodField(
        help_text="How its messages are read: `native`, or the topic rule's format."
    )
    topic_rule = serializers.SerializerMethodField(help_text="The pattern of that rule; null without one.")
    seen = serializers.SerializerMethodField()

    class Meta:
        model = PendingThing
        fields = ["slug", "state", "first_seen", "last_seen", "messages", "topic", "format", "topic_rule", "seen"]

    def get_format(self, pending: PendingThing) -> str:
        rule = self.context["decoder"].rule_of(pending.topic)
        return rule.format if rule else "native"

    def get_topic_rule(self, pending: PendingThing) -> str | None:
        rule = self.context["decoder"].rule_of(pending.topic)
        return rule.pattern if rule else None

    @extend_schema_field(SeenSerializer(many=True))
    def get_seen(self, pending: PendingThing) -> Any:
        return [{"name": name, **last} for name, last in sorted(pending.seen.items())]


class PendingPageSerializer(serializers.Serializer[Any]):
    auto_provision = serializers.ChoiceField(
        choices=["off", "pending"], help_text="off: new devices are not noted; PANTAU_AUTO_PROVISION=pending does."
    )
    next = serializers.URLField(allow_null=True)
    results = PendingThingSerializer(many=True)


class MeaningInput(StrictInput):
    """What a device's name for a value means here."""

    observed_property = serializers.CharField(max_length=64, required=False, help_text="Its code, if it is another.")
    unit_ucum = UnitField(max_length=40, required=False, help_text="In which it is kept.")


@extend_schema_field(
    {
        "type": "object",
        "description": "By the device's names for its values; null leaves one out.",
        "additionalProperties": {
            "type": "object",
            "nullable": True,
            "properties": {"observed_property": {"type": "string"}, "unit_ucum": {"type": "string"}},
        },
    }
)
class MeaningsField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> dict[str, Meaning | None]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("An object is needed."))
        meanings: dict[str, Meaning | None] = {}
        faults: dict[str, Any] = {}
        for name, given in data.items():
            if given is None:
                meanings[name] = None
                continue
            meaning = MeaningInput(data=given)
            if meaning.is_valid():
                meanings[name] = Meaning(**meaning.validated_data)
            else:
                faults[name] = meaning.errors
        if faults:
            raise serializers.ValidationError(faults)
        return meanings

    def to_representation(self, value: Any) -> Any:
        return value


class ApprovalInput(StrictInput):
    """What is known of the device beside what it has sent; nothing of it is needed."""

    name = serializers.CharField(max_length=200, required=False)
    location = PointField(required=False)
    observed_properties = MeaningsField(required=False)


class ReplayedSerializer(serializers.Serializer[Any]):
    stored = serializers.IntegerField()
    repeated = serializers.IntegerField()
    ignored = serializers.IntegerField()
    quarantined = serializers.IntegerField(help_text="Rejected again, for other reasons.")
    waiting = serializers.IntegerField(help_text="Messages left for `manage replay_rejects --thing SLUG`.")


class ApprovedSerializer(serializers.Serializer[Any]):
    thing = ThingDetailSerializer()
    datastreams = serializers.DictField(
        child=serializers.CharField(), help_text="The device's names, and which property each is."
    )
    left = serializers.DictField(
        child=serializers.CharField(),
        help_text="Names without a datastream, and why. Their readings stay in quarantine.",
    )
    replayed = ReplayedSerializer()
    broker = BrokerSerializer()


class PendingThingsView(WritingView):
    @extend_schema(
        operation_id="pending_things_list",
        parameters=[parameter("state", "pending (the default) or rejected."), *PAGE_PARAMETERS],
        responses={200: PendingPageSerializer, **REFUSED},
    )
    def get(self, request: Request) -> Response:
        """Unknown devices, by slug, with what each has sent. For staff."""
        self.require("sensors.view_pendingthing")
        values = read_query(request.query_params, ["state", *PAGING])
        state = parse_choice(values.get("state", "pending"), "state", PendingThing.State.values)
        kind = f"{KIND}:{state}"
        limit, after = page_of(values, kind)
        found = PendingThing.objects.unregistered().filter(state=state).order_by("slug")
        if after is not None:
            found = found.filter(slug__gt=after)
        page = list(found[: limit + 1])
        following = next_link(request, kind, page[limit - 1].slug) if len(page) > limit else None
        results = PendingThingSerializer(
            page[:limit], many=True, context={"decoder": Decoder(TopicRule.objects.in_force())}
        )
        return Response({"auto_provision": settings.AUTO_PROVISION, "next": following, "results": results.data})


class ApproveView(WritingView):
    @extend_schema(
        operation_id="pending_things_approve",
        request=ApprovalInput,
        responses={200: ApprovedSerializer, **REFUSED, 404: SensorProblemSerializer, 409: SensorProblemSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Registers the device with what it measures, and stores what lies in quarantine of it."""
        self.require(CHANGE, "sensors.add_thing", "sensors.add_datastream")
        body = ApprovalInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        approval = Approval(values.get("name", ""), values.get("location"), values.get("observed_properties", {}))
        with registry_errors():
            approved = approve_thing(slug, approval, now=datetime.now(UTC))
        outcome = approved.outcome
        return Response(
            {
                "thing": thing_detail(slug),
                "datastreams": approved.datastreams,
                "left": approved.left,
                "replayed": {
                    "stored": outcome.stored,
                    "repeated": outcome.repeated,
                    "ignored": outcome.ignored,
                    "quarantined": outcome.quarantined,
                    "waiting": approved.waiting,
                },
                "broker": broker_answer(slug),
            }
        )


class RejectView(WritingView):
    @extend_schema(
        operation_id="pending_things_reject",
        request=None,
        responses={204: None, **REFUSED, 404: SensorProblemSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Leaves the device alone: it is not listed as pending any more, and what it sends stays in quarantine."""
        self.require(CHANGE)
        reject_thing(slug)
        return Response(status=204)


class ReopenView(WritingView):
    @extend_schema(
        operation_id="pending_things_reopen",
        request=None,
        responses={204: None, **REFUSED, 404: SensorProblemSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Takes a rejection back."""
        self.require(CHANGE)
        reopen_thing(slug)
        return Response(status=204)

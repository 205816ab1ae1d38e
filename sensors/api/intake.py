"""Readings by HTTP: from loggers that speak no MQTT, and from network servers' webhooks."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.device_authentication import Device, DeviceAuthentication
from sensors.api.views import SensorProblemSerializer, WritingView, parameter
from sensors.ingest.batch import Message
from sensors.ingest.decoders import MAX_PAYLOAD_BYTES
from sensors.ingest.floods.intake import pay, require_credit
from sensors.ingest.hooks import message_of_chirpstack, message_of_the_things_stack
from sensors.ingest.http_intake import MEDIA_TYPES, NATIVE, Kept, store_body, store_message
from sensors.ingest.reasons import Reason
from sensors.ingest.store import Outcome
from server.core.errors import Forbidden
from server.core.listing import read_query
from server.core.parsers import refuse_larger


class QuarantinedSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=[reason.value for reason in Reason])
    detail = serializers.CharField()


class KeptSerializer(serializers.Serializer[Any]):
    """What became of the readings: received = stored + repeated + the number of those in quarantine."""

    received = serializers.IntegerField()
    stored = serializers.IntegerField()
    repeated = serializers.IntegerField(help_text="Stored before, with the same result.")
    quarantined = QuarantinedSerializer(many=True)


_PROBLEMS = dict.fromkeys((400, 401, 403, 413, 415, 429), SensorProblemSerializer)
_ANSWERS = {200: KeptSerializer, 202: KeptSerializer, **_PROBLEMS}
_BODY = {
    NATIVE: OpenApiTypes.OBJECT,
    "application/senml+json": OpenApiTypes.OBJECT,
    "application/senml+cbor": OpenApiTypes.BINARY,
    "text/csv": OpenApiTypes.STR,
}


class IntakeView(WritingView):
    """Who sends is a device or the gateway by its broker's credential, or a person who may add observations.

    200: all of it is stored. 202: some of it lies in quarantine, and the answer says why. Both are committed.
    """

    authentication_classes = [DeviceAuthentication, *WritingView.authentication_classes]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        refuse_larger(request, MAX_PAYLOAD_BYTES)
        super().initial(request, *args, **kwargs)

    def thing_for(self, asked: str) -> str:
        """Of which thing the body is, "" where it may name any. Errors: Unauthenticated, Forbidden, TooMany."""
        sender = self.request.auth
        if not isinstance(sender, Device):
            self.require("sensors.add_observation")
        elif sender.thing and asked not in ("", sender.thing):
            raise Forbidden(_("A device sends its own readings only."))
        elif sender.thing:
            require_credit(sender.thing)
            return sender.thing
        return asked

    def require_gateway(self) -> None:
        """Errors: Unauthenticated, Forbidden."""
        if self.thing_for(""):
            raise Forbidden(
                _("A webhook speaks for many devices: it needs the gateway's credential, or a person's token.")
            )

    def take_body(self, request: Request, asked: str) -> Response:
        thing = self.thing_for(asked)
        media_type = str(request.content_type or "").partition(";")[0].strip().lower() or NATIVE
        if media_type not in MEDIA_TYPES:
            raise UnsupportedMediaType(
                media_type,
                _("The content type is one of %(types)s, not %(type)s.")
                % {"types": ", ".join(MEDIA_TYPES), "type": media_type},
            )
        kept = store_body(request.body, media_type, thing=thing)
        if isinstance(request.auth, Device) and request.auth.thing:
            pay(request.auth.thing, kept.outcome.received)
        return _answer(kept)


class ObservationsIntakeView(IntakeView):
    @extend_schema(
        operation_id="observations_create",
        parameters=[parameter("thing", "Of which thing the body is, where it does not say so itself.")],
        request=_BODY,
        responses=_ANSWERS,
    )
    def post(self, request: Request) -> Response:
        """Readings: {"thing", "observed_property", "result", "phenomenon_time", "unit"}, {"thing", "phenomenon_time", "results":
        {code: number}}, or an array of those; SenML or CSV with ?thing=. What a device sends is of itself."""
        return self.take_body(request, read_query(request.query_params, ["thing"]).get("thing", ""))


class ThingIntakeView(IntakeView):
    @extend_schema(operation_id="things_observations_create", request=_BODY, responses=_ANSWERS)
    def post(self, request: Request, slug: str) -> Response:
        """Readings of one thing, in the forms of /api/observations/."""
        read_query(request.query_params, [])
        return self.take_body(request, slug)


class TheThingsStackHookView(IntakeView):
    @extend_schema(operation_id="hooks_the_things_stack", request={NATIVE: OpenApiTypes.OBJECT}, responses=_ANSWERS)
    def post(self, request: Request) -> Response:
        """Uplinks as The Things Stack's webhooks send them, read by the topic rules of its MQTT topics."""
        read_query(request.query_params, [])
        self.require_gateway()
        return _answer_to_hook(message_of_the_things_stack(request.body))


class ChirpStackHookView(IntakeView):
    @extend_schema(
        operation_id="hooks_chirpstack",
        parameters=[parameter("event", "As ChirpStack sends it; of another than `up` nothing is taken.")],
        request={NATIVE: OpenApiTypes.OBJECT},
        responses=_ANSWERS,
    )
    def post(self, request: Request) -> Response:
        """Uplinks as ChirpStack's HTTP integration sends them, read by the topic rules of its MQTT topics."""
        event = read_query(request.query_params, ["event"]).get("event", "")
        self.require_gateway()
        return _answer_to_hook(message_of_chirpstack(request.body, event))


def _answer_to_hook(message: Message | None) -> Response:
    # What carries no reading is taken all the same: a refusal would make the network server give the webhook up.
    return _answer(store_message(message) if message else Kept(Outcome(), ()))


def _answer(kept: Kept) -> Response:
    outcome = kept.outcome
    said = {
        "received": outcome.received,
        "stored": outcome.stored,
        "repeated": outcome.repeated,
        "quarantined": [{"reason": each.reason.value, "detail": each.detail} for each in kept.rejections],
    }
    return Response(said, status=202 if kept.rejections else 200)

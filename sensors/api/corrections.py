"""`/api/datastreams/{id}/corrections/`: what people decided of observations, and deciding it."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.inputs import FiniteField, StrictInput
from sensors.api.views import PAGE_PARAMETERS, SensorProblemSerializer, WritingView
from sensors.observations.columns import quality_words
from sensors.observations.corrections import MOST_AT_ONCE, Action, decide_one, decide_period
from sensors.observations.models import Correction
from sensors.registry.models import Datastream
from server.core.errors import InvalidFields, NotFound
from server.core.listing import PAGING, next_link, page_of, read_query

# Lines that the answer to a change of a whole period holds.
MOST_SHOWN = 100
REFUSED = dict.fromkeys((400, 401, 403, 404, 409), SensorProblemSerializer)


@extend_schema_field({"type": "string", "format": "date-time"})
class InstantField(serializers.Field[Any, Any, Any, Any]):
    """A time with its offset, in UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(data)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            pass
        raise serializers.ValidationError(_("A time has an offset, as in 2026-01-31T00:00:00+07:00."))

    def to_representation(self, value: Any) -> Any:
        return value


class CorrectionInput(StrictInput):
    """One observation by its `phenomenon_time`, or all from `start` (included) to `end` (excluded); and one thing to do."""

    phenomenon_time = InstantField(required=False)
    start = InstantField(required=False)
    end = InstantField(required=False, help_text=f"At most {MOST_AT_ONCE} observations at once.")
    result = FiniteField(required=False, help_text="The right value, of one observation.")
    confirm = serializers.BooleanField(
        required=False, help_text="The value is right: its flags are taken away for good."
    )
    doubt = serializers.BooleanField(
        required=False, help_text="The value is not to be counted: it is flagged `doubted`."
    )
    delete = serializers.BooleanField(required=False)
    old_result = FiniteField(
        required=False,
        help_text="What the result is believed to be; 409 when it is another by now. Of one observation.",
    )
    reason = serializers.CharField(max_length=2000)


class CorrectionSerializer(serializers.ModelSerializer[Correction]):
    """An audit line. It is never changed."""

    phenomenon_time = serializers.DateTimeField(default_timezone=UTC)
    old_quality = serializers.SerializerMethodField()
    new_quality = serializers.SerializerMethodField(help_text="Null, as the new result: the observation was deleted.")
    corrected_by = serializers.CharField(source="corrected_by.username", default=None, allow_null=True)
    corrected_at = serializers.DateTimeField(default_timezone=UTC)

    class Meta:
        model = Correction
        fields = [
            "id",
            "phenomenon_time",
            "old_result",
            "new_result",
            "old_quality",
            "new_quality",
            "reason",
            "corrected_by",
            "corrected_at",
        ]

    def get_old_quality(self, line: Correction) -> str | None:
        return None if line.old_quality is None else quality_words(line.old_quality)

    def get_new_quality(self, line: Correction) -> str | None:
        return None if line.new_quality is None else quality_words(line.new_quality)


class CorrectionPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = CorrectionSerializer(many=True)


class CorrectedSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Of the observations changed.")
    results = CorrectionSerializer(many=True, help_text=f"Their lines, the first {MOST_SHOWN}.")


class CorrectionsView(WritingView):
    @extend_schema(
        operation_id="datastreams_corrections_list",
        parameters=PAGE_PARAMETERS,
        responses={200: CorrectionPageSerializer, **REFUSED},
    )
    def get(self, request: Request, datastream_id: int) -> Response:
        """The audit lines of a datastream, the latest first. For who has `sensors.view_correction`."""
        self.require("sensors.view_correction")
        values = read_query(request.query_params, PAGING)
        datastream = _datastream(datastream_id)
        kind = f"corrections:{datastream.pk}"
        limit, after = page_of(values, kind)
        found = Correction.objects.filter(datastream=datastream).select_related("corrected_by").order_by("-id")
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found[: limit + 1])
        following = next_link(request, kind, page[limit - 1].pk) if len(page) > limit else None
        return Response({"next": following, "results": CorrectionSerializer(page[:limit], many=True).data})

    @extend_schema(
        operation_id="datastreams_corrections_create",
        request=CorrectionInput,
        responses={201: CorrectedSerializer, **REFUSED},
    )
    def post(self, request: Request, datastream_id: int) -> Response:
        """Corrects, confirms, doubts or deletes observations, with an audit line each. For who has `sensors.add_correction`.

        Hours and days, the neighbours' quality and alerts follow within seconds.
        """
        self.require("sensors.add_correction")
        read_query(request.query_params, [])
        datastream = _datastream(datastream_id)
        form = CorrectionInput(data=request.data)
        form.is_valid(raise_exception=True)
        lines = _decide(datastream, form.validated_data, request.user)
        return Response(
            {"count": len(lines), "results": CorrectionSerializer(lines[:MOST_SHOWN], many=True).data}, status=201
        )


def _datastream(datastream_id: int) -> Datastream:
    found = Datastream.objects.select_related("thing", "observed_property").filter(pk=datastream_id)
    datastream = found.first() if datastream_id < 2**63 else None
    if datastream is None:
        raise NotFound(_("There is no such datastream."))
    return datastream


def _decide(datastream: Datastream, values: dict[str, Any], by: Any) -> list[Correction]:
    given = [name for name in ("confirm", "doubt", "delete") if values.get(name)]
    actions = [Action(name) for name in given] + [Action.CORRECT] * ("result" in values)
    if len(actions) != 1:
        raise InvalidFields({"result": [_('Give one of "result", "confirm": true, "doubt": true, "delete": true.')]})
    (action,) = actions
    if "phenomenon_time" in values and "start" not in values and "end" not in values:
        line = decide_one(
            action,
            datastream=datastream,
            phenomenon_time=values["phenomenon_time"],
            new_result=values.get("result"),
            old_result=values.get("old_result"),
            reason=values["reason"],
            by=by,
        )
        return [line]
    if "phenomenon_time" in values or "start" not in values or "end" not in values:
        raise InvalidFields({"phenomenon_time": [_('Give "phenomenon_time", or "start" and "end".')]})
    if "old_result" in values:
        raise InvalidFields({"old_result": [_("This is asked of one observation alone.")]})
    return decide_period(
        action, datastream=datastream, start=values["start"], end=values["end"], reason=values["reason"], by=by
    )

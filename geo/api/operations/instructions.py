"""`/api/instructions/`: what the mayor wants of agencies, and how far it is."""

from collections.abc import Mapping
from typing import Any

from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter, utc_now
from geo.areas.models import Area, City
from geo.layers.asking import resolve_city
from geo.operations.incidents.models import Incident
from geo.operations.mayor.instructions import (
    LONGEST_TEXT,
    give_instruction,
    move_instruction,
    next_states,
    require_mayor,
    sides_of,
)
from geo.operations.mayor.models import AWAITED, Instruction, InstructionStep, State
from geo.reports.access.principals import Principal
from geo.reports.models import Agency, Report
from geo.reports.report_input import OffsetDateTime
from server.core.errors import InvalidFields, NotFound
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query
from server.core.params import parse_choice, parse_list

KIND = "instructions"
PUBLIC_ID = OpenApiParameter("public_id", str, OpenApiParameter.PATH)
FILTERS = ("city", "agency", "state", "late", "report", "incident", "area")
TARGETS = ("report", "incident", "area")
REFUSALS = dict.fromkeys((400, 401, 403, 404), PROBLEM)


class StepSerializer(serializers.ModelSerializer[InstructionStep]):
    state = serializers.CharField(source="new_state")
    by = serializers.CharField(source="user.username", allow_null=True, default=None)
    text = serializers.CharField(help_text="What was said; empty once it is erased.")

    class Meta:
        model = InstructionStep
        fields = ["state", "at", "by", "text"]


class InstructionSerializer(serializers.ModelSerializer[Instruction]):
    id = serializers.CharField(source="public_id")
    city = serializers.CharField(source="city.slug")
    agency = serializers.CharField(source="agency.slug")
    report = serializers.CharField(source="report.public_id", allow_null=True, default=None)
    incident = serializers.CharField(source="incident.public_id", allow_null=True, default=None)
    area = serializers.CharField(source="area.code", allow_null=True, default=None)
    given_by = serializers.CharField(source="given_by.username", allow_null=True, default=None)
    is_late = serializers.SerializerMethodField(help_text="Not done by the deadline.")
    text = serializers.SerializerMethodField()
    steps = StepSerializer(many=True, help_text="What was done, first step first.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Instruction
        fields = [
            *("id", "url", "city", "agency", *TARGETS, "state", "is_late", "deadline", "text"),
            *("given_at", "given_by", "done_at", "ended_at", "steps"),
        ]

    def get_is_late(self, instruction: Instruction) -> bool:
        return instruction.is_late(self.context["now"])

    def get_text(self, instruction: Instruction) -> str:
        return next((step.text for step in instruction.steps.all()), "")

    @extend_schema_field(serializers.URLField())
    def get_url(self, instruction: Instruction) -> str:
        return absolute_url(self.context["request"]._request, f"/api/instructions/{instruction.public_id}/")


class InstructionDetailSerializer(InstructionSerializer):
    next_states = serializers.SerializerMethodField(help_text="Which steps whoever asks may take.")

    class Meta(InstructionSerializer.Meta):
        fields = [*InstructionSerializer.Meta.fields, "next_states"]

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_next_states(self, instruction: Instruction) -> list[str]:
        return next_states(instruction, sides_of(instruction, self.context["principal"]))


class InstructionPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = InstructionSerializer(many=True)


class AgencyFiguresSerializer(serializers.Serializer[Any]):
    agency = serializers.CharField()
    open = serializers.IntegerField(help_text="Not done yet: open, acknowledged or returned.")
    late = serializers.IntegerField(help_text="Of these, past their deadline.")
    to_be_confirmed = serializers.IntegerField(help_text="Done, says the agency.")


class FiguresSerializer(serializers.Serializer[Any]):
    agencies = AgencyFiguresSerializer(many=True)


class InstructionInput(StrictSerializer):
    city = serializers.CharField(required=False, help_text="Slug; with one city it is the default.")
    agency = serializers.CharField(required=False, help_text="Slug; else the agency that has the report.")
    report = serializers.CharField(required=False, max_length=16, help_text="Id. One of report, incident and area.")
    incident = serializers.CharField(required=False, max_length=16, help_text="Id.")
    area = serializers.CharField(required=False, max_length=32, help_text="Code.")
    deadline = OffsetDateTime()
    text = serializers.CharField(max_length=LONGEST_TEXT)

    def validate(self, attrs: Any) -> Any:
        if sum(name in attrs for name in TARGETS) != 1:
            raise serializers.ValidationError({"report": [_("Give one of report, incident and area.")]})
        return super().validate(attrs)


class StateInput(StrictSerializer):
    state = serializers.ChoiceField(choices=State.choices)
    note = serializers.CharField(
        max_length=LONGEST_TEXT, required=False, allow_blank=True, default="",
        help_text="Needed for done and returned.",
    )  # fmt: skip


class PrivateView(PublicView):
    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        patch_cache_control(response, private=True, no_store=True)
        return super().finalize_response(request, response, *args, **kwargs)


class InstructionsView(PrivateView):
    @extend_schema(
        operation_id="instructions_list",
        parameters=[
            parameter("city", "Slug of a city."),
            parameter("agency", "Slugs of agencies, separated by commas."),
            parameter("state", "States, separated by commas."),
            parameter("late", "true: those that were not done by their deadline.", bool),
            parameter("report", "Id of a report."),
            parameter("incident", "Id of an incident."),
            parameter("area", "Code of an area."),
            *PAGE_PARAMETERS,
        ],
        responses={200: InstructionPageSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Instructions, latest first. Officers see their agency's and those about reports that they deal with, mayors and
        dispatchers the city's."""
        require_some_staff(self.principal)
        values = read_query(request.query_params, [*FILTERS, *PAGING])
        limit, after = page_of(values, KIND)
        now = utc_now()
        found = _filtered(_whole(self.principal), values, now)
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        context = {"request": request, "now": now}
        results = InstructionSerializer(page[:limit], many=True, context=context).data
        return Response({"next": following, "results": results})

    @extend_schema(
        operation_id="instructions_create",
        request=InstructionInput,
        responses={201: InstructionDetailSerializer, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Tells an agency what is wanted, until when, about a report, an incident or an area. For the mayor."""
        require_some_staff(self.principal)
        form = InstructionInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        city = resolve_city(given.get("city"))
        require_mayor(self.principal, city.pk)
        instruction = give_instruction(
            city=city,
            target=_target(given, city, self.principal),
            agency=_agency(given.get("agency"), city),
            deadline=given["deadline"],
            text=given["text"],
            by=self.principal,
            now=utc_now(),
        )
        answer = _answer(instruction.public_id, request, self.principal)
        answer.status_code = 201
        answer["Location"] = answer.data["url"]
        return answer


class InstructionView(PrivateView):
    @extend_schema(
        operation_id="instructions_retrieve",
        parameters=[PUBLIC_ID],
        responses={200: InstructionDetailSerializer, **REFUSALS},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """One instruction, its steps, and those that whoever asks may take."""
        require_some_staff(self.principal)
        read_query(request.query_params, [])
        return _answer(public_id, request, self.principal)


class InstructionStateView(PrivateView):
    @extend_schema(
        operation_id="instructions_state",
        parameters=[PUBLIC_ID],
        request=StateInput,
        responses={200: InstructionDetailSerializer, **REFUSALS, 409: PROBLEM},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """A step. The agency's officers acknowledge and report done; the mayor confirms, returns, withdraws."""
        require_some_staff(self.principal)
        instruction = _find(public_id, self.principal)
        form = StateInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        state = State(given["state"])
        move_instruction(instruction=instruction, state=state, note=given["note"], by=self.principal, now=utc_now())
        return _answer(public_id, request, self.principal)


class InstructionFiguresView(PrivateView):
    @extend_schema(
        operation_id="instructions_figures",
        parameters=[parameter("city", "Slug of a city.")],
        responses={200: FiguresSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """How many instructions each agency has not fulfilled, and how many are late; of those that are seen."""
        require_some_staff(self.principal)
        values = read_query(request.query_params, ["city"])
        seen = Instruction.objects.visible_to(self.principal).unfulfilled()
        if "city" in values:
            seen = seen.filter(city=find_city(values["city"]))
        now = utc_now()
        agencies: dict[int, dict[str, Any]] = {}
        rows = seen.order_by("agency__slug", "id").values_list("agency__slug", "agency_id", "state", "deadline")
        for slug, agency_id, state, deadline in rows:
            one = agencies.setdefault(agency_id, {"agency": slug, "open": 0, "late": 0, "to_be_confirmed": 0})
            is_awaited = state in AWAITED
            one["open"] += is_awaited
            one["late"] += is_awaited and deadline < now
            one["to_be_confirmed"] += not is_awaited
        return Response({"agencies": list(agencies.values())})


def _whole(principal: Principal) -> Any:
    found = Instruction.objects.visible_to(principal)
    joined = found.select_related("city", "agency", "report", "incident", "area", "given_by").defer("area__boundary")
    return joined.prefetch_related("steps__user", "steps__note", "steps__report_note")


def _filtered(found: Any, values: Mapping[str, str], now: Any) -> Any:
    if "city" in values:
        found = found.filter(city=find_city(values["city"]))
    if "agency" in values:
        known = Agency.objects.values_list("slug", flat=True)
        slugs = parse_list(values["agency"], "agency", lambda text, name: parse_choice(text, name, known))
        found = found.filter(agency__slug__in=slugs)
    if "state" in values:
        states = parse_list(values["state"], "state", lambda text, name: parse_choice(text, name, State.values))
        found = found.filter(state__in=states)
    if "late" in values and parse_choice(values["late"], "late", ["true"]):
        found = found.late(now)
    for name, path in (("report", "report__public_id"), ("incident", "incident__public_id"), ("area", "area__code")):
        if name in values:
            found = found.filter(**{path: values[name]})
    return found


def _find(public_id: str, principal: Principal) -> Instruction:
    instruction: Instruction | None = _whole(principal).filter(public_id=public_id).first()
    if instruction is None:
        raise NotFound(_("There is no such instruction."))
    return instruction


def _answer(public_id: str, request: Request, principal: Principal) -> Response:
    context = {"request": request, "principal": principal, "now": utc_now()}
    return Response(InstructionDetailSerializer(_find(public_id, principal), context=context).data)


def _target(given: Mapping[str, Any], city: City, principal: Principal) -> Report | Incident | Area:
    target: Report | Incident | Area | None
    if "report" in given:
        says = _("There is no such report.")
        seen = Report.objects.visible_to(principal).select_related("agency")
        target = seen.filter(public_id=given["report"], city=city).first()
    elif "incident" in given:
        says = _("There is no such incident.")
        target = Incident.objects.filter(public_id=given["incident"], city=city).first()
    else:
        says = _("There is no such area in the city; /api/areas/ lists them.")
        target = Area.objects.filter(code=given["area"], city=city).first()
    if target is None:
        raise InvalidFields({next(name for name in TARGETS if name in given): [says]})
    return target


def _agency(slug: str | None, city: City) -> Agency | None:
    if slug is None:
        return None
    agency = Agency.objects.filter(slug=slug, city=city).first()
    if agency is None:
        raise InvalidFields({"agency": [_("There is no such agency in this city.")]})
    return agency

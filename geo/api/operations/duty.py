"""`/api/duty/`: the situation report, and the shifts of the duty desk."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.analysis.permissions import require_some_staff, require_staff
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter, utc_now
from geo.areas.models import City
from geo.layers.asking import resolve_city
from geo.operations.duty.models import Shift
from geo.operations.duty.rendering import as_html, as_text
from geo.operations.duty.shifts import default_start, end_shift, start_shift
from geo.operations.duty.situation import as_seen_by, situation
from geo.reports.access.principals import Principal
from server.core.errors import BadParameter, Forbidden, NotFound
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query
from server.core.params import parse_choice, parse_time

KIND = "shifts"
LONGEST_NOTE = 4000
LONGEST_SPAN = timedelta(days=31)
JSON, TEXT, HTML = "application/json", "text/plain", "text/html"
FORMS = {"json": JSON, "text": TEXT, "html": HTML}
NUMBER = OpenApiParameter("number", int, OpenApiParameter.PATH)
FORM = OpenApiParameter(
    "f", str, OpenApiParameter.QUERY, enum=list(FORMS), description="The form of the answer; else by Accept."
)


class ShiftSerializer(serializers.ModelSerializer[Shift]):
    city = serializers.CharField(source="city.slug")
    started_by = serializers.SerializerMethodField()
    ended_by = serializers.SerializerMethodField()
    note = serializers.CharField(help_text="For the next shift; empty for who does not oversee the city.")
    log = serializers.DictField(
        allow_null=True, help_text="The situation at its end, since its start; null for who does not oversee the city."
    )
    url = serializers.SerializerMethodField()

    class Meta:
        model = Shift
        fields = ["id", "url", "city", "started_at", "started_by", "ended_at", "ended_by", "note", "log"]

    def to_representation(self, shift: Shift) -> dict[str, Any]:
        """What it hands over names reports that are not public, whoever has them."""
        told = super().to_representation(shift)
        by: Principal = self.context["principal"]
        return told if by.may_oversee_city(shift.city_id) else {**told, "note": "", "log": None}

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_started_by(self, shift: Shift) -> str | None:
        return shift.started_by.get_username() if shift.started_by else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_ended_by(self, shift: Shift) -> str | None:
        return shift.ended_by.get_username() if shift.ended_by else None

    @extend_schema_field(serializers.URLField())
    def get_url(self, shift: Shift) -> str:
        return absolute_url(self.context["request"]._request, f"/api/duty/shifts/{shift.pk}/")


class ShiftPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ShiftSerializer(many=True)


class ShiftInput(StrictSerializer):
    city = serializers.CharField(required=False, help_text="Slug; with one city it is the default.")


class HandoverInput(StrictSerializer):
    note = serializers.CharField(
        max_length=LONGEST_NOTE, required=False, allow_blank=True, default="", help_text="For the next shift."
    )


WRITE_PROBLEMS = dict.fromkeys((400, 401, 403, 404, 409), PROBLEM)


class FormedView(PublicView):
    """JSON, text or a page: `f` or Accept chooses."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # DRF has no rendering of text and pages; `form_of` looks at Accept itself.
        return super().perform_content_negotiation(request, force=True)


class SituationView(FormedView):
    @extend_schema(
        operation_id="duty_situation",
        parameters=[
            parameter("city", "The city by slug; with one city it is the default."),
            parameter("start", "Since this time or day of the city; else since the shift began, or for six hours."),
            FORM,
        ],
        responses={
            (200, JSON): OpenApiTypes.OBJECT,
            (200, TEXT): OpenApiTypes.STR,
            (200, HTML): OpenApiTypes.STR,
            **dict.fromkeys((400, 401, 403), PROBLEM),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The situation report: new, open, late, by category and area, incidents, who was called, sensors. For staff.

        All reports are counted; of those that wait longest, the ones that one sees are named.
        """
        require_some_staff(self.principal)
        values = read_query(request.query_params, ["city", "start", "f"])
        form = form_of(request, values.get("f"))
        city = resolve_city(values.get("city"))
        require_staff(self.principal, city.pk)
        now = utc_now()
        said = situation(city, _start(values.get("start"), city, now), now)
        return formed(as_seen_by(said, self.principal), form)


class ShiftsView(PublicView):
    @extend_schema(
        operation_id="duty_shifts_list",
        parameters=[parameter("city", "Slug of a city."), *PAGE_PARAMETERS],
        responses={200: ShiftPageSerializer, **dict.fromkeys((400, 401, 403), PROBLEM)},
    )
    def get(self, request: Request) -> Response:
        """The shifts, latest first, for staff of the city; for those who oversee it each with what it handed over."""
        require_some_staff(self.principal)
        values = read_query(request.query_params, ["city", *PAGING])
        limit, after = page_of(values, KIND)
        found = _seen(self.principal)
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        context = {"request": request, "principal": self.principal}
        results = ShiftSerializer(page[:limit], many=True, context=context).data
        return Response({"next": following, "results": results})

    @extend_schema(
        operation_id="duty_shifts_start", request=ShiftInput, responses={201: ShiftSerializer, **WRITE_PROBLEMS}
    )
    def post(self, request: Request) -> Response:
        """Takes the duty desk over. For dispatchers, by their session."""
        require_some_staff(self.principal)
        form = ShiftInput(data=request.data)
        form.is_valid(raise_exception=True)
        city = resolve_city(form.validated_data.get("city"))
        shift = start_shift(city=city, by=self.principal, now=utc_now())
        answer = _answer(shift.pk, request, self.principal, status=201)
        answer["Location"] = answer.data["url"]
        return answer


class ShiftView(FormedView):
    @extend_schema(
        operation_id="duty_shifts_retrieve",
        parameters=[NUMBER, FORM],
        responses={
            (200, JSON): ShiftSerializer,
            (200, TEXT): OpenApiTypes.STR,
            (200, HTML): OpenApiTypes.STR,
            **dict.fromkeys((400, 401, 403, 404), PROBLEM),
        },
    )
    def get(self, request: Request, number: int) -> HttpResponseBase:
        """One shift, for staff of the city; for those who oversee it as text or a page too, the log with its note."""
        require_some_staff(self.principal)
        form = form_of(request, read_query(request.query_params, ["f"]).get("f"))
        if form == "json":
            return _answer(number, request, self.principal)
        shift = _find(number, self.principal)
        if not self.principal.may_oversee_city(shift.city_id):
            raise Forbidden(_("What a shift hands over is for those who oversee the city."))
        if shift.log is None:
            raise NotFound(_("This shift has not ended; the situation so far is at /api/duty/situation/."))
        return formed(shift.log, form, shift.note)


class ShiftEndView(PublicView):
    @extend_schema(
        operation_id="duty_shifts_end",
        parameters=[NUMBER],
        request=HandoverInput,
        responses={200: ShiftSerializer, **WRITE_PROBLEMS},
    )
    def post(self, request: Request, number: int) -> Response:
        """Hands the duty desk over: the log is written, with a note for the next shift. For dispatchers."""
        require_some_staff(self.principal)
        shift = _find(number, self.principal)
        form = HandoverInput(data=request.data)
        form.is_valid(raise_exception=True)
        end_shift(shift=shift, by=self.principal, now=utc_now(), note=form.validated_data["note"])
        return _answer(number, request, self.principal)


def form_of(request: Request, named: str | None) -> str:
    if named is not None:
        return parse_choice(named, "f", FORMS)
    preferred = request._request.get_preferred_type(list(FORMS.values()))
    return next((name for name, media_type in FORMS.items() if media_type == preferred), "json")


def formed(said: dict[str, Any], form: str, note: str = "") -> HttpResponseBase:
    response: HttpResponseBase
    if form == "json":
        response = Response(said)
    elif form == "text":
        response = HttpResponse(as_text(said, note), content_type=f"{TEXT}; charset=utf-8")
    else:
        page, policy = as_html(said, note)
        response = HttpResponse(page, content_type=f"{HTML}; charset=utf-8")
        response["Content-Security-Policy"] = policy
    patch_vary_headers(response, ["Accept", "Accept-Language"])
    patch_cache_control(response, private=True, no_store=True)
    return response


def _start(text: str | None, city: City, now: datetime) -> datetime:
    start = default_start(city, now) if text is None else parse_time(text, "start", city.zone)
    if start >= now and text is not None:
        raise BadParameter("start", "start is in the future")
    if start < now - LONGEST_SPAN:
        if text is not None:
            raise BadParameter("start", f"a situation report tells of {LONGEST_SPAN.days} days at most")
        return now - LONGEST_SPAN
    return start


def _seen(principal: Principal) -> Any:
    found = Shift.objects.select_related("city", "started_by", "ended_by")
    return found if principal.city_ids is None else found.filter(city_id__in=principal.city_ids)


def _find(number: int, principal: Principal) -> Shift:
    shift: Shift | None = _seen(principal).filter(pk=number).first() if number < 2**63 else None
    if shift is None:
        raise NotFound(_("There is no such shift."))
    return shift


def _answer(number: int, request: Request, principal: Principal, status: int = 200) -> Response:
    context = {"request": request, "principal": principal}
    return Response(ShiftSerializer(_find(number, principal), context=context).data, status=status)

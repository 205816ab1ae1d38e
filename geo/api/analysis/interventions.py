"""`/api/analysis/interventions/`: what was done where, against what, and what it changed."""

import csv
from collections.abc import Mapping
from datetime import date
from io import StringIO
from typing import Any, ClassVar

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.analysis.interventions import Intervention
from geo.api.analysis.documents import CSV, JSON, DocumentView, Form, analysis_parameters
from geo.api.analysis.permissions import is_staff_of, require_owner, require_some_staff, require_staff
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.serializers import ProblemSerializer
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter, utc_now
from geo.areas.models import Area, City
from geo.layers.analyses.intervention_effect import INTERVENTION_EFFECT
from geo.layers.asking import resolve_city
from geo.layers.parameters import known_category
from geo.reports.access.principals import Principal
from geo.reports.models import Category
from server.core.errors import BadParameter, InvalidFields, NotFound
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query

KIND = "interventions"
EARLIEST = date(1990, 1, 1)
NOT_READY = OpenApiResponse(
    ProblemSerializer, description="the result is being computed: Retry-After says when to ask again"
)


class InterventionSerializer(serializers.ModelSerializer[Intervention]):
    city = serializers.CharField(source="city.slug")
    area = serializers.CharField(source="area.code")
    area_name = serializers.CharField(source="area.name")
    category = serializers.CharField(source="category.slug")
    owner = serializers.SerializerMethodField(help_text="User name; null to all but staff of the city.")
    effect = serializers.SerializerMethodField(help_text="Where its before and after are compared.")

    class Meta:
        model = Intervention
        fields = [
            "id",
            "city",
            "area",
            "area_name",
            "category",
            "date",
            "title",
            "description",
            "owner",
            "created_at",
            "updated_at",
            "effect",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_owner(self, done: Intervention) -> str | None:
        return done.owner.get_username() if is_staff_of(self.context["principal"], done.city_id) else None

    @extend_schema_field(serializers.URLField())
    def get_effect(self, done: Intervention) -> str:
        return absolute_url(self.context["request"]._request, f"/api/analysis/interventions/{done.pk}/effect/")


class InterventionPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = InterventionSerializer(many=True)


class InterventionChange(StrictSerializer):
    area = serializers.CharField(max_length=32, required=False, help_text="Code of an area of the city.")
    category = serializers.CharField(max_length=64, required=False, help_text="Slug; it includes all below it.")
    date = serializers.DateField(required=False, help_text="A day of the city, today at the latest.")
    title = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class InterventionInput(StrictSerializer):
    city = serializers.CharField(required=False, help_text="Slug; with one city it is the default.")
    area = serializers.CharField(max_length=32, help_text="Code of an area of the city.")
    category = serializers.CharField(max_length=64, help_text="Slug; it includes all below it.")
    date = serializers.DateField(help_text="A day of the city, today at the latest.")
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class InterventionsView(PublicView):
    @extend_schema(
        operation_id="interventions_list",
        parameters=[
            parameter("city", "Slug of a city."),
            parameter("area", "Code of an area: those recorded for just this one."),
            parameter("category", "Slug of a category: those recorded against just this one."),
            *PAGE_PARAMETERS,
        ],
        responses={200: InterventionPageSerializer, 400: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """The recorded interventions, last recorded first."""
        values = read_query(request.query_params, ["city", "area", "category", *PAGING])
        limit, after = page_of(values, KIND)
        found = _whole()
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        if "area" in values:
            if not Area.objects.filter(code=values["area"]).exists():
                raise BadParameter("area", f"there is no area {values['area']!r}; /api/areas/ lists them")
            found = found.filter(area__code=values["area"])
        if "category" in values:
            found = found.filter(category__slug=known_category(values["category"], "category"))
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(found.order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        return Response(
            {"next": following, "results": [_shown(done, request, self.principal) for done in page[:limit]]}
        )

    @extend_schema(
        operation_id="interventions_create",
        request=InterventionInput,
        responses={201: InterventionSerializer, 400: PROBLEM, 401: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        """Records an intervention. For staff of the city, by their session."""
        require_some_staff(self.principal)
        form = InterventionInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        city = resolve_city(given.pop("city", None))
        owner_id = require_staff(self.principal, city.pk)
        now = utc_now()
        fields = _found(given, city)
        done = Intervention.objects.create(city=city, owner_id=owner_id, created_at=now, updated_at=now, **fields)
        headers = {"Location": absolute_url(request._request, f"/api/analysis/interventions/{done.pk}/")}
        return Response(_shown(_find(done.pk), request, self.principal), status=201, headers=headers)


class InterventionView(PublicView):
    @extend_schema(
        operation_id="interventions_retrieve", responses={200: InterventionSerializer, 400: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, number: int) -> Response:
        """One intervention."""
        read_query(request.query_params, [])
        return Response(_shown(_find(number), request, self.principal))

    @extend_schema(
        operation_id="interventions_update",
        request=InterventionChange,
        responses={200: InterventionSerializer, 400: PROBLEM, 401: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def patch(self, request: Request, number: int) -> Response:
        """Changes some of it. For the owner and administrators of the city."""
        done = _find(number)
        require_owner(self.principal, done.city_id, done.owner_id)
        form = InterventionChange(data=request.data)
        form.is_valid(raise_exception=True)
        changes = {**_found(form.validated_data, done.city), "updated_at": utc_now()}
        Intervention.objects.filter(pk=done.pk).update(**changes)
        return Response(_shown(_find(number), request, self.principal))

    @extend_schema(operation_id="interventions_delete", responses={204: None, 401: PROBLEM, 403: PROBLEM, 404: PROBLEM})
    def delete(self, request: Request, number: int) -> Response:
        """Deletes the record. For the owner and administrators of the city."""
        done = _find(number)
        require_owner(self.principal, done.city_id, done.owner_id)
        done.delete()
        return Response(status=204)


def effect_table(document: Mapping[str, Any]) -> bytes:
    """A line for each area: the one in question with the effect, the comparable ones with their placebo, those left out with why."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["role", "code", "name", "population", "before_reports", "before_days", "before_per_day", "after_reports",
         "after_days", "after_per_day", "ratio", "low", "high", "placebo_p", "reason"]
    )  # fmt: skip
    effect = document["effect"]
    own = [effect["ratio"], effect["low"], effect["high"], effect["placebo_p"], effect["reason"]]
    writer.writerow(["area", *_cells(document["area"]), *own])
    for area in document["comparable"]:
        writer.writerow(["comparable", *_cells(area), area["placebo_ratio"], None, None, None, None])
    for area in document["left_out"]:
        writer.writerow(["left_out", *_cells(area), None, None, None, None, area["reason"]])
    return text.getvalue().encode()


def _cells(area: Mapping[str, Any]) -> list[Any]:
    before, after = area["before"], area["after"]
    return [
        area["code"],
        area["name"],
        area["population"],
        *(before[name] for name in ("reports", "days", "per_day")),
        *(after[name] for name in ("reports", "days", "per_day")),
    ]


class EffectView(DocumentView):
    analysis = INTERVENTION_EFFECT
    forms: ClassVar[Mapping[str, Form]] = {"csv": Form(CSV, effect_table)}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # `forms` are chosen from by the view itself.
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="interventions_effect",
        parameters=analysis_parameters(INTERVENTION_EFFECT, forms, settled=("intervention",)),
        responses={
            (200, JSON): OpenApiTypes.OBJECT,
            (200, CSV): OpenApiTypes.STR,
            400: PROBLEM,
            404: PROBLEM,
            503: NOT_READY,
        },
    )
    def get(self, request: Request, number: int) -> HttpResponseBase:
        """Reports before and after in the area, against comparable areas of its level; the rule by which they were chosen."""
        done = _find(number)
        city = request.query_params.get("city", "").strip()
        if city and city != done.city.slug:
            raise BadParameter("city", f"this intervention is one of {done.city.slug}; leave city out")
        return self.answer(request, {"intervention": str(done.pk), "city": done.city.slug})


def _whole() -> Any:
    return Intervention.objects.select_related("city", "area", "category", "owner").defer("area__boundary")


def _find(number: int) -> Intervention:
    done: Intervention | None = _whole().filter(pk=number).first() if number < 2**63 else None
    if done is None:
        raise NotFound(_("There is no such intervention."))
    return done


def _shown(done: Intervention, request: Request, principal: Principal) -> Any:
    return InterventionSerializer(done, context={"request": request, "principal": principal}).data


def _found(given: Mapping[str, Any], city: City) -> dict[str, Any]:
    """The fields of the model: what was named by code or slug, looked up; InvalidFields for what is not there."""
    fields = dict(given)
    wrong: dict[str, list[str]] = {}
    if "area" in fields:
        fields["area"] = Area.objects.filter(code=fields["area"], city=city).first()
        if fields["area"] is None:
            wrong["area"] = [_("There is no such area in the city; /api/areas/ lists them.")]
    if "category" in fields:
        own = Category.objects.filter(slug=fields["category"]).first()
        fields["category"] = own if own is not None and own.city_id in (None, city.pk) else None
        if fields["category"] is None:
            wrong["category"] = [_("There is no such category in the city; /api/categories/ lists them.")]
    if "date" in fields and not EARLIEST <= fields["date"] <= utc_now().astimezone(city.zone).date():
        wrong["date"] = [_("A day of the city from 1990 to today.")]
    if wrong:
        raise InvalidFields(wrong)
    return fields

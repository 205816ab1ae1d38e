"""`/api/analysis/saved/`: analyses that are kept under a name, each a layer of its own."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from geo.analysis.saved import SavedAnalysis
from geo.api.analysis.permissions import (
    is_staff_of,
    require_administrator,
    require_owner,
    require_some_staff,
    require_staff,
)
from geo.api.analysis.saved_serializers import SavedAnalysisSerializer, SavedChange, SavedInput, SavedPageSerializer
from geo.api.filters import find_city
from geo.api.reports import PROBLEM
from geo.api.serializers import ProblemSerializer
from geo.api.views import PAGE_PARAMETERS, PublicView, parameter, utc_now
from geo.layers.asking import resolve_city
from geo.layers.saved import may_read
from geo.layers.saving import delete_analysis, freeze_analysis, revise_analysis, save_analysis
from geo.reports.access.principals import Principal
from server.core.errors import NotFound
from server.core.listing import PAGING, absolute_url, next_link, page_of, read_query

KIND = "saved analyses"
NOT_READY = OpenApiResponse(
    ProblemSerializer, description="the result is being computed: Retry-After says when to ask again"
)


class SavedAnalysesView(PublicView):
    @extend_schema(
        operation_id="saved_analyses_list",
        parameters=[
            parameter("city", "Slug of a city."),
            parameter("layer", "Id of the layer that they are made from."),
            *PAGE_PARAMETERS,
        ],
        responses={200: SavedPageSerializer, 400: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        """Saved analyses, newest first: the public ones, and to staff all of their cities."""
        values = read_query(request.query_params, ["city", "layer", *PAGING])
        limit, after = page_of(values, KIND)
        found = SavedAnalysis.objects.visible_to(self.principal)
        if "city" in values:
            found = found.filter(city=find_city(values["city"]))
        if "layer" in values:
            found = found.filter(layer=values["layer"])
        if after is not None:
            found = found.filter(id__lt=after)
        page = list(_whole(found).order_by("-id")[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        results = [shown(saved, request, self.principal) for saved in page[:limit]]
        return Response({"next": following, "results": results})

    @extend_schema(
        operation_id="saved_analyses_create",
        request=SavedInput,
        responses={201: SavedAnalysisSerializer, 400: PROBLEM, 401: PROBLEM, 403: PROBLEM},
    )
    def post(self, request: Request) -> Response:
        """Saves an analysis. For staff of the city, by their session. A parameter that cannot be resolved is named."""
        require_some_staff(self.principal)
        form = SavedInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        city = resolve_city(given.get("city"))
        owner_id = require_staff(self.principal, city.pk)
        saved = save_analysis(
            city=city,
            layer_id=given["layer"],
            parameters=given["parameters"],
            title=given["title"],
            slug=given.get("id", ""),
            description=given["description"],
            visibility=given["visibility"],
            refresh=given["refresh"],
            owner_id=owner_id,
            now=utc_now(),
        )
        answer = shown(saved, request, self.principal)
        return Response(answer, status=201, headers={"Location": absolute_url(request, path_of(saved))})


class SavedAnalysisView(PublicView):
    @extend_schema(
        operation_id="saved_analyses_retrieve", responses={200: SavedAnalysisSerializer, 400: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, slug: str) -> Response:
        """One saved analysis; a frozen one with what it takes to cite it."""
        read_query(request.query_params, [])
        saved = find_saved(slug, self.principal)
        return kept_as_allowed(Response(shown(saved, request, self.principal)), saved)

    @extend_schema(
        operation_id="saved_analyses_update",
        request=SavedChange,
        responses={
            200: SavedAnalysisSerializer,
            400: PROBLEM,
            401: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
        },
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Changes the title, description, visibility or refresh. For the owner and administrators; not of a frozen one."""
        saved = find_saved(slug, self.principal)
        require_owner(self.principal, saved.city_id, saved.owner_id)
        form = SavedChange(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(shown(revise_analysis(saved, form.validated_data, utc_now()), request, self.principal))

    @extend_schema(
        operation_id="saved_analyses_delete",
        responses={204: None, 401: PROBLEM, 403: PROBLEM, 404: PROBLEM},
    )
    def delete(self, request: Request, slug: str) -> Response:
        """Deletes it. For the owner and administrators; a frozen one, which may have been cited, for administrators."""
        saved = find_saved(slug, self.principal)
        if saved.is_frozen:
            require_administrator(self.principal, saved.city_id)
        else:
            require_owner(self.principal, saved.city_id, saved.owner_id)
        delete_analysis(saved)
        return Response(status=204)


class FreezeView(PublicView):
    @extend_schema(
        operation_id="saved_analyses_freeze",
        request=None,
        responses={
            200: SavedAnalysisSerializer,
            400: PROBLEM,
            401: PROBLEM,
            403: PROBLEM,
            404: PROBLEM,
            409: PROBLEM,
            503: NOT_READY,
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Pins the current result for good. For the owner and administrators; 503 while the result is being computed."""
        saved = find_saved(slug, self.principal)
        user_id = require_owner(self.principal, saved.city_id, saved.owner_id)
        return Response(shown(freeze_analysis(saved, user_id=user_id, now=utc_now()), request, self.principal))


def find_saved(slug: str, principal: Principal) -> SavedAnalysis:
    """The saved analysis of this id; NotFound where there is none that this principal may see."""
    saved = _whole(SavedAnalysis.objects.all()).filter(slug=slug).first()
    if saved is None or not may_read(saved, lambda: principal):
        raise NotFound(_("There is no such analysis."))
    return saved


def kept_as_allowed(response: Any, saved: SavedAnalysis) -> Any:
    """Nobody on the way keeps what is not public, though the same link shows it to all who know it."""
    if saved.visibility != SavedAnalysis.Visibility.PUBLIC:
        response["Cache-Control"] = "private, no-store"
    return response


def shown(saved: SavedAnalysis, request: Request, principal: Principal) -> Any:
    """As it is answered. Names of users are for staff of the city."""
    context = {"request": request, "names_users": is_staff_of(principal, saved.city_id)}
    return SavedAnalysisSerializer(saved, context=context).data


def _whole(found: Any) -> Any:
    return found.select_related("city", "owner", "frozen_by", "result_set")


def path_of(saved: SavedAnalysis) -> str:
    return f"/api/analysis/saved/{saved.slug}/"

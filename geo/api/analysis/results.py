"""`/api/analysis/results/{token}/`: how far a result is, and giving it up."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from geo.analysis.models import ResultSet
from geo.api.reports import PROBLEM
from geo.api.views import PublicView
from geo.areas.models import City
from geo.layers.results import cancel
from server.core.errors import Conflict, Forbidden, NotFound


class ResultSerializer(serializers.ModelSerializer[ResultSet]):
    class Meta:
        model = ResultSet
        fields = ["token", "analysis", "state", "progress", "requested_at", "as_of", "error"]


class ResultView(PublicView):
    """The token is in the 503 of whoever asked for the result first; it cannot be guessed."""

    @extend_schema(operation_id="analysis_result", responses={200: ResultSerializer, 404: PROBLEM})
    def get(self, request: Request, token: str) -> Response:
        """Whether the result is ready, and which share of it is done. A ready one is answered where it was asked for."""
        response = Response(ResultSerializer(_find(token)).data)
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(
        operation_id="analysis_result_cancel",
        request=None,
        responses={204: None, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM},
    )
    def delete(self, request: Request, token: str) -> Response:
        """Gives up a computation that is not over yet. For staff of the city: others may wait for the same result."""
        found = _find(token)
        city_id = _city_of(found)
        if city_id is None or not (self.principal.is_staff and self.principal.may_act_in(city_id)):
            raise Forbidden("Only staff of the city may cancel an analysis.")
        if not cancel(found):
            raise Conflict(f"This result is {found.state}; only a pending one can be cancelled.")
        return Response(status=204)


def _find(token: str) -> ResultSet:
    found = ResultSet.objects.filter(token=token).first() if "\0" not in token else None
    if found is None:
        raise NotFound("There is no such result, or it is no longer kept.")
    return found


def _city_of(result: ResultSet) -> int | None:
    """None where the city has another slug by now."""
    return City.objects.filter(slug=result.parameters["city"]).values_list("id", flat=True).first()

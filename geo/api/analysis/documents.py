"""What every analysis of this API shares: parameters as declared, one stored result, several forms of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from geo.api.views import PublicView, parameter, utc_now
from geo.layers.asking import parse_values, resolve_city
from geo.layers.computation import Analysis
from geo.layers.layer import Query
from geo.layers.results import current_result, parameters_of
from server.core.listing import read_query
from server.core.params import parse_choice
from server.core.versions import data_version

# Members that are sentences.
SENTENCES = ("caveat", "rule", "method")
JSON = "application/json"
CSV = "text/csv"
PNG = "image/png"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to show a document; `render` takes it with the parameters and `as_of` already in it."""

    media_type: str
    render: Callable[[Mapping[str, Any]], bytes]


class DocumentView(PublicView):
    """GET of an analysis: `f` (or Accept) chooses the form, JSON by default."""

    analysis: ClassVar[Analysis]
    forms: ClassVar[Mapping[str, Form]] = {}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # DRF would refuse a table or a picture, of which it has no rendering; `answer` looks at Accept itself.
        return super().perform_content_negotiation(request, force=True)

    def answer(self, request: Request, settled: Mapping[str, str] | None = None) -> HttpResponseBase:
        """`settled` are parameters that the address has given already."""
        settled = settled or {}
        known = ["city", "f", *(p.name for p in self.analysis.parameters if p.name not in settled)]
        given = {**read_query(request.query_params, known), **settled}
        form = self._form(request, given.pop("f", None))
        city = resolve_city(given.get("city"))
        now = utc_now()
        query = Query(city, parse_values(self.analysis, given, city, None, now), now)
        version = data_version(self.analysis.versions)
        result = current_result(self.analysis, query, version.number)
        document = {
            "analysis": self.analysis.id,
            "as_of": _iso(result.as_of or now),
            "data_version": result.data_version,
            "parameters": _shown(parameters_of(query)),
            **result.members,
            # A stored result has no language; its sentences are known to gettext as they stand.
            **{name: gettext(said) for name in SENTENCES if isinstance(said := result.members.get(name), str)},
        }
        response: HttpResponseBase
        if form is None:
            response = Response(document)
        else:
            rendered = self.forms[form]
            response = HttpResponse(rendered.render(document), content_type=rendered.media_type)
            if rendered.media_type != HTML:
                name = f"pantau-{self.analysis.id}-{city.slug}.{form}"
                is_file = rendered.media_type != PNG
                response["Content-Disposition"] = content_disposition_header(is_file, name) or "attachment"
        response["ETag"] = f'W/"{result.token}.{form or "json"}"'
        patch_vary_headers(response, ["Accept", "Accept-Language"])
        return response

    def _form(self, request: Request, named: str | None) -> str | None:
        """The name of the form that is wanted; None is JSON."""
        if named is not None:
            chosen = parse_choice(named, "f", ["json", *self.forms])
            return None if chosen == "json" else chosen
        preferred = request._request.get_preferred_type([JSON, *(form.media_type for form in self.forms.values())])
        return next((name for name, form in self.forms.items() if form.media_type == preferred), None)


def analysis_parameters(analysis: Analysis, forms: Mapping[str, Form], *, settled: tuple[str, ...] = ()) -> list[Any]:
    """The query parameters of an analysis for the API's definition."""
    return [
        parameter("city", "The city by slug; with one city it is the default."),
        *(
            OpenApiParameter(
                p.name,
                dict(p.schema) if p.schema else OpenApiTypes.STR,
                OpenApiParameter.QUERY,
                description=str(p.description),
                required=p.required,
                default=p.default,
            )
            for p in analysis.parameters
            if p.name not in settled
        ),
        OpenApiParameter(
            "f", str, OpenApiParameter.QUERY, enum=["json", *forms], description="The form of the answer."
        ),
    ]


def _shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _iso(datetime.fromisoformat(value["at"])) if isinstance(value, dict) and "at" in value else value
        for name, value in parameters.items()
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

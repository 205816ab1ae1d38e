"""`/sta/v1.1/`, read."""

import json

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from sensors.api.views import OpenView, SensorProblemSerializer, parameter
from sensors.sensorthings import reading
from sensors.sensorthings.options import OUTER
from sensors.sensorthings.paths import Resource, parse_path
from server.core.errors import BadParameter
from server.core.listing import absolute_url, read_query

ROOT = "/sta/v1.1"
JSON = "application/json"
_MEANINGS = {
    "$filter": "Which entities: `result gt 20 and Datastream/ObservedProperty/name eq 'PM2.5'`.",
    "$orderby": "In which order: `phenomenonTime desc`.",
    "$top": "How many at most (100; no more than 10000).",
    "$skip": "How many to leave out first.",
    "$count": "true: how many there are in all.",
    "$select": "Which properties, separated by commas.",
    "$expand": "Which related entities inline: `Datastreams($select=name;$expand=Observations($top=1))`.",
    "$skiptoken": "Where the page begins: taken from an `@iot.nextLink`.",
    "$resultFormat": "dataArray: observations as rows of values.",
}
PARAMETERS = [parameter(name, _MEANINGS[name]) for name in OUTER]
_ANY = OpenApiResponse(OpenApiTypes.OBJECT, "Entities, an entity, a property or references, as OGC 18-088 has them.")


class ServiceRootView(OpenView):
    @extend_schema(operation_id="sensorthings_root", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponse:
        """The entity sets of SensorThings 1.1, and what this service conforms to."""
        read_query(request.query_params, [])
        return HttpResponse(reading.service_root(service_base(request)), content_type=JSON)


class ResourceView(OpenView):
    """Every resource path of SensorThings."""

    @extend_schema(
        operation_id="sensorthings_read",
        parameters=PARAMETERS,
        responses={200: _ANY, 204: None, 400: SensorProblemSerializer, 404: SensorProblemSerializer,
                   501: SensorProblemSerializer},
    )  # fmt: skip
    def get(self, request: Request, path: str) -> HttpResponse:
        """Entities, an entity, or a property of it, by its resource path."""
        return answer(request, path)


def answer(request: HttpRequest | Request, path: str) -> HttpResponse:
    """What a GET of a resource path is answered with. Errors: BadParameter, Unsupported, NotFound."""
    resource, base = parse_path(path.rstrip("/")), service_base(request)
    options = read_options(request)
    if resource.names:
        if options:
            raise BadParameter(next(iter(options)), "a property's value takes no query options")
        return _property(resource, reading.read_property(resource, base=base))
    if resource.is_collection:
        url = absolute_url(request, f"{ROOT}/{path.rstrip('/')}")
        return HttpResponse(reading.read_collection(resource, options, base=base, path=url), content_type=JSON)
    entity = reading.read_entity(resource, options, base=base)
    return HttpResponse(status=204) if entity is None else HttpResponse(entity, content_type=JSON)


def read_options(request: HttpRequest | Request) -> dict[str, str]:
    """The query options, each once. Which of them there are is looked at later, since OData asks for a 501 of some."""
    values = read_query(request.GET, request.GET)
    values.pop("lang", None)
    return values


def service_base(request: HttpRequest | Request) -> str:
    return absolute_url(request, ROOT)


def _property(resource: Resource, text: str | None) -> HttpResponse:
    """A value with its name around it; alone, as plain text, where `$value` asks for it; nothing where it is null."""
    if text is None:
        return HttpResponse(status=204)
    if resource.form == "$value":
        value = json.loads(text)
        return HttpResponse(value if isinstance(value, str) else text, content_type="text/plain; charset=utf-8")
    return HttpResponse(f"{{{json.dumps(resource.names[-1])}:{text}}}".encode(), content_type=JSON)

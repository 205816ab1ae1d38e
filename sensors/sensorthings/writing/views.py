"""What of SensorThings is written by HTTP: entities by their resource paths, and observations as data arrays.

Source: OGC 18-088, clauses 10 and 12.2.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from sensors.api.views import SensorProblemSerializer, SharedView, WritingView
from sensors.observations.models import Observation
from sensors.sensorthings import reading
from sensors.sensorthings.entities import ENTITY_TYPES, EntityType
from sensors.sensorthings.ids import parse_id
from sensors.sensorthings.paths import Resource, Step, parse_path
from sensors.sensorthings.views import JSON, ResourceView, service_base
from sensors.sensorthings.writing.author import Author
from sensors.sensorthings.writing.body import Body
from sensors.sensorthings.writing.changes import Change
from sensors.sensorthings.writing.creation import Creation
from sensors.sensorthings.writing.data_arrays import create_observations, read_data_arrays
from sensors.sensorthings.writing.observations import ObservationKey
from sensors.sensorthings.writing.targets import Key, change, create, delete, methods_of
from server.core.errors import NotFound

REASON_HEADER = "Correction-Reason"
_REFUSALS = dict.fromkeys((400, 401, 403, 404, 405, 409), SensorProblemSerializer)
_REASON = OpenApiParameter(
    REASON_HEADER, str, OpenApiParameter.HEADER, description="Of an observation: why, for the audit line."
)


class EntityView(SharedView):
    """The entity, or the entity set, of a resource path: read by anybody, written by permission."""

    get = ResourceView.get

    @property
    def default_response_headers(self) -> dict[str, str]:
        """`Allow` says what this path takes, not what some path does."""
        try:
            writing = methods_of(parse_path(self.kwargs["path"].rstrip("/")))
        except NotFound:
            writing = []
        return {**super().default_response_headers, "Allow": ", ".join(["GET", *writing, "HEAD", "OPTIONS"])}

    @extend_schema(
        operation_id="sensorthings_create",
        request=OpenApiTypes.OBJECT,
        responses={201: OpenApiTypes.OBJECT, **_REFUSALS},
    )
    def post(self, request: Request, path: str) -> HttpResponse:
        """Make an entity of an entity set, with those inside it (deep insert): all of them or none."""
        author, resource = self._author(request), parse_path(path.rstrip("/"))
        body = Body.of(request.data)
        with transaction.atomic():
            above = replace(resource, steps=resource.steps[:-1])
            parent = key_of(above) if above.steps else None
            key = create(resource, parent, body, Creation(author, datetime.now(UTC)))
        return self._answered(request, resource.entity, key, 201)

    @extend_schema(
        operation_id="sensorthings_update",
        parameters=[_REASON],
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT, **_REFUSALS},
    )
    def patch(self, request: Request, path: str) -> HttpResponse:
        """Change what is sent of an entity, and leave the rest."""
        return self._change(request, path, is_partial=True)

    @extend_schema(
        operation_id="sensorthings_replace",
        parameters=[_REASON],
        request=OpenApiTypes.OBJECT,
        responses={200: OpenApiTypes.OBJECT, **_REFUSALS},
    )
    def put(self, request: Request, path: str) -> HttpResponse:
        """Change an entity to what is sent; what is left out is empty then."""
        return self._change(request, path, is_partial=False)

    @extend_schema(operation_id="sensorthings_delete", parameters=[_REASON], responses={200: None, **_REFUSALS})
    def delete(self, request: Request, path: str) -> HttpResponse:
        """Delete an entity that nothing depends on; an observation's audit line stays."""
        author, resource = self._author(request), _entity_path(path, "DELETE")
        with transaction.atomic():
            delete(resource, key_of(resource), author, _reason(request))
        return HttpResponse(status=200)

    def _change(self, request: Request, path: str, *, is_partial: bool) -> HttpResponse:
        author, resource = self._author(request), _entity_path(path, "PATCH" if is_partial else "PUT")
        body = Body.of(request.data)
        with transaction.atomic():
            of = Change(author, datetime.now(UTC), is_partial, _reason(request))
            key = change(resource, key_of(resource), body, of)
        return self._answered(request, resource.entity, key, 200)

    def _author(self, request: Request) -> Author:
        """Errors: Unauthenticated, before anything is said of what is there."""
        author = Author(request.user)
        author.must_be_known()
        return author

    def _answered(self, request: Request, entity: EntityType, key: Key, status: int) -> HttpResponse:
        base = service_base(request)
        resource = Resource((Step(entity, entity.plural, None, key),), (), "")
        written = reading.read_entity(resource, {}, base=base)
        answer = HttpResponse(written, status=status, content_type=JSON)
        answer["Location"] = json.loads(written or b"{}")["@iot.selfLink"]
        return answer


class CreateObservationsView(WritingView):
    @extend_schema(
        operation_id="sensorthings_create_observations",
        request=OpenApiTypes.OBJECT,
        responses={201: OpenApiTypes.OBJECT, **_REFUSALS},
    )
    def post(self, request: Request) -> HttpResponse:
        """Observations as data arrays; of each, in order, its address, or "error" where it could not be stored."""
        author = Author(request.user)
        author.must("add", Observation)
        arrays = read_data_arrays(request.data)
        with transaction.atomic():
            keys = create_observations(arrays, datetime.now(UTC))
        base = service_base(request)
        return HttpResponse(json.dumps([_address(key, base) for key in keys]), status=201, content_type=JSON)


def key_of(resource: Resource) -> Key:
    """The key of the one entity that a path leads to. Errors: NotFound."""
    last = resource.steps[-1]
    shown = reading.read_entity(replace(resource, names=(), form=""), {"$select": "id"}, base="")
    if shown is None:
        raise NotFound(_("There is no such entity."))
    key = parse_id(last.entity, str(json.loads(shown)["@iot.id"]))
    assert key is not None, "an id that this service has made"
    return key


def _entity_path(path: str, method: str) -> Resource:
    resource = parse_path(path.rstrip("/"))
    if resource.is_collection or resource.names or resource.form:
        raise MethodNotAllowed(method)
    return resource


def _reason(request: Request) -> str:
    return request.headers.get(REASON_HEADER, "").strip()[:1000] or f"{request.method} by SensorThings"


def _address(key: ObservationKey | None, base: str) -> str:
    if key is None:
        return "error"
    return reading.entity_url(ENTITY_TYPES["Observations"], reading.observation_id(*key), base)

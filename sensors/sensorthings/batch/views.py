"""`/sta/v1.1/$batch`: several requests in one, as multipart/mixed or as JSON.

Source: OGC 18-088, clause 11; the JSON form is OData 4.01's.
"""

import json
import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from sensors.api.views import SensorProblemSerializer, WritingView
from sensors.sensorthings.batch.execution import Execution
from sensors.sensorthings.batch.json_form import read_json_batch, write_json_batch
from sensors.sensorthings.batch.multipart import read_multipart, write_multipart
from sensors.sensorthings.batch.parts import BadBatch, grouped
from sensors.sensorthings.views import JSON, ROOT
from server.core.errors import InvalidFields

GOES_ON = ("continue-on-error", "odata.continue-on-error")


class BatchView(WritingView):
    @extend_schema(
        operation_id="sensorthings_batch",
        request={"multipart/mixed": OpenApiTypes.BINARY, "application/json": OpenApiTypes.OBJECT},
        responses={200: OpenApiTypes.OBJECT, 400: SensorProblemSerializer, 415: SensorProblemSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Several requests, done in their order; what stands in one change set (atomicityGroup) is done all or not at all.

        The first that fails ends it, unless `Prefer: continue-on-error` says otherwise. Each is answered as if sent by itself.
        """
        content_type = request.content_type or ""
        is_json = content_type.partition(";")[0].strip() == JSON
        if not is_json and not content_type.startswith("multipart/mixed"):
            raise UnsupportedMediaType(content_type)
        body = request._request.body
        try:
            runs = grouped(read_json_batch(_json(body)) if is_json else read_multipart(content_type, body))
        except BadBatch as why:
            raise InvalidFields({"body": [str(why)]}) from None
        execution = Execution(request._request, f"{ROOT}/", request.user)
        answers = execution.answers(runs, goes_on=_goes_on(request.headers.get("Prefer", "")))
        if is_json:
            return HttpResponse(write_json_batch(answers), content_type=JSON)
        boundary = f"batch_{uuid.uuid4().hex}"
        return HttpResponse(write_multipart(answers, boundary), content_type=f"multipart/mixed; boundary={boundary}")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadBatch("this is no JSON") from None


def _goes_on(prefer: str) -> bool:
    said = [each.strip().lower().partition("=") for each in prefer.split(",")]
    return any(name in GOES_ON and value in ("", "true") for name, _, value in said)

"""Batches as JSON: `{"requests": [{"id": "1", "method": "post", "url": "Things", "body": {…}}]}`. Pure.

Source: OData JSON Format 4.01, clause 19.
"""

import json
from collections.abc import Sequence
from typing import Any

from sensors.sensorthings.batch.parts import MOST_REQUESTS, Answer, BadBatch, Part

_NAMES = frozenset({"id", "method", "url", "headers", "body", "atomicityGroup", "dependsOn"})


def read_json_batch(value: Any) -> list[Part]:
    """Errors: BadBatch."""
    requests = value.get("requests") if isinstance(value, dict) else None
    if not isinstance(requests, list) or not requests:
        raise BadBatch('a batch is an object with an array "requests"')
    if len(requests) > MOST_REQUESTS:
        raise BadBatch(f"more than {MOST_REQUESTS} requests")
    return [_part(each, place) for place, each in enumerate(requests)]


def _part(request: Any, place: int) -> Part:
    if not isinstance(request, dict):
        raise BadBatch(f"requests/{place} is to be an object")
    if unknown := set(request) - _NAMES:
        raise BadBatch(f"requests/{place} has a member {min(unknown)!r}, which means nothing here")
    texts = {name: request.get(name) for name in ("id", "method", "url")}
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise BadBatch(f"requests/{place} has id, method and url, each a text")
    headers, group = request.get("headers", {}), request.get("atomicityGroup")
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise BadBatch(f"requests/{place}/headers is an object of texts")
    if group is not None and not isinstance(group, str):
        raise BadBatch(f"requests/{place}/atomicityGroup is a text")
    body = request.get("body")
    return Part(
        id=str(texts["id"]),
        method=str(texts["method"]).upper(),
        url=str(texts["url"]),
        headers=headers,
        body=b"" if body is None else json.dumps(body).encode(),
        group=group,
    )


def write_json_batch(answers: Sequence[Answer]) -> bytes:
    """The body of the answer."""
    return json.dumps({"responses": [_response(answer) for answer in answers]}).encode()


def _response(answer: Answer) -> dict[str, Any]:
    members: dict[str, Any] = {"id": answer.id, "status": answer.status, "headers": dict(answer.headers)}
    if answer.group is not None:
        members["atomicityGroup"] = answer.group
    if answer.body:
        is_json = "json" in answer.headers.get("Content-Type", "")
        members["body"] = json.loads(answer.body) if is_json else answer.body.decode("utf-8", "replace")
    return members

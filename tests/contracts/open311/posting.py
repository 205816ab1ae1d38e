"""How the contract tests post, and what they look for in the answer."""

import io
from typing import Any

import pytest
from PIL import Image

from geo.models import Report
from tests.contracts.open311.asking import Open311, Reply

CREATED = "service_requests/request"
PLACE = {"lat": "-6.25", "long": "106.93"}


def post(open311: Open311, key: str, fields: dict[str, Any] | None = None, **more: Any) -> Reply:
    sent = {"api_key": key, "service_code": "sampah", **PLACE, **(fields or {})}
    return open311.post({name: value for name, value in sent.items() if value is not None}, **more)


def stored(reply: Reply) -> Report:
    """The report that an answer names; it was taken in."""
    assert reply.status in (200, 201), reply.content
    return Report.objects.get(public_id=reply.text(f"{CREATED}/service_request_id"))


def refused(reply: Reply, status: int, *says: str) -> None:
    """Refused with this status, which every error has as its code; what they say holds these words; nothing was stored."""
    assert reply.status == status
    assert {code for code, _description in reply.errors} == {str(status)}
    told = " | ".join(description for _code, description in reply.errors)
    for words in says:
        assert words in told


nothing_comes = pytest.mark.usefixtures("_nothing_comes")


def photo(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()

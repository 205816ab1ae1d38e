"""GeoReport's refusals: what status an error becomes, in the format that was asked for."""

import json
from xml.etree import ElementTree

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http.multipartparser import MultiPartParserError

from geo.open311.answering import refusal
from server.core.errors import BadParameter, Conflict, Forbidden, InvalidFields, NotFound, NotReady, Stale, TooMany

CASES = [
    (BadParameter("page", "page is no number"), 400, ["page is no number"]),
    (
        InvalidFields({"lat": ["Wrong.", "Far."], "email": ["Wrong."]}),
        400,
        ["lat: Wrong.", "lat: Far.", "email: Wrong."],
    ),
    (NotFound("Nothing."), 404, ["Nothing."]),
    (Forbidden("No key."), 403, ["No key."]),
    (Conflict("Changed."), 400, ["Changed."]),
    (Stale("Changed."), 400, ["Changed."]),
    (TooMany("Enough.", retry_after_s=7), 429, ["Enough."]),
    (NotReady("Soon.", retry_after_s=7), 503, ["Soon."]),
    (RequestDataTooBig("Large."), 413, ["Large."]),
    (TooManyFieldsSent("Many."), 400, ["Many."]),
]


@pytest.mark.parametrize(("error", "status", "says"), CASES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_an_error_becomes_its_status_and_an_array(error: Exception, status: int, says: list[str], form: str) -> None:
    response = refusal(error, form, path="/")
    assert response.status_code == status
    if form == "json":
        assert json.loads(response.content) == [{"code": status, "description": text} for text in says]
    else:
        errors = ElementTree.fromstring(response.content).findall("error")
        assert [(one.findtext("code"), one.findtext("description")) for one in errors] == [
            (str(status), text) for text in says
        ]
    assert response.get("Retry-After") == ("7" if status in (429, 503) else None)


@pytest.mark.parametrize("error", [MultiPartParserError("inner words"), SuspiciousOperation("inner words")])
def test_a_form_that_cannot_be_read_is_a_400_without_the_parsers_words(error: Exception) -> None:
    response = refusal(error, "json", path="/")
    assert response.status_code == 400
    assert b"inner words" not in response.content

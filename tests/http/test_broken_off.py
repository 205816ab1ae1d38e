"""Bodies that end before their announced length: refused, with nothing stored."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from geo.models import Report
from geo.reports.access.channel_keys import create_key
from server.web.whole_body import WholeBody
from tests.factories import make_category, make_channel, make_city
from tests.photo_files import encoded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def city() -> Iterator[None]:
    make_city()
    make_category("sampah")
    # The server's own handler gives connections back after a request; the test's transaction goes on.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def sent(path: str, body: bytes, announced: int, content_type: str) -> tuple[int, Any]:
    """The status and the decoded answer to a request of which only `body` arrives."""
    seen: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(announced),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    answer = WholeBody(get_wsgi_application())(environ, lambda status, headers: seen.append(status))
    return int(seen[0].split()[0]), json.loads(b"".join(answer))


def multipart(**more: Any) -> bytes:
    fields = {"category": "sampah", "description": "Sampah di tepi jalan", "lon": "106.93", "lat": "-6.25", **more}
    return encode_multipart(BOUNDARY, fields)


def test_upload_that_breaks_off_in_its_photo_stores_no_report() -> None:
    photo = io.BytesIO(encoded(Image.effect_noise((200, 200), 90), "JPEG"))
    photo.name = "a.jpg"
    body = multipart(photos=photo)
    status, answer = sent("/api/reports/", body[:-200], len(body), MULTIPART_CONTENT)
    assert (status, answer["title"]) == (400, "Permintaan terputus")
    assert not Report.objects.exists()


def test_form_that_breaks_off_in_its_text_stores_no_half_a_sentence() -> None:
    body = b"category=sampah&lon=106.93&lat=-6.25&description=Sampah+di+tepi+jalan"
    status, _answer = sent("/api/reports/", body[:-6], len(body), "application/x-www-form-urlencoded")
    assert status == 400
    assert not Report.objects.exists()


def test_open311_form_that_breaks_off_is_an_error_array() -> None:
    key = create_key(channel=make_channel("pot"))[1]
    body = f"api_key={key}&service_code=sampah&lat=-6.25&long=106.93&description=Sampah+di+tepi".encode()
    status, answer = sent("/open311/v2/requests.json", body[:-5], len(body), "application/x-www-form-urlencoded")
    assert (status, [error["code"] for error in answer]) == (400, [400])
    assert not Report.objects.exists()


def test_whole_upload_is_taken_in() -> None:
    photo = io.BytesIO(encoded(Image.effect_noise((200, 200), 90), "JPEG"))
    photo.name = "a.jpg"
    body = multipart(photos=photo)
    status, answer = sent("/api/reports/", body, len(body), MULTIPART_CONTENT)
    assert (status, len(answer["photos"])) == (201, 1)


def test_body_of_unannounced_length_is_told_to_have_one() -> None:
    seen: list[Any] = []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/reports/", "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = WholeBody(get_wsgi_application())(environ, lambda status, headers: seen.extend((status, dict(headers))))
    assert seen[0] == "411 Length Required"
    assert seen[1]["Content-Type"] == "application/problem+json"
    assert json.loads(b"".join(answer))["status"] == 411

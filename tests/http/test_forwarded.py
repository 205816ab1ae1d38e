"""Links behind a reverse proxy."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_city

pytestmark = pytest.mark.django_db
SAID = {"x-forwarded-proto": "https", "x-forwarded-host": "pantau.bekasi.test", "x-forwarded-port": "443"}


def first_link(remote: str) -> str:
    response = Client(REMOTE_ADDR=remote).get("/ogc/", headers=SAID)
    return response.json()["links"][0]["href"]


@pytest.fixture
def proxied(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.1.0.0/16"]
    settings.ALLOWED_HOSTS = ["pantau.bekasi.test", "testserver"]
    make_city()


@pytest.mark.usefixtures("proxied")
def test_links_have_the_address_that_a_trusted_proxy_was_asked_for() -> None:
    assert first_link("10.1.2.3") == "https://pantau.bekasi.test/ogc/?f=json"


@pytest.mark.usefixtures("proxied")
def test_what_anybody_else_says_of_the_address_is_not_believed() -> None:
    assert first_link("192.0.2.7") == "http://testserver/ogc/?f=json"


@pytest.mark.usefixtures("proxied")
def test_the_configured_address_comes_before_all(settings: Any) -> None:
    settings.BASE_URL = "https://peta.bekasi.test"
    assert first_link("10.1.2.3") == "https://peta.bekasi.test/ogc/?f=json"


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("path", ["/api/reports/", "/open311/v2/requests.json", "/health/live"])
def test_host_that_is_not_ours_is_refused_without_a_page(path: str) -> None:
    answer = Client().get(path, headers={"host": "elsewhere.test"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "elsewhere" not in answer.content.decode()

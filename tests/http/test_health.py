"""The pages that tell whether the service can serve, and which installation it is."""

from typing import Any

import pytest
from django.test import Client

from server.core.installation import installation_mark
from tests.factories import make_city


@pytest.mark.django_db
def test_ready_names_the_installation_by_its_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_INSTANCE", "a word of this home")
    make_city()
    said = Client().get("/health/ready").json()
    # printf pantau.installation | openssl dgst -sha256 -hmac 'a word of this home'
    assert said | {"postgis": ""} == {"status": "ready", "postgis": "", "cities": 1, "installation": "d157bb8319cdaf97"}


@pytest.mark.django_db
def test_ready_names_an_installation_without_a_home_by_its_secret_key_and_does_not_betray_it(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.delenv("PANTAU_INSTANCE", raising=False)
    settings.SECRET_KEY = "of a container"
    answer = Client().get("/health/ready")
    # printf pantau.installation | openssl dgst -sha256 -hmac 'of a container'
    assert answer.json()["installation"] == "08d5b9c286fffdc8"
    assert "of a container" not in answer.text


def test_marks_of_two_installations_differ() -> None:
    assert installation_mark("one") != installation_mark("two")

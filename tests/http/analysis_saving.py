"""How saved analyses are asked for and kept over HTTP."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from geo.areas.models import City
from tests.factories import centre, make_category, make_report
from tests.saved_analyses import counted_city, staff

API = "/api/analysis/saved/"


@pytest.fixture
def city() -> City:
    city = counted_city()
    for day in (3, 4, 5):
        make_report(
            category=make_category("banjir"),
            location=centre("kota-uji.1.1"),
            reported_at=datetime(2026, 2, day, tzinfo=UTC),
        )
    return city


@pytest.fixture
def planner(city: City) -> Any:
    return staff("perencana", city)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body(response: Any) -> Any:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return json.loads(content)


def post(client: Client, path: str, given: Any = None, **headers: str) -> Any:
    return client.post(path, json.dumps(given or {}), content_type="application/json", headers=headers)


def patch(client: Client, slug: str, given: Any) -> Any:
    return client.patch(f"{API}{slug}/", json.dumps(given), content_type="application/json")

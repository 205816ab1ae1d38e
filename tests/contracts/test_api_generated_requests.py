"""Requests that schemathesis makes from the API's definition of the analyses: no 500, and no answer that it does not document."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from geo.areas.models import City
from geo.models import Area, Category, Intervention, ResultSet
from tests.contracts.ogc.conftest import make_town
from tests.factories import NOW
from tests.saved_analyses import saved_by, staff

pytestmark = pytest.mark.django_db
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# How many requests are made of each: those that compute take longer.
PATHS = {
    "/api/analysis/matrix/": 30,
    "/api/analysis/density-grid/": 30,
    "/api/analysis/events/": 40,
    "/api/analysis/districts/{code}/": 30,
    "/api/analysis/results/{token}/": 8,
    "/api/analysis/saved/": 20,
    "/api/analysis/saved/{slug}/": 8,
    "/api/analysis/saved/{slug}/print/": 15,
    "/api/analysis/interventions/": 20,
    "/api/analysis/interventions/{number}/": 8,
    "/api/analysis/interventions/{number}/effect/": 30,
}
PERIOD = {"start": "2026-02-20", "end": "2026-03-01"}
# What texts can name in the town; a made-up text names nothing.
NAMES = {"city": "kota-uji", "category": "sampah", "channel": "web", "property": "pm25", "thing": "pos-udara",
         "area": "kota-uji.1", "layer": "surface", "orientation": "portrait"}  # fmt: skip
REQUIRED = {"property": "pm25", "thing": "pos-udara", "threshold": 30}


@pytest.fixture(scope="module")
def _town_and_definition(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """Both are made once, since they take longer than most questions."""
    all_of_it = transaction.atomic()
    with django_db_blocker.unblock():
        all_of_it.__enter__()
        _furnish(make_town())
        with _connection_kept():
            definition = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    yield definition
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        all_of_it.__exit__(None, None, None)


@contextmanager
def _connection_kept() -> Iterator[None]:
    """The WSGI application works on the connection of the test: a request must not close it, as it would."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def _furnish(city: City) -> None:
    owner = staff("perencana", city)
    saved_by(owner, city, layer_id="surface", title="Laporan", slug="laporan-tebal", parameters=PERIOD)
    Intervention.objects.create(
        city=city,
        owner=owner,
        area=Area.objects.get(code="kota-uji.1"),
        category=Category.objects.get(slug="sampah"),
        date=date(2026, 2, 1),
        title="Truk baru",
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.fixture
def places(_town_and_definition: Any, db: Any, client: Client) -> dict[str, Any]:
    """What the paths name: an area, a result, a saved analysis and an intervention."""
    assert client.get("/api/analysis/density-grid/", PERIOD).status_code == 200
    token = ResultSet.objects.get(analysis="density-grid").token
    return {"code": "kota-uji.1", "token": token, "slug": "laporan-tebal", "number": Intervention.objects.get().pk}


@pytest.fixture
def definition(_town_and_definition: Any, places: dict[str, Any]) -> Iterator[Any]:
    """After the places: Django's test client connects what is disconnected here."""
    with _connection_kept():
        yield _town_and_definition


def operations(definition: Any) -> dict[str, Any]:
    found = definition.include(path_regex="^/api/analysis/", method="GET").get_all_operations()
    return {operation.path: operation for operation in (result.ok() for result in found)}


def test_every_analysis_is_asked(definition: Any) -> None:
    assert set(operations(definition)) == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_generated_requests_find_nothing_that_is_not_documented(
    definition: Any, places: dict[str, Any], path: str
) -> None:
    """As the definition has them, and some that break it; of both, some that name what there is, in a period that is.

    A parameter that nobody declares is refused, which is an answer as well.
    """
    operation = operations(definition)[path]
    cases = st.one_of(operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=PATHS[path],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.sampled_from(["as made", "named", "dated", "with more"]))
    def check(case: Any, what: str) -> None:
        if what != "as made":
            case.path_parameters = {**(case.path_parameters or {}), **{n: v for n, v in places.items() if n in path}}
            case.query = settled(case.query, path, PERIOD if what == "dated" else {})
        if what == "with more":
            case.query["no_such"] = "1"
        # The transport would not decompress what it is sent.
        case.headers["Accept-Encoding"] = "identity"
        response = case.call_and_validate(checks=CHECKS)
        statuses[response.status_code] += 1

    check()
    assert statuses[200]


def settled(query: Any, path: str, period: dict[str, str]) -> dict[str, Any]:
    """The query with names of what there is, where it names anything; events cannot be had without them."""
    given = {name: NAMES.get(name, period.get(name, value)) for name, value in (query or {}).items()}
    return {**given, **(REQUIRED if path.endswith("/events/") else {})}

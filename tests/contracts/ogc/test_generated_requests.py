"""Requests that schemathesis makes from the definition: no 500, and no status or media type that it does not document."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.contracts.ogc.asking import COLLECTIONS, PARAMETER_VALUES, ask, get, items_path, text_of

pytestmark = pytest.mark.usefixtures("town")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
ITSELF = r"^/(conformance|api|collections|tileMatrixSets.*)?$"


@pytest.fixture
def definition(town: Any) -> Iterator[Any]:
    """The service as its WSGI application, on the connection of the test: a request must not close it, as it would."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/ogc/api", get_wsgi_application())
    for signal in signals:
        signal.connect(close_old_connections)


def ask_of(operation: Any, examples: int) -> None:
    """Requests as the definition has them, and some that break it."""
    cases = st.one_of(operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def check(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    check()


@pytest.mark.parametrize("collection", [*COLLECTIONS, "the API itself"])
def test_generated_requests_find_nothing_that_is_not_documented(definition: Any, collection: str) -> None:
    where = rf"^/collections/{collection}(/|$)" if collection in COLLECTIONS else ITSELF
    found = 0
    for result in definition.include(path_regex=where, method="GET").get_all_operations():
        operation = result.ok()
        found += 1
        ask_of(operation, 15 if "/items" in operation.path else 4)
    assert found >= 4


def test_parameters_of_items_go_together(client: Client) -> None:
    """Each by itself is taken (test_openapi); so are any few of them, but datetime beside start and end is what it is for."""
    declared = ask(client, "/ogc/api")["paths"]["/collections/reports/items"]["get"]["parameters"]
    named = {entry["$ref"].rpartition("/")[2] if "$ref" in entry else entry["name"] for entry in declared}
    values = {
        **{name: value for name, value in PARAMETER_VALUES.items() if name in named},
        "sortby": "-closed_at",
        "properties": "status",
        "support_count": "0",
        "is_simulated": "false",
        "id": "x",
        "reported_at": "2026-02-28T05:30:00Z",
        "description": "x",
        "agency": "dlh",
    }
    assert {"bbox", "datetime", "filter", "category", "start", "end"} <= set(values) <= named

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sets(st.sampled_from(sorted(values)), max_size=6))
    def check(chosen: set[str]) -> None:
        response = get(client, items_path("reports"), {name: values[name] for name in sorted(chosen)})
        assert response.status_code == 200, text_of(response)

    check()


def test_options_of_every_path_is_answered(client: Client) -> None:
    for path, operation in ask(client, "/ogc/api")["paths"].items():
        if "{" in path:
            continue
        response: Any = client.options(f"/ogc{path}")
        assert response.status_code in (200, 204), path
        if "options" in operation:
            assert str(response.status_code) in operation["options"]["responses"]

"""The matrix: everybody asks every route by every protocol, and is answered as the table says."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from tests.privacy_hunt.reading import body_of
from tests.privacy_hunt.routes import ADMIN, routes
from tests.visibility.table import GROUPS, Ask, Row
from tests.visibility.two_cities import SECRETS, Cities, plant


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def cities() -> Cities:
    return plant()


def test_every_route_is_in_the_table_and_every_row_is_a_route() -> None:
    listed = {row.route for rows in GROUPS.values() for row in rows}
    known = {route for route in routes() if not route.startswith(ADMIN)}
    missing = sorted(known - listed)
    assert not missing, f"Who may ask it? Say so in tests/visibility/table.py: {', '.join(missing)}"
    assert listed <= known, f"No such route any more: {', '.join(sorted(listed - known))}"


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """The value with every {name} in it replaced."""
    if isinstance(value, str):
        for name, found in values.items():
            value = value.replace("{" + name + "}", str(found))
        return value
    if isinstance(value, Mapping):
        return {name: filled(each, values) for name, each in value.items()}
    return [filled(each, values) for each in value] if isinstance(value, list) else value


def send(cities: Cities, name: str, ask: Ask) -> tuple[int, str]:
    """Status and text; nothing that a request has written stays."""
    client, headers = cities.clients[name], cities.headers.get(name, {})
    path, body = filled(ask.path, cities.values), filled(ask.body, cities.values)
    if ask.method == "get":
        response = client.get(path, headers=headers)
        return response.status_code, body_of(response).decode("utf-8", "replace")
    with transaction.atomic():
        if ask.kind == "form":
            response = client.post(path, body, headers=headers)
        else:
            text = json.dumps(body) if body is not None else ""
            response = client.generic(ask.method.upper(), path, text, content_type=ask.kind, headers=headers)
        content = body_of(response)
        transaction.set_rollback(True)
    return response.status_code, content.decode("utf-8", "replace")


def faults_of(cities: Cities, ask: Ask) -> list[str]:
    """What was not as the table says, each with the names of those whom it concerns."""
    faults: dict[str, list[str]] = {}
    for name in cities.clients:
        if name not in ask.by:
            continue
        status, text = send(cities, name, ask)
        if name in ask.answered and status != ask.status:
            faults.setdefault(f"is not answered {ask.status} but {status} {text[:160]}", []).append(name)
        if name not in ask.answered and status not in ask.refused:
            faults.setdefault(f"is not refused but answered {status}", []).append(name)
        for secret, word in SECRETS.items():
            expected = name in ask.sees.get(secret, ())
            if (word in text) != expected:
                faults.setdefault(f"{'does not see' if expected else 'sees'} {secret}", []).append(name)
    return [f"{ask.method} {ask.path}: {', '.join(names)}: {fault}" for fault, names in faults.items()]


def all_faults(cities: Cities, rows: Iterable[Row]) -> list[str]:
    return [fault for row in rows for ask in row.asks for fault in faults_of(cities, ask)]


@pytest.mark.django_db
@pytest.mark.parametrize("group", GROUPS)
def test_everybody_is_answered_as_the_table_says(group: str, cities: Cities) -> None:
    if faults := all_faults(cities, GROUPS[group]):
        pytest.fail("\n".join(faults))


@pytest.mark.django_db
def test_a_row_that_says_too_much_or_too_little_would_be_seen(cities: Cities) -> None:
    path = "/api/reports/{mine}/"
    too_little = "\n".join(faults_of(cities, Ask(path, frozenset())))
    assert "is not refused but answered 200" in too_little
    too_much = faults_of(cities, Ask(path))
    assert any("anonymous" in fault and "is not answered 200 but 404" in fault for fault in too_much)
    assert any("mayor" in fault and fault.endswith("sees a") for fault in too_much)

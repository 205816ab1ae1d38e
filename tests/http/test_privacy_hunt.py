"""The hunt: personal data and an exact place are planted, and looked for in every answer that the public can get."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from geo.models import Report, ResultSet
from tests.privacy_hunt.planted import EXACT, City, disturb, plant
from tests.privacy_hunt.reading import as_comparable, body_of, differences, finds, near_numbers, texts_of
from tests.privacy_hunt.routes import (
    ADMIN,
    API_ROWS,
    LAYER_ROWS,
    OGC_ROWS,
    OPEN311_ROWS,
    OTHER_ROWS,
    ROWS,
    Ask,
    Row,
    admin_paths,
    filled,
    routes,
)


@pytest.fixture(autouse=True)
def _own_home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def city() -> City:
    return plant()


def test_every_route_is_in_the_table_and_every_row_is_a_route() -> None:
    asked = {row.route for row in ROWS}
    known = {route for route in routes() if not route.startswith(ADMIN)}
    missing = sorted(known - asked)
    assert not missing, f"Not hunted through; add a row to tests/privacy_hunt/routes.py: {', '.join(missing)}"
    assert asked <= known, f"No such route any more: {', '.join(sorted(asked - known))}"


def ask(client: Client, one: Ask, city: City, **headers: str) -> tuple[Any, bytes]:
    path = filled(one.path, city.values)
    send = client.post if one.method == "post" else client.get
    response = send(path, headers={"Accept": one.accept, **headers})
    return response, body_of(response)


def hunt(client: Client, rows: Sequence[Row], city: City, **headers: str) -> list[str]:
    """What was found where, and which routes did not answer as the table says."""
    faults = []
    for row in rows:
        for one in row.asks:
            response, body = ask(client, one, city, **headers)
            if response.status_code != one.status:
                faults.append(f"{one.path}: {response.status_code}, not {one.status}: {body[:200]!r}")
            tile = (one.tile.z, one.tile.x, one.tile.y) if one.tile else None
            for text in texts_of(response, body, tile=tile):
                # The surface's cells cover the whole city by a grid of their own, so that some pass every place; that they
                # do not depend on the exact one is what test_no_answer_depends_… is for.
                found = finds(text) + ([] if "/surface" in one.path else near_numbers(text))
                if found:
                    faults.append(f"{one.path}: {sorted(set(found))}")
    return faults


@pytest.mark.django_db
@pytest.mark.parametrize(
    "rows", [LAYER_ROWS, OGC_ROWS, API_ROWS, OPEN311_ROWS, OTHER_ROWS], ids=["layers", "ogc", "api", "open311", "other"]
)
def test_no_answer_to_the_public_holds_what_was_planted(
    rows: list[Row], client: Client, city: City, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if faults := hunt(client, rows, city):
        pytest.fail("\n".join(faults))
    assert finds(caplog.text) + near_numbers(caplog.text) == []


@pytest.mark.django_db
def test_admin_shows_nothing_to_who_has_not_signed_in(client: Client, city: City) -> None:
    paths = admin_paths()
    assert len(paths) > 100
    for path in paths:
        response = client.get(path)
        text = body_of(response).decode()
        assert response.status_code in (302, 404) or path in ("/admin/login/", "/admin/jsi18n/"), path
        assert finds(text) + near_numbers(text) == [], path


def comparable(client: Client, rows: Sequence[Row], city: City) -> dict[str, str]:
    """What the public reads, without what differs each time."""
    ResultSet.objects.filter(pinned_by=None).delete()
    cache.clear()
    answers = {}
    for row in rows:
        for one in row.asks:
            response, body = ask(client, one, city)
            kind = response.headers.get("Content-Type", "").split(";")[0]
            if kind.startswith(("text/", "image/")) or kind.endswith(("json", "xml", "vector-tile")):
                answers[f"{one.method} {one.path}"] = as_comparable(body, kind)
    return answers


@pytest.mark.django_db
def test_no_answer_depends_on_what_the_public_must_not_see(client: Client, city: City) -> None:
    """Exact place, original text, contact and the rest are changed: every answer stays as it was, or it told of them."""
    # The operator's figures are for this machine alone, and go with the clock and the database's size.
    rows = [row for row in ROWS if "device-tokens" not in row.route and row.route != "metrics"]
    before = comparable(client, rows, city)
    disturb(city)
    after = comparable(client, rows, city)
    assert len(before) > 200
    if told := differences(before, after):
        pytest.fail("\n".join(told))


@pytest.mark.django_db
def test_an_answer_that_depended_on_the_exact_place_would_be_seen(client: Client, city: City) -> None:
    rows = [row for row in LAYER_ROWS if row.route == "layers/<slug:layer_id>.geojson"]
    before = comparable(client, rows, city)
    Report.objects.filter(pk=city.sensitive.pk).update(public_location=EXACT, public_area=city.sensitive.area)
    told = differences(before, comparable(client, rows, city))
    seen = {line.split("?")[0].split(":")[0] for line in told}
    assert {"get /layers/reports.geojson", "get /layers/subdistricts.geojson"} <= seen

"""What becomes of statements that take too long: none holds a thread of the web server and a core for ever."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction
from django.test import Client

from geo.layers.select import snapshot
from tests.factories import make_category, make_city, make_report
from tests.http.downloading import get

SHOW = "from django.db import connection as c; k = c.cursor(); k.execute('SHOW {}'); print(k.fetchone()[0])"


def shown_by(start: str, name: str) -> str:
    """A setting of PostgreSQL as a process has it that starts so."""
    code = f"{start}; {SHOW.format(name)}"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(("name", "web"), [("statement_timeout", "30s"), ("lock_timeout", "5s")])
def test_only_the_web_process_bounds_its_statements(name: str, web: str) -> None:
    assert shown_by("import server.wsgi", name) == web
    assert shown_by("import django; django.setup()", name) == "0"


@pytest.fixture
def held(transactional_db: None) -> Iterator[None]:
    """Another session holds the reports and all that can be counted of them; this one waits for a fifth of a second at most."""
    make_city()
    make_report(category=make_category())
    other = psycopg2.connect(**connection.get_connection_params())
    other.cursor().execute("LOCK TABLE geo_report IN ACCESS EXCLUSIVE MODE")
    yield
    other.close()
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout; RESET lock_timeout")


def limit(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET {name} = '200ms'")


TOO_SLOW = {
    "en": "This takes too long to answer. Ask for less: a smaller bbox, a shorter datetime, or a simpler filter.",
    "id": (
        "Ini terlalu lama untuk dijawab. Mintalah lebih sedikit: bbox yang lebih kecil, datetime yang lebih pendek, atau filter"
        " yang lebih sederhana."
    ),
}
TITLE = {"en": "Busy", "id": "Sibuk"}
BUSY = {
    "en": "Somebody else is writing what this needs; try again in a moment.",
    "id": "Pihak lain sedang menulis data yang diperlukan; coba lagi sebentar lagi.",
}


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("/ogc/collections/reports/items", "en"),
        ("/ogc/collections/reports/items", "id"),
        ("/tiles/reports/0/0/0.mvt", "en"),
        ("/api/reports/", "id"),
    ],
)
@pytest.mark.usefixtures("held")
def test_what_takes_too_long_is_a_503_that_says_what_to_do(client: Client, path: str, language: str) -> None:
    limit("statement_timeout")
    response = get(client, f"{path}?lang={language}")
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert json.loads(response.body)["detail"] == TOO_SLOW[language]
    assert "Retry-After" not in response


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.usefixtures("held")
def test_a_write_that_waits_for_another_writer_is_told_to_come_back(client: Client, language: str) -> None:
    limit("lock_timeout")
    body = {"category": "sampah", "description": "x", "location": {"type": "Point", "coordinates": [106.93, -6.25]}}
    response: Any = client.post(f"/api/reports/?lang={language}", json.dumps(body), content_type="application/json")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert (response.json()["title"], response.json()["detail"]) == (TITLE[language], BUSY[language])


@pytest.mark.parametrize("form", ["csv", "gpkg"])
@pytest.mark.usefixtures("held")
def test_a_download_waits_for_nobody_either(client: Client, form: str) -> None:
    """Its rows may take long; a lock may not."""
    limit("lock_timeout")
    response = get(client, f"/layers/reports.{form}")
    assert (response.status_code, json.loads(response.body)["title"]) == (503, TITLE["id"])


@pytest.mark.django_db(transaction=True)
def test_a_whole_layer_has_a_longer_bound_that_ends_with_its_snapshot() -> None:
    def bound() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    limit("statement_timeout")
    try:
        with snapshot(longest_s=600):
            assert bound() == "10min"
        assert bound() == "200ms"
        with snapshot(), transaction.atomic():
            assert bound() == "200ms"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")

"""The ETag follows what is committed: two writers that commit in the other order change it each."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from tests.contracts.ogc.asking import get, text_of
from tests.contracts.ogc.conftest import make_town, report_names

pytestmark = pytest.mark.django_db(transaction=True)
ITEMS = "/ogc/collections/reports/items"


@pytest.fixture
def two_writers() -> Iterator[tuple[Any, Any]]:
    make_town()
    params = connection.get_connection_params()
    keep = {name: params[name] for name in ("dbname", "user", "password", "host", "port") if params.get(name)}
    first, second = psycopg2.connect(**keep), psycopg2.connect(**keep)
    yield first, second
    first.close()
    second.close()


def resolve(writer: Any, report: str) -> None:
    with writer.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        cursor.execute("UPDATE geo_report SET status = 'resolved' WHERE external_id = %s", [report])


def changed(client: Client, etag: str, path: str = ITEMS) -> tuple[str, str]:
    """The new ETag and body; fails where the answer is still a 304."""
    response = get(client, path, if_none_match=etag)
    assert response.status_code == 200
    return response["ETag"], text_of(response)


@pytest.mark.parametrize("query", ["", "?limit=2", "?filter=status='resolved'", "?bbox=106,-7,108,-6&sortby=status"])
def test_each_commit_changes_the_etag_whatever_the_order(
    client: Client, two_writers: tuple[Any, Any], query: str
) -> None:
    first, second = two_writers
    path = f"{ITEMS}{query}"
    tags = [get(client, path)["ETag"]]
    resolve(first, "heap")
    resolve(second, "lamp")  # does not wait for the first, which is still open
    assert get(client, path, if_none_match=tags[0]).status_code == 304
    second.commit()
    tags.append(changed(client, tags[-1], path)[0])
    first.commit()
    tags.append(changed(client, tags[-1], path)[0])
    assert len(set(tags)) == 3


def test_the_answer_after_each_commit_shows_just_what_was_committed(
    client: Client, two_writers: tuple[Any, Any]
) -> None:
    first, second = two_writers
    path = f"{ITEMS}?filter=status='resolved'&skipGeometry=true"
    names = report_names()
    etag = get(client, path)["ETag"]
    resolve(first, "heap")
    resolve(second, "lamp")
    second.commit()
    etag, text = changed(client, etag, path)
    assert (names["lamp"] in text, names["heap"] in text) == (True, False)
    first.commit()
    _etag, text = changed(client, etag, path)
    assert (names["lamp"] in text, names["heap"] in text) == (True, True)


def test_what_is_undone_changes_nothing(client: Client, two_writers: tuple[Any, Any]) -> None:
    etag = get(client, ITEMS)["ETag"]
    resolve(two_writers[0], "heap")
    two_writers[0].rollback()
    assert get(client, ITEMS, if_none_match=etag).status_code == 304


@pytest.mark.parametrize("path", ["/ogc/collections/districts/items", "/ogc/collections/density/items"])
def test_a_report_changes_the_layers_that_count_it(client: Client, two_writers: tuple[Any, Any], path: str) -> None:
    etag = get(client, path)["ETag"]
    resolve(two_writers[0], "heap")
    two_writers[0].commit()
    changed(client, etag, path)


def test_a_feature_has_an_etag_of_its_own_that_follows_too(client: Client, two_writers: tuple[Any, Any]) -> None:
    path = f"{ITEMS}/{report_names()['heap']}"
    etag = get(client, path)["ETag"]
    assert get(client, path, if_none_match=etag).status_code == 304
    resolve(two_writers[0], "heap")
    two_writers[0].commit()
    _etag, text = changed(client, etag, path)
    assert '"status":"resolved"' in text

"""The data version, with two writers at once."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection

from geo.models import Category
from server.core.versions import data_version
from tests.factories import make_category, make_city

pytestmark = pytest.mark.django_db(transaction=True)
REPORTS = {"geo_dataversion": ["reports"]}


@pytest.fixture
def two_writers() -> Iterator[tuple[Any, Any]]:
    settings = connection.get_connection_params()
    keep = {name: settings[name] for name in ("dbname", "user", "password", "host", "port") if settings.get(name)}
    first, second = psycopg2.connect(**keep), psycopg2.connect(**keep)
    yield first, second
    first.close()
    second.close()


def rename(writer: Any, slug: str) -> None:
    with writer.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
        cursor.execute("UPDATE geo_category SET name_en = name_en || '!' WHERE slug = %s", [slug])


def test_each_commit_changes_the_version_whatever_the_order(two_writers: tuple[Any, Any]) -> None:
    make_category("sampah")
    make_category("banjir")
    first, second = two_writers
    versions = [data_version(REPORTS).number]
    rename(first, "sampah")
    rename(second, "banjir")  # does not wait for the first, which is still open
    second.commit()
    versions.append(data_version(REPORTS).number)
    first.commit()
    versions.append(data_version(REPORTS).number)
    assert versions[0] < versions[1] < versions[2]


def test_an_uncommitted_or_undone_change_does_not_show(two_writers: tuple[Any, Any]) -> None:
    make_category("sampah")
    before = data_version(REPORTS).number
    rename(two_writers[0], "sampah")
    assert data_version(REPORTS).number == before
    two_writers[0].rollback()
    assert data_version(REPORTS).number == before


def test_a_deletion_changes_the_version() -> None:
    make_category("sampah")
    before = data_version(REPORTS).number
    Category.objects.all().delete()
    assert data_version(REPORTS).number > before


def test_a_scope_is_not_moved_by_another() -> None:
    before = data_version({"geo_dataversion": ["areas"]}).number
    make_category("sampah")
    assert data_version({"geo_dataversion": ["areas"]}).number == before
    make_city()
    assert data_version({"geo_dataversion": ["areas"]}).number > before


def test_the_version_is_one_small_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        data_version({"geo_dataversion": ["reports", "areas"], "sensors_dataversion": ["rollups"]})

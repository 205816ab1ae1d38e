"""The history refuses to be changed, in the database itself: by the ORM, by hand, by the owner of the table."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from geo.models import HistoryEntry
from tests.factories import make_city, make_report

pytestmark = pytest.mark.django_db


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def line() -> HistoryEntry:
    make_city()
    return make_report().history.get()


def save(line: HistoryEntry) -> None:
    line.action = "x"
    line.save()


@pytest.mark.parametrize(
    "change",
    [
        save,
        lambda line: line.delete(),
        lambda line: HistoryEntry.objects.update(origin="x"),
        lambda line: HistoryEntry.objects.all().delete(),
        lambda line: HistoryEntry.objects.bulk_update([line], ["at"]),
        lambda line: run(f"UPDATE geo_historyentry SET user_id = 1 WHERE id = {line.pk}"),
        lambda line: run(f"DELETE FROM geo_historyentry WHERE id = {line.pk}"),
        lambda line: run(
            f"INSERT INTO geo_historyentry SELECT * FROM geo_historyentry WHERE id = {line.pk}"
            " ON CONFLICT (id) DO UPDATE SET action = 'x'"
        ),
    ],
)
def test_a_line_is_neither_changed_nor_deleted(line: HistoryEntry, change: Callable[[HistoryEntry], Any]) -> None:
    before = HistoryEntry.objects.filter(pk=line.pk).values().get()
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        change(line)
    assert HistoryEntry.objects.filter(pk=line.pk).values().get() == before


def test_the_owner_of_the_table_is_refused_too(line: HistoryEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'geo_historyentry'")
        assert cursor.fetchone() == (True,)
    for statement in ("UPDATE geo_historyentry SET action = 'x'", "DELETE FROM geo_historyentry"):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            run(statement)


def test_the_table_is_not_emptied_but_in_a_database_that_is_marked_as_disposable(line: HistoryEntry) -> None:
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    run(f"COMMENT ON DATABASE {name} IS NULL")
    run("SET CONSTRAINTS ALL IMMEDIATE")  # no table is emptied while checks are outstanding
    for statement in ("TRUNCATE geo_historyentry", "TRUNCATE auth_user, geo_report, geo_historyentry CASCADE"):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            run(statement)
    assert HistoryEntry.objects.filter(pk=line.pk).exists()


def test_of_a_report_that_is_deleted_the_history_stays(line: HistoryEntry) -> None:
    run(f"DELETE FROM geo_report WHERE id = {line.report_id}")
    assert HistoryEntry.objects.filter(report_id=line.report_id).count() == 1

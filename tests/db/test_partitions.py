from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import IntegrityError, connection

from sensors.observations.partitions import ensure_partitions, existing_partitions, next_month
from sensors.observations.writer import write_observations
from tests.sensor_factories import columns_of, make_datastream

pytestmark = pytest.mark.django_db


def test_a_december_is_followed_by_the_next_january() -> None:
    assert next_month(date(2025, 12, 1)) == date(2026, 1, 1)
    assert next_month(date(2026, 1, 1)) == date(2026, 2, 1)


def test_missing_months_are_made_and_those_that_are_there_are_let_be() -> None:
    made = ensure_partitions([date(1990, 1, 1), date(1990, 2, 1)])
    assert made == ["sensors_observation_199001", "sensors_observation_199002"]
    assert ensure_partitions([date(1990, 2, 1)]) == []
    assert set(made) <= existing_partitions()


def test_a_month_holds_its_first_instant_and_not_the_next_months() -> None:
    ensure_partitions([date(1990, 3, 1)])
    datastream = make_datastream()
    write_observations(
        columns_of((datastream, "1990-03-01T00:00:00Z", 1), (datastream, "1990-03-31T23:59:59.999999Z", 2))
    )
    with pytest.raises(IntegrityError):
        write_observations(columns_of((datastream, "1990-04-01T00:00:00Z", 3)))


def test_a_made_partition_has_the_key_and_the_brin_of_the_table() -> None:
    (name,) = ensure_partitions([date(1990, 5, 1)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT am.amname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam"
            " JOIN pg_inherits h ON h.inhrelid = c.oid WHERE i.indrelid = %s::regclass ORDER BY 1",
            [name],
        )
        assert cursor.fetchall() == [("brin",), ("btree",)]


@pytest.mark.django_db(transaction=True)
def test_workers_that_race_for_one_month_make_it_once() -> None:
    months = [date(1991, month, 1) for month in range(1, 7)]

    def make(_worker: int) -> list[str]:
        try:
            return ensure_partitions(months)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = [name for names in pool.map(make, range(4)) for name in names]
    assert sorted(made) == sorted(set(made)) == [f"sensors_observation_1991{month:02}" for month in range(1, 7)]
    with connection.cursor() as cursor:
        for name in made:
            cursor.execute(f"DROP TABLE {name}")

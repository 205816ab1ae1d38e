from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from sensors.observations.columns import IMPLAUSIBLE
from sensors.observations.models import DirtyHour, Observation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import Conflict, Written, write_new_observations, write_observations
from server.core.versions import data_version
from tests.sensor_factories import columns_of, make_datastream

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _march(db: None) -> None:
    ensure_partitions([date(2026, 3, 1)])


def dirty() -> list[tuple[int, str]]:
    return sorted((mark.datastream_id, f"{mark.hour:%dT%H}") for mark in DirtyHour.objects.all())


def test_new_observations_are_stored_and_their_hours_marked_once() -> None:
    one, two = make_datastream(), make_datastream()
    written = write_observations(
        columns_of(
            (one, "2026-03-01T05:00:00Z", 1.5),
            (one, "2026-03-01T05:59:59.999999Z", 2.5),
            (one, "2026-03-01T06:00:00Z", 3.5),
            (two, "2026-03-01T12:00:00+07:00", 4.5),
        )
    )
    assert written == Written(stored=4)
    assert dirty() == [(one.pk, "01T05"), (one.pk, "01T06"), (two.pk, "01T05")]
    stored = Observation.objects.get(datastream=one, phenomenon_time=datetime(2026, 3, 1, 6, tzinfo=UTC))
    assert (stored.result, stored.quality, stored.time_source) == (3.5, 0, 0)


def test_what_is_all_new_is_stored_and_marked_like_everything_else() -> None:
    one, two = make_datastream(), make_datastream()
    rows = ((one, "2026-03-01T05:00:00Z", 1.5), (one, "2026-03-01T05:30:00Z", 2.5), (two, "2026-03-01T06:00:00Z", 3.5))
    assert write_new_observations(columns_of()) == Written()
    assert write_new_observations(columns_of(*rows)) == Written(stored=3)
    assert dirty() == [(one.pk, "01T05"), (two.pk, "01T06")]
    implausible = columns_of((two, "2026-03-01T07:00:00Z", 1e9), quality=IMPLAUSIBLE)
    assert write_new_observations(implausible) == Written(stored=1, implausible=1)
    assert dirty() == [(one.pk, "01T05"), (two.pk, "01T06"), (two.pk, "01T07")]
    assert write_observations(columns_of(*rows)) == Written(repeated=3)


def test_what_is_not_all_new_is_refused_whole() -> None:
    datastream = make_datastream()
    write_observations(columns_of((datastream, "2026-03-01T05:00:00Z", 1)))
    DirtyHour.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        write_new_observations(
            columns_of((datastream, "2026-03-01T04:00:00Z", 7), (datastream, "2026-03-01T05:00:00Z", 1))
        )
    assert (Observation.objects.count(), dirty()) == (1, [])


def test_the_same_again_is_a_repeat_that_marks_nothing() -> None:
    datastream = make_datastream()
    rows = columns_of((datastream, "2026-03-01T05:00:00Z", 0.1))
    write_observations(rows)
    DirtyHour.objects.all().delete()
    assert write_observations(rows) == Written(repeated=1)
    assert dirty() == []


def test_another_result_at_a_stored_time_is_a_conflict_and_the_first_stands() -> None:
    datastream = make_datastream()
    write_observations(columns_of((datastream, "2026-03-01T05:00:00Z", 1)))
    written = write_observations(
        columns_of((datastream, "2026-03-01T04:00:00Z", 7), (datastream, "2026-03-01T05:00:00Z", 2))
    )
    assert written == Written(stored=1, conflicts=(Conflict(row=1, stored_result=1.0),))
    assert Observation.objects.get(phenomenon_time=datetime(2026, 3, 1, 5, tzinfo=UTC)).result == 1.0


def test_an_implausible_value_is_stored_flagged_and_counted_and_its_hour_marked() -> None:
    datastream = make_datastream()
    written = write_observations(columns_of((datastream, "2026-03-01T05:00:00Z", 1e9), quality=IMPLAUSIBLE))
    assert written == Written(stored=1, implausible=1)
    assert Observation.objects.get().quality == IMPLAUSIBLE
    # A datastream may count flagged values nevertheless: the refresh decides.
    assert dirty() == [(datastream.pk, "01T05")]


def test_a_float_is_stored_to_its_last_bit() -> None:
    datastream = make_datastream()
    results = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789]
    write_observations(
        columns_of(*((datastream, f"2026-03-01T05:00:0{i}Z", result) for i, result in enumerate(results)))
    )
    assert list(Observation.objects.order_by("phenomenon_time").values_list("result", flat=True)) == results


def test_nothing_to_write_asks_the_database_nothing(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert write_observations(columns_of()) == Written()


def test_a_batch_of_any_size_is_one_statement(django_assert_num_queries: object) -> None:
    datastream = make_datastream()
    rows = columns_of(*((datastream, f"2026-03-01T05:{i // 60:02}:{i % 60:02}Z", float(i)) for i in range(3000)))
    with transaction.atomic(), django_assert_num_queries(1):  # type: ignore[operator]
        assert write_observations(rows).stored == 3000


def test_a_write_counts_in_the_data_version() -> None:
    before = data_version({"sensors_dataversion": ["observations"]}).number
    write_observations(columns_of((make_datastream(), "2026-03-01T05:00:00Z", 1)))
    assert data_version({"sensors_dataversion": ["observations"]}).number > before


@pytest.fixture
def march_for_all(transactional_db: None) -> None:
    ensure_partitions([date(2026, 3, 1)])


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_the_same_readings_at_once_store_each_once(march_for_all: None) -> None:
    datastreams = [make_datastream() for _ in range(20)]
    rows = [(each, f"2026-03-01T05:{minute:02}:00Z", float(minute)) for each in datastreams for minute in range(50)]

    def write(turn: int) -> Written:
        try:
            # Each in another order: without one order inside the statement they would lock each other out.
            return write_observations(columns_of(*(rows if turn % 2 else reversed(rows))))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, range(4)))
    assert sum(each.stored for each in written) == len(rows) == Observation.objects.count()
    assert sum(each.repeated for each in written) == 3 * len(rows)


@pytest.mark.django_db(transaction=True)
def test_a_conflict_with_a_writer_still_open_is_seen_once_it_commits(march_for_all: None) -> None:
    datastream = make_datastream()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            write_observations(columns_of((datastream, "2026-03-01T05:00:00Z", 1)))

            def second() -> Written:
                try:
                    return write_observations(columns_of((datastream, "2026-03-01T05:00:00Z", 2)))
                finally:
                    connection.close()

            future = pool.submit(second)
            _wait_for_a_waiting_backend()
        assert future.result(10).conflicts == (Conflict(0, 1.0),)


def _wait_for_a_waiting_backend() -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the second writer never waited")

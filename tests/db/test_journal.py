"""The journal is read in the order of commits, once each, whatever was open meanwhile."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection

from sensors.following.follow import Follower, Following, follow_once, forget_read_entries
from sensors.following.models import Bookmark
from sensors.observations import journal
from sensors.observations.columns import Columns
from sensors.observations.corrections import correct_observation
from sensors.observations.journal import Entry, Kind, Position
from sensors.observations.models import JournalEntry
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import write_new_observations, write_observations
from tests.sensor_factories import make_datastream

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
NOON_US = 1_772_337_600_000_000  # 2026-03-01T04:00:00Z
MARCH = datetime(2026, 3, 1, tzinfo=UTC).date()


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    """A second connection, in a transaction that the test ends."""
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        yield other
    finally:
        other.close()


def store(*readings: tuple[int, float], datastream: int = 1, is_new: bool = True) -> None:
    """Readings of one datastream in one transaction, each by its second after the hour."""
    ensure_partitions([MARCH])
    columns = Columns()
    for second, result in readings:
        columns.append_us(datastream, NOON_US + second * 1_000_000, result, NOON_US, 0, 0)
    (write_new_observations if is_new else write_observations)(columns)


def read_all() -> list[Entry]:
    return journal.entries_after(Position())


class Reader:
    """A follower that keeps what it was given."""

    def __init__(self, name: str = "reader", **more: Any) -> None:
        self.results: list[float] = []
        self.follower = Follower(name, self._handle, **more)

    def _handle(self, entries: Sequence[Entry], now: datetime) -> None:
        for entry in entries:
            self.results += entry.results


def test_a_batch_is_one_entry_with_its_rows_in_microseconds() -> None:
    store((0, 10.5), (1, 11.0))
    (entry,) = read_all()
    assert entry.kind is Kind.STORED
    assert (entry.datastream_ids, entry.results, entry.qualities) == ([1, 1], [10.5, 11.0], [0, 0])
    assert entry.phenomenon_us == [NOON_US, NOON_US + 1_000_000]


def test_of_a_batch_with_repeats_only_what_was_stored_is_in_the_journal() -> None:
    store((0, 10.5))
    store((0, 10.5), (7, 12.0), is_new=False)
    assert [(entry.phenomenon_us, entry.results) for entry in read_all()] == [
        ([NOON_US], [10.5]),
        ([NOON_US + 7_000_000], [12.0]),
    ]


def test_a_batch_of_repeats_alone_leaves_no_entry() -> None:
    store((0, 10.5))
    store((0, 10.5), is_new=False)
    assert JournalEntry.objects.count() == 1


def test_a_correction_and_a_deletion_are_entries_of_their_own() -> None:
    datastream = make_datastream()
    store((0, 10.5), datastream=datastream.pk)
    at = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    correct_observation(datastream=datastream, phenomenon_time=at, new_result=9.5, reason="calibrated")
    correct_observation(datastream=datastream, phenomenon_time=at, new_result=None, reason="a test")
    assert [(entry.kind, entry.results) for entry in read_all()] == [
        (Kind.STORED, [10.5]),
        (Kind.CHANGED, [9.5]),
        (Kind.DELETED, [9.5]),
    ]


def test_what_an_open_transaction_wrote_first_is_read_in_its_place_once_it_is_committed(elsewhere: Any) -> None:
    with elsewhere.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sensors_journalentry (xid, kind, written_at, datastream_ids, phenomenon_times, results, qualities)"
            " VALUES (pg_current_xact_id()::text::bigint, 0, now(), '{1}', '{1}', '{1.5}', '{0}')"
        )
    store((0, 2.5))
    # Were this one read now, the other would come to be seen behind the bookmark.
    assert read_all() == []
    elsewhere.commit()
    assert [entry.results for entry in read_all()] == [[1.5], [2.5]]


def test_what_is_rolled_back_holds_nobody_up(elsewhere: Any) -> None:
    with elsewhere.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
    store((0, 2.5))
    elsewhere.rollback()
    assert [entry.results for entry in read_all()] == [[2.5]]


def test_a_follower_gets_each_entry_once() -> None:
    reader = Reader()
    for second in range(5):
        store((second, float(second)))
    assert follow_once(reader.follower, NOW, limit=2) == 2
    assert Following([reader.follower]).run_until_read() == 3
    assert reader.results == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_follower_that_fails_keeps_its_place_and_says_why() -> None:
    def fail(entries: Sequence[Entry], now: datetime) -> None:
        raise ValueError("no such gauge")

    store((0, 1.0))
    other = Reader("other")
    Following([Follower("failing", fail), other.follower]).run_until_read()
    bookmark = Bookmark.objects.get(name="failing")
    assert (bookmark.position, bookmark.failure) == (Position(), "no such gauge")
    assert other.results == [1.0]


def test_one_that_comes_after_another_never_overtakes_it() -> None:
    first, second = Reader("first"), Reader("second", after="first")
    store((0, 1.0))
    store((1, 2.0))
    assert follow_once(second.follower, NOW) == 0
    follow_once(first.follower, NOW, limit=1)
    follow_once(second.follower, NOW)
    assert second.results == [1.0]


def test_what_nobody_waits_for_is_forgotten_after_a_day() -> None:
    reader = Reader()
    store((0, 1.0))
    follow_once(reader.follower, NOW)
    JournalEntry.objects.update(written_at=NOW - timedelta(hours=25))
    assert forget_read_entries(NOW) == 1


def test_what_a_follower_has_not_read_is_kept_for_a_week() -> None:
    reader = Reader()
    store((0, 1.0))
    follow_once(reader.follower, NOW - timedelta(days=3))
    store((1, 2.0))
    JournalEntry.objects.filter(results=[2.0]).update(written_at=NOW - timedelta(days=2))
    JournalEntry.objects.filter(results=[1.0]).update(written_at=NOW - timedelta(days=4))
    assert forget_read_entries(NOW) == 1
    follow_once(reader.follower, NOW)
    assert reader.results == [1.0, 2.0]


def test_in_a_database_restored_into_another_cluster_everybody_reads_on() -> None:
    reader = Reader()
    store((0, 1.0))
    follow_once(reader.follower, NOW)
    store((1, 2.0))
    # As if the transactions of the cluster before had been numbered far higher.
    JournalEntry.objects.update(xid=2**50)
    Bookmark.objects.update(xid=2**50)
    assert journal.settle_after_restore()
    store((2, 3.0))
    Following([reader.follower]).run_until_read()
    assert reader.results == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("text", ["", "1", "-", "1-", "a-1", "1-2-3", "१-1", "9" * 41 + "-1"])
def test_a_position_that_was_not_written_by_us_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)


def test_a_position_is_read_back_as_it_was_written() -> None:
    assert Position.parse(str(Position(12, 34))) == Position(12, 34)

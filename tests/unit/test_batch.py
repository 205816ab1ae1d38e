from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sensors.ingest.batch import DatastreamRef, Message, build_batch, settle
from sensors.ingest.reasons import Reason
from sensors.observations import columns
from sensors.observations.columns import microseconds, time_at
from sensors.observations.models import Quality, TimeSource

NOW = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
REGISTRY = {"air-1": {"pm25": DatastreamRef(7, 0.0, 500.0), "no2": DatastreamRef(8)}}


def message(payload: str, topic: str = "sensors/air-1/pm25", *, retained: bool = False) -> Message:
    return Message(topic, payload.encode(), microseconds(NOW), retained)


def at(time: str, result: float = 1.0) -> Message:
    return message(f'{{"result": {result}, "phenomenon_time": "{time}"}}')


def reasons(*messages: Message) -> list[Reason]:
    return [item.rejection.reason for item in build_batch(messages, REGISTRY, now=NOW).quarantined]


def test_a_reading_becomes_a_row_of_its_datastream() -> None:
    built = build_batch([at("2026-03-01T11:00:00+07:00", 12.5)], REGISTRY, now=NOW)
    assert built.columns.datastream_ids == [7]
    assert [time_at(us) for us in built.columns.phenomenon_us] == [datetime(2026, 3, 1, 4, 0, tzinfo=UTC)]
    assert built.columns.results == [12.5]
    assert built.columns.received_us == [microseconds(NOW)]
    assert built.columns.qualities == [Quality.GOOD]
    assert built.columns.time_sources == [TimeSource.DEVICE]


def test_without_a_time_a_reading_is_of_its_receipt_and_says_so() -> None:
    built = build_batch([message("12.5")], REGISTRY, now=NOW)
    assert built.columns.phenomenon_us == [microseconds(NOW)]
    assert built.columns.time_sources == [TimeSource.RECEIPT]


def test_a_retained_reading_without_a_time_is_counted_and_let_go() -> None:
    built = build_batch([message("12.5", retained=True)], REGISTRY, now=NOW)
    assert (len(built.columns), built.ignored, built.quarantined, built.received) == (0, 1, [], 1)


def test_a_retained_reading_with_its_time_is_stored() -> None:
    retained = message('{"result": 1, "phenomenon_time": 1772337600}', retained=True)
    assert len(build_batch([retained], REGISTRY, now=NOW).columns) == 1


def test_a_value_on_the_edge_of_the_plausible_range_is_good_and_beyond_is_not() -> None:
    built = build_batch([at("2026-03-01T00:00:00Z", 500), at("2026-03-01T00:00:01Z", 500.1)], REGISTRY, now=NOW)
    assert built.columns.qualities == [Quality.GOOD, Quality.IMPLAUSIBLE]


def test_a_datastream_without_a_range_takes_any_value() -> None:
    built = build_batch([message("-1e30", "sensors/air-1/no2")], REGISTRY, now=NOW)
    assert built.columns.qualities == [Quality.GOOD]


def test_times_before_1990_or_more_than_a_day_ahead_are_absurd() -> None:
    assert reasons(at("1989-12-31T23:59:59Z"), at("2026-03-02T05:00:01Z")) == [Reason.ABSURD_TIME] * 2
    assert reasons(at("1990-01-01T00:00:00Z"), at("2026-03-02T05:00:00Z")) == []


def test_an_unknown_thing_and_an_unknown_property_are_told_apart_and_named_for_a_look_up() -> None:
    messages = [message("1", "sensors/air-9/pm25"), message("1", "sensors/air-1/so2")]
    built = build_batch(messages, REGISTRY, now=NOW)
    assert [item.rejection.reason for item in built.quarantined] == [Reason.UNKNOWN_THING, Reason.UNKNOWN_DATASTREAM]
    assert built.unknown_things == {"air-9", "air-1"}


def test_the_same_reading_twice_in_a_batch_is_a_repeat() -> None:
    built = build_batch([at("2026-03-01T00:00:00Z"), at("2026-03-01T07:00:00+07:00")], REGISTRY, now=NOW)
    assert len(built.columns) == 1
    assert settle(built, {}) == (1, [])


def test_another_result_at_the_same_time_is_a_conflict_and_the_first_stands() -> None:
    built = build_batch([at("2026-03-01T00:00:00Z", 1), at("2026-03-01T00:00:00Z", 2)], REGISTRY, now=NOW)
    assert built.columns.results == [1.0]
    repeated, (item,) = settle(built, {})
    assert (repeated, item.message_index, item.rejection.reason) == (0, 1, Reason.CONFLICT)


def test_what_follows_a_row_that_was_kept_out_is_measured_by_what_is_stored() -> None:
    built = build_batch([at("2026-03-01T00:00:00Z", result) for result in (77, 77, 5)], REGISTRY, now=NOW)
    repeated, conflicts = settle(built, {0: 5.0})  # 5 is stored already
    assert repeated == 1
    assert [item.message_index for item in conflicts] == [0, 1]


def test_a_message_of_one_reading_is_quarantined_byte_for_byte() -> None:
    odd = message(' {"result":1e0, "phenomenon_time":"1970-01-01T00:00:00Z", "x":1}')
    assert build_batch([odd], REGISTRY, now=NOW).quarantined[0].rejection.payload == odd.payload


def test_an_element_of_an_array_is_quarantined_as_a_message_of_its_own() -> None:
    array = message('[{"result": 1, "phenomenon_time": 0}, 2]')
    (item,) = build_batch([array], REGISTRY, now=NOW).quarantined
    assert item.rejection.payload == b'{"result": 1.0, "phenomenon_time": "1970-01-01T00:00:00+00:00"}'


def test_months_are_those_of_utc() -> None:
    built = build_batch([at("2026-03-01T06:59:59+07:00"), at("2026-03-01T07:00:00+07:00")], REGISTRY, now=NOW)
    assert sorted(f"{month}" for month in built.columns.months()) == ["2026-02-01", "2026-03-01"]


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_the_time_exactly(time: datetime) -> None:
    assert time_at(microseconds(time)) == time


def test_the_plain_numbers_of_the_columns_are_those_of_the_models() -> None:
    assert (columns.GOOD, columns.IMPLAUSIBLE) == (Quality.GOOD, Quality.IMPLAUSIBLE)
    assert (columns.TIMED_BY_DEVICE, columns.TIMED_ON_RECEIPT) == (TimeSource.DEVICE, TimeSource.RECEIPT)


payloads = st.sampled_from(
    ["1", "2", "x", "[]", "[1, 2, null]", "NaN", '{"result": 1, "phenomenon_time": 1772337600}']
    + [f'{{"result": {n}, "phenomenon_time": {t}}}' for n in (1, 2) for t in (0, 1772337600, 9e10)]
)
topics = st.sampled_from(["sensors/air-1/pm25", "sensors/air-1/no2", "sensors/air-1", "sensors/nobody/pm25", "x"])


@given(
    st.lists(
        st.builds(
            lambda payload, topic, retained: message(payload, topic, retained=retained), payloads, topics, st.booleans()
        )
    )
)
def test_no_reading_is_counted_twice_or_not_at_all(messages: list[Message]) -> None:
    built = build_batch(messages, REGISTRY, now=NOW)
    elements = sum(_elements(each) for each in messages)
    assert built.received == elements
    keys = list(zip(built.columns.datastream_ids, built.columns.phenomenon_us, strict=True))
    assert len(keys) == len(set(keys)) == len(built.origins)
    assert all(us <= microseconds(NOW + timedelta(days=1)) for us in built.columns.phenomenon_us)


def _elements(each: Message) -> int:
    is_array = each.payload.startswith(b"[1") and each.topic.startswith("sensors/")
    return 3 if is_array else 1

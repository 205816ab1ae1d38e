"""The index of the air, its category and the day's rain: computed from the hours, by hand-worked figures."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sensors.derived.deriving import derive, derive_all, ensure_derived
from sensors.derived.models import DerivedMark
from sensors.ingest.store import Store
from sensors.models import Datastream, JournalEntry, Observation, RejectedMessage, Thing
from sensors.observations.columns import Columns
from sensors.observations.corrections import correct_observation
from sensors.observations.partitions import ensure_partitions
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from sensors.sensorthings.writing.observations import ref_of
from server.core.errors import Conflict
from tests.sensor_factories import make_datastream, message, rollups

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
LATER = MIDNIGHT + timedelta(days=10)


@pytest.fixture(autouse=True)
def march() -> None:
    ensure_partitions([date(2026, 3, 1)])


def measure(stream: Datastream, *values: tuple[int, float]) -> None:
    """(hour after midnight, value), each at the half of its hour; with its rollup."""
    columns = Columns()
    for hour, value in values:
        columns.append(stream.pk, MIDNIGHT + timedelta(hours=hour + 0.5), value, MIDNIGHT, 0, 0)
    write_observations(columns)
    refresh_all_rollups()


def derived(code: str, now: datetime = LATER) -> dict[int, float]:
    """Hour after midnight -> value, once all is computed."""
    ensure_derived()
    derive_all(now)
    found = Observation.objects.filter(datastream__derivation=code).order_by("phenomenon_time")
    return {int((one.phenomenon_time - MIDNIGHT) / timedelta(hours=1)): one.result for one in found}


def air(code: str = "pm25", thing: str = "air-1") -> Datastream:
    return make_datastream(thing, code, unit_ucum="ug/m3")


def test_an_index_needs_18_of_24_hours() -> None:
    measure(air(), *((hour, 15.5) for hour in range(17)))
    assert derived("ispu") == {}


# P.14/MENLHK/2020: PM2.5 of 35.45 is half way between 15.5 (index 50) and 55.4 (index 100).
def test_the_index_is_linear_between_the_bounds_of_the_table() -> None:
    measure(air(), *((hour, 35.45) for hour in range(18)))
    assert derived("ispu") == {18: pytest.approx(75.0)}
    assert derived("ispu_category") == {18: 2.0}


def test_the_index_is_that_of_the_worst_pollutant() -> None:
    measure(air("pm25"), *((hour, 15.5) for hour in range(24)))  # index 50
    measure(air("pm10"), *((hour, 250.0) for hour in range(24)))  # half way from 150 (100) to 350 (200): 150
    assert derived("ispu")[24] == pytest.approx(150.0)
    assert derived("ispu_category")[24] == 3.0


def test_a_pollutant_with_too_few_hours_is_left_out_of_the_index() -> None:
    measure(air("pm25"), *((hour, 15.5) for hour in range(24)))
    measure(air("pm10"), *((hour, 420.0) for hour in range(10, 24)))
    assert derived("ispu")[24] == pytest.approx(50.0)


def test_the_mean_is_of_24_hours_up_to_the_end_of_each_hour() -> None:
    measure(air(), *((hour, 0.0) for hour in range(24)), *((hour, 37.2) for hour in range(24, 36)))
    found = derived("ispu")
    # At 36: twelve hours of 0 and twelve of 37.2, mean 18.6. From 15.5 (50) to 55.4 (100): 50 + 50 × 3.1 / 39.9 = 53.885.
    assert found[24] == 0.0
    assert found[36] == pytest.approx(53.885, abs=0.001)


@pytest.mark.parametrize(("top", "index"), [(400, 400.0), (500, 500.0)])
def test_the_top_of_the_index_is_a_setting(settings: Any, top: int, index: float) -> None:
    settings.ISPU_TOP = top
    measure(air(), *((hour, 500.0) for hour in range(18)))
    assert derived("ispu") == {18: index}
    assert derived("ispu_category") == {18: 5.0}


def test_rain_of_24_hours_is_what_was_measured_of_it() -> None:
    rain = make_datastream("rain-1", "rain", unit_ucum="mm")
    measure(rain, (0, 60.0), (1, 0.0), (23, 5.0), (24, 1.0))
    assert derived("rain_24h") == {1: 60.0, 2: 60.0, 24: 65.0, 25: 6.0}


def test_an_hour_that_was_not_measured_has_no_derived_value() -> None:
    measure(air(), *((hour, 15.5) for hour in range(20)), (22, 15.5))
    assert sorted(derived("ispu")) == [18, 19, 20, 23]


def test_an_hour_counts_once_it_is_over() -> None:
    rain = make_datastream("rain-1", "rain", unit_ucum="mm")
    measure(rain, (0, 60.0))
    assert derived("rain_24h", MIDNIGHT + timedelta(minutes=59)) == {}
    assert derived("rain_24h", MIDNIGHT + timedelta(minutes=60)) == {1: 60.0}


def test_a_late_hour_changes_the_24_that_follow_it() -> None:
    rain = make_datastream("rain-1", "rain", unit_ucum="mm")
    measure(rain, *((hour, 1.0) for hour in range(1, 30)))
    before = derived("rain_24h")
    measure(rain, (0, 10.0))
    after = derived("rain_24h")
    changed = {hour for hour in after if after[hour] != before.get(hour)}
    assert changed == set(range(1, 25))
    assert (before[24], after[24], after[25]) == (23.0, 33.0, before[25])


def test_a_corrected_hour_changes_what_is_derived_of_it_and_the_journal_says_so() -> None:
    rain = make_datastream("rain-1", "rain", unit_ucum="mm")
    measure(rain, (0, 60.0))
    assert derived("rain_24h") == {1: 60.0}
    half_past = MIDNIGHT + timedelta(minutes=30)
    correct_observation(datastream=rain, phenomenon_time=half_past, new_result=6.0, reason="typing error")
    refresh_all_rollups()
    assert derived("rain_24h") == {1: 6.0}
    correct_observation(datastream=rain, phenomenon_time=half_past, new_result=None, reason="never was")
    refresh_all_rollups()
    assert derived("rain_24h") == {}
    of = Datastream.objects.get(derivation="rain_24h").pk
    entries = JournalEntry.objects.filter(datastream_ids=[of]).order_by("id")
    assert list(entries.values_list("kind", "results")) == [(0, [60.0]), (1, [6.0]), (2, [6.0])]


def test_what_is_derived_has_rollups_of_its_own_and_nothing_is_derived_of_it() -> None:
    rain = make_datastream("rain-1", "rain", unit_ucum="mm")
    measure(rain, (0, 60.0), (1, 2.0))
    derived("rain_24h")
    of = Datastream.objects.get(derivation="rain_24h").pk
    refresh_all_rollups()
    assert not DerivedMark.objects.exists()
    found = {hour: row for (datastream_id, hour), row in rollups().items() if datastream_id == of}
    assert found == {"2026-03-01T01": (1, 60.0, 60.0, 60.0), "2026-03-01T02": (1, 62.0, 62.0, 62.0)}


def test_things_that_have_the_inputs_get_the_derived_datastreams_once() -> None:
    air(thing="air-1"), air("pm10", thing="air-1"), air(thing="air-2")
    make_datastream("air-3", "pm25", unit_ucum="mg/m3")
    Thing.objects.create(slug="drill-air", name="drill", is_exercise=True)
    air(thing="drill-air")
    assert ensure_derived() == 4
    assert ensure_derived() == 0
    found = Datastream.objects.exclude(derivation="").order_by("thing__slug", "derivation")
    assert list(found.values_list("thing__slug", "derivation", "unit_ucum", "observed_property__aggregate")) == [
        ("air-1", "ispu", "1", "mean"), ("air-1", "ispu_category", "1", "max"),
        ("air-2", "ispu", "1", "mean"), ("air-2", "ispu_category", "1", "max"),
    ]  # fmt: skip


def test_a_thing_that_sends_an_index_of_its_own_keeps_it() -> None:
    air()
    own = make_datastream("air-1", "ispu", unit_ucum="1")
    ensure_derived()
    assert list(Datastream.objects.filter(observed_property__code="ispu")) == [own]


def test_a_device_cannot_send_what_is_derived() -> None:
    air()
    ensure_derived()
    store = Store()
    store.refresh()
    outcome = store.store([message("sensors/air-1/ispu", '{"result": 10, "phenomenon_time": "2026-03-01T00:00:00Z"}')])
    assert (outcome.stored, outcome.quarantined) == (0, 1)
    assert RejectedMessage.objects.get().reason == "unknown_datastream"


def test_a_person_cannot_correct_what_is_derived() -> None:
    measure(make_datastream("rain-1", "rain", unit_ucum="mm"), (0, 60.0))
    derived("rain_24h")
    of = Datastream.objects.get(derivation="rain_24h")
    at = MIDNIGHT + timedelta(hours=1)
    with pytest.raises(Conflict, match="rain-1/rain_24h"):
        correct_observation(datastream=of, phenomenon_time=at, new_result=1.0, reason="a test")


def test_nobody_writes_what_is_derived_by_sensorthings() -> None:
    air()
    ensure_derived()
    with pytest.raises(Conflict, match="air-1/ispu"):
        ref_of(Datastream.objects.get(derivation="ispu"))


def test_a_round_asks_as_much_of_many_hours_as_of_one() -> None:
    counts = []
    rain = make_datastream("rain-1", "rain", unit_ucum="mm")
    ensure_derived()
    for hours in (range(1), range(1, 60)):
        measure(rain, *((hour, 1.0) for hour in hours))
        with CaptureQueriesContext(connection) as queries:
            assert derive(LATER) == len(hours)
        counts.append(len(queries))
    assert counts[0] == counts[1]

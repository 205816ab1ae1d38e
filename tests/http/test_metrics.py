"""/metrics: who may read it, and that it says what the database knows."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from geo.operations.outbox.models import Destination, OutboxMessage
from sensors.following.models import Bookmark
from sensors.ingest.models import IngestStatus
from sensors.ingest.sources.models import MqttSource
from sensors.ingest.store import Store, open_status
from tests.sensor_factories import make_datastream, message

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-twenty-characters"


def figures(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """By sample name: by the values of its labels, in the order of their names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for _name, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def ask(remote: str = "127.0.0.1", **headers: str) -> Any:
    return Client(REMOTE_ADDR=remote).get("/metrics", headers=headers)


def read() -> dict[str, dict[tuple[str, ...], float]]:
    answer = ask()
    assert answer.status_code == 200
    return figures(answer.content.decode())


def store_some(slot: int = 0) -> None:
    open_status(slot)
    topic = f"sensors/{make_datastream().thing.slug}/pm25"
    store = Store(slot=slot)
    store.store(
        [
            message(topic, '{"result": 1, "phenomenon_time": 1772337600}'),
            message(topic, '{"result": 1, "phenomenon_time": 1772337600}'),
            message(topic, '{"result": 2, "phenomenon_time": 1772337600}'),
            message(topic, "x"),
            message(topic, "1", retained=True),
        ]
    )


def test_readings_are_told_by_what_became_of_them_and_add_up() -> None:
    store_some()
    told = read()
    assert told["pantau_ingest_received_total"] == {("0",): 5}
    assert told["pantau_ingest_readings_total"] == {
        ("stored", "0"): 1,
        ("repeated", "0"): 1,
        ("quarantined", "0"): 2,
        ("ignored", "0"): 1,
    }
    # By kept, reason, slot.
    assert told["pantau_ingest_quarantined_total"] == {
        ("yes", "conflict", "0"): 1,
        ("no", "conflict", "0"): 0,
        ("yes", "bad_json", "0"): 1,
        ("no", "bad_json", "0"): 0,
    }
    assert told["pantau_quarantine_open_messages"] == {("conflict",): 1, ("bad_json",): 1}
    assert told["pantau_rollup_dirty_marks"] == {(): 1}
    assert told["pantau_datastreams"] == {("never",): 1, ("heard",): 0, ("late",): 0, ("silent",): 0, ("flapping",): 0}
    assert told["pantau_observation_partitions"][()] >= 1
    assert told["pantau_database_size_bytes"][()] > 1_000_000


def test_worker_s_own_counts_are_told_and_buckets_are_cumulative() -> None:
    noted = datetime(2026, 3, 1, 4, 0, 5, tzinfo=UTC)
    MqttSource.objects.create(name="ttn", url="mqtts://ttn.test", topic_filters="#")
    IngestStatus.objects.create(
        slot=1_001,
        source="ttn",
        acknowledged=7,
        returned=2,
        dropped=1,
        batches=4,
        batch_messages=612,
        batch_seconds=0.5,
        by_messages=[1, 0, 2, 0, 0, 0, 1, 0, 0],
        by_seconds=[0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1],
        waiting=3,
        oldest_waiting_at=datetime(2026, 3, 1, 4, 0, 2, tzinfo=UTC),
        is_connected=True,
        lag_seconds=0.25,
        noted_at=noted,
        broker={"messages_held": 173, "messages_retained": 53, "messages_dropped": 50},
    )
    told = read()
    assert told["pantau_ingest_messages_total"] == {
        ("acknowledged", "ttn"): 7,
        ("returned", "ttn"): 2,
        ("dropped", "ttn"): 1,
    }
    assert told["pantau_ingest_waiting_messages"] == {("ttn",): 3}
    assert told["pantau_ingest_oldest_waiting_seconds"] == {("ttn",): 3}
    assert told["pantau_ingest_lag_seconds"] == {("ttn",): 0.25}
    assert told["pantau_ingest_heartbeat_timestamp_seconds"] == {("ttn",): 1_772_337_605}
    assert told["pantau_ingest_connected"] == {("ttn",): 1}
    assert "pantau_ingest_session_lost_timestamp_seconds" not in told
    buckets = {le: n for (le, _slot), n in told["pantau_ingest_batch_messages_bucket"].items()}
    assert buckets == {
        "1.0": 1, "10.0": 1, "50.0": 3, "100.0": 3, "250.0": 3, "500.0": 3, "1000.0": 4, "2500.0": 4, "+Inf": 4
    }  # fmt: skip
    assert told["pantau_ingest_batch_messages_sum"] == {("ttn",): 612}
    assert told["pantau_ingest_batch_messages_count"] == {("ttn",): 4}
    assert told["pantau_ingest_batch_seconds_bucket"][("10.0", "ttn")] == 3
    # 173 held, 53 of them retained.
    assert told["pantau_broker_queued_messages"] == {(): 120}
    assert told["pantau_broker_dropped_messages_total"] == {(): 50}


def test_broker_that_has_dropped_nothing_yet_is_told_with_a_zero() -> None:
    assert "pantau_broker_dropped_messages_total" not in read()
    IngestStatus.objects.create(slot=0, noted_at=datetime(2026, 3, 1, tzinfo=UTC), broker={"messages_held": 53})
    assert read()["pantau_broker_dropped_messages_total"] == {(): 0}


def test_followers_are_told_with_what_they_have_not_read() -> None:
    store_some()
    Bookmark.objects.create(name="quality", failure="disk full")
    Bookmark.objects.create(name="states", xid=2**62)
    told = read()
    assert told["pantau_follower_unread_entries"] == {("quality",): 1, ("states",): 0}
    assert told["pantau_follower_failing"] == {("quality",): 1, ("states",): 0}
    assert told["pantau_follower_lag_seconds"][("states",)] == 0


def test_outbox_is_told_by_transport() -> None:
    written = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    for number, state in enumerate(("pending", "pending", "dead", "delivered")):
        OutboxMessage.objects.create(
            transport="webhook",
            destination="a",
            topic="report.status",
            state=state,
            created_at=written + timedelta(seconds=number),
            next_attempt_at=written,
        )
    Destination.objects.create(name="a", failures=3)
    Destination.objects.create(name="b")
    told = read()
    assert told["pantau_outbox_waiting_messages"] == {("webhook",): 2}
    assert told["pantau_outbox_given_up_messages"] == {("webhook",): 1}
    assert told["pantau_outbox_oldest_timestamp_seconds"] == {(): 1_772_337_600}
    assert told["pantau_outbox_failing_destinations"] == {(): 1}


def test_figures_take_as_many_queries_for_many_slots_as_for_none_and_none_reads_observations() -> None:
    counts = []
    for slots in (0, 3):
        for slot in range(slots):
            store_some(slot)
        with CaptureQueriesContext(connection) as queries:
            assert ask().status_code == 200
        counts.append(len(queries))
        assert not [query for query in queries if re.search(r'(FROM|JOIN) "?sensors_observation"?\b', query["sql"])]
    assert counts[0] == counts[1] <= 14


def test_answer_is_prometheus_text_and_openmetrics_for_who_asks_for_it() -> None:
    plain, open_metrics = ask(), ask(accept="application/openmetrics-text; version=1.0.0")
    assert plain["Content-Type"].startswith("text/plain; version=0.0.4")
    assert open_metrics["Content-Type"].startswith("application/openmetrics-text")
    assert open_metrics.content.endswith(b"# EOF\n")
    assert "no-store" in plain["Cache-Control"]


def test_device_s_name_and_its_payload_are_in_no_figure() -> None:
    make_datastream("pos-rahasia")
    open_status(0)
    Store(slot=0).store([message("sensors/pos-rahasia/pm25", "kata-sandi")])
    text = ask().content.decode()
    assert "bad_json" in text
    assert "rahasia" not in text
    assert "kata-sandi" not in text


@pytest.mark.parametrize(
    ("remote", "forwarded_for", "status"),
    [
        ("127.0.0.1", "", 200),
        ("::1", "", 200),
        ("10.20.0.9", "", 200),  # PANTAU_METRICS_ALLOW
        ("10.21.0.9", "", 403),
        ("2001:db8::1", "", 403),
        ("", "", 403),  # a unix socket
        # A proxy on this machine that nobody has named: who asks is not known.
        ("127.0.0.1", "203.0.113.5", 403),
        ("127.0.0.1", "127.0.0.1", 403),
        ("10.20.0.9", "10.20.0.9", 403),
        # The trusted proxy vouches for the last hop only.
        ("10.1.0.1", "", 403),
        ("10.1.0.1", "203.0.113.5", 403),
        ("10.1.0.1", "10.20.0.9", 200),
        ("10.1.0.1", "10.20.0.9, 203.0.113.5", 403),
    ],
)
def test_only_near_addresses_may_read_it(settings: Any, remote: str, forwarded_for: str, status: int) -> None:
    settings.TRUSTED_PROXIES = ["10.1.0.0/16"]
    settings.METRICS_ALLOW = ["10.20.0.0/16"]
    answer = ask(remote, **({"x-forwarded-for": forwarded_for} if forwarded_for else {}))
    assert answer.status_code == status
    if status == 403:
        assert answer["Content-Type"] == "application/problem+json"
        assert b"pantau_" not in answer.content


@pytest.mark.parametrize(
    ("configured", "authorization", "status"),
    [
        (TOKEN, f"Bearer {TOKEN}", 200),
        (TOKEN, f"Bearer {TOKEN}x", 403),
        (TOKEN, f"Basic {TOKEN}", 403),
        (TOKEN, "Bearer ", 403),
        ("", "Bearer ", 403),
        ("", "Bearer", 403),
    ],
)
def test_from_afar_the_token_opens_it_and_nothing_else(
    settings: Any, configured: str, authorization: str, status: int
) -> None:
    settings.METRICS_TOKEN = configured
    assert ask("203.0.113.5", authorization=authorization).status_code == status

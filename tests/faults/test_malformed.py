"""One message in a hundred is malformed, in twelve ways; the good ones never wait for them."""

import time

from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.publisher import Publisher
from tests.faults.conftest import T0, Stage, reading
from tests.waiting import wait_for

COUNT = 21_600
GOOD_TIME = f'"phenomenon_time": {T0}'

# Reason -> how: (topic, payload). The first reading of load-0 is 0.0 at T0, which the conflict contradicts.
MALFORMED: list[tuple[str, str, bytes]] = [
    ("bad_topic", "sensors/load-0/pm25/raw", b"1"),
    ("bad_json", "sensors/load-0/pm25", b'{"result": 1'),
    ("bad_json", "sensors/load-0/pm25", b"\xff\xfe\x00"),
    ("bad_payload", "sensors/load-0/pm25", b'{"value": 1}'),
    ("not_a_number", "sensors/load-0/pm25", b'{"result": NaN}'),
    ("not_a_number", "sensors/load-0/pm25", b'"12,5"'),
    ("bad_time", "sensors/load-0/pm25", b'{"result": 1, "phenomenon_time": "2026-03-01 11:00"}'),
    ("absurd_time", "sensors/load-0/pm25", b'{"result": 1, "phenomenon_time": "1970-01-01T00:00:00Z"}'),
    ("absurd_time", "sensors/load-0/pm25", b'{"result": 1, "phenomenon_time": "2099-01-01T00:00:00Z"}'),
    ("conflict", "sensors/load-0/pm25", f'{{"result": -77, {GOOD_TIME}}}'.encode()),
    ("unknown_thing", "sensors/late-%d/pm25", f'{{"result": 1, {GOOD_TIME}}}'.encode()),
    ("unknown_datastream", "sensors/load-%d/rain", f'{{"result": 1, {GOOD_TIME}}}'.encode()),
]


def test_every_good_reading_is_stored_and_every_bad_one_kept_with_its_reason(stage: Stage, tmp_path: object) -> None:
    worker = stage.start_subscribed_worker()
    expected: dict[str, int] = {}
    started = time.monotonic()
    with Publisher(parse_broker_url(stage.servers.broker.gateway_url)) as publisher:
        bad = 0
        for number in range(COUNT):
            publisher.publish(*reading(number))
            if number % 100 == 99:
                reason, topic, payload = MALFORMED[bad % len(MALFORMED)]
                publisher.publish(topic % (bad // len(MALFORMED)) if "%" in topic else topic, payload)
                expected[reason] = expected.get(reason, 0) + 1
                bad += 1
    assert bad == COUNT // 100
    wait_for(lambda: stage.stored() == COUNT, "the last good reading")
    wait_for(lambda: stage.ask("SELECT count(*) FROM sensors_rejectedmessage")[0][0] == bad, "the last bad one")
    print(f"{COUNT} good and {bad} bad messages in {time.monotonic() - started:.1f} s")
    assert dict(stage.ask("SELECT reason, count(*) FROM sensors_rejectedmessage GROUP BY reason")) == expected
    counted = stage.ask("SELECT received, stored, repeated, quarantined FROM sensors_ingeststatus")
    assert counted == [(COUNT + bad, COUNT, 0, bad)]
    assert worker.poll() is None

    mended = _register(stage, tmp_path)
    out = stage.manage("replay_rejects")
    assert f"{mended} readings stored, 0 were stored already, 0 ignored, {bad - mended} rejected again" in out
    assert stage.stored() == COUNT + mended
    left = dict(stage.ask("SELECT reason, count(*) FROM sensors_rejectedmessage WHERE replayed_at IS NULL GROUP BY 1"))
    assert left == {reason: n for reason, n in expected.items() if not reason.startswith("unknown")}
    assert stage.ask("SELECT result FROM sensors_observation WHERE result = -77") == []


def _register(stage: Stage, folder: object) -> int:
    """Registers what was unknown; the number of readings that are storable by that."""
    rounds = COUNT // 100 // len(MALFORMED)
    path = f"{folder}/late.csv"
    with open(path, "w") as file:
        file.write("slug,properties\n")
        file.writelines(f"late-{number},pm25\nload-{number},rain\n" for number in range(rounds))
    stage.manage(
        *("import_things", path, "--map", "slug=slug,properties=properties"),
        *("--observed-properties", "fixtures/bekasi/observed_properties.json"),
    )
    return 2 * rounds

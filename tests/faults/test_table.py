"""Faults under load, as a table: whatever strikes, what the broker has acknowledged and what carries its time is stored, once.

Each row prints what was published, stored, repeated, quarantined and lost. One fault may lose: a broker that is killed, what no
worker had taken since its last save. How much is measured there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensors.ingest.broker_url import parse_broker_url
from tests.faults import strikes
from tests.faults.conftest import T0, THINGS, Messages, Stage, allow_many_files, alone, reading
from tests.faults.devices import Devices
from tests.faults.scene import Scene
from tests.waiting import wait_for

DAY_S = 86_400


def at(number: int, epoch_s: int) -> tuple[str, str]:
    return f"sensors/load-{number % THINGS}/pm25", f'{{"result": {number}, "phenomenon_time": {epoch_s}}}'


def three_times(number: int) -> list[tuple[str, str]]:
    return [reading(number)] * 3


def in_disorder(number: int) -> list[tuple[str, str]]:
    """Over 23 days, in leaps back and forth: 7,919 is prime, so that no time comes twice."""
    return [at(number, T0 - number // THINGS * 7_919 % 20_000 * 100)]


def of_old_months(number: int) -> list[tuple[str, str]]:
    """Of two years, month by month in turn, of none of which there is a table."""
    turn = number // THINGS
    return [at(number, T0 - 5 * 365 * DAY_S - turn % 24 * 30 * DAY_S - turn)]


def with_poison(number: int) -> list[tuple[str, str]]:
    """Every tenth is followed by one that nobody can read."""
    poison = ("sensors/load-0/pm25", ('{"result": 1', '{"result": NaN}', "\0\0", '{"value": 1}')[number // 10 % 4])
    return [reading(number)] + ([poison] if number % 10 == 9 else [])


def contradicted(number: int) -> list[tuple[str, str]]:
    topic, payload = reading(number)
    return [(topic, payload), (topic, payload.replace(f"{number},", f"{number}.5,"))]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: what is published, what strikes, and what must come of it."""

    name: str
    strike: Callable[[Scene], object] = lambda scene: None
    make: Messages = alone
    count: int = 6_000
    rate: float = 4_000.0
    quarantined: int = 0
    repeated: int | None = None  # None: as many as were redelivered
    worker: tuple[str, ...] = ()
    wires: tuple[str, ...] = ()
    has_own_clock: bool = False
    may_lose: bool = False
    has_rollups: bool = False


POISONED = {"make": with_poison, "quarantined": 600}
FAULTS = [
    Fault("worker killed in its insert", strikes.kill_worker_in_its_insert),
    Fault("worker killed before its commit", strikes.kill_worker_before_its_commit),
    Fault("worker frozen, then killed", strikes.freeze_and_kill_worker),
    Fault("worker frozen for a while", strikes.freeze_worker_for_a_while, repeated=0),
    Fault("worker terminated, and away for most of it", strikes.terminate_worker, repeated=0),
    Fault("database shut down at once", strikes.stop_database_at_once),
    Fault("database restarted", strikes.restart_database),
    Fault("a backend killed in its insert", strikes.kill_a_backend),
    Fault("database slow: 0.4 s a batch", strikes.slow_database, repeated=0),
    Fault("disk full", strikes.fill_the_disk),
    Fault("schema migrated under load", strikes.migrate_the_schema, repeated=0),
    Fault("the month's table taken away", strikes.take_the_month_away, repeated=0),
    Fault("quarantine locked", strikes.lock_the_quarantine, repeated=0, **POISONED),
    Fault("broker terminated", strikes.terminate_broker),
    Fault("broker killed", strikes.kill_broker, count=12_000, rate=1_200.0, may_lose=True),
    Fault("worker and broker cut off", strikes.cut_worker_from_broker, wires=("broker",)),
    Fault("worker and broker stalled", strikes.stall_worker_and_broker, wires=("broker",), repeated=0),
    Fault("worker and database cut off", strikes.cut_worker_from_database, wires=("database",)),
    Fault("worker and database stalled", strikes.stall_worker_and_database, wires=("database",)),
    Fault("publisher and broker cut off", strikes.cut_publisher_from_broker, wires=("publisher",)),
    Fault("clock jumps three hours forward", strikes.clock_jumps_forward, has_own_clock=True, repeated=0),
    Fault("clock jumps three hours back", strikes.clock_jumps_back, has_own_clock=True, repeated=0),
    Fault("each message three times", make=three_times, repeated=12_000, has_rollups=True),
    Fault("out of order by weeks", make=in_disorder, repeated=0, has_rollups=True),
    Fault("24 months never seen", make=of_old_months, repeated=0, has_rollups=True),
    Fault("poison among the good", repeated=0, **POISONED),
    Fault("each reading contradicted", make=contradicted, quarantined=6_000, repeated=0),
    Fault(
        "workers from 1 to 3 to 1",
        strikes.scale_up_and_down,
        count=12_000,
        rate=1_500.0,
        worker=("--slot", "1"),
        repeated=0,
    ),
    Fault(
        "one of two workers lost for good",
        strikes.lose_one_of_two_for_good,
        count=9_000,
        rate=1_500.0,
        worker=("--slot", "1"),
    ),
    Fault("rollups and followers killed", strikes.kill_followers_and_rollups, repeated=0, has_rollups=True),
]


@pytest.fixture
def scene(stage: Stage) -> Iterator[Scene]:
    scene = Scene(stage)
    yield scene
    scene.close()


def _environment(scene: Scene, fault: Fault) -> dict[str, str]:
    changed = {}
    if "broker" in fault.wires:
        changed["MQTT_URL"] = scene.wire("broker", scene.stage.servers.broker.url)
    if "database" in fault.wires:
        changed["DATABASE_URL"] = scene.wire("database", scene.stage.servers.cluster.dsn)
    if fault.has_own_clock:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        scene.clock.write_text("+0")
        changed |= {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(scene.clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    return changed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_whatever_strikes_what_was_acknowledged_is_stored_once(
    scene: Scene, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.make, scene.count, scene.rate = fault.make, fault.count, fault.rate
    if "publisher" in fault.wires:
        scene.publisher_url = scene.wire("publisher", scene.stage.servers.broker.gateway_url)
    scene.begin(*fault.worker, **_environment(scene, fault))
    fault.strike(scene)
    tally = scene.settle(quarantined=fault.quarantined, is_exact=not fault.may_lose)
    with capsys.disabled():
        print(f"\n{fault.name:<44}{tally}  {'; '.join(scene.notes)}", end=" ")
    if fault.repeated is not None:
        assert tally.repeated == fault.repeated
    if fault.has_rollups:
        scene.check_rollups()


def test_ten_thousand_devices_come_back_at_once(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """The broker is stopped and started under connections that all come back; each has one reading before and one after."""
    count = min(10_000, (allow_many_files() - 500) // 2 * 2)
    stage.start_subscribed_worker()
    servers = stage.servers
    url = parse_broker_url(servers.broker.gateway_url)
    devices = Devices(url, count, 2, lambda device, turn: reading(device + turn * count))
    devices.start()
    wait_for(lambda: devices.connected == count, f"{count} connections (now {devices.connected})")
    servers.mosquitto.stop()
    servers.mosquitto.start()
    assert servers.broker.wait_ready()
    devices.finish(120)
    wait_for(lambda: stage.stored() == 2 * count, f"{2 * count} readings (now {stage.stored()})")
    ((stored, total),) = stage.ask("SELECT count(*), sum(result) FROM sensors_observation")
    with capsys.disabled():
        print(f"\n{count} devices come back at once: published {2 * count}, stored {stored}", end=" ")
    assert (stored, total) == (2 * count, count * (2 * count - 1))
    assert stage.ask("SELECT count(*) FROM sensors_rejectedmessage") == [(0,)]

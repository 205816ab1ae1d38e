"""Whatever is killed, what the broker has acknowledged and what carries its time is stored, once.

Each run publishes under load and counts the broker's acknowledgements; each fault falls into the middle of a batch.
"""

import signal
import time

import pytest

from tests.faults.conftest import Load, Stage
from tests.waiting import wait_for

COUNT = 21_000
RATE = 4_000.0


@pytest.fixture
def load(stage: Stage) -> Load:
    return Load(stage.servers.broker.gateway_url, COUNT, RATE)


def show_unacknowledged(stage: Stage, load: Load, fault: str) -> None:
    """Published and not committed: all of these are unacknowledged by the worker at this moment."""
    # The worker stands and the load goes on. The publisher's count of acknowledgements may lag behind what was stored.
    wait_for(lambda: load.acknowledged > stage.stored(), "a published reading that is not stored")
    unacknowledged = load.acknowledged - stage.stored()
    print(f"{fault}: {load.acknowledged} published, {unacknowledged} of them not stored, so not acknowledged")
    assert unacknowledged > 0


def test_a_worker_killed_three_times_loses_nothing(stage: Stage, load: Load) -> None:
    worker = stage.start_subscribed_worker()
    load.start()
    # In its insert, after its insert, and frozen wherever it happens to be.
    for table, published in (("sensors_dirtyhour", 3_000), ("sensors_ingeststatus", 9_000)):
        wait_for(lambda least=published: load.acknowledged > least, "load")
        with stage.batch_under_way(table):
            show_unacknowledged(stage, load, f"kill -9 while {table} is waited for")
            worker.kill()
            worker.wait()
        worker = stage.start_worker()
    wait_for(lambda: load.acknowledged > 16_000 and stage.stored() > 15_000, "load")
    worker.send_signal(signal.SIGSTOP)
    wait_for(lambda: load.acknowledged - stage.stored() > 500, "messages for the frozen worker")
    show_unacknowledged(stage, load, "kill -9 while frozen")
    worker.kill()
    worker.wait()
    stage.start_worker()
    stage.check_everything_is_there(load)


def test_a_database_stopped_at_once_and_started_again_loses_nothing(stage: Stage, load: Load) -> None:
    worker = stage.start_subscribed_worker()
    load.start()
    wait_for(lambda: load.acknowledged > 5_000, "load")
    with stage.batch_under_way("sensors_dirtyhour"):
        show_unacknowledged(stage, load, "immediate shutdown")
        stage.servers.postgres.stop(signal.SIGQUIT)
    published = load.acknowledged
    wait_for(lambda: load.acknowledged >= min(published + 3_000, COUNT), "load while the database is away")
    stage.servers.postgres.start()
    assert stage.servers.cluster.wait_ready()
    stage.check_everything_is_there(load)
    assert worker.poll() is None, "the worker ended, where it should have waited"


def test_a_broker_terminated_and_started_again_loses_nothing(stage: Stage, load: Load) -> None:
    worker = stage.start_subscribed_worker()
    load.start()
    wait_for(lambda: load.acknowledged > 5_000, "load")
    with stage.batch_under_way("sensors_dirtyhour"):
        show_unacknowledged(stage, load, "broker terminated")
        stage.servers.mosquitto.stop()
    stage.servers.mosquitto.start()
    assert stage.servers.broker.wait_ready()
    stage.check_everything_is_there(load)
    assert worker.poll() is None
    assert "lost our session" not in stage.worker_log()


def test_a_worker_that_is_away_finds_everything_when_it_comes_back(stage: Stage, load: Load) -> None:
    worker = stage.start_subscribed_worker()
    load.start()
    wait_for(lambda: load.acknowledged > 2_000, "load")
    worker.terminate()
    assert worker.wait(20) == 0, "a worker that is told to stop drains and ends well"
    stored = stage.stored()
    load.finish()
    assert stage.stored() == stored
    show_unacknowledged(stage, load, "worker away")
    started = time.monotonic()
    stage.start_worker()
    stage.check_everything_is_there(load)
    print(f"{COUNT - stored} readings taken up in {time.monotonic() - started:.1f} s")
    # What it drained it had acknowledged: nothing came twice.
    assert stage.ask("SELECT received, stored, repeated FROM sensors_ingeststatus") == [(COUNT, COUNT, 0)]

"""A month that is archived while the ingest goes on writing into it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from sensors.ingest.store import Outcome, Store
from sensors.observations import archive
from sensors.observations.archive import OnStep, Postponed, Step
from tests.db.archived_month import March, has_march
from tests.sensor_factories import message

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 3, 2, tzinfo=UTC)
WORKERS, SIZE = 2, 5
# What a writer rests between two batches, or a slow machine might never find the month without a dirty hour.
REST_S = 0.02


@pytest.fixture
def march(transactional_db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[March]:
    # The moment between two writes is looked for at once, and not a second later.
    monkeypatch.setattr(archive, "PAUSE_S", 0.0)
    monkeypatch.setattr(archive, "TRIES", 200)
    settings.ARCHIVE_DIR = tmp_path / "archive"
    march = March(settings.ARCHIVE_DIR)
    yield march
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS sensors_observation_202603_leaving")


def at(number: int) -> str:
    return (START + timedelta(milliseconds=10 * number)).isoformat()


def late(number: int) -> Any:
    return message("sensors/pos-1/pm25", f'{{"result": {number}, "phenomenon_time": "{at(number)}"}}')


def test_a_worker_that_knew_the_month_before_it_left_makes_it_anew(march: March) -> None:
    store = Store()
    assert store.store([late(0)]) == Outcome(stored=1)
    march.archive()
    assert store.store([late(1), late(2)]) == Outcome(stored=2)
    assert march.archive() == 2
    assert ("pm25", at(0), 0.0) in march.archived()
    assert ("pm25", at(2), 2.0) in march.archived()


def test_what_is_written_while_the_month_leaves_is_in_the_archive_once(march: March) -> None:
    # Writers rest while a file is written, so that the month can be verified at all; they write while it is detached.
    may_write, enough = threading.Event(), threading.Event()

    def write(worker: int) -> int:
        store, batch = Store(), worker
        try:
            while not enough.is_set():
                may_write.wait()
                assert store.store([late(batch * SIZE + place) for place in range(SIZE)]) == Outcome(stored=SIZE)
                batch += WORKERS
                enough.wait(REST_S)
        finally:
            connection.close()
        return batch

    def on_step(step: Step, rows: int) -> None:
        if step is Step.ROWS:
            may_write.clear()
        elif step is not Step.WRITTEN:
            may_write.set()
        if step is Step.DROPPED:
            leavings.append(step)

    leavings: list[Step] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        writers = [pool.submit(write, worker) for worker in range(WORKERS)]
        try:
            while len(leavings) < 2 and not any(writer.done() for writer in writers):
                leave(march, on_step)
        finally:
            enough.set()
            may_write.set()
    while has_march():
        leave(march)
    written = [
        float(batch * SIZE + place)
        for worker, writer in enumerate(writers)
        for batch in range(worker, writer.result(), WORKERS)
        for place in range(SIZE)
    ]
    archived = [result for _code, time, result in march.archived() if time.startswith("2026-03-02")]
    assert sorted(archived) == sorted(written)
    assert len(leavings) == 2


def leave(march: March, on_step: OnStep = lambda step, rows: None) -> None:
    with suppress(Postponed):
        march.archive(on_step)

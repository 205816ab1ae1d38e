"""What strikes while readings come in: each function is one fault, from its beginning to its end."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.scene import Scene
from tests.waiting import wait_for

# The month of the load.
MONTH = "sensors_observation_202603"
WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def _kill(scene: Scene) -> None:
    scene.worker.kill()
    scene.worker.wait()


# The worker.


def kill_worker_in_its_insert(scene: Scene) -> None:
    with scene.batch_under_way("sensors_dirtyhour"):
        _kill(scene)
    scene.restart()


def kill_worker_before_its_commit(scene: Scene) -> None:
    with scene.batch_under_way("sensors_ingeststatus"):
        _kill(scene)
    scene.restart()


def freeze_and_kill_worker(scene: Scene) -> None:
    scene.wait_stored(scene.count // 5)
    scene.worker.send_signal(signal.SIGSTOP)
    wait_for(lambda: scene.load.acknowledged - scene.stage.stored() > 300, "messages for the frozen worker")
    _kill(scene)
    scene.restart()


def freeze_worker_for_a_while(scene: Scene) -> None:
    scene.wait_stored(scene.count // 5)
    scene.worker.send_signal(signal.SIGSTOP)
    scene.load.finish()
    scene.worker.send_signal(signal.SIGCONT)


def terminate_worker(scene: Scene) -> None:
    scene.wait_published(0.3)
    scene.worker.terminate()
    assert scene.worker.wait(20) == 0, "a worker that is told to stop drains and ends well"
    stored = scene.stage.stored()
    scene.load.finish()
    assert scene.stage.stored() == stored
    scene.notes.append(f"{scene.count - stored} waited for it")
    scene.restart()


# The database.


def stop_database_at_once(scene: Scene) -> None:
    servers = scene.stage.servers
    with scene.batch_under_way():
        servers.postgres.stop(signal.SIGQUIT)
    scene.wait_published(0.7)
    servers.postgres.start()
    assert servers.cluster.wait_ready()


def restart_database(scene: Scene) -> None:
    servers = scene.stage.servers
    scene.wait_stored(scene.count // 5)
    servers.postgres.stop()
    servers.postgres.start()
    assert servers.cluster.wait_ready()


def kill_a_backend(scene: Scene) -> None:
    with scene.batch_under_way():
        scene.stage.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE '%sensors_observation%' AND pid <> pg_backend_pid() AND state = 'active'"
        )


def slow_database(scene: Scene) -> None:
    scene.stage.ask(
        "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$;"
        "CREATE TRIGGER be_slow AFTER INSERT ON sensors_dirtyhour FOR EACH STATEMENT EXECUTE FUNCTION be_slow()"
    )
    try:
        scene.load.finish()
        scene.wait_stored(scene.count)
    finally:
        scene.stage.ask("DROP TRIGGER be_slow ON sensors_dirtyhour; DROP FUNCTION be_slow()")


def fill_the_disk(scene: Scene) -> None:
    """The table of the load lies on a file system of a few megabytes, which fills up; then there is room again."""
    scene.wait_stored(1)
    with _small_disk(scene) as disk:
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        wait_for(lambda: "No space left on device" in scene.new_log(), "the full disk")
        scene.load.finish()
        stored = scene.stage.stored()
        assert stored < scene.count
        scene.notes.append(f"{stored} of {scene.count} stored while it was full")
        ballast.unlink()
        scene.wait_stored(scene.count)


@contextlib.contextmanager
def _small_disk(scene: Scene) -> Iterator[Path]:
    """A tablespace on a tmpfs, which the table of the load is moved to, and back at the end."""
    cluster = scene.stage.servers.cluster
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    with tempfile.TemporaryDirectory(prefix="pantau-disk-", dir="/tmp") as folder:
        subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "pantau", folder], check=True)
        try:
            space, owner = Path(folder, "space"), cluster.data.stat()
            subprocess.run([*as_root, "install", "-d", f"-o{owner.st_uid}", f"-g{owner.st_gid}", space], check=True)
            cluster.sql("postgres", f"CREATE TABLESPACE small LOCATION '{space}'")
            cluster.sql("pantau", f"ALTER TABLE {MONTH} SET TABLESPACE small")
            yield Path(folder)
        finally:
            cluster.sql("pantau", f"ALTER TABLE {MONTH} SET TABLESPACE pg_default")
            cluster.sql("postgres", "DROP TABLESPACE small")
            subprocess.run([*as_root, "umount", folder], check=True)


def migrate_the_schema(scene: Scene) -> None:
    """A column is added and taken away again while readings come in, each in a transaction that stays open for a while."""
    scene.wait_stored(scene.count // 5)
    for change in ("ADD COLUMN remark text", "DROP COLUMN remark"):
        holder = scene.stage.connect()
        try:
            with holder, holder.cursor() as cursor:
                cursor.execute(f"ALTER TABLE sensors_observation {change}")
                wait_for(lambda: scene.stage.ask(WAITERS)[0][0], "a batch that waits for the schema")
        finally:
            holder.close()


def lock_the_quarantine(scene: Scene) -> None:
    with scene.batch_under_way("sensors_rejectedmessage"):
        scene.wait_published(0.8)


def take_the_month_away(scene: Scene) -> None:
    """The worker believes the month's table to be there, and it was moved away. What was in it is put back at the end."""
    scene.wait_stored(1)
    away = f"ALTER TABLE sensors_observation DETACH PARTITION {MONTH}; ALTER TABLE {MONTH} RENAME TO month_away"
    scene.stage.ask(away)
    scene.load.finish()
    wait_for(lambda: scene.stage.ask(f"SELECT to_regclass('{MONTH}')") != [(None,)], "the month made anew")
    scene.stage.ask("INSERT INTO sensors_observation SELECT * FROM month_away; DROP TABLE month_away")


# The broker.


def terminate_broker(scene: Scene) -> None:
    servers = scene.stage.servers
    with scene.batch_under_way():
        servers.mosquitto.stop()
    servers.mosquitto.start()
    assert servers.broker.wait_ready()


def kill_broker(scene: Scene) -> None:
    """While no worker is there: what is acknowledged lies with the broker alone, and on disk only since its last save."""
    servers = scene.stage.servers
    saved = servers.home.broker / "data" / "mosquitto.db"
    begun = saved.stat().st_mtime if saved.exists() else 0.0
    wait_for(lambda: saved.exists() and saved.stat().st_mtime > begun, "a save of the broker's")
    scene.worker.terminate()
    scene.worker.wait()
    before = scene.load.acknowledged
    wait_for(lambda: scene.load.acknowledged > before + 1_500, "readings for the broker alone")
    at_risk = scene.load.acknowledged - scene.stage.stored()
    servers.mosquitto.kill()
    servers.mosquitto.start()
    assert servers.broker.wait_ready()
    scene.worker_again()
    scene.notes.append(f"{at_risk} were with the broker alone when it was killed")


# The network between each pair.


def cut_worker_from_broker(scene: Scene) -> None:
    wire = scene.wires["broker"]
    for share in (0.2, 0.5):
        scene.wait_published(share)
        wire.cut()
        scene.wait_published(share + 0.2)
        wire.mend()


def stall_worker_and_broker(scene: Scene) -> None:
    scene.wait_stored(scene.count // 5)
    scene.wires["broker"].stall()
    scene.load.finish()
    scene.wires["broker"].mend()


def cut_worker_from_database(scene: Scene) -> None:
    wire = scene.wires["database"]
    with scene.batch_under_way():
        wire.cut()
    scene.wait_published(0.7)
    wire.mend()


def stall_worker_and_database(scene: Scene) -> None:
    """Nothing passes, then the connection turns out to be dead."""
    wire = scene.wires["database"]
    scene.wait_stored(scene.count // 5)
    wire.stall()
    scene.load.finish()
    wire.cut()
    wire.mend()


def cut_publisher_from_broker(scene: Scene) -> None:
    wire = scene.wires["publisher"]
    for share in (0.2, 0.5):
        scene.wait_published(share)
        wire.cut()
        wire.mend()


# The clock.


def clock_jumps_forward(scene: Scene) -> None:
    _shift_clock(scene, "+10800", "SELECT max(received_at) > now() + interval '175 min' FROM sensors_observation")


def clock_jumps_back(scene: Scene) -> None:
    _shift_clock(scene, "-10800", "SELECT min(received_at) < now() - interval '175 min' FROM sensors_observation")


def _shift_clock(scene: Scene, offset: str, has_shifted: str) -> None:
    """The worker's clock is three hours off for a while, and then right again."""
    scene.wait_stored(scene.count // 5)
    scene.clock.write_text(offset)
    wait_for(lambda: scene.stage.ask(has_shifted)[0][0], "a reading by the shifted clock")
    scene.wait_published(0.7)
    scene.clock.write_text("+0")


# The workers' number.


def scale_up_and_down(scene: Scene) -> None:
    """One, three, one: each leaves with its queue empty and its session ended."""
    stage = scene.stage
    scene.wait_stored(scene.count // 10)
    with scene.load.paused():
        others = stage.start_subscribed_workers(("--slot", "2"), ("--slot", "3"))
    took_part = "SELECT count(*) FROM sensors_ingeststatus WHERE stored > 0"
    wait_for(lambda: stage.ask(took_part)[0][0] == 3, "three workers that store")
    for slot, worker in zip(("2", "3"), others, strict=True):
        worker.terminate()
        assert worker.wait(20) == 0
        stage.manage("ingest_mqtt", "--slot", slot, "--retire")
    stored = stage.ask("SELECT slot, stored FROM sensors_ingeststatus ORDER BY slot")
    scene.notes.append(", ".join(f"slot {slot} stored {n}" for slot, n in stored))


def lose_one_of_two_for_good(scene: Scene) -> None:
    stage = scene.stage
    with scene.load.paused():
        second = stage.start_subscribed_worker("--slot", "2")
    wait_for(lambda: stage.ask("SELECT 1 FROM sensors_ingeststatus WHERE slot = 2 AND stored > 0"), "slot 2 at work")
    second.kill()
    second.wait()
    scene.load.finish()
    stuck = stage.stored()
    stage.manage("ingest_mqtt", "--slot", "2", "--retire")
    scene.notes.append(f"{scene.count - stuck} lay in the dead one's queue")


# Who reads on.


def kill_followers_and_rollups(scene: Scene) -> None:
    stage = scene.stage
    for share in (0.2, 0.4, 0.6):
        readers = [stage.start("refresh_rollups", "--loop", "--pause", "0.05"), stage.start("follow_observations")]
        scene.wait_published(share)
        wait_for(lambda: stage.ask("SELECT count(*) FROM sensors_bookmark WHERE xid > 0")[0][0], "a bookmark")
        for reader in readers:
            reader.kill()
            reader.wait()

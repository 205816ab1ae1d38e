"""One fault in the middle of load: what is published, what strikes, and what is counted at the end."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.conftest import Load, Messages, Stage, alone
from tests.faults.network import Wire
from tests.waiting import wait_for

SLOT_SUMS = "SELECT slot, received, stored + repeated + quarantined + ignored FROM sensors_ingeststatus"
ROLLUPS_DIFFER = """
SELECT count(*) FROM (
    SELECT datastream_id, date_bin('1 hour', phenomenon_time, '2000-01-01Z') AS hour,
        count(*) AS n, sum(result) AS sum, min(result) AS min, max(result) AS max
    FROM sensors_observation WHERE quality = 0 GROUP BY 1, 2
) o FULL JOIN sensors_hourlyrollup h USING (datastream_id, hour)
WHERE (o.n, o.sum, o.min, o.max) IS DISTINCT FROM (h.n::bigint, h.sum, h.min, h.max)
"""

LAST = ("sensors/load-0/pm25", '{"result": -1, "phenomenon_time": 1772300000}')


@dataclass(frozen=True, slots=True)
class Tally:
    """Counted at the end. `lost` is of what the broker acknowledged."""

    published: int
    stored: int
    repeated: int
    quarantined: int
    lost: int

    def __str__(self) -> str:
        return (
            f"published {self.published:>6}  stored {self.stored:>6}  repeated {self.repeated:>6}"
            f"  quarantined {self.quarantined:>5}  lost {self.lost:>4}"
        )


@dataclass
class Scene:
    """A stage with load on it, a worker, and wires between each pair."""

    stage: Stage
    count: int = 6_000
    rate: float = 4_000.0
    make: Messages = alone
    wires: dict[str, Wire] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    publisher_url: str = ""
    _load: Load | None = None
    _worker: subprocess.Popen[bytes] | None = None
    _log_from: int = 0

    @property
    def load(self) -> Load:
        assert self._load is not None
        return self._load

    @property
    def worker(self) -> subprocess.Popen[bytes]:
        assert self._worker is not None
        return self._worker

    @property
    def clock(self) -> Path:
        """What libfaketime reads the worker's offset from."""
        return self.stage.servers.home.folder / "clock"

    def new_log(self) -> str:
        """What the workers have written since the scene began."""
        return self.stage.worker_log()[self._log_from :]

    def begin(self, *arguments: str, **environment: str) -> None:
        """A subscribed worker, and the load begins."""
        self._log_from = len(self.stage.worker_log())
        self._worker = self.stage.start_subscribed_worker(*arguments, **environment)
        self.publish()

    def restart(self, *arguments: str, **environment: str) -> None:
        self._worker = self.stage.start_worker(*arguments, **environment)

    def worker_again(self) -> None:
        """Another worker in the place of the one before, once it is connected."""
        self._worker = self.stage.start_subscribed_worker()

    def publish(self) -> None:
        url = self.publisher_url or self.stage.servers.broker.gateway_url
        self._load = Load(url, self.count, self.rate, self.make)
        self._load.start()

    def wait_published(self, share: float) -> None:
        """Until the broker has acknowledged this share of the messages."""
        wanted = int(self.load.messages * share)
        wait_for(lambda: self.load.acknowledged >= wanted, f"{wanted} messages published")

    def wait_stored(self, least: int) -> None:
        wait_for(lambda: self.stage.stored() >= least, f"{least} readings stored")

    @contextlib.contextmanager
    def batch_under_way(self, table: str = "sensors_dirtyhour") -> Iterator[None]:
        """As Stage's, once there is load, with readings published that are not stored."""
        self.wait_published(0.2)
        with self.stage.batch_under_way(table):
            wait_for(lambda: self.load.acknowledged > self.stage.stored(), "a published reading that is not stored")
            self.notes.append(f"{self.load.acknowledged - self.stage.stored()} unacknowledged when it struck")
            yield

    def wire(self, name: str, url: str) -> str:
        """The address by way of a new wire of this name."""
        found = re.search(r":(\d+)(?=/|$)", url)
        assert found
        self.wires[name] = wire = Wire(int(found[1]))
        return f"{url[: found.start()]}:{wire.port}{url[found.end() :]}"

    def close(self) -> None:
        for wire in self.wires.values():
            wire.close()

    def settle(self, *, quarantined: int = 0, is_exact: bool = True) -> Tally:
        """Waits for everything to be where it belongs, and checks that the counts add up."""
        self.load.finish()
        if is_exact:
            wait_for(lambda: self.stage.stored() >= self.count, f"the last of {self.count} (now {self.stage.stored()})")
            wait_for(lambda: self._rejected() >= quarantined, f"the last of {quarantined} in quarantine")
        else:
            self._wait_for_a_last_one()
        self._wait_until_acknowledged()
        ((stored, numbers, total),) = self.stage.ask(
            "SELECT count(*), count(DISTINCT result), sum(result) FROM sensors_observation WHERE result >= 0"
        )
        assert stored == numbers, "a reading is stored twice"
        if is_exact:
            assert (stored, total) == (self.count, self.count * (self.count - 1) / 2)
            assert self._rejected() == quarantined
        self._check_counts(stored)
        ((repeated,),) = self.stage.ask("SELECT coalesce(sum(repeated), 0)::bigint FROM sensors_ingeststatus")
        return Tally(self.load.messages, stored, repeated, self._rejected(), self.count - stored)

    def _rejected(self) -> int:
        return int(self.stage.ask("SELECT count(*) FROM sensors_rejectedmessage")[0][0])

    def _check_counts(self, stored: int) -> None:
        for slot, received, accounted_for in self.stage.ask(SLOT_SUMS):
            assert received == accounted_for, f"slot {slot}: the counts do not add up"
        ((said_stored, said_quarantined),) = self.stage.ask(
            "SELECT sum(stored)::bigint, sum(quarantined)::bigint FROM sensors_ingeststatus"
        )
        ((rows,),) = self.stage.ask("SELECT count(*) FROM sensors_observation")
        assert (said_stored, said_quarantined) == (rows, self._rejected()), "counted is not what lies there"

    def _wait_for_a_last_one(self) -> None:
        """One more reading by the same way: what the broker still held before it has come by then."""
        last = Load(self.stage.servers.broker.gateway_url, 1, 1.0, lambda _: (LAST,))
        last.start()
        last.finish()
        wait_for(lambda: self.stage.ask("SELECT 1 FROM sensors_observation WHERE result = -1"), "the last reading")

    def _wait_until_acknowledged(self) -> None:
        counted = "SELECT coalesce(sum(received), 0)::bigint FROM sensors_ingeststatus"
        wait_for(lambda: self.stage.ask(counted)[0][0] >= self.stage.stored(), "the counts")

    def check_rollups(self) -> None:
        """Exact after a refresh, hour by hour."""
        self.stage.manage("refresh_rollups")
        assert self.stage.ask(ROLLUPS_DIFFER) == [(0,)]
        assert self.stage.ask("SELECT count(*) FROM sensors_dirtyhour") == [(0,)]

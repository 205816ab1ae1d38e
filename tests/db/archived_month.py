"""March 2026 of two gauges at one post, ready to be archived; and what the archive's files say."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from sensors.observations.archive import OnStep, archive_lock, archive_month
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.archive_restore import Restored, restore_month
from sensors.observations.models import Observation
from sensors.observations.partitions import ensure_partitions, existing_partitions, leaving_months, partition_name
from sensors.observations.rollups import refresh_all_rollups
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream
from tests.sensor_factories import columns_of, make_datastream

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
UNTIL = date(2026, 12, 31)


class March:
    """Four readings of March, two of each gauge, and one of April; the rollups are fresh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ensure_partitions([MARCH, APRIL])
        self.dust = make_datastream("pos-1", "pm25")
        self.water = make_datastream("pos-1", "water_level", unit_ucum="cm")
        self.write(self.dust, ("2026-03-01T00:00:00Z", 1.5), ("2026-03-31T23:59:59.999999Z", -0.0))
        self.write(self.water, ("2026-03-10T05:00:00Z", 350), ("2026-03-10T05:30:00Z", 0.1))
        self.write(self.dust, ("2026-04-01T00:00:00Z", 7))
        refresh_all_rollups()

    def write(self, datastream: Datastream, *readings: tuple[str, float]) -> None:
        """Stores readings as the ingest does: the month is made if it is not there."""
        columns = columns_of(*((datastream, time, result) for time, result in readings))
        ensure_partitions(columns.months())
        write_observations(columns)

    def archive(self, on_step: OnStep = lambda step, rows: None) -> int:
        with archive_lock():
            return archive_month(MARCH, on_step)

    def restore(self, code: str | None = None, until: date = UNTIL) -> Restored:
        with archive_lock():
            return restore_month(MARCH, code, until=until)

    def file(self, name: str) -> Path:
        return self.folder / "month=2026-03" / name

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def archived(self) -> list[tuple[str, str, float]]:
        """(property, time, result) of every row that the manifest says is in the files alone."""
        paths = [self.folder / path for path in self.paths(ObservationArchive.State.ARCHIVED)]
        if not paths:
            return []
        rows = ds.dataset(paths, format="parquet").to_table().to_pylist()
        return sorted((row["observed_property"], iso(row["phenomenon_time"]), row["result"]) for row in rows)

    def paths(self, state: str) -> list[str]:
        return list(ObservationArchive.objects.filter(state=state).values_list("path", flat=True))


# What the four readings of March are, in the files.
ALL = [
    ("pm25", "2026-03-01T00:00:00+00:00", 1.5),
    ("pm25", "2026-03-31T23:59:59.999999+00:00", -0.0),
    ("water_level", "2026-03-10T05:00:00+00:00", 350.0),
    ("water_level", "2026-03-10T05:30:00+00:00", 0.1),
]


def in_table() -> list[tuple[str, float]]:
    """(time, result) of what the table holds of March."""
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    rows = Observation.objects.filter(phenomenon_time__gte=start, phenomenon_time__lt=end)
    return sorted((iso(at), result) for at, result in rows.values_list("phenomenon_time", "result"))


def has_march() -> bool:
    """Whether any table of March is left."""
    return partition_name(MARCH) in existing_partitions() or MARCH in leaving_months()


def iso(time: Any) -> str:
    return time.astimezone(UTC).isoformat()


def flip_a_byte(path: Path) -> None:
    """Changes one bit of the results, in the body of their last page."""
    column = pq.read_metadata(path).row_group(0).column(5)
    assert column.path_in_schema == "result"
    start = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(path.read_bytes())
    content[start + column.total_compressed_size - 1] ^= 1
    path.write_bytes(content)

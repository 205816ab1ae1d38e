import json
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from sensors.observations import archive as module
from sensors.observations import archive_files
from sensors.observations.archive import Busy, Postponed, Step, archive_lock, stored_content
from sensors.observations.archive_files import ArchiveFailed, Content, content_of
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.models import DirtyHour
from sensors.observations.rollups import mark_everything_dirty, refresh_all_rollups
from sensors.registry.models import Datastream
from server.core.versions import data_version
from tests.db.archived_month import ALL, March, flip_a_byte, has_march, in_table
from tests.sensor_factories import make_datastream, rollups

pytestmark = pytest.mark.django_db

FILES = ["month=2026-03/property=pm25/part-0001.parquet", "month=2026-03/property=water_level/part-0001.parquet"]


@pytest.fixture
def march(db: None, tmp_path: Path, settings: Any) -> March:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return March(settings.ARCHIVE_DIR)


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIES", 1)
    monkeypatch.setattr(module, "LOCK_TIMEOUT", "50ms")


@pytest.fixture
def other(db: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection."""
    other = connection.copy()
    yield other
    other.close()


def once(wanted: Step, act: Any) -> Any:
    """For the progress of an archiving: something that happens after the first of such steps."""
    acts = iter([act])
    return on(wanted, lambda: next(acts, lambda: None)())


def on(wanted: Step, act: Any) -> Any:
    def on_step(step: Step, rows: int) -> None:
        if step is wanted:
            act()

    return on_step


class Broken(Exception):
    pass


def broken_off() -> None:
    raise Broken


def test_a_month_goes_into_a_file_for_each_property_and_out_of_the_table(march: March) -> None:
    assert march.archive() == 4
    assert march.files() == FILES
    assert march.archived() == ALL
    assert in_table() == []
    assert not has_march()


def test_other_months_stay(march: March) -> None:
    march.archive()
    assert list(march.dust.observations.values_list("result", flat=True)) == [7.0]


def test_a_file_says_what_its_rows_are_of(march: March) -> None:
    march.archive()
    table = pq.read_table(march.folder / FILES[1], partitioning=None)
    (first, _second) = table.to_pylist()
    assert {name: first[name] for name in ("thing", "observed_property", "unit", "result", "quality")} == {
        "thing": "pos-1",
        "observed_property": "water_level",
        "unit": "cm",
        "result": 350.0,
        "quality": 0,
    }
    assert [str(table.schema.field(name).type) for name in ("phenomenon_time", "received_at")] == [
        "timestamp[us, tz=UTC]"
    ] * 2
    facts = json.loads(table.schema.metadata[b"pantau"])
    assert facts["month"] == "2026-03"
    assert [(each["id"], each["thing"], each["unit_ucum"]) for each in facts["datastreams"]] == [
        (march.water.pk, "pos-1", "cm")
    ]


def test_a_row_has_the_same_hash_in_the_database_and_in_the_file(march: March) -> None:
    """The literal is `printf` of the 36 bytes of the row, by hand, through `sha256sum`: its first 16 digits."""
    gauge = make_datastream("pos-2", "rain", id=0x1_0000_0002)
    march.write(gauge, ("2026-03-01T00:00:00Z", 1.5))
    expected = Content(1, 0xF0902859C2554E6E)
    assert stored_content("sensors_observation_202603")[gauge.pk] == expected
    march.archive()
    assert content_of(march.folder / "month=2026-03/property=rain/part-0001.parquet") == expected


def test_a_second_run_finds_nothing_to_do(march: March) -> None:
    march.archive()
    before = list(ObservationArchive.objects.values())
    assert march.archive() == 0
    assert list(ObservationArchive.objects.values()) == before
    assert march.files() == FILES


def test_readings_of_a_datastream_that_is_gone_from_the_registry_are_kept(march: March) -> None:
    Datastream.objects.filter(pk=march.water.pk).delete()
    march.archive()
    (path,) = march.file("property=__HIVE_DEFAULT_PARTITION__").iterdir()
    rows = pq.read_table(path, partitioning=None).to_pylist()
    assert [(row["datastream_id"], row["thing"], row["result"]) for row in rows] == [
        (march.water.pk, None, 350.0),
        (march.water.pk, None, 0.1),
    ]


def test_a_month_without_readings_leaves_without_a_file(march: March) -> None:
    march.dust.observations.all().delete()
    march.water.observations.all().delete()
    assert march.archive() == 0
    assert not has_march()
    assert march.files() == []


def test_whoever_reads_observations_learns_that_they_are_gone(march: March) -> None:
    def version() -> int:
        return data_version({"sensors_dataversion": ["observations"]}).number

    before = version()
    march.archive()
    assert version() > before


def test_the_archive_is_written_by_one_at_a_time(march: March, other: BaseDatabaseWrapper) -> None:
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('sensors.archive'))")
    with pytest.raises(Busy), archive_lock():
        pass


def test_a_month_of_many_rounds_goes_out_and_comes_back(march: March, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "ROWS_IN_A_GROUP", 3)
    march.write(march.dust, *((f"2026-03-{day:02}T00:00:00Z", day / 10) for day in range(2, 9)))
    before = in_table()
    march.archive()
    assert pq.read_metadata(march.folder / FILES[0]).num_row_groups == 3
    march.restore()
    assert in_table() == before


# Broken off


@pytest.mark.parametrize("step", list(Step))
def test_broken_off_after_any_step_the_next_run_loses_nothing_and_doubles_nothing(march: March, step: Step) -> None:
    with pytest.raises(Broken):
        march.archive(on(step, broken_off))
    march.archive()
    assert march.archived() == ALL
    assert not has_march()
    assert march.files() == sorted(march.paths("archived"))
    assert not ObservationArchive.objects.exclude(state="archived", dropped_at__isnull=False).exists()


def test_a_file_that_was_being_written_at_a_kill_is_written_anew(march: March) -> None:
    path = FILES[0]
    ObservationArchive.objects.create(month=date(2026, 3, 1), observed_property="pm25", part=1, path=path)
    unfinished = march.folder / "month=2026-03/property=pm25/.part-0001.parquet.unfinished"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(b"half")
    (march.folder / path).write_bytes(b"a whole file whose manifest was not written")
    march.archive()
    assert march.archived() == ALL
    assert march.files() == FILES


def test_a_file_that_somebody_else_put_there_is_not_written_over(march: March) -> None:
    path = march.folder / FILES[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of an older database")
    march.archive()
    assert path.read_bytes() == b"of an older database"
    assert march.file("property=pm25/part-0002.parquet").exists()


# What is wrong with the files


def test_a_flipped_byte_is_noticed_by_the_files_name_and_nothing_is_dropped(march: March) -> None:
    damaged = march.folder / FILES[0]
    with pytest.raises(ArchiveFailed, match=str(damaged)):
        march.archive(once(Step.WRITTEN, lambda: flip_a_byte(damaged)))
    assert len(in_table()) == 4


def test_what_was_damaged_is_written_anew_by_the_next_run(march: March) -> None:
    damaged = march.folder / FILES[0]
    with pytest.raises(ArchiveFailed):
        march.archive(once(Step.WRITTEN, lambda: flip_a_byte(damaged)))
    march.archive()
    assert march.archived() == ALL


def test_a_byte_that_flips_after_the_detachment_keeps_the_table(march: March) -> None:
    damaged = march.folder / FILES[1]
    with pytest.raises(ArchiveFailed, match=str(damaged)):
        march.archive(on(Step.DETACHED, lambda: flip_a_byte(damaged)))
    assert has_march()
    march.archive()
    assert march.archived() == ALL


def test_rows_other_than_those_of_the_manifest_are_noticed_though_the_file_is_whole(march: March) -> None:
    """The file of another property under this one's name: every page of it is intact."""
    dust, water = (march.folder / path for path in FILES)
    with pytest.raises(ArchiveFailed, match=r"property=pm25/part-0001\.parquet: 2 rows with checksum"):
        march.archive(on(Step.WRITTEN, lambda: water.exists() and shutil.copy(water, dust)))
    assert len(in_table()) == 4


def test_a_file_that_is_gone_is_named(march: March) -> None:
    gone = march.folder / FILES[1]
    with pytest.raises(ArchiveFailed, match=f"{gone}: No such file"):
        march.archive(on(Step.DETACHED, gone.unlink))
    assert has_march()


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file of this process grows beyond that many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_with_the_files_name_and_leaves_the_month_as_it_is(march: March) -> None:
    with disk_of(1000), pytest.raises(ArchiveFailed, match=r"part-0001\.parquet: .*File too large"):
        march.archive()
    assert march.files() == []
    assert len(in_table()) == 4
    march.archive()
    assert march.archived() == ALL


def test_a_folder_that_cannot_be_made_is_named(march: March) -> None:
    march.folder.write_text("a file where the folder should be")
    with pytest.raises(ArchiveFailed, match=r"archive/month=2026-03/property=pm25/part-0001\.parquet: Not a directory"):
        march.archive()
    assert len(in_table()) == 4


# What comes late


def test_what_comes_between_the_export_and_the_detachment_is_exported_again(march: March) -> None:
    march.archive(once(Step.VERIFIED, lambda: march.write(march.dust, ("2026-03-05T00:00:00Z", 9))))
    assert march.archived() == sorted([*ALL, ("pm25", "2026-03-05T00:00:00+00:00", 9.0)])
    assert march.files() == sorted(march.paths("archived"))


def test_what_comes_after_the_detachment_is_archived_beside_at_the_next_run(march: March) -> None:
    march.archive(on(Step.DETACHED, lambda: march.write(march.dust, ("2026-03-05T00:00:00Z", 9))))
    assert in_table() == [("2026-03-05T00:00:00+00:00", 9.0)]
    first = (march.folder / FILES[0]).read_bytes()
    assert march.archive() == 1
    assert march.archived() == sorted([*ALL, ("pm25", "2026-03-05T00:00:00+00:00", 9.0)])
    assert march.files() == sorted([*FILES, "month=2026-03/property=pm25/part-0002.parquet"])
    assert (march.folder / FILES[0]).read_bytes() == first


def test_a_month_waits_for_a_datastream_whose_first_readings_come_just_now(march: March, one_try: None) -> None:
    new = make_datastream("pos-2", "pm25")
    with pytest.raises(Postponed, match="first observations"):
        march.archive(on(Step.VERIFIED, lambda: march.write(new, ("2026-03-05T00:00:00Z", 9))))
    march.archive()
    assert ("pm25", "2026-03-05T00:00:00+00:00", 9.0) in march.archived()


def test_a_month_that_goes_on_changing_is_postponed(march: March) -> None:
    days = iter(range(10, 30))
    with pytest.raises(Postponed, match="go on changing"):
        march.archive(on(Step.WRITTEN, lambda: march.write(march.dust, (f"2026-03-{next(days)}T00:00:00Z", 9))))
    assert len(in_table()) > 4


@pytest.mark.django_db(transaction=True)
def test_a_month_whose_rollups_are_not_fresh_is_not_dropped(
    march: March, one_try: None, other: BaseDatabaseWrapper
) -> None:
    march.write(march.dust, ("2026-03-05T00:00:00Z", 9))
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('sensors.rollups'))")
    with pytest.raises(Postponed, match="wait for their rollups"):
        march.archive()
    assert len(in_table()) == 5


@pytest.mark.django_db(transaction=True)
def test_a_long_look_at_the_observations_postpones_and_is_not_waited_for(
    march: March, one_try: None, other: BaseDatabaseWrapper
) -> None:
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE ONLY sensors_observation IN ACCESS SHARE MODE")
    with pytest.raises(Postponed, match="long work"):
        march.archive()
    other.rollback()
    march.archive()
    assert march.archived() == ALL


# Rollups outlive raw observations


def test_rollups_outlive_raw_observations_and_a_recount_of_everything(march: March) -> None:
    before = rollups()
    assert len(before) == 4
    march.archive()
    mark_everything_dirty()
    refresh_all_rollups()
    assert rollups() == before
    assert not DirtyHour.objects.exists()


def test_observations_not_refreshed_yet_are_counted_before_they_go(march: March) -> None:
    march.write(march.dust, ("2026-03-05T00:00:00Z", 9))
    march.archive()
    assert rollups()[march.dust.pk, "2026-03-05T00"] == (1, 9, 9, 9)


def test_a_late_reading_does_not_wipe_the_rollup_of_its_archived_hour(march: March) -> None:
    march.archive()
    march.write(march.water, ("2026-03-10T05:45:00Z", 20))
    refresh_all_rollups()
    assert rollups()[march.water.pk, "2026-03-10T05"] == (2, 350.1, 0.1, 350)


def test_a_datastream_of_which_nothing_is_archived_gets_its_rollups_however_late(march: March) -> None:
    march.archive()
    march.write(make_datastream("pos-2", "pm25", id=77_000), ("2026-03-10T05:45:00Z", 20))
    refresh_all_rollups()
    assert rollups()[77_000, "2026-03-10T05"] == (1, 20, 20, 20)


def test_the_api_says_which_months_are_archived_and_still_has_the_hours(march: March, client: Any) -> None:
    march.archive()
    base = f"/api/datastreams/{march.water.pk}/observations/"
    raw = client.get(base).json()
    hours = client.get(base, {"resolution": "hour"}).json()
    assert (raw["archived_months"], raw["results"]) == (["2026-03"], [])
    assert [(hour["n"], hour["max"]) for hour in hours["results"]] == [(2, 350.0)]

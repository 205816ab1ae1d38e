"""A file of readings, sent over the real broker; and the real river file, where it is at hand."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from sensors.ingest.broker_url import BrokerUrl
from sensors.observations.models import Observation
from sensors.observations.rollups import refresh_all_rollups
from sensors.registry.models import Datastream
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream, make_property
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

RIVERS = Path(__file__).parents[2].parent / "shared" / "data" / "jakarta_river_levels_2020-01.csv.gz"

RECOUNT = """
SELECT count(*) FILTER (WHERE (h.n, h.min, h.max) IS DISTINCT FROM (o.n, o.min, o.max)
                        OR abs(h.sum - o.sum) > 1e-9 * abs(o.sum)), count(*)
FROM sensors_hourlyrollup h
FULL JOIN (
    SELECT datastream_id, date_trunc('hour', phenomenon_time) AS hour,
        count(*) AS n, sum(result) AS sum, min(result) AS min, max(result) AS max
    FROM sensors_observation WHERE quality = 0 GROUP BY 1, 2
) o USING (datastream_id, hour)
"""


def test_naive_times_are_of_the_zone_and_bad_rows_are_named(
    broker: BrokerUrl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_datastream("pa-hek", "river_level")
    path = tmp_path / "levels.csv"
    path.write_text(
        "gauge,when,level\nPA. Hek ,2020-01-01 00:00:00,1.5\nPA. Hek,2020-01-01T00:10:00+08:00,2\nPA. Hek,soon,3\n"
    )
    worker = make_worker(broker, options_for("pa-hek"))
    with running(worker):
        call_command(
            "replay_observations", str(path), "--map", "thing=gauge,time=when,result=level", "--property", "river_level"
        )
        wait_for(lambda: worker.total.received == 2, "the readings")
    captured = capsys.readouterr()
    assert "2 sent, and the broker has them; 1 rows were no readings" in captured.out
    assert "line 4: Invalid isoformat string: 'soon'" in captured.err
    times = [f"{time:%Y-%m-%dT%H:%M}" for time in Observation.objects.values_list("phenomenon_time", flat=True)]
    assert sorted(times) == ["2019-12-31T16:10", "2019-12-31T17:00"]


@pytest.mark.parametrize(
    "options",
    [
        ("--map", "thing=gauge,time=when,result=level"),
        ("--map", "thing=gauge,time=when,result=depth", "--property", "river_level"),
        ("--map", "thing=gauge,time=when,result=level", "--property", "river_level", "--tz", "Asia/Bekasi"),
    ],
)
def test_a_bad_option_is_a_sentence_and_nothing_is_sent(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "levels.csv"
    path.write_text("gauge,when,level\nA,2020-01-01 00:00:00,1\n")
    with pytest.raises(CommandError):
        call_command("replay_observations", str(path), *options)


if RIVERS.exists():

    def test_the_flood_of_2020_comes_in_over_the_broker(broker: BrokerUrl, capsys: pytest.CaptureFixture[str]) -> None:
        make_property("river_level", as_anomaly=True)
        call_command(
            "import_things",
            str(RIVERS),
            *("--map", "name=nama_pintu_air,lon=longitude,lat=latitude,description=lokasi"),
            *("--default-property", "river_level", "--unit", "mm"),
        )
        assert "21 things in the file: 21 datastreams created, 21 things created" in capsys.readouterr().out
        # Every topic: what other tests publish at the time is unknown here, and goes into quarantine.
        worker = make_worker(broker, options_for("+"))
        with running(worker):
            call_command(
                "replay_observations",
                str(RIVERS),
                *("--map", "thing=nama_pintu_air,time=tanggal,result=tinggi_air", "--property", "river_level"),
            )
            wait_for(lambda: worker.total.stored + worker.total.repeated == 31_059, "the readings")
        assert "31059 sent" in capsys.readouterr().out
        # 8,947 of the file's rows are exact repeats of another.
        assert (worker.total.stored, worker.total.repeated) == (22_112, 8_947)
        assert Observation.objects.count() == 22_112
        first = Observation.objects.filter(datastream__thing__slug="pa-cibalok-gadog").earliest("phenomenon_time")
        assert (f"{first.phenomenon_time:%Y-%m-%dT%H:%M}", first.result) == ("2019-12-22T20:50", 180.0)
        assert set(Datastream.objects.values_list("unit_ucum", flat=True)) == {"mm"}
        refresh_all_rollups()
        with connection.cursor() as cursor:
            cursor.execute(RECOUNT)
            wrong, hours = cursor.fetchone()
        assert wrong == 0
        assert hours > 10_000

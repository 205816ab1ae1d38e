"""The flood drill from the command to its removal: a real broker, a real worker, a real database."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from geo.areas.models import City
from geo.channels.locks import advisory_lock
from geo.demo.drill import play, set_up
from geo.demo.drill_scenario import Said, Scenario, read_scenario, timeline
from geo.models import Alert, AlertEvent, AlertRule, Report, ReportPhoto
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.models import RejectedMessage
from sensors.models import Observation, Thing
from sensors.observations.rollups import refresh_all_rollups
from tests.alerts import evaluate_alerts
from tests.factories import make_agency, make_category, make_city, make_datastream, make_report, make_thing
from tests.ingest.conftest import make_worker, options_for, running
from tests.table_rows import changed_rows, count_rows
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

FLOOD = Path(settings.BASE_DIR) / "fixtures" / "bekasi" / "drills" / "flood.json"
FASTEST = "100000"
UNITS = {"river_level": "cm", "rain": "mm", "discharge": "m3/s"}
PERIOD = "&start=2026-01-01&end=2026-01-20"
LAYERS = ["reports?", "sensors?", "districts?", f"density?{PERIOD}", f"incidents?{PERIOD}"]
# The moment at which it was asked for.
MOMENT = re.compile(rb'"(as_of|timeStamp)": ?"[^"]*"')


@pytest.fixture
def scenario() -> Scenario:
    return read_scenario(FLOOD)


@pytest.fixture
def city(scenario: Scenario) -> City:
    """Bekasi in small, with the things of the scenario, P2C's rule, and a real report."""
    city = make_city("bekasi", west=106.9, south=-6.45, side=0.3, districts=1)
    flood = make_category("banjir")
    for slug in ("luapan-sungai", "genangan", "drainase"):
        make_category(slug, parent=flood)
    make_agency(city, "bpbd", flood)
    for slug, codes in scenario.measured.items():
        thing = make_thing(slug, is_simulated=True)
        for code in codes:
            make_datastream(thing, code, unit_ucum=UNITS[code], expected_interval_s=600)
    rules = json.loads((FLOOD.parents[1] / "alert_rules.json").read_text(encoding="utf-8"))
    p2c = {name: value for name, value in rules[0].items() if name != "category"}
    AlertRule.objects.create(city=city, category=flood, active_since=timezone.now() - timedelta(days=30), **p2c)
    make_report(category=flood)
    return city


@pytest.fixture
def ingest(broker: BrokerUrl, city: City) -> Iterator[Any]:
    with running(make_worker(broker, options_for("drill", topic_filter="sensors/#"))) as worker:
        yield worker


def drill(*arguments: str) -> str:
    said = StringIO()
    call_command("drill", "flood", *arguments, stdout=said, stderr=StringIO())
    return said.getvalue()


def layers(client: Client) -> dict[str, bytes]:
    found = {}
    for name in LAYERS:
        response: Any = client.get(f"/layers/{name.replace('?', '.geojson?city=bekasi')}")
        content: bytes = b"".join(response.streaming_content) if response.streaming else response.content
        assert response.status_code == 200, content
        found[name] = MOMENT.sub(b"", content)
    return found


def test_a_drill_is_played_through_the_broker_seen_by_staff_and_removed_without_a_trace(
    city: City, ingest: Any, client: Client
) -> None:
    public = layers(client)
    evaluate_alerts(timezone.now())
    before = count_rows()
    assert "Played to its end" in drill("--speed", FASTEST, "--hours", "14", "--photos")
    # 85 steps of 600 s, eleven series; of 66 reports each with its photo.
    assert Observation.objects.filter(datastream__thing__is_exercise=True).count() == 85 * 11
    assert Report.objects.filter(is_exercise=True, is_public=False).count() == Report.objects.count() - 1 == 66
    assert RejectedMessage.objects.count() == 0
    refresh_all_rollups()
    evaluate_alerts(timezone.now())
    alert = Alert.objects.get()
    steps = AlertEvent.objects.filter(alert=alert).order_by("id").values_list("action", "new_level")
    assert list(steps) == [
        ("opened", 1), ("raised", 2), ("raised", 3), ("lowered", 2), ("lowered", 1), ("normal", 0),
    ]  # fmt: skip
    assert (alert.thing, alert.is_exercise) == ("drill-river-p2c", True)
    assert layers(client) == public
    assert "played to its end" in drill()

    photos = [Path(settings.MEDIA_ROOT, photo.image.name) for photo in ReportPhoto.objects.all()]
    assert len(photos) == 66
    assert all(path.exists() for path in photos)
    assert "Removed without a trace" in drill("--remove")
    assert changed_rows(before) == {}
    assert not any(path.exists() for path in photos)
    assert layers(client) == public
    assert drill("--remove") == "There is no drill: nothing to remove.\n"


def test_a_drill_that_is_stopped_says_how_to_go_on_and_goes_on_from_there(
    city: City, ingest: Any, scenario: Scenario
) -> None:
    """Stopped after the first hour, as Ctrl-C does it; the second run plays the rest, and each report is there once."""
    stop = threading.Event()
    begun = set_up(scenario, city, now=timezone.now(), speed=100_000.0, hours=2.0)
    passed: list[int] = []

    def on_progress(seconds: int) -> None:
        passed.append(seconds)
        if sum(passed) > 3600:
            stop.set()

    assert play(begun, speed=100_000.0, stop=stop, on_progress=on_progress) is False
    wait_for(lambda: set_up(scenario, city, now=timezone.now(), speed=60.0).played_s == 3600, "the first hour")
    said = drill("--speed", FASTEST)
    assert said.startswith("Goes on: ")
    assert Observation.objects.filter(datastream__thing__is_exercise=True).count() == 13 * 11
    told = {event.number for event in timeline(scenario, seed=1, hours=2.0) if isinstance(event, Said)}
    assert sorted(Report.objects.filter(is_exercise=True).values_list("external_id", flat=True)) == sorted(told)
    assert RejectedMessage.objects.count() == 0


def begun_by_hand() -> "subprocess.Popen[str]":
    """The command as a process of its own, on this test's database; it has begun to play."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "drill", "flood"],
        cwd=settings.BASE_DIR, env=os.environ | {"DATABASE_URL": url}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        wait_for(lambda: Observation.objects.exists() or process.poll() is not None, "the first reading")
        assert process.poll() is None, process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process


def test_ctrl_c_ends_it_with_how_to_go_on_and_how_to_remove_it(city: City, ingest: Any) -> None:
    process = begun_by_hand()
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        "Stopped. ./pantau drill flood goes on from there; ./pantau drill flood --remove takes all of it away."
    )


def test_after_a_crash_it_goes_on_or_is_removed(city: City, ingest: Any) -> None:
    process = begun_by_hand()
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not _is_locked(), "the end of the killed one's session")
    assert "Played to its end" in drill("--speed", FASTEST)
    assert Report.objects.filter(is_exercise=True).count() == 66
    drill("--remove")
    assert (Thing.objects.filter(is_exercise=True).count(), Report.objects.count()) == (0, 1)


def _is_locked() -> bool:
    with advisory_lock("geo.demo.drill", "") as is_ours:
        return not is_ours


def test_a_second_drill_is_refused_while_one_is_played(city: City) -> None:
    """The lock is another process's: here that of another connection."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with advisory_lock("geo.demo.drill", "") as is_ours:
                assert is_ours
                is_held.set()
                may_end.wait(60)
        finally:
            connections["default"].close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert is_held.wait(60)
        for arguments in ([], ["--remove"]):
            with pytest.raises(CommandError, match="another drill is being played or removed"):
                drill(*arguments)
    finally:
        may_end.set()
        other.join(60)
    assert Thing.objects.filter(is_exercise=True).count() == 0

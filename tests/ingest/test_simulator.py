"""The simulated city over a real broker, a real worker and a real database."""

import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from geo.areas.models import City
from geo.demo import backfill, filing, live
from geo.demo.live import LiveCity, run_live
from geo.demo.network import load_network, model_of
from geo.demo.report_model import ReportModel
from geo.management.commands import load_demo
from geo.models import Report
from sensors import published
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.models import RejectedMessage
from sensors.observations.models import HourlyRollup, Observation
from tests.factories import centre, make_category, make_channel, make_city, make_datastream, make_thing
from tests.ingest.conftest import make_worker, options_for, running
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gauge() -> str:
    """The slug of the one simulated thing; its own, since the broker is shared."""
    return f"river-p2c-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def city(gauge: str) -> City:
    city = make_city(districts=1)
    thing = make_thing(gauge, location=centre("kota-uji.1.1"), is_simulated=True)
    make_datastream(thing, "river_level", unit_ucum="cm")
    make_datastream(thing, "rain", unit_ucum="mm", expected_interval_s=600)
    make_datastream(thing, "rice_price", unit_ucum="{IDR}/kg", expected_interval_s=86_400)
    for slug in ("banjir", "kemacetan", "sampah"):
        make_category(slug)
    make_channel("simulator", is_simulated=True)
    return city


@pytest.fixture
def ingest(broker: BrokerUrl, gauge: str, city: City) -> Iterator[Any]:
    worker = make_worker(broker, options_for(gauge))
    with running(worker):
        yield worker


def fill(days: int = 2) -> None:
    call_command("simulate_sensors", "--backfill", str(days))


def test_back_fill_stores_the_days_and_files_the_reports(ingest: Any, city: City) -> None:
    before = timezone.now()
    fill()
    start = backfill.start_of(city, 2, before)
    ten_minutes = (before - start) // timedelta(minutes=10)
    levels = Observation.objects.filter(datastream__observed_property__code="river_level")
    # Amounts are among what the thing measures, so all of it is back-filled at its own interval.
    assert levels.count() in {ten_minutes, ten_minutes + 1}
    assert levels.earliest("phenomenon_time").phenomenon_time >= start
    assert Observation.objects.filter(datastream__observed_property__code="rice_price").count() == 3
    assert not RejectedMessage.objects.exists()
    reports = Report.objects.filter(channel__slug="simulator")
    assert reports.count() > 3
    assert all(text.startswith("[SIMULASI]") for text in reports.values_list("public_description", flat=True))
    assert set(reports.values_list("public_area__code", flat=True)) <= {"kota-uji.1.1", "kota-uji.1.2"}
    assert not reports.filter(reported_at__gt=timezone.now()).exists()


def test_second_back_fill_adds_nothing_but_what_has_happened_since(ingest: Any, city: City) -> None:
    fill()
    stored, told = Observation.objects.count(), Report.objects.count()
    fill()
    assert Observation.objects.count() - stored <= 2
    assert Report.objects.count() - told <= 1
    assert not RejectedMessage.objects.exists()


def test_longer_back_fill_adds_the_time_before(ingest: Any, city: City) -> None:
    fill(1)
    fill(3)
    start = backfill.start_of(city, 3, timezone.now())
    assert Observation.objects.earliest("phenomenon_time").phenomenon_time < start + timedelta(minutes=10)
    assert Observation.objects.filter(datastream__observed_property__code="rice_price").count() == 4
    assert not RejectedMessage.objects.exists()


def test_live_and_back_fill_say_the_same_of_the_same_time(ingest: Any, city: City) -> None:
    now = timezone.now()
    fill(1)
    live_city = LiveCity(city, now=now)
    live_city._sent_until = dict.fromkeys(live_city._sent_until, int(now.timestamp()) - 12 * 3600)
    before = ingest.total.received
    assert live_city.publish_due(now) > 0
    live_city.disconnect()
    # Twelve hours at ten minutes, of two properties; the price of rice comes once a day, perhaps within them.
    wait_for(lambda: ingest.total.received - before >= 144, "the readings")
    assert ingest.total.quarantined == 0
    assert ingest.total.repeated >= 140


def test_live_goes_on_after_the_last_stored_reading_and_the_last_report(ingest: Any, city: City) -> None:
    fill(1)
    now = timezone.now()
    told = Report.objects.count()
    live_city = LiveCity(city, now=now)
    later = now + timedelta(hours=5)
    try:
        assert live_city.tick(later)
    finally:
        live_city.disconnect()
    wait_for(
        lambda: Observation.objects.latest("phenomenon_time").phenomenon_time > later - timedelta(minutes=10),
        "the last one",
    )
    times = list(
        Observation.objects.filter(datastream__observed_property__code="rain")
        .order_by("phenomenon_time")
        .values_list("phenomenon_time", flat=True)
    )
    gaps = {after - before for before, after in pairwise(times)}
    assert gaps == {timedelta(minutes=10)}
    assert Report.objects.count() >= told


def test_what_the_broker_did_not_take_is_due_again(
    ingest: Any, city: City, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    live_city = LiveCity(city, now=now - timedelta(hours=2))
    right, settings.MQTT_GATEWAY_URL = settings.MQTT_GATEWAY_URL, "mqtt://127.0.0.1:1"
    monkeypatch.setattr(live, "PATIENCE_S", 0.2)
    assert not live_city.tick(now)
    settings.MQTT_GATEWAY_URL = right
    monkeypatch.setattr(live, "PATIENCE_S", 20.0)
    assert live_city.tick(now)
    live_city.disconnect()
    wait_for(
        lambda: Observation.objects.filter(datastream__observed_property__code="rain").count() >= 17, "the readings"
    )


def test_report_filed_twice_is_one_report_by_whichever_way(city: City) -> None:
    now = timezone.now()

    def reports() -> Iterator[Any]:
        return filing.reports_between(
            ReportModel(model_of(city)), load_network(city).districts, now - timedelta(days=2), now
        )

    assert filing.file_one_by_one(city, reports(), now=now) > 3
    assert filing.file_one_by_one(city, reports(), now=now) == 0
    assert filing.file_in_bulk(city, reports(), now=now) == 0
    assert filing.last_reported_at(city) <= now


def test_live_run_ends_when_it_is_told_to(ingest: Any, city: City) -> None:
    stop = threading.Event()
    moments: list[datetime] = []

    def clock() -> datetime:
        moments.append(timezone.now())
        if len(moments) == 2:
            stop.set()
        return moments[-1]

    run_live(lambda: city, stop, clock=clock)
    assert len(moments) == 2


def test_back_fill_without_a_worker_says_so(city: City) -> None:
    now = timezone.now()
    network, model = load_network(city), model_of(city)
    plan = backfill.plan_readings(city, network, model, days=1, now=now)
    assert plan.readings > 0
    with pytest.raises(backfill.BackfillError, match="is ingest_mqtt running"):
        backfill.wait_until_stored(plan, patience_s=0.3)


def test_back_fill_without_simulated_things_says_so() -> None:
    make_city()
    with pytest.raises(CommandError, match="no simulated things"):
        fill()


def test_back_fill_without_a_gateway_says_so(city: City, settings: Any) -> None:
    settings.MQTT_GATEWAY_URL = ""
    with pytest.raises(CommandError, match="MQTT_GATEWAY_URL"):
        fill()


def test_rollups_are_clean_after_the_demo_is_loaded(ingest: Any, city: City) -> None:
    fill(1)
    load_demo.refresh_until_clean()
    assert HourlyRollup.objects.count() > 40
    assert published.count_dirty_hours() == 0
    load_demo.analyse()


def test_launch_has_the_published_counts_and_is_loaded_once() -> None:
    call_command("load_fixtures", verbosity=0)
    city = City.objects.get(slug="bekasi")
    assert load_demo.load_launch(city) == 2216
    assert load_demo.load_launch(city) == 0
    reports = Report.objects.filter(channel__slug="qlue")
    by_category = {
        slug: reports.filter(category__slug=slug).count() for slug in ("iklan-liar", "pelanggaran", "sampah")
    }
    # DailySocial, 2016.
    assert by_category == {"iklan-liar": 673, "pelanggaran": 452, "sampah": 285}
    assert reports.filter(area=None).count() == 0

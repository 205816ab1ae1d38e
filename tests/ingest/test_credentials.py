"""A thing's credential at the real broker, from its import to its first reading."""

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.observations.models import Observation
from server.core import broker_credentials
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_property
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.BROKER_DIR, reason="the broker's credentials are kept elsewhere"),
]


def device(broker: BrokerUrl, slug: str, password: str) -> BrokerUrl:
    return BrokerUrl(broker.host, broker.port, slug, password, has_tls=False)


def can_connect(url: BrokerUrl) -> bool:
    try:
        with Publisher(url, patience_s=5):
            return True
    except NotPublished:
        return False


def test_an_imported_thing_publishes_without_a_restart_of_the_broker_and_below_its_own_name_only(
    broker: BrokerUrl, tmp_path: Path
) -> None:
    make_property("pm25")
    path = tmp_path / "things.csv"
    path.write_text("slug,name,lon,lat,properties\ncred-1,One,106.9,-6.3,pm25\ncred-2,Two,106.9,-6.3,pm25\n")
    call_command("import_things", str(path), "--default-property", "pm25", "--unit", "ug/m3")
    passwords = broker_credentials.devices(Path(settings.BROKER_DIR))
    one = device(broker, "cred-1", passwords["cred-1"])
    wait_for(lambda: can_connect(one), "the new credential")
    assert not can_connect(device(broker, "cred-1", passwords["cred-2"]))

    worker = make_worker(broker, options_for("+"))
    with running(worker):
        with Publisher(one) as publisher:
            publisher.publish("sensors/cred-1/pm25", '{"result": 1, "phenomenon_time": 1772337600}')
        with pytest.raises(NotPublished, match="the broker refused 1 of 1 messages"), Publisher(one) as publisher:
            publisher.publish("sensors/cred-2/pm25", '{"result": 2, "phenomenon_time": 1772337600}')
        wait_for(lambda: worker.total.stored == 1, "the reading")
    assert [row.datastream.thing.slug for row in Observation.objects.all()] == ["cred-1"]


def shown(*arguments: str) -> dict[str, str]:
    out = io.StringIO()
    call_command("broker_credential", *arguments, stdout=out)
    return dict(line.split("=", 1) for line in out.getvalue().splitlines())


def test_credential_that_is_shown_opens_the_broker(broker: BrokerUrl, tmp_path: Path) -> None:
    make_property("pm25")
    path = tmp_path / "things.csv"
    path.write_text("slug,name,lon,lat,properties\ncred-3,Three,106.9,-6.3,pm25\n")
    call_command("import_things", str(path), "--default-property", "pm25", "--unit", "ug/m3")
    credential = shown("cred-3")
    assert credential["MQTT_USERNAME"] == "cred-3"
    wait_for(lambda: can_connect(device(broker, "cred-3", credential["MQTT_PASSWORD"])), "the new credential")


def test_gateway_s_credential_opens_the_broker(broker: BrokerUrl) -> None:
    credential = shown("--gateway")
    assert can_connect(device(broker, credential["MQTT_USERNAME"], credential["MQTT_PASSWORD"]))


def test_thing_without_a_credential_is_told_how_to_get_one() -> None:
    with pytest.raises(CommandError, match="no credential of nowhere; import_things makes one"):
        shown("nowhere")

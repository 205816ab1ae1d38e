"""A thing's credential at the real broker, from its import to its first reading."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.observations.models import Observation
from server.core import broker_credentials
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import NOON, make_datastream, make_property
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
    with pytest.raises(CommandError, match="no credential of nowhere; manage devices add nowhere makes one"):
        shown("nowhere")


def devices(*arguments: str) -> dict[str, str]:
    """What `devices` prints of a credential."""
    out = io.StringIO()
    call_command("devices", *arguments, stdout=out, stderr=io.StringIO())
    return dict(line.split("=", 1) for line in out.getvalue().splitlines() if "=" in line)


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("devices", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@contextmanager
def connection(url: BrokerUrl) -> Iterator[Publisher]:
    """A device's connection that may end before it is left: nothing is waited for then."""
    publisher = Publisher(url)
    publisher.__enter__()
    try:
        yield publisher
    finally:
        publisher.close()


def published_at_once(publisher: Publisher, topic: str) -> bool:
    """Whether the broker takes a message of this connection, without the connection being made anew."""
    before = publisher.acknowledged
    publisher.publish(topic, '{"result": 1, "phenomenon_time": 1772337600}')
    wait_for(lambda: publisher.acknowledged > before or not publisher._client.is_connected(), "an answer")
    return publisher.acknowledged > before


def test_device_that_is_added_gets_in_and_one_that_is_revoked_is_cut_off_and_publishes_no_more(
    broker: BrokerUrl,
) -> None:
    make_datastream("cred-4")
    given = devices("add", "cred-4")
    url = device(broker, given["MQTT_USERNAME"], given["MQTT_PASSWORD"])
    wait_for(lambda: can_connect(url), "the new credential")
    with connection(url) as connected:
        assert published_at_once(connected, "sensors/cred-4/pm25")
        assert said("revoke", "cred-4") == "cred-4: revoked\n"
        wait_for(lambda: not connected._client.is_connected(), "the end of the connection")
        worker = make_worker(broker, options_for("cred-4"))
        with running(worker):
            connected._client.publish("sensors/cred-4/pm25", '{"result": 2, "phenomenon_time": 1772337601}', qos=1)
            assert not can_connect(url)
            assert worker.total.received == 0
    assert said("revoke", "cred-4") == "cred-4 had no credential\n"


def test_rotated_password_opens_the_broker_and_the_old_one_s_connection_ends(broker: BrokerUrl) -> None:
    make_datastream("cred-5")
    old = device(broker, "cred-5", devices("add", "cred-5")["MQTT_PASSWORD"])
    wait_for(lambda: can_connect(old), "the new credential")
    with connection(old) as connected:
        new = device(broker, "cred-5", devices("rotate", "cred-5")["MQTT_PASSWORD"])
        wait_for(lambda: not connected._client.is_connected(), "the end of the connection")
    assert can_connect(new)
    assert not can_connect(old)


def test_to_add_a_device_twice_changes_nothing(broker: BrokerUrl) -> None:
    make_datastream("cred-6")
    given = devices("add", "cred-6")
    assert said("add", "cred-6") == "cred-6 has a credential already; rotate gives it a new password.\n"
    url = device(broker, "cred-6", given["MQTT_PASSWORD"])
    wait_for(lambda: can_connect(url), "the new credential")


def test_gateway_writes_its_own_topics_only_and_stops_where_it_is_revoked(broker: BrokerUrl) -> None:
    make_datastream("cred-7")
    given = devices("gateway", "add", "lora-1", "v3/kota@ttn/devices/+/up", "--thing", "cred-7")
    assert given["MQTT_USERNAME"] == "gateway.lora-1"
    url = device(broker, given["MQTT_USERNAME"], given["MQTT_PASSWORD"])
    wait_for(lambda: can_connect(url), "the new credential")
    with Publisher(url) as publisher:
        publisher.publish("v3/kota@ttn/devices/air-1/up", "{}")
        publisher.publish("sensors/cred-7/pm25", "1")
        publisher.publish("sensors/cred-7", "{}")
    for topic in ("sensors/cred-8/pm25", "v3/kota@ttn/devices/air-1/down", "v3/desa@ttn/devices/air-1/up"):
        with pytest.raises(NotPublished, match="the broker refused 1 of 1 messages"), Publisher(url) as publisher:
            publisher.publish(topic, "1")
    assert "gateway.lora-1: v3/kota@ttn/devices/+/up sensors/cred-7/#\n" in said("gateway", "list")

    # Other topics, the same password.
    assert devices("gateway", "add", "lora-1", "sensors/cred-8/#") == {}

    def may_write_elsewhere() -> bool:
        try:
            with Publisher(url) as publisher:
                publisher.publish("sensors/cred-8/pm25", "1")
        except NotPublished:
            return False
        return True

    wait_for(may_write_elsewhere, "the other topics")
    assert said("gateway", "revoke", "lora-1") == "lora-1: revoked\n"
    wait_for(lambda: not can_connect(url), "the broker's refusal")
    with pytest.raises(CommandError, match="There is no gateway lora-1"):
        said("gateway", "revoke", "lora-1")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["gateway", "add", "lora-1", "$SYS/#"], "nobody else's"),
        (["gateway", "add", "lora-1", "sta/v1.1/#"], "nobody else's"),
        (["gateway", "add", "lora-1", "a/#/b"], "# stands alone"),
        (["gateway", "add", "lora-1", "a/b+"], r"\+ stands alone"),
        (["gateway", "add", "lora-1", "a\nuser pantau.ingest"], "blanks"),
        (["gateway", "add", "LoRa 1", "a/#"], "such as lora-1"),
        (["gateway", "add", "lora-2"], "Say what the gateway may write"),
        (["gateway", "add", "lora-1", "--thing", "nowhere"], "There is no thing nowhere"),
        (["add", "nowhere"], "There is no thing nowhere"),
        (["limit", "nowhere", "5"], "There is no thing nowhere"),
    ],
)
def test_what_the_broker_could_misread_is_refused(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        said(*arguments)
    assert "lora-1" not in said("gateway", "list")


def test_list_says_of_each_thing_whether_it_has_a_credential_and_who_floods() -> None:
    make_datastream("cred-8")
    make_datastream("cred-9")
    devices("add", "cred-9")
    DeviceLimit.objects.create(thing="stranger", flooding_since=NOON, flooded_at=NOON, refused=7_000)
    assert said("list").splitlines() == [
        "cred-8: no credential, never heard",
        "cred-9: credential, never heard",
        "stranger: no credential, never heard, FLOODS since 2026-03-01T05:00:00Z, 7000 readings refused",
    ]
    assert [line.partition(":")[0] for line in said("list", "--flooding").splitlines()] == ["stranger"]
    said("limit", "cred-8", "200")
    assert said("list").splitlines()[0] == "cred-8: no credential, never heard, at most 200 readings a second"

"""mqtts:// to a broker with a certificate of an authority of one's own."""

import gc
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensors.ingest.broker_url import BrokerUrl, parse_broker_url
from sensors.ingest.publisher import NotPublished, Publisher
from sensors.ingest.store import Outcome
from server.run.mosquitto import _program
from server.run.ports import unused_port
from tests.certificates import make_certificate
from tests.ingest.conftest import make_worker, options_for, running
from tests.sensor_factories import make_datastream
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed"),
]


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[BrokerUrl]:
    make_certificate(tmp_path, name="127.0.0.1", alternative="IP:127.0.0.1")
    port = unused_port()
    configuration = tmp_path / "mosquitto.conf"
    # `user root` keeps Mosquitto from changing to a user that cannot read this folder; for others it means nothing.
    configuration.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_inflight_messages 5000\n"
        f"certfile {tmp_path / 'cert.pem'}\nkeyfile {tmp_path / 'key.pem'}\n"
    )
    with (tmp_path / "log").open("wb") as log:
        broker = subprocess.Popen([_program(), "-c", str(configuration)], stdout=log, stderr=log)
    try:
        yield parse_broker_url(f"mqtts://127.0.0.1:{port}?ca={tmp_path / 'cert.pem'}")
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait(10)


def test_readings_come_in_over_tls(tls_broker: BrokerUrl) -> None:
    thing = make_datastream().thing.slug
    worker = make_worker(tls_broker, options_for(thing))
    with running(worker):
        with Publisher(tls_broker) as publisher:
            for second in range(2_000):
                publisher.publish(
                    f"sensors/{thing}/pm25", f'{{"result": 1, "phenomenon_time": {1_772_337_600 + second}}}'
                )
        wait_for(lambda: worker.total.received == 2_000, "the readings")
    assert worker.total == Outcome(stored=2_000)


# paho leaves a socket open whose handshake failed; the collector closes it, with a warning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_of_an_unknown_authority_is_not_trusted(tls_broker: BrokerUrl) -> None:
    untrusting = parse_broker_url(f"mqtts://127.0.0.1:{tls_broker.port}")
    with pytest.raises(NotPublished, match="does not answer"), Publisher(untrusting, patience_s=2):
        pass
    gc.collect()

"""The ingest worker as a process."""

import signal
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sensors.ingest.broker_url import BadBrokerUrl, BrokerUrl, parse_broker_url
from sensors.ingest.connection import BrokerLink, Delivery, LinkOptions
from sensors.ingest.decoders import Decode
from sensors.ingest.store import Store
from sensors.ingest.topics import topic_filter
from sensors.ingest.worker import RECEIVE_MAXIMUM, Worker, prepare_process

RETIRED_WHEN_IDLE_S = 3.0


class Command(BaseCommand):
    help = "Stores what devices publish: takes readings from the broker at MQTT_URL, acknowledged once committed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--slot",
            type=int,
            default=0,
            help="share the load with other workers: 1, 2, … each its own (MQTT 5); 0, the default, works alone",
        )
        parser.add_argument(
            "--retire", action="store_true", help="empty this slot's queue and end its session (MQTT 5)"
        )
        parser.add_argument(
            "--protocol", choices=["5", "3.1.1"], default="5", help="3.1.1 is faster in paho; slots need 5"
        )
        parser.add_argument(
            "--client-id", default="pantau-ingest", help="the start of the session's name at the broker"
        )

        parser.add_argument(
            "--stock-paho", action="store_true", help="without the faster hooks into paho: half the rate"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slot, is_mqtt5 = options["slot"], options["protocol"] == "5"
        if slot < 0:
            raise CommandError("--slot is a number from 0")
        if not is_mqtt5 and (slot or options["retire"]):
            raise CommandError("--slot and --retire need MQTT 5")
        link_options = LinkOptions(
            client_id=f"{options['client_id']}-{slot}" if slot else options["client_id"],
            topic_filter=topic_filter(slot),
            receive_maximum=RECEIVE_MAXIMUM,
            is_mqtt5=is_mqtt5,
            is_fast=not options["stock_paho"],
            is_retiring=options["retire"],
        )
        worker = Worker(Store(slot), link_maker(broker_url(), link_options))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.request_stop())
        prepare_process()
        failure = worker.run(until_idle_s=RETIRED_WHEN_IDLE_S if options["retire"] else None)
        if failure:
            raise CommandError(failure)


def broker_url() -> BrokerUrl:
    try:
        return parse_broker_url(settings.MQTT_URL)
    except BadBrokerUrl as why:
        raise CommandError(f"MQTT_URL {why}") from None


def link_maker(
    url: BrokerUrl, options: LinkOptions
) -> Callable[[Callable[[Delivery], None], Callable[[], None], Decode], BrokerLink]:
    def make(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: Decode
    ) -> BrokerLink:
        return BrokerLink(url, options, on_delivery=on_delivery, on_session_lost=on_session_lost, decode=decode)

    return make

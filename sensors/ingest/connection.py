"""The worker's connection to the broker: a session that outlives it, and acknowledgements that never cross over."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from sensors.ingest.batch import Message
from sensors.ingest.broker_url import BrokerUrl
from sensors.ingest.decoders import Decoded, decode_native
from sensors.ingest.fast_paho import StockClient, client_class

logger = logging.getLogger(__name__)

KEEPALIVE_S = 30
# Longer than the longest outage of a worker: the broker drops the queue with the session.
SESSION_EXPIRY_S = 14 * 86_400
RECONNECT_AFTER_S = (1, 10)
SHORT_CONNECTION_S = 5.0


# None: not now; whoever stores the message decodes it.
DecodeAhead = Callable[[str, bytes], Decoded | None]


@dataclass(slots=True)
class Delivery(Message):
    """A message with what its acknowledgement needs: packet ids mean something on their own connection only."""

    mid: int = 0
    qos: int = 0
    connection: int = 0


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How to be known to the broker, and what to ask of it.

    `receive_maximum` (MQTT 5) is how many messages may be unacknowledged at a time. It must be at least twice the batch: one
    batch is being stored while the next one arrives. Left out, Mosquitto sends 20 and waits.
    `is_retiring`: give the subscription back, take only what is queued already, and end the session with the connection.
    `is_fast`: with hooks into paho (fast_paho.py), else its stock client.
    `qos` is the highest that is asked for. Without `keeps_session` the broker forgets us whenever the connection ends.
    """

    client_id: str
    topic_filter: str
    receive_maximum: int
    is_mqtt5: bool = True
    session_expiry_s: int = SESSION_EXPIRY_S
    is_retiring: bool = False
    is_fast: bool = True
    qos: int = 1
    keeps_session: bool = True


class BrokerLink:
    """paho's client and thread behind four verbs: start, subscribe besides, acknowledge and stop.

    `on_delivery` is called in paho's thread, with what `decode` made of the message, if anything. `failure` is a sentence once
    it makes no sense to go on.
    """

    def __init__(
        self,
        url: BrokerUrl,
        options: LinkOptions,
        *,
        on_delivery: Callable[[Delivery], None],
        on_session_lost: Callable[[], None] = lambda: None,
        decode: DecodeAhead = decode_native,
    ) -> None:
        self.failure: str | None = None
        self.trouble = ""  # why there is no connection, for as long as there is none
        self.subscribed = threading.Event()
        self._url = url
        self._options = options
        self._on_delivery = on_delivery
        self._on_session_lost = on_session_lost
        self._decode = decode
        self._besides: tuple[str, ...] = ()
        # Of each subscription that the broker has not answered yet, by the number of its packet.
        self._asked: dict[int, tuple[str, ...]] = {}
        self._connection = 0
        self._connects = 0
        self._connected_at = time.monotonic()
        # Held while a connection's number is compared and used, and while it changes.
        self._connection_lock = threading.Lock()
        self._client = self._make_client()

    def _make_client(self) -> StockClient:
        options = self._options
        client = client_class(is_fast=options.is_fast)(
            self._received,
            client_id=options.client_id,
            protocol=mqtt.MQTTv5 if options.is_mqtt5 else mqtt.MQTTv311,
            clean_session=None if options.is_mqtt5 else not options.keeps_session,
            manual_ack=True,
        )
        self._url.prepare(client)
        client.reconnect_delay_set(*RECONNECT_AFTER_S)
        client.on_connect = self._connected
        client.on_connect_fail = self._connect_failed
        client.on_disconnect = self._disconnected
        client.on_socket_close = self._socket_closed
        client.on_subscribe = self._subscribed
        return client

    def start(self) -> None:
        """Connects in the background, and again whenever the connection breaks."""
        client, options = self._client, self._options
        if options.is_mqtt5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = options.session_expiry_s if options.keeps_session else 0
            properties.ReceiveMaximum = options.receive_maximum
            is_clean = not options.keeps_session
            client.connect_async(
                self._url.host, self._url.port, KEEPALIVE_S, clean_start=is_clean, properties=properties
            )
        else:
            client.connect_async(self._url.host, self._url.port, KEEPALIVE_S)
        client.loop_start()

    def subscribe_besides(self, topic_filters: Sequence[str]) -> None:
        """What to be sent besides the options' own filter; what is no longer among it is given up."""
        before, self._besides = self._besides, tuple(topic_filters)
        if self._options.is_retiring or not self._client.is_connected():
            return
        if gone := [each for each in before if each not in self._besides]:
            self._client.unsubscribe(gone)
        self._ask_for([each for each in self._besides if each not in before])

    def acknowledge(self, deliveries: Sequence[Delivery]) -> int:
        """Acknowledges those that came by the present connection; the others the broker will deliver again. How many."""
        with self._connection_lock:
            now = self._connection
            mids = [delivery.mid for delivery in deliveries if delivery.qos and delivery.connection == now]
            self._client.acknowledge_all(mids)
        return len(mids)

    @property
    def connects(self) -> int:
        """How often the broker has taken us in."""
        return self._connects

    def is_running(self) -> bool:
        """False once paho's thread has ended, which it does by itself only when a callback raised."""
        name = f"paho-mqtt-client-{self._options.client_id}"
        return any(thread.name == name for thread in threading.enumerate())

    def stop(self) -> None:
        """Sends what is still to be acknowledged and takes its leave; the session stays, unless it is being retired."""
        properties = None
        if self._options.is_retiring:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
        self._client.disconnect(properties=properties)
        self._client.loop_stop()

    # What follows runs in paho's thread.

    def _connected(
        self, client: mqtt.Client, userdata: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            logger.error("the broker %s refuses the connection: %s", self._url, reason)
            self.trouble = f"the broker refuses the connection: {reason}"
            return
        self.trouble = ""
        self._connects += 1
        self._connected_at = time.monotonic()
        if flags.session_present:
            logger.info("connected to %s, session resumed", self._url)
        elif self._connects == 1 or not self._options.keeps_session:
            logger.info("connected to %s, new session", self._url)
        else:
            logger.critical(
                "connected to %s, but the broker has lost our session: messages it had queued for us are gone",
                self._url,
            )
            self._on_session_lost()
        if self._options.is_retiring:
            # A session left behind without this goes on taking its share of a shared subscription's messages.
            client.unsubscribe([self._options.topic_filter, *self._besides])
        else:
            self._ask_for([self._options.topic_filter, *self._besides])

    def _ask_for(self, topic_filters: Sequence[str]) -> None:
        if not topic_filters:
            return
        # Retained messages only when the subscription is new, not with every reconnect.
        qos = self._options.qos
        new_only = SubscribeOptions(qos=qos, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        asked: list[Any] = [(each, new_only if self._options.is_mqtt5 else qos) for each in topic_filters]
        _error, mid = self._client.subscribe(asked)
        if mid is not None:
            self._asked[mid] = tuple(topic_filters)

    def _connect_failed(self, client: mqtt.Client, userdata: Any) -> None:
        logger.warning("the broker %s cannot be reached; trying again", self._url)
        self.trouble = "the broker cannot be reached"

    def _subscribed(
        self, client: mqtt.Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        asked = self._asked.pop(mid, ())
        for topic_filter, reason in zip(asked, reasons, strict=False):
            if reason.is_failure and topic_filter == self._options.topic_filter:
                self.failure = f"the broker refuses the subscription to {topic_filter}: {reason}"
            elif reason.is_failure:
                logger.error(
                    "the broker refuses the subscription to %s, which a topic rule asks for: %s", topic_filter, reason
                )
        if self.failure is None:
            self.subscribed.set()

    def _disconnected(
        self, client: mqtt.Client, userdata: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, properties: Any
    ) -> None:
        self.subscribed.clear()
        if reason.is_failure:
            self.trouble = self.trouble or f"the connection was lost: {reason}"
            lasted_s = time.monotonic() - self._connected_at
            # Mosquitto 2.0 closes a taken-over session without a word: two workers of one name then drive each other out.
            hint = (
                f"; does another worker connect as {self._options.client_id}?" if lasted_s < SHORT_CONNECTION_S else ""
            )
            logger.warning("connection to %s lost after %.0f s: %s%s", self._url, lasted_s, reason, hint)
        if reason.getName() == "Session taken over":
            self.failure = f"another worker has connected as {self._options.client_id}; give each its own --slot"

    def _socket_closed(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        # paho calls this for every end of a connection, before it empties its outgoing queue and connects anew. So an
        # acknowledgement queued under the lock before this is dropped with the queue, and none is queued after it.
        with self._connection_lock:
            self._connection += 1

    def _received(self, topic: str, payload: bytes, mid: int, qos: int, is_duplicate: bool, is_retained: bool) -> None:
        # Decoded here as a rule, since this thread runs while the writer's waits for the database.
        decoded, received_us = self._decode(topic, payload), time.time_ns() // 1000
        self._on_delivery(
            Delivery(topic, payload, received_us, is_retained, is_duplicate, decoded, mid, qos, self._connection)
        )

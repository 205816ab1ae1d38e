"""Publishing at QoS 1 and knowing what has arrived: for replays, simulators and tests."""

import threading
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from sensors.ingest.broker_url import BrokerUrl

KEEPALIVE_S = 30


class NotPublished(RuntimeError):
    """The broker did not take everything; a sentence on what and why."""


class Publisher:
    """A connection that sends with a window of unacknowledged messages, and sends again what a broken connection lost.

    `acknowledged` counts the messages the broker has answered for. Use it as a context: leaving waits for all of them.
    Errors: NotPublished when the broker refuses the connection or a message, or does not answer in `patience_s`.
    """

    def __init__(self, url: BrokerUrl, *, client_id: str = "", window: int = 1_000, patience_s: float = 60.0) -> None:
        self.sent = 0
        self.acknowledged = 0
        self.refused = 0
        self._window = window
        self._patience_s = patience_s
        self._url = url
        self._refusal: str | None = None
        self._is_connected = False
        self._changed = threading.Condition()
        # MQTT 5, since 3.1.1 cannot say that a message was refused.
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        url.prepare(self._client)
        self._client.max_inflight_messages_set(window)
        self._client.reconnect_delay_set(1, 5)
        self._client.on_connect = self._connected
        self._client.on_publish = self._published

    def __enter__(self) -> Self:
        self._client.connect_async(self._url.host, self._url.port, KEEPALIVE_S)
        self._client.loop_start()
        try:
            self._wait(lambda: self._is_connected, f"{self._url} does not answer")
        except NotPublished:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()

    def close(self) -> None:
        """Ends the connection, whatever is still under way."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Sends one message; waits while the window is full."""
        if self.sent - self.acknowledged >= self._window:
            self._wait(lambda: self.sent - self.acknowledged <= self._window // 2, "the broker has stopped answering")
        self.sent += 1
        self._client.publish(topic, payload, qos=1, retain=retain)

    def finish(self) -> None:
        """Waits until the broker has answered for every message."""
        self._wait(lambda: self.acknowledged == self.sent, "the broker has not answered for all")
        if self.refused:
            raise NotPublished(f"the broker refused {self.refused} of {self.sent} messages: may this user write there?")

    def _wait(self, condition: Any, complaint: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: condition() or self._refusal, timeout=self._patience_s):
                raise NotPublished(f"{complaint}: {self.acknowledged} of {self.sent} messages acknowledged")
            if self._refusal:
                raise NotPublished(f"the broker refuses the connection: {self._refusal}")

    # In paho's thread.

    def _connected(
        self, client: mqtt.Client, userdata: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Any
    ) -> None:
        with self._changed:
            if reason.is_failure:
                self._refusal = str(reason)
            self._is_connected = True
            self._changed.notify_all()

    def _published(self, client: mqtt.Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        with self._changed:
            self.acknowledged += 1
            self.refused += reason.is_failure
            self._changed.notify_all()

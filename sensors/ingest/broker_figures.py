"""What the broker says of itself: a connection of its own to its $SYS topics, so that it waits behind no reading.

Source: mosquitto(8), "Broker status". The broker tells its figures every ten seconds (sys_interval), retained.
"""

from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from sensors.ingest.broker_url import BrokerUrl

# Each topic below $SYS/broker/, and what its figure is called here.
TOPICS = {
    "store/messages/count": "messages_held",
    "store/messages/bytes": "bytes_held",
    "retained messages/count": "messages_retained",
    "publish/messages/dropped": "messages_dropped",
    "publish/messages/received": "messages_received",
    "clients/connected": "clients_connected",
}
_PREFIX = "$SYS/broker/"
_RECONNECT_AFTER_S = (1, 30)


class BrokerFigures:
    """Listens from `start` to `stop`. `said` is what was heard last, empty while there is no connection.

    Held are the messages that wait for a session or are not acknowledged yet, and the retained ones, each once for however many
    it is meant. The difference of the two is the queue of this service, whose workers are the broker's only lasting sessions.
    """

    def __init__(self, url: BrokerUrl) -> None:
        self.said: dict[str, float] = {}
        self._url = url
        client = self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        url.prepare(client)
        client.reconnect_delay_set(*_RECONNECT_AFTER_S)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received

    def start(self) -> None:
        self._client.connect_async(self._url.host, self._url.port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    # What follows runs in paho's thread.

    def _connected(
        self, client: mqtt.Client, userdata: Any, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Any
    ) -> None:
        if not reason.is_failure:
            client.subscribe([(_PREFIX + topic, 0) for topic in TOPICS])

    def _disconnected(
        self, client: mqtt.Client, userdata: Any, flags: mqtt.DisconnectFlags, reason: ReasonCode, properties: Any
    ) -> None:
        self.said = {}

    def _received(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        name = TOPICS.get(message.topic.removeprefix(_PREFIX))
        try:
            figure = float(message.payload)
        except ValueError:
            return
        if name is not None:
            # A new one each time: the worker's thread reads it meanwhile.
            self.said = {**self.said, name: figure}

"""A device's state as Zigbee2MQTT publishes it: one flat object, with `last_seen` where that is switched on.

Source: Zigbee2MQTT documentation, "MQTT topics and messages" and the setting `advanced.last_seen`.
"""

from sensors.ingest.decoders.measurements import Levels, Measurement, Payload, flattened, members_of, time_of
from sensors.ingest.decoders.said import parse_json


def decode_zigbee2mqtt(payload: bytes, levels: Levels) -> Payload:
    """Every value of the state, at `last_seen` (ISO 8601 with an offset, or milliseconds since 1970)."""
    state = members_of(parse_json(payload), "a device's state")
    time = time_of(state, "last_seen")
    return [Measurement(name, value, time) for name, value in flattened(state) if name != "last_seen"]

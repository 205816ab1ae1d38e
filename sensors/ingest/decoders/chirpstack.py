"""Uplink events of ChirpStack v4 in JSON, as its MQTT integration publishes them.

Source: ChirpStack documentation, "Events" (protobuf `integration.UplinkEvent` in its JSON form).
"""

from sensors.ingest.decoders.measurements import Levels, Measurement, Payload, flattened, members_of, text_of, time_of
from sensors.ingest.decoders.said import Unreadable, parse_json
from sensors.ingest.reasons import Reason


def decode_chirpstack(payload: bytes, levels: Levels) -> Payload:
    """The decoded object of an uplink, at the time at which a gateway received it."""
    event = members_of(parse_json(payload), "an uplink event")
    device = text_of(members_of(event.get("deviceInfo"), "deviceInfo"), "devEui")
    if event.get("object") is None:
        raise Unreadable(Reason.BAD_PAYLOAD, "no object: the device profile has no codec")
    time = time_of(event, "time")
    return [
        Measurement(name, value, time, device=device)
        for name, value in flattened(members_of(event["object"], "object"))
    ]

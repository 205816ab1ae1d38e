"""Uplinks of The Things Stack v3 (The Things Network), as its MQTT server and its webhooks send them.

Source: The Things Stack documentation, "Data formats". Fields that are empty, zero or false are left out of these messages;
what a codec decodes to zero may be among them, so a rule says of which names nothing means zero.
"""

from sensors.ingest.decoders.measurements import Levels, Measurement, Payload, flattened, members_of, text_of, time_of
from sensors.ingest.decoders.said import Unreadable, parse_json
from sensors.ingest.reasons import Reason


def decode_the_things_stack(payload: bytes, levels: Levels) -> Payload:
    """The decoded payload of an uplink, at the time at which the network server received it."""
    message = members_of(parse_json(payload), "an uplink")
    device = text_of(members_of(message.get("end_device_ids"), "end_device_ids"), "device_id")
    uplink = members_of(message.get("uplink_message"), "uplink_message")
    if "decoded_payload" not in uplink:
        raise Unreadable(
            Reason.BAD_PAYLOAD, "no decoded_payload: the application has no payload formatter for this device"
        )
    # The application server's own time, at the top, comes later, by however long it was busy.
    time = time_of(uplink, "received_at") or time_of(message, "received_at")
    decoded = members_of(uplink["decoded_payload"], "decoded_payload")
    return [Measurement(name, value, time, device=device) for name, value in flattened(decoded)]

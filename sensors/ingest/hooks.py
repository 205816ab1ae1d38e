"""What network servers send to a web address, and the topic under which they would have published the same."""

from datetime import UTC, datetime
from typing import Any

from sensors.ingest.batch import Message
from sensors.ingest.decoders import json_values
from sensors.observations.columns import microseconds

# The topic of what cannot be told to be of any device: it stays in quarantine.
NOBODY_S = "http/hooks"


def message_of_the_things_stack(body: bytes) -> Message | None:
    """An uplink of The Things Stack's webhooks; None for an event that carries no reading (a join, an acknowledged downlink).

    Source: The Things Stack documentation, "Webhooks" and "MQTT Server": the body is the same on both ways.
    """
    match _parsed(body):
        case {
            "end_device_ids": {"device_id": str(device), "application_ids": {"application_id": str(application)}}
        } as event:
            if "uplink_message" not in event:
                return None
            tenant = _tenant(event["uplink_message"])
            owner = f"{application}@{tenant}" if tenant else application
            return _message(body, "v3", owner, "devices", device, "up")
    return _message(body, NOBODY_S)


def message_of_chirpstack(body: bytes, event: str) -> Message | None:
    """An uplink of ChirpStack's HTTP integration; None for an event that carries no reading. The address names the event.

    Source: ChirpStack documentation, "HTTP" and "MQTT" of the integrations.
    """
    if event != "up":
        return None
    match _parsed(body):
        case {"deviceInfo": {"applicationId": str(application), "devEui": str(device)}}:
            return _message(body, "application", application, "device", device, "event", "up")
    return _message(body, NOBODY_S)


def _parsed(body: bytes) -> Any:
    try:
        return json_values.parse(body)
    except json_values.BadJson:
        return None


def _tenant(uplink: Any) -> str:
    match uplink:
        case {"network_ids": {"tenant_id": str(tenant)}}:
            return tenant
    return ""


def _message(body: bytes, *levels: str) -> Message:
    is_topic = len(levels) == 1 or all(level and not set(level) & set("/+#\0") for level in levels)
    return Message("/".join(levels) if is_topic else NOBODY_S, body, microseconds(datetime.now(UTC)))

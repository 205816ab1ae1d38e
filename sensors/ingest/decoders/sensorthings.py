"""Observations of OGC SensorThings 1.1 over MQTT: published to `v1.1/Datastreams(n)/Observations`.

Source: OGC 18-088, requirement class "create observations via MQTT"; a time may be an interval in ISO 8601.
"""

from datetime import datetime
from typing import Any

from sensors.ingest.decoders.measurements import Levels, Measurement, Payload, members_of
from sensors.ingest.decoders.said import Unreadable, parse_json
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.ingest.reasons import Reason


def decode_sensorthings(payload: bytes, levels: Levels) -> Payload:
    """One observation. Of an interval the start counts, so that the mean of an hour lies in that hour."""
    observation = members_of(parse_json(payload), "an observation")
    if "result" not in observation:
        raise Unreadable(Reason.BAD_PAYLOAD, "an observation has a result")
    return [Measurement("result", observation["result"], _start_of(observation.get("phenomenonTime")))]


def _start_of(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_time(value.split("/")[0] if isinstance(value, str) else value)
    except BadTime as why:
        raise Unreadable(Reason.BAD_TIME, f"phenomenonTime: {why}") from None

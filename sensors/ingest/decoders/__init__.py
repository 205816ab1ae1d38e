"""From a topic and the bytes of a payload to readings. Pure: no clock, no setting, no database."""

from collections.abc import Callable

from sensors.ingest.decoders.decoder import Decoder
from sensors.ingest.decoders.native import decode_native
from sensors.ingest.decoders.said import MAX_PAYLOAD_BYTES, MAX_READINGS, Decoded, Reading, Rejection

Decode = Callable[[str, bytes], Decoded]

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "MAX_READINGS",
    "Decode",
    "Decoded",
    "Decoder",
    "Reading",
    "Rejection",
    "decode_native",
]

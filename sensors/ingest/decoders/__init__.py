"""From a topic and the bytes of a payload to readings. Pure: no clock, no setting, no database."""

from sensors.ingest.decoders.message import MAX_PAYLOAD_BYTES, MAX_READINGS, Decoded, Reading, Rejection, decode

__all__ = ["MAX_PAYLOAD_BYTES", "MAX_READINGS", "Decoded", "Reading", "Rejection", "decode"]

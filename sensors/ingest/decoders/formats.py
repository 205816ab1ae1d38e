"""The formats that a topic rule may name."""

from typing import NamedTuple

from sensors.ingest.decoders.chirpstack import decode_chirpstack
from sensors.ingest.decoders.csv_lines import decode_csv_lines
from sensors.ingest.decoders.measurements import FormatDecoder
from sensors.ingest.decoders.senml import decode_senml_cbor, decode_senml_json
from sensors.ingest.decoders.sensorthings import decode_sensorthings
from sensors.ingest.decoders.the_things_stack import decode_the_things_stack
from sensors.ingest.decoders.zigbee2mqtt import decode_zigbee2mqtt


class Format(NamedTuple):
    """A format by its name in rules, what it is called, and what reads it."""

    name: str
    title: str
    decode: FormatDecoder


FORMATS = {
    each.name: each
    for each in (
        Format("senml", "SenML, JSON (RFC 8428)", decode_senml_json),
        Format("senml-cbor", "SenML, CBOR (RFC 8428)", decode_senml_cbor),
        Format("the-things-stack", "The Things Stack v3", decode_the_things_stack),
        Format("chirpstack", "ChirpStack v4", decode_chirpstack),
        Format("zigbee2mqtt", "Zigbee2MQTT", decode_zigbee2mqtt),
        Format("sensorthings", "OGC SensorThings 1.1", decode_sensorthings),
        Format("csv", "CSV", decode_csv_lines),
    )
}

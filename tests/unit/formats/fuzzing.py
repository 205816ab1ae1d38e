"""Coverage-guided fuzzing of the decoders: `python -m tests.unit.formats.fuzzing CORPUS -runs=20000`, libFuzzer's options after it.

The first byte chooses the format. What is asked of each: no exception, nothing but finite numbers, and of what is rejected,
that it is read without an exception when it is fed again.
"""

import math
import sys

import atheris

with atheris.instrument_imports(include=["sensors.ingest.decoders"]):
    from sensors.ingest.decoders import Decoder
    from sensors.ingest.decoders.rules import Meaning, Rule

MEANINGS = {"t": Meaning("temperature", "Cel"), "r": Meaning("rain", "mm", is_zero_if_absent=True)}
FORMATS = ("senml", "senml-cbor", "the-things-stack", "chirpstack", "zigbee2mqtt", "sensorthings", "csv")
DECODER = Decoder([Rule(f"{name}/{{device}}", name, meanings=MEANINGS) for name in FORMATS]).read
TOPICS = [f"{name}/a" for name in FORMATS] + ["sensors/a", "sensors/a/t"]


def check(data: bytes) -> None:
    """One input. Errors: whatever a decoder raises, AssertionError for a result that cannot be."""
    if not data:
        return
    decoded = DECODER(TOPICS[data[0] % len(TOPICS)], data[1:])
    assert all(math.isfinite(reading.result) and reading.ago_us >= 0 for reading in decoded.readings)
    for rejection in decoded.rejections:
        DECODER(rejection.topic, rejection.payload)
    for reading in decoded.readings:
        reading.payload()


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()

"""Messages of a few kilobytes that are meant to stop whoever reads them: each is one rejection, and of a size like its own."""

import json

import cbor2
import pytest

from sensors.ingest.decoders import Decoded, Decoder
from sensors.ingest.decoders.formats import FORMATS, Format
from sensors.ingest.decoders.rules import Rule
from sensors.ingest.reasons import Reason

DECODER = Decoder([Rule(f"sensors/{{device}}/{name}", name) for name in ("senml", "senml-cbor", "csv", "zigbee2mqtt")])
# A whole number of 40,000 bits, whose digits Python refuses to write.
BIGNUM = b"\xc2\x59\x13\x88" + b"\xff" * 5000
LONG = "x" * 20_000


def read(topic: str, payload: bytes) -> Decoded:
    return DECODER.read(f"sensors/a/{topic}", payload)


def kept_bytes(decoded: Decoded) -> int:
    return sum(len(each.payload) + len(each.topic) for each in decoded.rejections) + sum(
        len(each.topic()) for each in decoded.readings
    )


@pytest.mark.parametrize("record", [b"\xa1\x20" + BIGNUM, b"\xa1" + BIGNUM + b"\x01"], ids=["version", "key"])
def test_cbor_number_too_long_to_be_written_is_rejected(record: bytes) -> None:
    (rejection,) = read("senml-cbor", b"\x81" + record).rejections
    assert (rejection.reason, rejection.detail) == (
        Reason.BAD_PAYLOAD,
        "no CBOR: error decoding semantic tag 2",
    )


def test_cbor_key_of_values_shared_forty_times_over_is_rejected_before_it_is_hashed() -> None:
    # RFC 8949 leaves tags 28 and 29 to a registry: each array holds the next one twice, so that the outermost has 2^40 leaves.
    key = b"\xd8\x1c\x80"
    for depth in reversed(range(40)):
        key = b"\xd8\x1c\x82" + key + b"\xd8\x1d\x18" + bytes([depth + 1])
    (rejection,) = read("senml-cbor", b"\x81\xa1" + key + b"\x01").rejections
    assert rejection.reason is Reason.BAD_PAYLOAD


def test_decimal_fraction_of_cbor_is_a_number() -> None:
    # RFC 8949, 3.4.4: 273.15 is [-2, 27315].
    pack = cbor2.dumps([{0: "t", 2: cbor2.CBORTag(4, [-2, 27315])}])
    (reading,) = read("senml-cbor", pack).readings
    assert reading.result == 273.15


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("senml", json.dumps([{"bn": LONG, "n": "t", "v": "?"}] + [{"n": "t", "v": "?"}] * 1000).encode()),
        ("senml", json.dumps([{"bu": LONG, "n": "t", "v": "?"}] + [{"n": "t", "v": "?"}] * 1000).encode()),
        ("senml", json.dumps([{"bn": "a:" + LONG, "n": "t", "v": 1}] + [{"n": "t", "v": 1}] * 1000).encode()),
        ("csv", f"time,{LONG}\n".encode() + b"?,1\n" * 1000),
        ("csv", f"time,{LONG}\n".encode() + b"2026-02-01T00:00:00Z,1\n" * 1000),
        ("csv", b"time" + b"".join(b",%0200d" % n for n in range(100)) + b"\n" + b"?,1\n" * 1000),
        ("zigbee2mqtt", json.dumps({LONG: {str(n): n for n in range(1000)}}).encode()),
        (
            "",
            json.dumps(
                {
                    "phenomenon_time": f"2026-02-01T00:00:00.{'0' * 20_000}Z",
                    "results": {str(n): "?" for n in range(1000)},
                }
            ).encode(),
        ),
    ],
    ids=["base name", "base unit", "device", "header of bad lines", "header", "many columns", "path", "time"],
)
def test_what_thousands_of_values_share_is_not_kept_a_thousand_times(topic: str, payload: bytes) -> None:
    decoded = DECODER.read(f"sensors/a/{topic}".rstrip("/"), payload)
    assert 0 < kept_bytes(decoded) < 2_000_000  # 20 MB, each of them, where it is repeated


def test_decoder_that_fails_leaves_the_message_in_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(payload: bytes, levels: object) -> list[object]:
        raise ZeroDivisionError

    monkeypatch.setitem(FORMATS, "senml", Format("senml", "SenML", fail))  # type: ignore[arg-type]
    (rejection,) = DECODER("sensors/a/senml", b"[]").rejections
    assert (rejection.reason, rejection.payload) == (Reason.BAD_PAYLOAD, b"[]")
    assert rejection.detail == "its decoder failed; the log tells how"

"""Lines of CSV, and observations of SensorThings over MQTT."""

from datetime import UTC, datetime

import pytest

from sensors.ingest.decoders import Decoded, Decoder
from sensors.ingest.decoders.rules import Rule
from sensors.ingest.reasons import Reason

DECODER = Decoder(
    [Rule("sensors/{device}/csv", "csv"), Rule("v1.1/Datastreams({datastream})/Observations", "sensorthings")]
)
MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)


def lines(text: str) -> Decoded:
    return DECODER("sensors/p2c/csv", text.encode())


def said(decoded: Decoded) -> list[tuple[str, float, datetime | None]]:
    return [(each.observed_property, each.result, each.phenomenon_time) for each in decoded.readings]


def reasons(decoded: Decoded) -> list[Reason]:
    return [rejection.reason for rejection in decoded.rejections]


def test_columns_are_properties_and_an_empty_field_is_none() -> None:
    decoded = lines("time,water_level,rain\r\n2026-02-01T00:00:00Z,312,0.2\r\n2026-02-01T00:10:00Z,315,\r\n")
    ten_past = datetime(2026, 2, 1, 0, 10, tzinfo=UTC)
    assert said(decoded) == [
        ("water_level", 312.0, MIDNIGHT),
        ("rain", 0.2, MIDNIGHT),
        ("water_level", 315.0, ten_past),
    ]


def test_line_for_each_value_with_semicolons_and_decimal_commas() -> None:
    decoded = lines("property;result;time;unit\nwater_level;312,5;2026-02-01T07:00:00+07:00;cm\n")
    assert said(decoded) == [("water_level", 312.5, MIDNIGHT)]
    assert decoded.readings[0].unit == "cm"


def test_time_may_be_a_number_or_left_out() -> None:
    assert said(lines("time\train\n1769904000\t1\n")) == [("rain", 1.0, MIDNIGHT)]
    assert said(lines("rain\n1\n")) == [("rain", 1.0, None)]


def test_line_that_cannot_be_read_is_rejected_alone_with_its_header() -> None:
    decoded = lines("time,rain\nyesterday,1\n2026-02-01T00:00:00Z,2\n")
    (rejection,) = decoded.rejections
    assert (rejection.reason, rejection.payload) == (Reason.BAD_TIME, b"time,rain\nyesterday,1\n")
    assert said(decoded) == [("rain", 2.0, MIDNIGHT)]
    assert DECODER(rejection.topic, rejection.payload).rejections == (rejection,)


@pytest.mark.parametrize("field", ["nan", "inf", "1_000", "\u0661", "12x", "--1", "."])
def test_field_that_is_no_plain_number_is_rejected(field: str) -> None:
    assert reasons(lines(f"rain\n{field}\n")) == [Reason.NOT_A_NUMBER]


def test_number_beyond_all_bounds_is_rejected() -> None:
    assert reasons(lines("rain\n1e999\n")) == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize("text", ["", "rain", "rain,rain\n1,2\n", ",rain\n1,2\n", "rain\n\0\n", 'a\n"x'])
def test_text_of_another_shape_is_rejected_whole(text: str) -> None:
    assert reasons(lines(text)) == [Reason.BAD_PAYLOAD]


def test_line_with_more_fields_than_columns_is_rejected_alone() -> None:
    assert reasons(lines("rain\n1,2\n3\n")) == [Reason.BAD_PAYLOAD]


def observation(payload: bytes) -> Decoded:
    return DECODER("v1.1/Datastreams(12)/Observations", payload)


def test_observation_is_of_the_datastream_that_its_topic_numbers() -> None:
    (reading,) = observation(b'{"result": 3.5, "phenomenonTime": "2026-02-01T07:00:00+07:00"}').readings
    assert (reading.thing, reading.observed_property) == ("@datastreams", "12")
    assert (reading.result, reading.phenomenon_time) == (3.5, MIDNIGHT)


def test_observation_of_an_interval_is_of_its_start() -> None:
    (reading,) = observation(b'{"result": 1, "phenomenonTime": "2026-02-01T00:00:00Z/2026-02-01T01:00:00Z"}').readings
    assert reading.phenomenon_time == MIDNIGHT


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{}", Reason.BAD_PAYLOAD),
        (b"3", Reason.BAD_PAYLOAD),
        (b'{"result": "high"}', Reason.NOT_A_NUMBER),
        (b'{"result": 1, "phenomenonTime": "now"}', Reason.BAD_TIME),
    ],
)
def test_observation_that_cannot_be_stored_says_why(payload: bytes, reason: Reason) -> None:
    assert reasons(observation(payload)) == [reason]

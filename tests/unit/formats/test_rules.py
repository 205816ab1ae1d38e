"""Topic rules: which messages they take, and what is refused in them."""

import pytest

from sensors.ingest.decoders import Decoder
from sensors.ingest.decoders.decoder import slug_of
from sensors.ingest.decoders.rules import BadRule, Meaning, Rule, read_meanings


def test_named_parts_become_single_levels_of_the_filter() -> None:
    assert Rule("v3/{application}/devices/{device}/up", "csv").topic_filter() == "v3/+/devices/+/up"
    assert Rule("v1.1/Datastreams({datastream})/Observations", "csv").topic_filter() == "v1.1/+/Observations"


def test_part_reaches_no_further_than_its_level() -> None:
    expression = Rule("a/{device}/b", "csv").expression()
    assert expression.fullmatch("a/x/b")
    assert not expression.fullmatch("a/x/y/b")
    assert not expression.fullmatch("a//b")


def test_dot_and_parentheses_of_a_pattern_mean_themselves() -> None:
    expression = Rule("v1.1/Datastreams({datastream})/Observations", "csv").expression()
    assert expression.fullmatch("v1.1/Datastreams(5)/Observations")["datastream"] == "5"  # type: ignore[index]
    assert not expression.fullmatch("v1x1/Datastreams(5)/Observations")


@pytest.mark.parametrize("pattern", ["", "a/#", "a/+/b", "{device}/{device}", "a/{Device}", "a/{", "$SYS/{device}"])
def test_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(BadRule):
        Rule(pattern, "csv").expression()


def test_first_rule_that_fits_is_taken_and_what_fits_none_is_read_as_native() -> None:
    decoder = Decoder([Rule("sensors/{device}/csv", "csv"), Rule("sensors/{device}/{property}", "zigbee2mqtt")])
    assert decoder("sensors/a/csv", b"rain\n1\n").readings[0].observed_property == "rain"
    assert decoder("sensors/a/state", b'{"x": 2}').readings[0].observed_property == "state"
    assert decoder("sensors/a", b'{"results": {"rain": 3}}').readings[0].result == 3.0


def test_meanings_are_read_from_json() -> None:
    assert read_meanings({"t": "air_temperature", "r": {"property": "rain", "unit": "mm", "zero_if_absent": True}}) == {
        "t": Meaning("air_temperature"),
        "r": Meaning("rain", "mm", is_zero_if_absent=True),
    }


@pytest.mark.parametrize(
    "value", [[], {"t": 5}, {"t": {}}, {"t": {"property": "x", "units": "mm"}}, {"t": {"property": "x", "unit": 5}}]
)
def test_meanings_of_another_shape_are_refused(value: object) -> None:
    with pytest.raises(BadRule):
        read_meanings(value)


def test_device_s_own_name_becomes_a_slug() -> None:
    assert slug_of("0x00A1 Ruang Server/2") == "0x00a1-ruang-server-2"

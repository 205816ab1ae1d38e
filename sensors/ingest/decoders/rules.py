"""Which format a topic's messages have, and what their names mean here. Pure; the rules themselves are rows (ingest.models).

A pattern is a topic in which named parts stand in braces: `v3/{application}/devices/{device}/up`. A part reaches no further than
its level. `{device}` tells who publishes, `{datastream}` (a number) and `{property}` what is measured.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEVICE, DATASTREAM, PROPERTY = "device", "datastream", "property"
_PART = re.compile(r"\{([a-z_]+)\}")
_FILTER_LEVEL = re.compile(r"[^/]*\{[a-z_]+\}[^/]*")


class BadRule(ValueError):
    """A sentence on why a pattern or a mapping cannot be used."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a device's name for a value means: the observed property's code, the unit it is in ("": the datastream's own), and
    whether nothing under this name means zero, as where a codec leaves zeros out."""

    observed_property: str
    unit: str = ""
    is_zero_if_absent: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """How the messages of one pattern's topics are read.

    `thing` makes the thing's slug of the topic's parts: "ttn-{device}". `meanings` are by the device's name for a value; names
    that are not among them are taken for codes where `takes_others`, and let be where not.
    """

    pattern: str
    format: str
    thing: str = "{device}"
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    takes_others: bool = True

    def topic_filter(self) -> str:
        """The MQTT topic filter that brings at least the messages of this pattern."""
        return _FILTER_LEVEL.sub("+", self.pattern)

    def expression(self) -> re.Pattern[str]:
        """What matches this pattern's topics, with a group for each part. Errors: BadRule."""
        names = _PART.findall(self.pattern)
        if len(set(names)) != len(names):
            raise BadRule(f"{self.pattern!r} names a part twice")
        if (
            not self.pattern
            or any(sign in _PART.sub("", self.pattern) for sign in "{}#+\0")
            or self.pattern.startswith("$")
        ):
            raise BadRule(f"{self.pattern!r} is to be a topic with parts in braces, without # and +")
        pieces = _PART.split(self.pattern)
        literal = [re.escape(piece) for piece in pieces[::2]]
        groups = [f"(?P<{name}>[^/]+?)" for name in pieces[1::2]] + [""]
        return re.compile("".join(text + group for text, group in zip(literal, groups, strict=True)))

    def parts_of_thing(self) -> list[str]:
        return _PART.findall(self.thing)


def read_meanings(value: object) -> dict[str, Meaning]:
    """From JSON: `{"temperature": "air_temperature", "rain": {"property": "rain", "unit": "mm", "zero_if_absent": true}}`.

    Errors: BadRule.
    """
    if not isinstance(value, dict):
        raise BadRule("is to be an object: the device's name for a value, and what it means")
    return {str(name): _read_meaning(str(name), meant) for name, meant in value.items()}


def _read_meaning(name: str, meant: object) -> Meaning:
    if isinstance(meant, str):
        return Meaning(meant)
    if not isinstance(meant, dict) or not isinstance(meant.get("property"), str):
        raise BadRule(f"{name!r} is to mean a property's code, or an object with a property")
    if unknown := set(meant) - {"property", "unit", "zero_if_absent"}:
        raise BadRule(f"{name!r}: {min(map(str, unknown))!r} is none of property, unit, zero_if_absent")
    unit, is_zero = meant.get("unit", ""), meant.get("zero_if_absent", False)
    if not isinstance(unit, str) or not isinstance(is_zero, bool):
        raise BadRule(f"{name!r}: unit is a text, zero_if_absent true or false")
    return Meaning(meant["property"], unit, is_zero)

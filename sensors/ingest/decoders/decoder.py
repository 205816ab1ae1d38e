"""Any message to readings: by the first topic rule that fits, else as this service's own JSON."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sensors.ingest.decoders import json_values
from sensors.ingest.decoders.formats import FORMATS
from sensors.ingest.decoders.measurements import Faulty, Measurement
from sensors.ingest.decoders.native import decode_native
from sensors.ingest.decoders.rules import DATASTREAM, DEVICE, PROPERTY, Meaning, Rule
from sensors.ingest.decoders.said import Decoded, Reading, Rejection, Unreadable, number, refuse_larger
from sensors.ingest.reasons import Reason
from sensors.ingest.topics import DATASTREAMS, MAX_TOPIC_CHARACTERS, ROOT

logger = logging.getLogger(__name__)

MOST_REMEMBERED = 16_384
_NO_SLUG = re.compile(r"[^a-z0-9]+")
Fit = tuple[Rule, Mapping[str, str]]


class Decoder:
    """Called with a topic and a payload; pure but for its log, and it never raises. Rules are tried in their order."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._expressions = [(rule, rule.expression()) for rule in rules]
        self._fits: dict[str, Fit | None] = {}

    def __call__(self, topic: str, payload: bytes) -> Decoded:
        try:
            return self.read(topic, payload)
        except Exception:
            # Raised in the broker's thread it would end the worker, and the broker would bring the same message to the next one.
            logger.exception("a decoder failed over a message of %d bytes; it is in quarantine", len(payload))
            return Decoded(
                (), (Rejection(topic, payload, Reason.BAD_PAYLOAD, "its decoder failed; the log tells how"),)
            )

    def read(self, topic: str, payload: bytes) -> Decoded:
        """As a call, without the net: what a decoder raises beside Unreadable is an error of this service."""
        fit = self._fit(topic) if self._expressions else None
        if fit is None:
            return decode_native(topic, payload)
        rule, levels = fit
        try:
            refuse_larger(payload)
            said = FORMATS[rule.format].decode(payload, levels)
            return _Interpreted(rule, levels, topic, said).decoded()
        except Unreadable as why:
            thing = _thing_of(rule, levels, levels[DEVICE]) if DEVICE in levels else ""
            return Decoded((), (Rejection(topic, payload, why.reason, why.detail, thing),))

    def rule_of(self, topic: str) -> Rule | None:
        """By which rule a topic's messages are read; None where they are this service's own."""
        fit = self._fit(topic)
        return fit[0] if fit else None

    def _fit(self, topic: str) -> Fit | None:
        """The rule for a topic and the topic's parts. Remembered: a city has thousands of topics and millions of messages."""
        try:
            return self._fits[topic]
        except KeyError:
            pass
        fit = None
        if len(topic) <= MAX_TOPIC_CHARACTERS:
            tried = ((rule, expression.fullmatch(topic)) for rule, expression in self._expressions)
            fit = next(((rule, match.groupdict()) for rule, match in tried if match), None)
        if len(self._fits) >= MOST_REMEMBERED:
            self._fits.clear()
        self._fits[topic] = fit
        return fit


def slug_of(name: str) -> str:
    """A device's own name as a thing's slug: "0x00A1 Ruang Server" is 0x00a1-ruang-server."""
    return _NO_SLUG.sub("-", name.lower()).strip("-")


def _thing_of(rule: Rule, levels: Mapping[str, str], device: str) -> str:
    """A thing's slug by the rule, made of the topic's parts and of the device that has sent the message."""
    thing, parts = rule.thing, {**levels, DEVICE: device}
    for name in rule.parts_of_thing():
        thing = thing.replace("{" + name + "}", parts.get(name, ""))
    return slug_of(thing)


class _Interpreted:
    """One payload's measurements in this city's words."""

    def __init__(self, rule: Rule, levels: Mapping[str, str], topic: str, said: Sequence[Measurement | Faulty]) -> None:
        self._rule = rule
        self._levels = levels
        self._topic = topic
        self._said = said

    def decoded(self) -> Decoded:
        readings: list[Reading] = []
        rejections: list[Rejection] = []
        for each in (*self._said, *self._zeros()):
            if isinstance(each, Faulty):
                published_by = self._levels.get(DEVICE, "")
                thing = _thing_of(self._rule, self._levels, published_by) if published_by else ""
                rejections.append(Rejection(self._topic, each.payload, each.reason, each.detail, thing))
            elif (meaning := self._meaning(each.name)) is not None:
                thing = self._thing(each)
                try:
                    result = number(each.result)
                except Unreadable as why:
                    # Where nobody has named it, a text or a switch among a device's values is no measurement at all.
                    if each.name in self._rule.meanings or not self._is_of_many():
                        rejections.append(_as_native(thing, meaning.observed_property, each, why))
                    continue
                readings.append(
                    Reading(thing, meaning.observed_property, result, each.time, each.unit or meaning.unit, each.ago_us)
                )
        return Decoded(tuple(readings), tuple(rejections))

    def _is_of_many(self) -> bool:
        return len(self._said) > 1

    def _meaning(self, name: str) -> Meaning | None:
        """What is measured: what the rule says, else what the topic says, else the device's own name for it."""
        if (meaning := self._rule.meanings.get(name)) is not None:
            return meaning
        if (datastream := self._levels.get(DATASTREAM)) is not None:
            return Meaning(datastream)
        if (named := self._levels.get(PROPERTY)) is not None:
            return Meaning(named)
        return Meaning(name) if self._rule.takes_others else None

    def _thing(self, measurement: Measurement) -> str:
        if DATASTREAM in self._levels:
            return DATASTREAMS
        published_by, claimed = self._levels.get(DEVICE, ""), measurement.device
        if published_by and claimed and slug_of(published_by) != slug_of(claimed):
            raise Unreadable(
                Reason.FOREIGN_IDENTITY, f"the payload is of {claimed[:64]!r}, its topic of {published_by[:64]!r}"
            )
        if not (published_by or claimed):
            raise Unreadable(Reason.BAD_PAYLOAD, "neither topic nor payload names a device")
        return _thing_of(self._rule, self._levels, published_by or claimed)

    def _zeros(self) -> Iterator[Measurement]:
        """What was left out for being zero, at the time and of the device of what was not."""
        said = [each for each in self._said if isinstance(each, Measurement)]
        named = {each.name for each in said}
        like = said[0] if said else Measurement("", 0.0)
        for name, meaning in self._rule.meanings.items():
            if meaning.is_zero_if_absent and name not in named:
                yield Measurement(name, 0.0, like.time, "", like.device, like.ago_us)


def _as_native(thing: str, observed_property: str, measurement: Measurement, why: Unreadable) -> Rejection:
    """One value that cannot be read, as this service's own message of it alone."""
    time: datetime | None = measurement.time
    members = {"phenomenon_time": time.isoformat()} if time is not None else {}
    payload = json_values.serialise({**members, "results": {observed_property: measurement.result}})
    return Rejection(f"{ROOT}/{thing}", payload, why.reason, why.detail)

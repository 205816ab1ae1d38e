"""The topics that devices publish on: `sensors/{thing}/{observed_property}` and `sensors/{thing}`."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

ROOT = "sensors"
# In the place of a thing where a message names a datastream by its number; no slug has an @.
DATASTREAMS = "@datastreams"
EVERYTHING = f"{ROOT}/#"
SHARE_GROUP = "pantau"
# Mosquitto takes topics up to 65,535 bytes; slugs and codes have at most 64 characters each.
MAX_TOPIC_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Topic:
    """Of which thing a message speaks, and of which property: None when the payload names several."""

    thing: str
    observed_property: str | None


# A city has thousands of topics and millions of messages.
@lru_cache(maxsize=16_384)
def parse_topic(topic: str) -> Topic | None:
    """The parts of a topic; None when it is neither of the two forms."""
    if len(topic) > MAX_TOPIC_CHARACTERS:
        return None
    match topic.split("/"):
        case [root, thing, observed_property] if root == ROOT and thing and observed_property:
            return Topic(thing, observed_property)
        case [root, thing] if root == ROOT and thing:
            return Topic(thing, None)
    return None


def format_topic(thing: str, observed_property: str) -> str:
    return f"{ROOT}/{thing}/{observed_property}"


def topic_filter(slot: int, wanted: str = EVERYTHING) -> str:
    """What a worker subscribes to. Slot 0 works alone; slots from 1 share the load by MQTT 5's shared subscription."""
    return f"$share/{SHARE_GROUP}/{wanted}" if slot else wanted


def filters_besides(slot: int, of_rules: Iterable[str]) -> tuple[str, ...]:
    """What the topic rules ask for that does not come with the service's own topics."""
    return tuple(topic_filter(slot, each) for each in sorted(set(of_rules)) if not each.startswith(f"{ROOT}/"))

"""Ids of entities, as they stand in URLs, in filters and in JSON.

Most are whole numbers. An observation is known by its datastream and its time: `'12-1772341200000000'`, the datastream and the
microseconds since 1970; a text, since numbers of that size lose digits in clients that read them as 32 bits or as floats.
A feature of interest that is a place of a thing has the location's id, one that a client gave itself a negative number.
"""

import re
from datetime import datetime
from typing import NamedTuple

from sensors.observations.columns import time_at
from sensors.sensorthings.entities import ENTITY_TYPES, EntityType

_OBSERVATIONS = ENTITY_TYPES["Observations"]
_WHOLE = re.compile(r"-?\d{1,18}")
_OBSERVATION = re.compile(r"(\d{1,18})-(-?\d{1,18})")


class ObservationId(NamedTuple):
    datastream_id: int
    phenomenon_time: datetime


def parse_id(entity: EntityType, text: str) -> tuple[int] | ObservationId | None:
    """The values of the entity's columns, with or without quotes around; None for what is no id of such an entity."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        text = text[1:-1]
    if entity is not _OBSERVATIONS:
        return (int(text),) if _WHOLE.fullmatch(text) else None
    found = _OBSERVATION.fullmatch(text)
    if not found:
        return None
    try:
        return ObservationId(int(found[1]), time_at(int(found[2])))
    except OverflowError:
        return None


def key_text(entity: EntityType, id_text: str) -> str:
    """The id as it stands between the parentheses of a URL."""
    return f"'{id_text}'" if entity is _OBSERVATIONS else id_text

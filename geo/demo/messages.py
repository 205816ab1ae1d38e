"""What simulated things publish, and when: pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from geo.demo.city_model import AMOUNTS_PER_CELL, CityModel, Stream
from geo.demo.noise import Integers, key_of

DAY_S = 86_400
# A back-fill needs no more than this of a level; a live thing sends at its own interval.
COARSE_STEP_S = 1_800


@dataclass(frozen=True, slots=True)
class Feed:
    """A simulated thing and what it measures at one interval."""

    thing: str
    interval_s: int
    datastream_ids: tuple[int, ...]
    streams: tuple[Stream, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """A thing's results at one time (epoch seconds)."""

    time: int
    results: tuple[tuple[str, float], ...]


def times_between(feed: Feed, after: int, until: int, step_s: int, *, utc_offset_h: int) -> Integers:
    """The feed's times in (after, until]: each thing has its own beat, so that they do not all speak at once.

    What is counted by the day carries the time at which the day begins in the city.
    """
    if feed.interval_s >= DAY_S:
        step_s, beat = feed.interval_s, -utc_offset_h * 3600
    else:
        # The beat is a whole number of minutes, and the same for the coarse step as for the feed's own.
        beat = key_of("beat", feed.thing) % max(feed.interval_s // 60, 1) * 60
    first = after + 1 + (beat - after - 1) % step_s
    return np.arange(first, until + 1, step_s, dtype=np.int64)


def step_of_the_past(feed: Feed) -> int:
    """How finely a feed is back-filled. Amounts (rain, vehicles) at its own interval: with gaps their sums would be too small.

    A result depends on its time alone, never on the step: whoever publishes it, and however often, it is the same.
    """
    has_amounts = any(stream.observed_property in AMOUNTS_PER_CELL for stream in feed.streams)
    return feed.interval_s if has_amounts else max(COARSE_STEP_S, feed.interval_s)


def samples(model: CityModel, feed: Feed, times: Integers) -> list[Sample]:
    """The feed's results at these times; amounts are those of the feed's interval that begins there."""
    if len(times) == 0:
        return []
    codes = [stream.observed_property for stream in feed.streams]
    columns = [model.sample(stream, times, feed.interval_s).tolist() for stream in feed.streams]
    return [
        Sample(time, tuple(zip(codes, row, strict=True)))
        for time, row in zip(times.tolist(), zip(*columns, strict=True), strict=True)
    ]


def topic_of(feed: Feed) -> str:
    return f"sensors/{feed.thing}"


def payload_of(some: list[Sample]) -> bytes:
    """One message for one sample or for several: the multi-result form, in an array where there are more."""
    told = [
        {
            "phenomenon_time": datetime.fromtimestamp(sample.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "results": dict(sample.results),
        }
        for sample in some
    ]
    return json.dumps(told[0] if len(told) == 1 else told, separators=(",", ":")).encode()


def by_day(some: list[Sample]) -> Iterator[list[Sample]]:
    """The samples in bundles of a day (UTC), in order."""
    bundle: list[Sample] = []
    for sample in some:
        if bundle and bundle[0].time // DAY_S != sample.time // DAY_S:
            yield bundle
            bundle = []
        bundle.append(sample)
    if bundle:
        yield bundle

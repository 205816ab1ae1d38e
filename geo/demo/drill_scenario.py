"""What a drill plays: readings and reports by the hour of the scenario, read from a file; pure.

The file (fixtures/<city>/drills/<name>.json) has `hours`, `step_s`, the `mark` of what is played, `series` of (hour, value) for
observed properties of things, and `reports`: how many of which category, from when to when, around which place. Between its
points a series is straight; a seed adds a little noise, so that no two drills are the same.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geo.demo.noise import gaussian, key_of, uniform

HOUR_S = 3600
METRES_PER_DEGREE = 111_320.0
# Of a level in its unit; of rain and discharge as a share of the value.
LEVEL_NOISE, SHARE_NOISE = 2.0, 0.05
LEVELS = frozenset({"river_level"})
# What was measured before is not looked at any more by the rules of alerts: see geo.operations.alerts.evaluation.
LONGEST_H = 23.0


class BadScenario(ValueError):
    """A sentence on what is wrong with a scenario's file."""


@dataclass(frozen=True, slots=True)
class Series:
    """What a thing measures of a property: hours since the start (ascending) and the values there."""

    thing: str
    observed_property: str
    hours: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Burst:
    """Reports of one category from around one place."""

    place: str
    lon: float
    lat: float
    spread_m: float
    category: str
    from_h: float
    to_h: float
    count: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    city: str
    title: str
    hours: float
    step_s: int
    mark: str
    series: tuple[Series, ...]
    bursts: tuple[Burst, ...]

    @property
    def measured(self) -> dict[str, set[str]]:
        """Slug of a thing -> the observed properties that are played."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.series:
            found[one.thing].add(one.observed_property)
        return dict(found)


@dataclass(frozen=True, slots=True)
class Sounding:
    """What a thing measures at a second of the scenario."""

    at_s: int
    thing: str
    results: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a citizen reports at a second of the scenario."""

    at_s: int
    number: str
    category: str
    text: str
    lon: float
    lat: float


Event = Sounding | Said


def read_scenario(path: Path) -> Scenario:
    """Errors: BadScenario, with what is wrong in which file."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        found = Scenario(
            name=given["name"],
            city=given["city"],
            title=given["title"],
            hours=float(given["hours"]),
            step_s=int(given["step_s"]),
            mark=given["mark"],
            series=tuple(_series(one) for one in given["series"]),
            bursts=tuple(_burst(one) for one in given["reports"]),
        )
    except FileNotFoundError:
        raise BadScenario(f"there is no scenario {path.stem!r}: {path} is not there") from None
    except KeyError as error:
        raise BadScenario(f"{path}: {error} is missing") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise BadScenario(f"{path}: {error}") from None
    if not 0 < found.hours <= LONGEST_H or found.step_s < 60 or not found.series:
        raise BadScenario(f"{path}: needed are hours up to {LONGEST_H:g}, a step from 60 s, and a series")
    return found


def _series(given: Mapping[str, Any]) -> Series:
    hours, values = zip(*((float(hour), float(value)) for hour, value in given["values"]), strict=True)
    if list(hours) != sorted(set(hours)):
        raise ValueError(f"the hours of {given['thing']}/{given['property']} do not ascend")
    return Series(given["thing"], given["property"], hours, values)


def _burst(given: Mapping[str, Any]) -> Burst:
    burst = Burst(**{**given, "texts": tuple(given["texts"])})
    if not burst.texts or burst.from_h >= burst.to_h:
        raise ValueError(f"the reports of {burst.place} need texts, and to end after they begin")
    return burst


def timeline(scenario: Scenario, *, seed: int, hours: float) -> list[Event]:
    """All that happens in the first `hours`, in order: the same for the same seed, whenever it is asked."""
    end_s = int(hours * HOUR_S)
    events: list[Event] = [*_soundings(scenario, seed, end_s), *_said(scenario, seed, end_s)]
    return sorted(events, key=lambda event: event.at_s)


def _soundings(scenario: Scenario, seed: int, end_s: int) -> list[Sounding]:
    times = np.arange(0, end_s + 1, scenario.step_s, dtype=np.int64)
    results: dict[tuple[int, str], list[tuple[str, float]]] = defaultdict(list)
    for one in scenario.series:
        values = np.interp(times / HOUR_S, one.hours, one.values)
        noise = gaussian(key_of(seed, one.thing, one.observed_property), times)
        if one.observed_property in LEVELS:
            values = values + LEVEL_NOISE * noise
        else:
            values = values * (1 + SHARE_NOISE * noise)
        for at_s, value in zip(times.tolist(), np.round(np.maximum(values, 0.0), 1).tolist(), strict=True):
            results[at_s, one.thing].append((one.observed_property, value))
    return [Sounding(at_s, thing, tuple(sorted(some))) for (at_s, thing), some in results.items()]


def _said(scenario: Scenario, seed: int, end_s: int) -> list[Said]:
    found = []
    for n, burst in enumerate(scenario.bursts):
        key = key_of(seed, "reports", n)
        draws = uniform(key, np.arange(2 * burst.count))
        steps = burst.spread_m * gaussian(key_of(key, "place"), np.arange(2 * burst.count)).reshape(-1, 2)
        for i in range(burst.count):
            at_s = int((burst.from_h + float(draws[i]) * (burst.to_h - burst.from_h)) * HOUR_S)
            if at_s > end_s:
                continue
            text = burst.texts[int(draws[burst.count + i] * len(burst.texts))]
            east, north = (float(step) for step in steps[i])
            found.append(
                Said(
                    at_s=at_s,
                    number=f"{scenario.name}-{seed}-{n}-{i}",
                    category=burst.category,
                    text=f"{scenario.mark} {text.format(place=burst.place.split(',')[0])}",
                    lon=round(burst.lon + east / (METRES_PER_DEGREE * float(np.cos(np.radians(burst.lat)))), 6),
                    lat=round(burst.lat + north / METRES_PER_DEGREE, 6),
                )
            )
    return found

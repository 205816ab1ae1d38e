"""The limits that readings are held against, beside ISPU: rain classes, noise by use of the land, alert levels of authorities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

RAIN_SOURCE = "BMKG"
RAIN_UNIT = "mm"
# Upper bounds of a day's rain in mm; the bound belongs to the class below it. Less than 0.5 mm is cloudy.
RAIN_CLASSES: Sequence[tuple[str, float]] = (
    ("light", 20.0),
    ("moderate", 50.0),
    ("heavy", 100.0),
    ("very_heavy", 150.0),
    ("extreme", float("inf")),
)
RAIN_FROM = 0.5

NOISE_SOURCE = "Kep-48/MENLH/11/1996"
NOISE_UNIT = "dB[SPL]"
# dB(A) by use of the land.
NOISE_LIMITS: Mapping[str, float] = {
    "housing": 55.0,
    "trade_and_services": 70.0,
    "offices": 65.0,
    "green_space": 50.0,
    "industry": 70.0,
    "government_and_public_facilities": 60.0,
    "recreation": 70.0,
    "harbour": 70.0,
    "heritage": 60.0,
    "hospital": 55.0,
    "school": 55.0,
    "worship": 55.0,
}


@dataclass(frozen=True, slots=True)
class AlertLevel:
    name: str
    at_least: float


@dataclass(frozen=True, slots=True)
class AlertTable:
    """One authority's levels of one observed property at a thing, the lowest first."""

    authority: str
    observed_property: str
    unit: str
    source: str | None
    levels: tuple[AlertLevel, ...]

    def level_of(self, value: float) -> AlertLevel | None:
        """The highest level that the value reaches; None below all of them."""
        return next((level for level in reversed(self.levels) if value >= level.at_least), None)


def rain_class(millimetres: float) -> str:
    """The class of a day's rain.

    Errors: ValueError on what is negative or not a number.
    Source: BMKG, as published by Tempo: 0 cloudy, 0.5 to 20 light, to 50 moderate, to 100 heavy, to 150 very heavy, above extreme.
    """
    if not isfinite(millimetres) or millimetres < 0:
        raise ValueError(f"millimetres must be a number from 0 on, not {millimetres}")
    if millimetres < RAIN_FROM:
        return "cloudy"
    return next(name for name, upper in RAIN_CLASSES if millimetres <= upper)


def read_alert_tables(properties: Mapping[str, Any]) -> list[AlertTable]:
    """The alert levels that are configured on a thing, in its properties under `alert_levels`:

    [{"authority": "…", "observed_property": "river_level", "unit": "cm", "source": "…",
      "levels": [{"name": "…", "from": 351}, …]}]

    Errors: ValueError where that is not what stands there.
    """
    try:
        return [_read_table(entry) for entry in properties.get("alert_levels", [])]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"alert_levels: {error}") from None


def _read_table(entry: Mapping[str, Any]) -> AlertTable:
    levels = sorted(_read_levels(entry["levels"]), key=lambda level: level.at_least)
    if not levels:
        raise ValueError("alert_levels: a table without levels")
    source = entry.get("source")
    return AlertTable(
        authority=str(entry["authority"]),
        observed_property=str(entry["observed_property"]),
        unit=str(entry["unit"]),
        source=None if source is None else str(source),
        levels=tuple(levels),
    )


def _read_levels(levels: Iterable[Mapping[str, Any]]) -> Iterable[AlertLevel]:
    for level in levels:
        at_least = float(level["from"])
        if not isfinite(at_least):
            raise ValueError("alert_levels: from must be finite")
        yield AlertLevel(str(level["name"]), at_least)

"""What is computed from the hours of a thing's datastreams, and how. Pure.

A derived value stands at the end of an hour and is of the 24 hours up to it. It is there where that hour itself was measured:
so it falls silent with its thing, and is the same whenever, and in whatever order, it is computed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from sensors.derived import ispu

HOURS = 24
# Of a 24-hour mean.
LEAST_HOURS = 18


@dataclass(frozen=True, slots=True)
class Window:
    """24 hours of one input: how many of them were measured, the mean of their means, and the sum of their values."""

    hours: int
    mean: float
    sum: float


Windows = Mapping[str, Window]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A property that is computed from others of the same thing; its code is that of its observed property.

    `compute` takes the windows of those inputs that have any hour, by their codes; None where they are too few to tell.
    """

    code: str
    name_id: str
    name_en: str
    definition: str
    aggregate: str
    unit_ucum: str
    unit_name: str
    inputs: tuple[str, ...]
    input_unit: str
    compute: Callable[[Windows], float | None]


def derivations(*, ispu_top: int) -> tuple[Derivation, ...]:
    """All there are. `ispu_top`: the index at the last bound of the ISPU table, 400 or 500."""
    pollutants = tuple(ispu.CONCENTRATIONS)
    return (
        Derivation(
            code="ispu",
            name_id="ISPU",
            name_en="Air pollution index (ISPU)",
            definition=ispu.SOURCE,
            aggregate="mean",
            unit_ucum="1",
            unit_name="index",
            inputs=pollutants,
            input_unit=ispu.UNIT,
            compute=partial(_index, top=ispu_top),
        ),
        Derivation(
            code="ispu_category",
            name_id="Kategori ISPU",
            name_en="ISPU category",
            definition=ispu.SOURCE,
            aggregate="max",
            unit_ucum="1",
            unit_name="category, 1 to 5",
            inputs=pollutants,
            input_unit=ispu.UNIT,
            compute=partial(_category, top=ispu_top),
        ),
        Derivation(
            code="rain_24h",
            name_id="Curah hujan 24 jam",
            name_en="Rainfall in 24 hours",
            definition="",
            aggregate="max",
            unit_ucum="mm",
            unit_name="millimetre in 24 hours",
            inputs=("rain",),
            input_unit="mm",
            compute=_total,
        ),
    )


def _station(windows: Windows, top: int) -> ispu.Index | None:
    means = {code: one.mean for code, one in windows.items() if one.hours >= LEAST_HOURS and one.mean >= 0}
    return ispu.station_index(means, top=top)


def _index(windows: Windows, *, top: int) -> float | None:
    """The index of the worst pollutant of which at least 18 of 24 hours were measured."""
    index = _station(windows, top)
    return None if index is None else index.value


def _category(windows: Windows, *, top: int) -> float | None:
    """1 (baik) to 5 (berbahaya)."""
    index = _station(windows, top)
    return None if index is None else 1.0 + list(ispu.Category).index(index.category)


def _total(windows: Windows) -> float | None:
    """So much fell at least: what was not measured is not there."""
    return sum(one.sum for one in windows.values()) if windows else None

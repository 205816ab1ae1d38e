"""One question over spatial units: what was counted in each, the value that comes of it, and who is whose neighbour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.analysis.counts import FEW_REPORTS, Counted, Counts, ReportFilter, count_reports
from geo.analysis.statistics.neighbours import Floats, Neighbours
from geo.analysis.statistics.rates import empirical_bayes
from geo.analysis.units import NeighbourRule, Units, find_neighbours, find_units

Measure = Literal["count", "per_km2", "per_10000", "eb"]


class Reason(StrEnum):
    """Why a unit lacks a figure, beside those of `statistics.errors.Undefined`."""

    NO_POPULATION = "no_population"
    NO_SURFACE = "no_surface"
    ISLAND = "island"
    TOO_FEW_AREAS = "too_few_areas"
    TOO_FEW_SLICES = "too_few_slices"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: where (`level` or `cell_m`), of which reports, what is counted, against what, with which neighbours.

    `permutations` 0: p from the normal distribution.
    """

    city_id: int
    level: str | None
    cell_m: int | None
    reports: ReportFilter = field(default_factory=ReportFilter)
    counted: Counted = "incidents"
    measure: Measure = "count"
    neighbours: NeighbourRule = field(default_factory=NeighbourRule)
    permutations: int = 9999
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """`values` (units, slices), NaN where `missing` (units,) says why; `neighbours` among the others alone."""

    units: Units
    counts: Counts
    values: Floats
    missing: tuple[Reason | None, ...]
    neighbours: Neighbours

    @property
    def is_present(self) -> NDArray[np.bool_]:
        return np.array([reason is None for reason in self.missing], dtype=np.bool_)

    @property
    def is_island(self) -> NDArray[np.bool_]:
        """The units that have a value, and no neighbour that has one."""
        return self.is_present & (self.neighbours.counts == 0)

    def busiest_share(self, unit: int) -> float | None:
        """Which share of a unit's reports its busiest reporter made, in the first slice; None of a few reports."""
        reports = int(self.counts.reports[unit, 0])
        return int(self.counts.busiest[unit, 0]) / reports if reports >= FEW_REPORTS else None

    def reasons(self, of_all: str | None) -> list[str | None]:
        """Why each unit has no figure, or one that says little: what it lacks itself, then what holds for all, then islands."""
        islands = self.is_island
        return [
            str(own) if own else of_all or (str(Reason.ISLAND) if islands[i] else None)
            for i, own in enumerate(self.missing)
        ]


def take_survey(question: Question, edges: Sequence[datetime]) -> Survey:
    """The figures of every unit in each slice [edges[t], edges[t + 1]). Three queries at most."""
    units = find_units(question.city_id, level=question.level, cell_m=question.cell_m)
    counts = count_reports(units, question.reports, edges)
    values, missing = measured(units, counts.of(question.counted), question.measure)
    present = np.array([reason is None for reason in missing], dtype=np.bool_)
    return Survey(units, counts, values, missing, find_neighbours(units, question.neighbours, present))


def measured(units: Units, numbers: NDArray[np.int64], measure: Measure) -> tuple[Floats, tuple[Reason | None, ...]]:
    """The value of each unit and slice, and why a unit has none.

    Shape: numbers (units, slices). Units: per km², or per 10,000 people; `eb` is the latter, drawn to the common rate.
    """
    if measure == "count":
        return numbers.astype(np.float64), (None,) * len(units.rows)
    is_by_surface = measure == "per_km2"
    base = np.array(
        [(unit.area_km2 if is_by_surface else unit.population) or np.nan for unit in units.rows], dtype=float
    )
    lack = Reason.NO_SURFACE if is_by_surface else Reason.NO_POPULATION
    missing = tuple(lack if np.isnan(each) else None for each in base)
    if measure == "eb":
        rates = [empirical_bayes(numbers[:, t], base) * 10_000 for t in range(numbers.shape[1])]
        return np.stack(rates, axis=1), missing
    return numbers / base[:, np.newaxis] * (1.0 if is_by_surface else 10_000.0), missing


def finite(figure: float) -> float | None:
    """The figure as JSON has it: NaN is no figure."""
    return None if np.isnan(figure) else float(figure)

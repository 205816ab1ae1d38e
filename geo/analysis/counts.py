"""What is counted in each unit: reports, incidents (duplicates are one), or distinct reporters, by slice of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from geo.analysis.units import Units
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("counts.sql"))

Counted = Literal["incidents", "reports", "reporters"]
Integers = NDArray[np.int64]

# Of fewer reports in one place and time nothing is said of who made them.
FEW_REPORTS = 5


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which public reports are asked about; None is every one."""

    category_ids: tuple[int, ...] | None = None
    channel_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Shape: all (units, slices); `busiest` is how many of a unit's reports its busiest reporter made.

    `channels` of each unit and slice are "slug:reports", the most used first. `outside` are reports that lie in no unit: outside
    every area of the level, or without a point where cells are asked for.
    """

    reports: Integers
    incidents: Integers
    reporters: Integers
    busiest: Integers
    channels: tuple[tuple[tuple[str, ...], ...], ...]
    outside: int

    def of(self, counted: Counted) -> Integers:
        """What is counted. Of a few reports each has a reporter of its own, so that nobody learns which are one person's."""
        told = np.where(self.reports < FEW_REPORTS, self.reports, self.reporters)
        return {"incidents": self.incidents, "reports": self.reports, "reporters": told}[counted]


def count_reports(units: Units, chosen: ReportFilter, edges: Sequence[datetime]) -> Counts:
    """Public reports in each unit and slice [edges[t], edges[t + 1]). One query, however many units, slices and reports.

    Areas count by the stored public area and its ancestry, cells by the public point; on a border each report is in one unit.
    Errors: ValueError on fewer than two edges.
    """
    if len(edges) < 2:
        raise ValueError("edges must hold the start and the end of a slice at least")
    n, slices = len(units.rows), len(edges) - 1
    place = {unit.key: at for at, unit in enumerate(units.rows)}
    figures = np.zeros((4, n, slices), dtype=np.int64)
    channels: list[list[tuple[str, ...]]] = [[()] * slices for _ in range(n)]
    outside = 0
    for key, part, *numbers, mix in _counted(units, chosen, edges):
        at = place.get(key)
        if at is None:
            outside += numbers[0]
            continue
        figures[:, at, part] = numbers
        channels[at][part] = tuple(mix)
    reports, incidents, reporters, busiest = figures
    return Counts(reports, incidents, reporters, busiest, tuple(map(tuple, channels)), outside)


def _counted(
    units: Units, chosen: ReportFilter, edges: Sequence[datetime]
) -> list[tuple[int, int, int, int, int, int, list[str]]]:
    values: dict[str, Any] = {
        "city_id": units.city_id,
        "level": units.level,
        "category_ids": None if chosen.category_ids is None else list(chosen.category_ids),
        "channel_ids": None if chosen.channel_ids is None else list(chosen.channel_ids),
        "start": edges[0],
        "end": edges[-1],
        "edges": list(edges),
        "slices": len(edges) - 1,
    }
    told = SQL.told_in_areas
    if units.cell_m is not None:
        told = SQL.told_in_cells
        # Cells are numbered from 1 in this order, as their keys are.
        values |= {
            "cell_m": float(units.cell_m),
            "i": [unit.i for unit in units.rows],
            "j": [unit.j for unit in units.rows],
        }
    with connection.cursor() as cursor:
        cursor.execute(f"{told}\n{SQL.counted}", values)
        found: list[tuple[int, int, int, int, int, int, list[str]]] = cursor.fetchall()
        return found

"""What the sections of a dossier share: its question, a figure with what it is compared with, and named rows of its queries."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from geo.analysis.statistics.rate_ratio import Estimate
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("dossier.sql"))
Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DossierParams:
    """What is asked. The period is half-open; of it, what lies before `now` is counted. `category_ids` None is every category.

    `ispu_top` is the index at the last bound of the ISPU table, 400 or 500.
    """

    city_id: int
    zone: str
    code: str
    start: datetime
    end: datetime
    now: datetime
    category_ids: tuple[int, ...] | None = None
    ispu_top: int = 500
    max_distance_m: float = 10_000.0


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a comparison: the area, or the city it lies in."""

    id: int
    code: str
    name: str
    area_km2: float
    population: int | None
    year: int | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """The area of a dossier, and the period as it is counted: [start, end), and the one before it, equal by the city's clock."""

    params: DossierParams
    area: Place
    city: Place
    level: str
    rank: int
    start: datetime
    end: datetime
    before_start: datetime
    before_end: datetime

    @property
    def is_the_city(self) -> bool:
        return self.area.id == self.city.id

    def rows(self, sql: str, **more: Any) -> list[dict[str, Any]]:
        """The rows of a statement about this area, city, period and categories."""
        p = self.params
        values = {
            "area_id": self.area.id,
            "root_id": self.city.id,
            "rank": self.rank,
            "city_id": p.city_id,
            "zone": p.zone,
            "category_ids": None if p.category_ids is None else list(p.category_ids),
            "start": self.start,
            "end": self.end,
            "before_start": self.before_start,
            "before_end": self.before_end,
            "now": p.now,
        }
        return named_rows(sql, {**values, **more})


def named_rows(sql: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def figure(
    value: float | None,
    unit: str,
    *,
    n: int | None = None,
    interval: Estimate | None = None,
    compared_with: str | None = None,
    reference: float | None = None,
    reference_n: int | None = None,
    reason: str | None = None,
) -> Figure:
    """A figure as plain JSON: `value` in `unit` (UCUM) from `n`, its 95 % interval, and the `reference` it is compared with.

    A value that is unknown has a reason.
    """
    return {
        "value": rounded(value),
        "unit": unit,
        "n": n,
        "low": None if interval is None else rounded(interval.low),
        "high": None if interval is None else rounded(interval.high),
        "compared_with": compared_with,
        "reference": rounded(reference),
        "reference_n": reference_n,
        "reason": reason,
    }


def rounded(value: float | None) -> float | None:
    """To six significant digits: more than any figure here is known to."""
    return value if value is None or isinstance(value, int) else float(f"{value:.6g}")


def per_cent(estimate: Estimate) -> Estimate:
    return Estimate(*(None if part is None else 100 * part for part in asdict(estimate).values()))


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

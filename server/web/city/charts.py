"""Small drawings of a week beside the one before, as the geometry of an SVG: they need no script. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 168, 40, 3
DAYS = 7

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """`name`: `last`, `this`, or `now`, of the day that is not over."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class WeekChart:
    """`label` is what a screen reader says. `last` and `this` are paths, `mark` the newest value, `limit` the height of a line."""

    label: str
    last: str = ""
    this: str = ""
    mark: str = ""
    limit: float | None = None
    bars: tuple[Bar, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def days(self) -> list[float]:
        """Where a day begins, Monday left out."""
        return [round(day * self.width / DAYS, 1) for day in range(1, DAYS)]


def week_lines(this: Values, last: Values, *, label: str, limit: float | None = None) -> WeekChart:
    """This week's line over last week's, on one scale that holds the limit, too; what was not measured is a gap."""
    known = [value for value in (*this, *last, limit) if value is not None]
    if not known:
        return WeekChart(label)
    low, high = min(known), max(known)

    def y(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

    def x(place: int) -> float:
        return round((place + 0.5) / max(len(this), 1) * WIDTH, 1)

    newest = next(((i, value) for i, value in reversed(list(enumerate(this))) if value is not None), None)
    return WeekChart(
        label,
        last=_path([None if value is None else (x(i), y(value)) for i, value in enumerate(last)]),
        this=_path([None if value is None else (x(i), y(value)) for i, value in enumerate(this)]),
        mark="" if newest is None else f"M{x(newest[0])} {y(newest[1])}h0",
        limit=None if limit is None else y(limit),
    )


def week_bars(this: Values, last: Values, *, label: str, height: int = HEIGHT) -> WeekChart:
    """Two bars a day from a common zero. The last day of this week that has any value is not over."""
    top = max([value for value in (*this, *last) if value is not None], default=0) or 1
    today = max((i for i, value in enumerate(this) if value is not None), default=-1)
    slot = WIDTH / DAYS
    bars = []
    for row, values in enumerate((last, this)):
        for day, value in enumerate(values):
            if value is not None:
                size = round(max(value, 0) / top * (height - 1), 1)
                name = "last" if not row else "now" if day == today else "this"
                left = day * slot + slot * (0.12 + 0.4 * row)
                bars.append(Bar(name, round(left, 1), round(height - size, 1), round(slot * 0.36, 1), size))
    return WeekChart(label, bars=tuple(bars), height=height)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """A point alone between gaps is a line without length: with round ends it is a dot."""
    parts = []
    for i, point in enumerate(points):
        if point is not None:
            begins = i == 0 or points[i - 1] is None
            ends = i + 1 == len(points) or points[i + 1] is None
            parts.append(f"{'M' if begins else 'L'}{point[0]} {point[1]}{'h0' if begins and ends else ''}")
    return "".join(parts)

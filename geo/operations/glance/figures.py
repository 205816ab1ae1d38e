"""What the city at a glance holds: figures of this week up to now beside those of last week up to the same hour. Pure values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from geo.analysis.statistics.rate_ratio import share
from geo.operations.mayor.brief import Compared, Name
from geo.operations.mayor.weeks import Week, week_of

# Of fewer reports in both weeks together nothing is said, neither that they rose nor that it may be chance.
LEAST_REPORTS = 10
# Of fewer open reports with a date due a share that is late says nothing of a district.
LEAST_DUE = 10
DAYS = 7


@dataclass(frozen=True, slots=True)
class Spans:
    """This week up to `until`, and the one before it up to the same time by the city's clock."""

    week: Week
    start: datetime
    until: datetime
    before: datetime
    before_until: datetime

    @property
    def starts(self) -> list[datetime]:
        return [self.before, self.start]

    @property
    def ends(self) -> list[datetime]:
        return [self.before_until, self.until]


def spans_of(until: datetime, zone: ZoneInfo) -> Spans:
    """`until` is now, or for what is kept by the hour the last full hour: half of one compares with no whole one."""
    week = week_of(until, zone)
    before_until = (until.astimezone(zone) - timedelta(days=DAYS)).astimezone(UTC)
    return Spans(week, week.start(zone), until, week.before.start(zone), before_until)


class Verdict(StrEnum):
    """Whether two counts differ by more than chance would have it."""

    RISE = "rise"
    FALL = "fall"
    CHANCE = "chance"
    FEW = "few"


def verdict_of(this: int, last: int, *, looks: int) -> Verdict:
    """Whether `this` is clearly more than `last`: equal spans, 95 % for all `looks` together (Bonferroni), exact.

    Reports that come in bursts vary more than independent ones: a rise may be one event that many told of.
    """
    if this + last < LEAST_REPORTS:
        return Verdict.FEW
    found = share(this, this + last, confidence=1 - 0.05 / max(looks, 1))
    if found.low is not None and found.low > 0.5:
        return Verdict.RISE
    return Verdict.FALL if found.high is not None and found.high < 0.5 else Verdict.CHANCE


@dataclass(frozen=True, slots=True)
class Counts:
    """Public reports that came and were answered in the week; that stood open, and past their date due, at its end.

    `with_due` of the open ones had such a date; `median_h` is from report to answer, of `timed` answers this week.
    """

    new: Compared
    closed: Compared
    open: Compared
    with_due: int
    late: Compared
    timed: int
    median_h: Compared

    @property
    def late_share(self) -> float | None:
        """From 0 to 1; None of too few."""
        return (self.late.this or 0) / self.with_due if self.with_due >= LEAST_DUE else None


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    category: Name
    counts: Counts
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DistrictCounts:
    """`per_10000` people: reports that came this week; None where nobody knows how many people there are."""

    district: Name
    population: int | None
    population_year: int | None
    counts: Counts
    per_10000: float | None


@dataclass(frozen=True, slots=True)
class Reports:
    """`days_this`, `days_last`: reports of each day from Monday on; None has not begun. Categories: the greatest rise first."""

    total: Counts
    verdict: Verdict
    days_this: tuple[int | None, ...]
    days_last: tuple[int, ...]
    categories: tuple[CategoryCounts, ...]
    districts: tuple[DistrictCounts, ...]

    @property
    def risen(self) -> list[CategoryCounts]:
        """The three that rose most."""
        return [one for one in self.categories if (one.counts.new.change or 0) > 0][:3]

    @property
    def by_rate(self) -> list[DistrictCounts]:
        """Most reports for its people first."""
        known = [one for one in self.districts if one.per_10000 is not None]
        return sorted(known, key=lambda one: (-(one.per_10000 or 0.0), one.district.id or ""))

    @property
    def by_lateness(self) -> list[DistrictCounts]:
        known = [one for one in self.districts if one.counts.late_share is not None]
        return sorted(known, key=lambda one: (-(one.counts.late_share or 0.0), one.district.id or ""))


@dataclass(frozen=True, slots=True)
class Place:
    """What one place measured; `district` None: outside all of them."""

    thing: str
    thing_name: str
    district: Name | None
    value: float


@dataclass(frozen=True, slots=True)
class Course:
    """Values of each step from Monday 00:00 on, None where nothing was measured: this week's up to now, last week's to its end."""

    step_h: int
    this: tuple[float | None, ...]
    last: tuple[float | None, ...]

    def by_day(self, *, is_last: bool) -> list[float | None]:
        values, per_day = (self.last if is_last else self.this), 24 // self.step_h
        return [_mean(values[day * per_day : (day + 1) * per_day]) for day in range(DAYS)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


@dataclass(frozen=True, slots=True)
class Property:
    """An observed property of the city this week, of `places` of which `places_in_both` measured last week, too.

    `kind`: `mean` of the places, `per_day` (the mean place's sum a day), `total` (all places' sum), or `place`: of what has another
    zero at each place, the one of `at`. `change` is by the places that measured in both weeks, `change_share` the same as a share of
    what they measured last week.
    """

    observed: Name
    unit: str
    kind: str
    is_simulated: bool
    places: int
    places_in_both: int
    value: Compared
    change: float | None
    change_share: float | None
    at: Place | None
    highest: Place | None
    lowest: Place | None
    course: Course
    limit: float | None


@dataclass(frozen=True, slots=True)
class Domain:
    domain: str
    properties: tuple[Property, ...]
    not_measured: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A level of an authority, and in how many hours of both weeks it was reached."""

    name: str
    at: float
    hours: Compared


@dataclass(frozen=True, slots=True)
class Held:
    """A datastream that is held against an authority's levels, the mildest first. `level` counts those that are on; 0: none."""

    thing: str
    thing_name: str
    district: Name | None
    observed: Name
    domain: str
    unit: str
    authority: str
    is_below: bool
    levels: tuple[Level, ...]
    level: int
    value: float | None
    value_at: datetime | None

    @property
    def highest_reached(self) -> Level | None:
        """The most severe level that was reached this week."""
        return next((level for level in reversed(self.levels) if level.hours.this), None)


@dataclass(frozen=True, slots=True)
class UnhealthyDistrict:
    """`days` of the last seven whole ones on which a station of it was `unhealthy` or worse; `worst` by the regulation's words."""

    district: Name
    days: int
    worst: str


@dataclass(frozen=True, slots=True)
class Air:
    """ISPU by whole days of the city. `latest`: stations in each category on the day `day`; none where no day is whole yet."""

    source: str
    days: int
    day: datetime | None
    latest: dict[str, int]
    unhealthy: tuple[UnhealthyDistrict, ...]
    unhealthy_days: Compared


@dataclass(frozen=True, slots=True)
class Association:
    """The most certain pair of the city's dossier: reports come `lag_h` hours after the reading. `n`: intervals; `q` among all tried."""

    category: Name
    observed: Name
    coefficient: float
    lag: float
    lag_unit: str
    n: int
    tests: int
    q: float


@dataclass(frozen=True, slots=True)
class Computed:
    """What somebody has had computed already: the city's dossier, if there is one."""

    as_of: datetime
    start: datetime
    end: datetime
    association: Association | None
    hot: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """`has_previous`: there was a report before this week. `root` is the code of the city's own area."""

    city: str
    city_name: str
    time_zone: str
    root: str | None
    as_of: datetime
    spans: Spans
    readings_until: datetime
    has_previous: bool
    reports: Reports
    domains: tuple[Domain, ...]
    air: Air | None
    held: tuple[Held, ...]
    computed: Computed | None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

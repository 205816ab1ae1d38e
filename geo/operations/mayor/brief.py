"""What the weekly brief holds: figures of a week beside those of the week before, and how they differ. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from geo.operations.mayor.weeks import Week


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the week and of the week before; None: there is none. `change` is this less that, as far as both say it."""

    this: float | None
    last: float | None

    @property
    def change(self) -> float | None:
        return None if self.this is None or self.last is None else self.this - self.last

    def as_json(self) -> dict[str, float | None]:
        return {"this_week": rounded(self.this), "last_week": rounded(self.last), "change": rounded(self.change)}


@dataclass(frozen=True, slots=True)
class Name:
    """What something is called in both languages; of an area there is one name. `id` None: the reports that have none."""

    id: str | None
    name_id: str
    name_en: str

    def as_json(self) -> dict[str, str | None]:
        return {"id": self.id, "name_id": self.name_id, "name_en": self.name_en}


@dataclass(frozen=True, slots=True)
class Counts:
    """Reports that came, were closed and were reopened in the week; that stood open, and past their time, at its end."""

    new: Compared
    closed: Compared
    reopened: Compared
    open: Compared
    late: Compared

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).as_json() for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Group:
    of: Name
    counts: Counts


@dataclass(frozen=True, slots=True)
class Pace:
    """How an agency answered in the week: medians in hours of the calendar, of the first responses and resolutions of the week.

    `late_share`, from 0 to 1: of what it closed in the week, or had open at its end, with a target, that which was past it.
    """

    agency: Name
    responded: int
    first_response_h: Compared
    resolved: int
    resolution_h: Compared
    late_share: Compared


@dataclass(frozen=True, slots=True)
class Measured:
    """An observed property: the mean of its places. `change` is by the places that measured in both weeks.

    Of what has another zero at each place (a river's level) the mean says nothing: `value` is then None, and the change tells.
    """

    property: Name
    unit: str
    aggregate: str
    is_simulated: bool
    places: int
    value: Compared
    change: float | None
    places_in_both: int


@dataclass(frozen=True, slots=True)
class Domain:
    """One of the four domains: what was measured in the week, and what is known of and was not."""

    domain: str
    measured: tuple[Measured, ...]
    not_measured: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class InstructionLine:
    id: str
    agency: Name
    target: str
    target_kind: str
    state: str
    deadline: datetime
    is_late: bool


@dataclass(frozen=True, slots=True)
class IncidentLine:
    id: str
    title: str
    area_name: str | None
    opened_at: datetime
    reports: int
    open_reports: int


@dataclass(frozen=True, slots=True)
class Brief:
    """`until` is the end of the week, or the moment of asking while it is not over; the week before is then cut alike.

    `has_previous`: there were reports before this week. What stands of instructions and incidents is that of `as_of`.
    """

    city: str
    city_name: str
    time_zone: str
    week: Week
    start: datetime
    until: datetime
    is_over: bool
    as_of: datetime
    has_previous: bool
    totals: Counts
    categories: tuple[Group, ...]
    areas: tuple[Group, ...]
    agencies: tuple[Pace, ...]
    domains: tuple[Domain, ...]
    instructions_given: Compared
    instructions_confirmed: Compared
    unfulfilled: int
    unfulfilled_late: int
    instructions: tuple[InstructionLine, ...]
    incidents: tuple[IncidentLine, ...]

    @property
    def is_empty(self) -> bool:
        """The city had not begun by the end of the week: what is open now, and began since, is none of the week's."""
        is_measured = any(one.measured for one in self.domains)
        has_incident = any(one.opened_at < self.until for one in self.incidents)
        is_begun = self.has_previous or self.totals.new.this or self.instructions_given.this
        return not (is_begun or is_measured or has_incident)


def brief_as_json(brief: Brief) -> dict[str, Any]:
    """As JSON takes it: times with the city's offset, figures rounded to two decimals, names in both languages."""
    return {
        "city": brief.city,
        "city_name": brief.city_name,
        "week": brief.week.label,
        "period": {"start": _iso(brief, brief.start), "end": _iso(brief, brief.until), "time_zone": brief.time_zone},
        "is_over": brief.is_over,
        "as_of": _iso(brief, brief.as_of),
        "has_previous": brief.has_previous,
        "reports": {
            "total": brief.totals.as_json(),
            "categories": [{**one.of.as_json(), **one.counts.as_json()} for one in brief.categories],
            "areas": [{**one.of.as_json(), **one.counts.as_json()} for one in brief.areas],
        },
        "agencies": [_pace(one) for one in brief.agencies],
        "domains": [_domain(one) for one in brief.domains],
        "instructions": {
            "given": brief.instructions_given.as_json(),
            "confirmed": brief.instructions_confirmed.as_json(),
            "unfulfilled": brief.unfulfilled,
            "late": brief.unfulfilled_late,
            "longest_due": [
                {
                    "id": one.id,
                    "agency": one.agency.as_json(),
                    one.target_kind: one.target,
                    "state": one.state,
                    "deadline": _iso(brief, one.deadline),
                    "is_late": one.is_late,
                }
                for one in brief.instructions
            ],
        },
        "incidents": [
            {
                "id": one.id,
                "title": one.title,
                "area_name": one.area_name,
                "opened_at": _iso(brief, one.opened_at),
                "report_count": one.reports,
                "open_report_count": one.open_reports,
            }
            for one in brief.incidents
        ],
    }


def rounded(value: float | None, decimals: int = 2) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, decimals)


def _pace(one: Pace) -> Mapping[str, Any]:
    return {
        **one.agency.as_json(),
        "responded": one.responded,
        "first_response_h": one.first_response_h.as_json(),
        "resolved": one.resolved,
        "resolution_h": one.resolution_h.as_json(),
        "late_share": one.late_share.as_json(),
    }


def _domain(one: Domain) -> Mapping[str, Any]:
    measured = [
        {
            **each.property.as_json(),
            "unit": each.unit,
            "aggregate": each.aggregate,
            "is_simulated": each.is_simulated,
            "places": each.places,
            "this_week": rounded(each.value.this),
            "last_week": rounded(each.value.last),
            "change": rounded(each.change),
            "places_in_both": each.places_in_both,
        }
        for each in one.measured
    ]
    return {
        "domain": one.domain,
        "measured": measured,
        "not_measured": [each.as_json() for each in one.not_measured],
    }


def _iso(brief: Brief, moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(brief.time_zone)).isoformat(timespec="seconds")

"""Which rule decides, which never can, and why: over values that were read before. `queries.sql` of geo.reports says the same in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from geo.reports.models import RoutingRule

NOWHERE = 0
_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a city's rules are about.

    `categories` and `areas` are those in which a new report can come in, each with itself and all above it. A place outside
    every area is NOWHERE.
    """

    city_id: int
    categories: Mapping[int, frozenset[int]]
    areas: Mapping[int, frozenset[int]]
    agencies: frozenset[int]


class Verdict(StrEnum):
    """What a rule says of one report."""

    MATCHES = "matches"
    COMES_LATER = "comes_later"
    INACTIVE = "inactive"
    NOT_YET = "not_yet"
    OVER = "over"
    OTHER_CITY = "other_city"
    OTHER_CATEGORY = "other_category"
    OTHER_AREA = "other_area"


class Flaw(StrEnum):
    """Why a rule that is switched on decides about no report from now on."""

    OVER = "over"
    FOREIGN_AGENCY = "foreign_agency"
    NO_CATEGORY = "no_category"
    NO_AREA = "no_area"
    SHADOWED = "shadowed"


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that never matches; `by` are those before it that leave it nothing."""

    rule: RoutingRule
    flaw: Flaw
    by: tuple[RoutingRule, ...] = ()


def in_order(rules: Sequence[RoutingRule]) -> list[RoutingRule]:
    """First things first; of two at one position the one that was made earlier, as in the statement."""
    return sorted(rules, key=lambda rule: (rule.position, rule.pk or 0))


def verdicts(
    rules: Sequence[RoutingRule],
    *,
    city_id: int,
    categories: frozenset[int],
    areas: frozenset[int],
    agencies: frozenset[int],
    day: date,
) -> list[tuple[RoutingRule, Verdict]]:
    """Each rule in its order, with what it says of one report: of its category and area, and all above them.

    At most one MATCHES: that decides. Those after it that would have matched COME LATER.
    """
    found: list[tuple[RoutingRule, Verdict]] = []
    is_decided = False
    for rule in in_order(rules):
        verdict = _verdict(rule, city_id, categories, areas, agencies, day)
        if verdict is Verdict.MATCHES and is_decided:
            verdict = Verdict.COMES_LATER
        is_decided = is_decided or verdict is Verdict.MATCHES
        found.append((rule, verdict))
    return found


def _verdict(
    rule: RoutingRule,
    city_id: int,
    categories: frozenset[int],
    areas: frozenset[int],
    agencies: frozenset[int],
    day: date,
) -> Verdict:
    if not rule.is_active:
        return Verdict.INACTIVE
    if rule.city_id != city_id or rule.agency_id not in agencies:
        return Verdict.OTHER_CITY
    if rule.valid_from is not None and rule.valid_from > day:
        return Verdict.NOT_YET
    if rule.valid_to is not None and rule.valid_to <= day:
        return Verdict.OVER
    if rule.category_id is not None and rule.category_id not in categories:
        return Verdict.OTHER_CATEGORY
    if rule.area_id is not None and rule.area_id not in areas:
        return Verdict.OTHER_AREA
    return Verdict.MATCHES


def faults(rules: Sequence[RoutingRule], scope: Scope, *, today: date) -> list[Fault]:
    """The rules, of those that are switched on, that decide about no report that comes in from today on."""
    found: list[Fault] = []
    before: list[_Reach] = []
    for rule in in_order(rules):
        if not rule.is_active:
            continue
        reach = _reach(rule, scope)
        flaw = _own_flaw(reach, scope, today)
        if flaw is not None:
            found.append(Fault(rule, flaw))
            continue
        # On each day on which an earlier rule begins or ends there may be room for this one.
        if all(_is_covered(reach, before, day) for day in _days(reach, before, today)):
            first = max(today, rule.valid_from or today)
            over_it = tuple(one.rule for one in before if one.is_valid(first) and one.overlaps(reach))
            found.append(Fault(rule, Flaw.SHADOWED, over_it))
        before.append(reach)
    return found


@dataclass(frozen=True, slots=True)
class _Reach:
    """A rule, and the categories and areas of new reports that it takes."""

    rule: RoutingRule
    categories: frozenset[int]
    areas: frozenset[int]

    def is_valid(self, day: date) -> bool:
        start, end = self.rule.valid_from, self.rule.valid_to
        return (start is None or start <= day) and (end is None or end > day)

    def overlaps(self, other: "_Reach") -> bool:
        return bool(self.categories & other.categories and self.areas & other.areas)


def _reach(rule: RoutingRule, scope: Scope) -> _Reach:
    return _Reach(rule, _below(rule.category_id, scope.categories), _below(rule.area_id, scope.areas))


def _below(wanted: int | None, lineages: Mapping[int, frozenset[int]]) -> frozenset[int]:
    return frozenset(one for one, above in lineages.items() if wanted is None or wanted in above)


def _own_flaw(reach: _Reach, scope: Scope, today: date) -> Flaw | None:
    if reach.rule.valid_to is not None and reach.rule.valid_to <= today:
        return Flaw.OVER
    if reach.rule.agency_id not in scope.agencies:
        return Flaw.FOREIGN_AGENCY
    if not reach.categories:
        return Flaw.NO_CATEGORY
    return Flaw.NO_AREA if not reach.areas else None


def _days(reach: _Reach, before: Sequence[_Reach], today: date) -> list[date]:
    first = max(today, reach.rule.valid_from or today)
    turns = {turn for one in before for turn in (one.rule.valid_from, one.rule.valid_to) if turn is not None}
    return [first, *sorted(day for day in turns if day > first and reach.is_valid(day))]


def _is_covered(reach: _Reach, before: Sequence[_Reach], day: date) -> bool:
    earlier = [one for one in before if one.is_valid(day)]
    return all(
        reach.areas <= _NONE.union(*(one.areas for one in earlier if category in one.categories))
        for category in reach.categories
    )

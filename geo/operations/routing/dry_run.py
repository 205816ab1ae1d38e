"""What rules would do to the reports that are there: counted, and nothing written."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, zip_longest
from typing import Any

from django.db import connection, transaction

from geo.areas.models import City
from geo.operations.dispatching import require_dispatcher
from geo.operations.routing.reading import lineage, matches_of, rules_of, scope_of
from geo.operations.routing.rules import Fault, Verdict, faults, in_order, verdicts
from geo.operations.routing.statements import DRY_RUN, DRY_RUN_OF_GIVEN
from geo.reports.access.principals import Principal
from geo.reports.models import Agency, Category, CategoryAgency, Report, RoutingRule
from geo.reports.workflow import CLOSED, Status
from server.core.time_limits import allow_statements

MAX_EXAMPLES = 100
OPEN = [status.value for status in Status if status not in CLOSED]


@dataclass(frozen=True, slots=True)
class Move:
    """So many reports would go from an agency to another; `rule` None: no rule matches, their category's agency has them."""

    rule: RoutingRule | None
    from_agency: str | None
    to_agency: str | None
    reports: int


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule would decide: about how many reports, and how many of them it would move."""

    rule: RoutingRule
    reports: int
    moved: int


@dataclass(frozen=True, slots=True)
class Example:
    """One report that would go elsewhere; without anything of its text, its place or its reporter."""

    report: str
    category: str
    area: str | None
    status: str
    from_agency: str | None
    to_agency: str | None
    rule: RoutingRule | None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of the reports that were looked at. Where `to_agency` is None nobody would be responsible."""

    city: City
    since: datetime | None
    reports: int
    moved: int
    outcomes: tuple[RuleOutcome, ...]
    moves: tuple[Move, ...]
    examples: tuple[Example, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a report would go where it would: each rule in its order with its verdict, else the category that names an agency."""

    verdicts: tuple[tuple[RoutingRule, Verdict], ...]
    rule: RoutingRule | None
    named_by: Category | None
    agency: Agency | None
    has: Agency | None


def dry_run(
    *,
    city: City,
    by: Principal,
    now: datetime,
    days: int | None = None,
    rules: Sequence[RoutingRule] | None = None,
) -> DryRun:
    """Where the city's open reports would go; with `days`, those of the last so many days, whatever became of them.

    `rules` are unsaved ones (`read_rules`), to be tried instead of those that are stored.
    Errors: Forbidden for who does not dispatch in the whole city.
    """
    require_dispatcher(by, city.pk)
    tried = in_order(rules_of(city)) if rules is None else in_order(rules)
    # Of rules that have no number of their own, their place in the order is it.
    by_key: dict[int | None, RoutingRule] = {
        rule.pk if rules is None else n: rule for n, rule in enumerate(tried, start=1)
    }
    since = now - timedelta(days=days) if days is not None else None
    statuses = OPEN if since is None else [status.value for status in Status if status is not Status.DUPLICATE]
    given: dict[str, Any] = {"city_id": city.pk, "now": now, "since": since, "statuses": statuses, "ids": None}
    rows = _counted({**given, "examples": MAX_EXAMPLES}, None if rules is None else tried)
    slugs: dict[int | None, str] = dict(
        Agency.objects.filter(pk__in={pk for row in rows for pk in row[1:3]}).values_list("pk", "slug")
    )
    moves = tuple(
        Move(by_key.get(rule_id), slugs.get(from_id), slugs.get(to_id), n)
        for rule_id, from_id, to_id, n, _ids in rows
        if from_id != to_id
    )
    matched: Counter[Any] = Counter()
    moved: Counter[Any] = Counter()
    for rule_id, from_id, to_id, n, _ids in rows:
        matched[rule_id] += n
        moved[rule_id] += n if from_id != to_id else 0
    return DryRun(
        city=city,
        since=since,
        reports=matched.total(),
        moved=moved.total(),
        outcomes=tuple(RuleOutcome(rule, matched[key], moved[key]) for key, rule in by_key.items()),
        moves=moves,
        examples=_examples(rows, by_key, slugs),
        faults=tuple(faults(tried, scope_of(city), today=now.astimezone(city.zone).date())),
    )


Row = tuple[int | None, int | None, int | None, int, list[int] | None]


def _counted(given: dict[str, Any], rules: Sequence[RoutingRule] | None) -> list[Row]:
    with transaction.atomic(), connection.cursor() as cursor:
        allow_statements(120)  # of a city's open reports, not of a page
        if rules is None:
            cursor.execute(DRY_RUN, given)
        else:
            cursor.execute(DRY_RUN_OF_GIVEN, {**given, "rules": json.dumps(_as_rows(rules), default=str)})
        return cursor.fetchall()


def _as_rows(rules: Sequence[RoutingRule]) -> list[dict[str, Any]]:
    names = ("city_id", "position", "category_id", "area_id", "agency_id", "valid_from", "valid_to")
    return [
        {"id": n, **{name: getattr(rule, name) for name in names}}
        for n, rule in enumerate(rules, start=1)
        if rule.is_active
    ]


def _examples(
    rows: Sequence[Row], by_key: dict[int | None, RoutingRule], slugs: dict[int | None, str]
) -> tuple[Example, ...]:
    """From each group in turn, so that a large one leaves room for the others."""
    groups = [[(pk, rule_id, to_id) for pk in ids or ()] for rule_id, _from_id, to_id, _n, ids in rows]
    in_turn = [one for one in chain.from_iterable(zip_longest(*groups)) if one is not None][:MAX_EXAMPLES]
    found = Report.objects.select_related("category", "public_area", "agency").defer("public_area__boundary")
    reports = found.in_bulk([pk for pk, _rule_id, _to_id in in_turn])
    return tuple(
        Example(
            report=report.public_id,
            category=report.category.slug,
            area=report.public_area.code if report.public_area is not None else None,
            status=report.status,
            from_agency=report.agency.slug if report.agency is not None else None,
            to_agency=slugs.get(to_id),
            rule=by_key.get(rule_id),
        )
        for pk, rule_id, to_id in in_turn
        if (report := reports.get(pk)) is not None
    )


def explain(*, report: Report, now: datetime, rules: Sequence[RoutingRule] | None = None) -> Explanation:
    """Which rule decides about one report today, and what every other one says; for whoever may read the rules."""
    city = report.city
    day = now.astimezone(city.zone).date()
    scope = scope_of(city)
    parents = dict(Category.objects.values_list("id", "parent_id"))
    said = verdicts(
        rules_of(city) if rules is None else rules,
        city_id=city.pk,
        categories=lineage(report.category_id, parents),
        areas=matches_of(report.public_area_id),
        agencies=scope.agencies,
        day=day,
    )
    rule = next((rule for rule, verdict in said if verdict is Verdict.MATCHES), None)
    if rule is not None:
        return Explanation(tuple(said), rule, None, rule.agency, report.agency)
    named = _named(report, parents, day)
    category, agency = (named.category, named.agency) if named is not None else (None, None)
    return Explanation(tuple(said), None, category, agency, report.agency)


def _named(report: Report, parents: Mapping[int, int | None], day: date) -> CategoryAgency | None:
    """What the nearest category that names an agency says; the lead before the others, the latest before the earlier."""
    valid = CategoryAgency.objects.select_related("category", "agency").filter(
        agency__city=report.city_id, valid_from__lte=day
    )
    above: int | None = report.category_id
    for _step in range(len(parents)):
        if above is None:
            break
        of_it = [one for one in valid.filter(category=above) if one.valid_to is None or one.valid_to > day]
        if of_it:
            return min(of_it, key=lambda one: (not one.is_lead, -one.valid_from.toordinal(), one.pk))
        above = parents.get(above)
    return None

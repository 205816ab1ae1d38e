"""Rules and what they are about, read from the database; and rules from a file or a request, to be tried before they are stored."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from geo.areas.models import Area, AreaAncestry, City
from geo.operations.routing.rules import NOWHERE, Scope
from geo.reports.models import Agency, Category, RoutingRule
from server.core.errors import InvalidFields

FIELDS = ("position", "category", "area", "agency", "valid_from", "valid_to", "note", "is_active")
KNOWN = ("agency", "category", "area")
DATES = ("valid_from", "valid_to")
MAX_RULES = 500


def rules_of(city: City) -> list[RoutingRule]:
    return list(city.routing_rules.select_related("category", "area", "agency").defer("area__boundary"))


def scope_of(city: City) -> Scope:
    """Four queries, however many rules there are."""
    categories = list(Category.objects.values_list("id", "parent_id", "is_active", "city_id"))
    parents = {pk: parent_id for pk, parent_id, _active, _city in categories}
    areas: dict[int, set[int]] = {
        pk: set() for pk in Area.objects.current().filter(city=city).values_list("pk", flat=True)
    }
    for area_id, ancestor_id in AreaAncestry.objects.filter(area__city=city).values_list("area_id", "ancestor_id"):
        if area_id in areas:
            areas[area_id].add(ancestor_id)
    return Scope(
        city_id=city.pk,
        categories={
            pk: lineage(pk, parents)
            for pk, _parent, active, city_id in categories
            if active and city_id in (None, city.pk)
        },
        areas={NOWHERE: frozenset(), **{pk: frozenset(above) for pk, above in areas.items()}},
        agencies=frozenset(Agency.objects.filter(city=city).values_list("pk", flat=True)),
    )


def lineage(pk: int, parents: Mapping[int, int | None]) -> frozenset[int]:
    """A category and all above it."""
    found: set[int] = set()
    above: int | None = pk
    while above is not None and above not in found:
        found.add(above)
        above = parents.get(above)
    return frozenset(found)


def read_rules(records: Any, city: City) -> list[RoutingRule]:
    """Rules as they stand in a file, not stored: a list of objects with FIELDS, of which `agency` alone is needed.

    Agency, category and area are named by slug, slug and code; without `position` they are in the order of the list.
    Errors: InvalidFields that names the rule, by its place in the list from 1 on, and the field.
    """
    if not isinstance(records, list) or len(records) > MAX_RULES:
        raise InvalidFields({"rules": [_("A list of at most %(n)d rules is needed.") % {"n": MAX_RULES}]})
    known: dict[str, Mapping[str, Any]] = {
        "agency": {one.slug: one for one in Agency.objects.filter(city=city)},
        "category": {one.slug: one for one in Category.objects.all()},
        "area": {one.code: one for one in Area.objects.filter(city=city).defer("boundary")},
    }
    faults: dict[str, list[str]] = {}
    rules = []
    for number, record in enumerate(records, start=1):
        rule, wrong = _read_rule(record, number, city, known)
        faults |= {f"rules.{number}.{field}".rstrip("."): says for field, says in wrong.items()}
        rules.append(rule)
    if faults:
        raise InvalidFields(faults)
    return rules


def _read_rule(
    record: Any, number: int, city: City, known: Mapping[str, Mapping[str, Any]]
) -> tuple[RoutingRule, dict[str, list[str]]]:
    rule = RoutingRule(city=city, position=10 * number)
    if not isinstance(record, dict):
        return rule, {"": [_("An object is needed.")]}
    wrong = {str(name): [_("No field of a rule.")] for name in record if name not in FIELDS}
    for name in FIELDS:
        value = record.get(name)
        if value is None:
            continue
        if name in known:
            found = known[name].get(value) if isinstance(value, str) else None
            if found is None:
                wrong[name] = [_("There is no %(value)s.") % {"value": str(value)[:64]}]
            value = found
        elif name in DATES and (value := _date(value)) is None:
            wrong[name] = [_("Takes a date, such as 2026-03-01.")]
        elif name == "note" and not _is_text(value):
            wrong[name] = [_("Takes text.")]
            continue
        setattr(rule, name, value)
    if "agency" not in wrong and rule.agency_id is None:
        wrong["agency"] = [_("Needed: an agency.")]
    return rule, wrong or _own_faults(rule)


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_text(value: Any) -> bool:
    """Half of a surrogate pair, which JSON can name, has no UTF-8."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _own_faults(rule: RoutingRule) -> dict[str, list[str]]:
    try:
        rule.full_clean(exclude=["id", "city", *KNOWN])
    except ValidationError as error:
        return {name.replace("__all__", "valid_to"): list(says) for name, says in error.message_dict.items()}
    return {}


def matches_of(report_area_id: int | None) -> frozenset[int]:
    """An area and all above it; of no area, none."""
    found: Sequence[int] = ()
    if report_area_id is not None:
        found = list(AreaAncestry.objects.filter(area_id=report_area_id).values_list("ancestor_id", flat=True))
    return frozenset(found)

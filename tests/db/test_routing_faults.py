"""Rules that can never match, and rules from a file."""

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from geo.models import (
    Area,
    City,
    RoutingRule,
)
from geo.operations.routing.reading import read_rules, rules_of, scope_of
from geo.operations.routing.rules import Flaw, faults
from server.core.errors import InvalidFields
from tests.db.routing_rules import city, rule
from tests.factories import NOW, make_agency, make_category, make_city

pytestmark = pytest.mark.django_db
__all__ = ["city"]
TODAY = date(2026, 3, 1)


def flaws(city: City, today: date = TODAY) -> list[tuple[int, Flaw, tuple[int, ...]]]:
    found = faults(rules_of(city), scope_of(city), today=today)
    return [(one.rule.position, one.flaw, tuple(other.position for other in one.by)) for one in found]


def test_a_rule_behind_a_wider_one_is_named_with_the_one_that_shadows_it(city: City) -> None:
    rule(city, "umum", 10, category="sampah")
    rule(city, "camat-1", 20, category="sampah", area="kota-uji.1")
    assert flaws(city) == [(20, Flaw.SHADOWED, (10,))]


def test_a_rule_behind_a_narrower_one_is_not_shadowed(city: City) -> None:
    rule(city, "camat-1", 10, category="sampah", area="kota-uji.1")
    rule(city, "umum", 20, category="sampah")
    assert flaws(city) == []


def test_a_rule_is_shadowed_by_several_that_together_leave_it_nothing(city: City) -> None:
    for n in (1, 2):
        rule(city, f"lurah-{n}", n, area=f"kota-uji.1.{n}")
    rule(city, "camat-1", 10, area="kota-uji.1")
    # Reports whose place is known as the district alone are left to it.
    assert flaws(city) == []
    rule(city, "camat-x", 5, area="kota-uji.1")
    assert flaws(city) == [(10, Flaw.SHADOWED, (1, 2, 5))]


def test_a_rule_that_comes_to_its_own_once_the_one_before_it_ends_is_not_shadowed(city: City) -> None:
    rule(city, "sementara", 10, valid_to=date(2026, 4, 1))
    rule(city, "umum", 20)
    rule(city, "singkat", 15, valid_to=date(2026, 4, 1))
    assert flaws(city) == [(15, Flaw.SHADOWED, (10,))]


def test_rules_that_are_over_or_whose_area_category_or_agency_is_gone_are_named(city: City) -> None:
    other = make_city("kota-lain", west=107.5)
    make_category("lama", is_active=False)
    rule(city, "a", 1, valid_to=TODAY)
    rule(city, "a", 2, area="kota-uji.1.1")
    rule(city, "a", 3, category="lama")
    RoutingRule.objects.create(city=city, agency=make_agency(other, "lain"), position=4, is_active=True)
    rule(city, "a", 5, is_active=False)
    Area.objects.filter(code="kota-uji.1.1").update(retired_at=NOW)
    assert flaws(city) == [
        (1, Flaw.OVER, ()),
        (2, Flaw.NO_AREA, ()),
        (3, Flaw.NO_CATEGORY, ()),
        (4, Flaw.FOREIGN_AGENCY, ()),
    ]


def test_a_category_out_of_use_above_one_in_use_still_matches(city: City) -> None:
    make_category("tps-liar", parent=make_category("lama", is_active=False))
    kept = rule(city, "a", category="lama")
    kept.full_clean()
    assert flaws(city) == []


def faulty(city: City, **values: Any) -> set[str]:
    try:
        RoutingRule(**{"city": city, "position": 1, "agency": make_agency(city, "a"), **values}).full_clean()
    except ValidationError as error:
        return set(error.message_dict)
    return set()


def test_a_rule_that_can_never_match_is_refused_by_the_name_of_the_field(city: City) -> None:
    other = make_city("kota-lain", west=107.5)
    Area.objects.filter(code__startswith="kota-uji.2").update(retired_at=NOW)
    assert faulty(city) == set()
    assert faulty(city, agency=make_agency(other, "lain")) == {"agency"}
    assert faulty(city, area=Area.objects.get(code="kota-lain.1")) == {"area"}
    assert faulty(city, area=Area.objects.get(code="kota-uji.2")) == {"area"}
    assert faulty(city, category=make_category("milik-lain", city=other)) == {"category"}
    assert faulty(city, category=make_category("lama", is_active=False)) == {"category"}
    assert faulty(city, valid_from=TODAY, valid_to=TODAY) == {"__all__"}


def test_rules_of_a_file_have_the_order_in_which_they_stand(city: City) -> None:
    make_agency(city, "camat-1")
    given = [
        {"agency": "camat-1", "area": "kota-uji.1", "valid_from": "2026-01-01", "note": "percobaan"},
        {"agency": "dlh", "category": "sampah", "is_active": False},
    ]
    first, second = read_rules(given, city)
    assert (first.position, first.area.code, first.valid_from, first.note) == (
        10,
        "kota-uji.1",
        date(2026, 1, 1),
        "percobaan",
    )
    assert (second.position, second.category.slug, second.is_active) == (20, "sampah", False)


def test_what_is_wrong_in_a_file_of_rules_is_named_rule_by_rule(city: City) -> None:
    given = [
        {"agency": "tiada", "wilayah": 3},
        {"category": "sampah"},
        7,
        {"agency": "dlh", "area": "99"},
        {"agency": "dlh", "valid_from": "besok"},
        {"agency": "dlh", "valid_from": "2026-02-01", "valid_to": "2026-01-01"},
        {"agency": ["dlh"]},
        {"agency": "dlh", "position": -1},
    ]
    with pytest.raises(InvalidFields) as refused:
        read_rules(given, city)
    assert set(refused.value.fields) == {
        *("rules.1.agency", "rules.1.wilayah", "rules.2.agency", "rules.3", "rules.4.area", "rules.5.valid_from"),
        *("rules.6.valid_to", "rules.7.agency", "rules.8.position"),
    }
    with pytest.raises(InvalidFields):
        read_rules({"agency": "dlh"}, city)

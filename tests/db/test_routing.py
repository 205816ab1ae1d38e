"""Rules that route reports as they come in, and why each of them does or does not decide."""

import random
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext

from geo.models import (
    Area,
    Category,
    City,
    Report,
    RoutingRule,
)
from geo.operations.routing.dry_run import dry_run, explain
from geo.operations.routing.rules import Verdict
from geo.reports.revision import revise_report
from geo.reports.services import refresh_public_points
from geo.reports.status import change_status
from geo.reports.workflow import Status
from tests.db.routing_rules import ALL, LATER, agency_of, city, hand_over, in_area, rule
from tests.factories import NOW, centre, make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
__all__ = ["city"]


def test_without_rules_the_categorys_agency_answers(city: City) -> None:
    assert agency_of(in_area("kota-uji.1.1")) == "dlh"


def test_a_rule_takes_its_category_and_all_below_it(city: City) -> None:
    make_category("tps-liar", parent=make_category("sampah"))
    make_category("jalan-rusak")
    rule(city, "kecamatan", category="sampah")
    assert agency_of(in_area("kota-uji.1.1", "tps-liar")) == "kecamatan"
    assert agency_of(in_area("kota-uji.1.1", "jalan-rusak")) is None


def test_a_rule_takes_its_area_and_all_below_it(city: City) -> None:
    rule(city, "camat-1", area="kota-uji.1")
    assert agency_of(in_area("kota-uji.1.2")) == "camat-1"
    assert agency_of(in_area("kota-uji.2.1")) == "dlh"


def test_the_first_rule_that_matches_wins_whatever_is_more_precise(city: City) -> None:
    rule(city, "camat-1", position=20, area="kota-uji.1.1", category="sampah")
    rule(city, "umum", position=10)
    assert agency_of(in_area("kota-uji.1.1")) == "umum"


def test_of_two_rules_at_one_position_the_earlier_wins(city: City) -> None:
    rule(city, "dulu")
    rule(city, "kemudian")
    assert agency_of(in_area("kota-uji.1.1")) == "dulu"


def test_a_rule_that_is_off_does_nothing(city: City) -> None:
    rule(city, "umum", is_active=False)
    assert agency_of(in_area("kota-uji.1.1")) == "dlh"


@pytest.mark.parametrize(
    ("now", "agency"),
    [
        # In Jakarta (UTC+7) the 10th of March begins at 17:00 UTC of the 9th, the 20th at 17:00 UTC of the 19th.
        (datetime(2026, 3, 9, 16, 59, tzinfo=UTC), "dlh"),
        (datetime(2026, 3, 9, 17, 0, tzinfo=UTC), "banjir"),
        (datetime(2026, 3, 19, 16, 59, tzinfo=UTC), "banjir"),
        (datetime(2026, 3, 19, 17, 0, tzinfo=UTC), "dlh"),
    ],
)
def test_a_rule_holds_from_its_first_day_in_the_city_to_before_its_last(city: City, now: datetime, agency: str) -> None:
    rule(city, "banjir", valid_from=date(2026, 3, 10), valid_to=date(2026, 3, 20))
    assert agency_of(in_area("kota-uji.1.1", now=now)) == agency


def test_a_report_outside_every_area_is_only_for_rules_without_an_area(city: City) -> None:
    rule(city, "camat-1", position=1, area="kota-uji")
    outside = Point(106.85, -6.25, srid=4326)
    assert agency_of(make_report(location=outside)) == "dlh"
    rule(city, "umum", position=2)
    assert agency_of(make_report(location=outside)) == "umum"


def test_another_citys_rule_is_not_asked(city: City) -> None:
    other = make_city("kota-lain", west=107.5)
    rule(other, "dlh-lain")
    assert agency_of(in_area("kota-uji.1.1")) == "dlh"
    assert agency_of(in_area("kota-lain.1.1")) == "dlh-lain"


def test_a_rule_that_names_another_citys_agency_does_nothing(city: City) -> None:
    other = make_city("kota-lain", west=107.5)
    RoutingRule.objects.create(city=city, agency=make_agency(other, "dlh-lain"), position=1)
    assert agency_of(in_area("kota-uji.1.1")) == "dlh"


# The border between the subdistricts kota-uji.1.1 and .1.2 lies at 106.95 degrees. UTM zone 48 south has 500,000 m at 105
# degrees; with a grid of 20 km, all of the default city is seen at the centre of one cell.
def private_pair() -> tuple[Report, Report]:
    category = make_category("kekerasan", public_grid_m=20000)
    return make_report(location=centre("kota-uji.1.1"), category=category), make_report(
        location=centre("kota-uji.1.2"), category=category
    )


def test_reports_of_one_cell_go_to_one_agency_though_their_exact_areas_have_two(city: City) -> None:
    for n in (1, 2):
        rule(city, f"lurah-{n}", area=f"kota-uji.1.{n}")
    rule(city, "lurah-3", area="kota-uji.2")
    left, right = private_pair()
    assert (left.area.code, right.area.code) == ("kota-uji.1.1", "kota-uji.1.2")
    assert left.public_area_id == right.public_area_id
    assert left.agency_id == right.agency_id


def test_a_coarser_precision_takes_the_agency_along_with_the_public_area(city: City) -> None:
    rule(city, "lurah-1", area="kota-uji.1.1")
    rule(city, "lurah-2", area="kota-uji.1.2")
    reports = [in_area("kota-uji.1.1", "kekerasan"), in_area("kota-uji.1.2", "kekerasan")]
    assert [agency_of(report) for report in reports] == ["lurah-1", "lurah-2"]
    category = Category.objects.get(slug="kekerasan")
    category.public_grid_m = 20000
    category.save()
    refresh_public_points(category=category, now=LATER)
    assert len({agency_of(report) for report in reports}) == 1
    assert len({report.public_area_id for report in reports}) == 1


def test_an_agency_that_got_a_report_by_handover_keeps_it_when_the_precision_changes(city: City) -> None:
    rule(city, "lurah-1", area="kota-uji.1.1")
    report = in_area("kota-uji.1.1", "kekerasan")
    hand_over(report, make_agency(city, "dinsos"), ALL)
    Category.objects.filter(slug="kekerasan").update(public_grid_m=20000)
    refresh_public_points(category=Category.objects.get(slug="kekerasan"), now=LATER)
    assert agency_of(report) == "dinsos"


def test_a_report_that_is_moved_goes_by_the_rules_of_its_new_area_until_somebody_takes_it_up(city: City) -> None:
    rule(city, "camat-1", area="kota-uji.1")
    rule(city, "camat-2", area="kota-uji.2")
    report = in_area("kota-uji.1.1")
    revise_report(report=report, by=ALL, now=LATER, location=centre("kota-uji.2.1"))
    assert agency_of(report) == "camat-2"
    change_status(report=report, status=Status.IN_PROGRESS, by=ALL, now=LATER)
    revise_report(report=report, by=ALL, now=LATER, location=centre("kota-uji.1.1"))
    assert agency_of(report) == "camat-2"


def test_taking_a_report_in_asks_no_more_often_however_many_rules_there_are(city: City) -> None:
    in_area("kota-uji.1.1")  # makes the channel and the category
    with CaptureQueriesContext(connection) as few:
        in_area("kota-uji.1.1")
    for n in range(30):
        rule(city, "umum", position=n)
    with CaptureQueriesContext(connection) as many:
        in_area("kota-uji.1.1")
    assert len(many) == len(few)


def test_explanation_and_statement_agree_on_random_rules(city: City) -> None:
    rng = random.Random(7)
    for slug, parent in (("tps-liar", "sampah"), ("jalan", None), ("lubang", "jalan")):
        make_category(slug, parent=make_category(parent) if parent else None)
    make_agency(city, "dbm", make_category("jalan"))
    slugs, codes = ["sampah", "tps-liar", "jalan", "lubang"], list(Area.objects.values_list("code", flat=True))
    days = [None, date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]
    reports = [in_area(code, slug) for code in codes for slug in slugs]
    reports += [make_report(location=Point(106.85, -6.25, srid=4326), category=make_category(slug)) for slug in slugs]
    seen = set()
    for _round in range(12):
        RoutingRule.objects.all().delete()
        for _n in range(rng.randrange(8)):
            start, end = rng.choice(days), rng.choice(days)
            chosen: dict[str, Any] = {"category": rng.choice(slugs), "area": rng.choice(codes)}
            kept = {name: value for name, value in chosen.items() if rng.random() < 0.7}
            if start is None or end is None or start < end:
                kept |= {"valid_from": start, "valid_to": end}
            rule(city, f"a{rng.randrange(5)}", rng.randrange(4), is_active=rng.random() < 0.9, **kept)
        found = dry_run(city=city, by=ALL, now=NOW)
        told = {one.report: (one.to_agency, one.rule and one.rule.pk) for one in found.examples}
        for report in Report.objects.select_related("city", "agency", "category"):
            why = explain(report=report, now=NOW)
            expected = told.get(report.public_id, (report.agency and report.agency.slug, None))
            assert (why.agency and why.agency.slug) == expected[0]
            if report.public_id in told:
                assert (why.rule and why.rule.pk) == expected[1]
            seen.add(expected[0])
    assert seen >= {"dlh", "dbm", "a0", "a1", "a2", "a3", "a4"}


def test_an_explanation_says_of_every_rule_why_it_does_not_decide(city: City) -> None:
    make_category("jalan")
    kept = {
        rule(city, "a", 1, is_active=False): Verdict.INACTIVE,
        rule(city, "a", 2, valid_from=date(2026, 3, 2)): Verdict.NOT_YET,
        rule(city, "a", 3, valid_to=date(2026, 3, 1)): Verdict.OVER,
        rule(city, "a", 4, category="jalan"): Verdict.OTHER_CATEGORY,
        rule(city, "a", 5, area="kota-uji.2"): Verdict.OTHER_AREA,
        rule(city, "b", 6, area="kota-uji.1", category="sampah"): Verdict.MATCHES,
        rule(city, "c", 7): Verdict.COMES_LATER,
    }
    report = in_area("kota-uji.1.1")
    found = explain(report=report, now=NOW)
    assert dict(found.verdicts) == kept
    assert (found.rule and found.rule.position, found.agency and found.agency.slug) == (6, "b")


def test_without_a_match_the_explanation_names_the_category_that_decides(city: City) -> None:
    make_category("tps-liar", parent=make_category("sampah"))
    found = explain(report=in_area("kota-uji.1.1", "tps-liar"), now=NOW)
    assert (found.rule, found.named_by and found.named_by.slug) == (None, "sampah")
    assert found.agency == city.agencies.get(slug="dlh")

"""Rules that route reports, tried and applied; and the arbiter of those that agencies hand to and fro. On a real PostGIS."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from geo.models import (
    Agency,
    Area,
    Category,
    City,
    CityRole,
    HistoryEntry,
    Report,
    RoutingPolicy,
    RoutingRule,
)
from geo.operations.routing.arbitration import waiting_for_decision
from geo.operations.routing.dry_run import dry_run, explain
from geo.operations.routing.reading import read_rules, rules_of, scope_of
from geo.operations.routing.rules import Flaw, Verdict, faults
from geo.operations.routing.services import PingPong, ping_pong, reroute
from geo.reports.access.principals import Grant, Principal
from geo.reports.merging import merge_reports
from geo.reports.revision import revise_report
from geo.reports.services import refresh_public_points
from geo.reports.status import StatusChange, change_status, status_changed
from geo.reports.workflow import Status
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, centre, make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 1)
LATER = NOW + timedelta(hours=1)
ALL = Principal(is_superuser=True)


@pytest.fixture
def city() -> City:
    """Two districts of two subdistricts each. Rubbish is dlh's, by its category."""
    made = make_city()
    make_agency(made, "dlh", make_category("sampah"))
    return made


def rule(city: City, agency: str, position: int = 10, **more: Any) -> RoutingRule:
    """A rule; `category` and `area` by slug and code."""
    if "category" in more:
        more["category"] = Category.objects.get(slug=more["category"])
    if "area" in more:
        more["area"] = Area.objects.get(code=more["area"])
    return RoutingRule.objects.create(city=city, agency=make_agency(city, agency), position=position, **more)


def agency_of(report: Report) -> str | None:
    report.refresh_from_db()
    return report.agency.slug if report.agency is not None else None


def in_area(code: str, category: str = "sampah", **more: Any) -> Report:
    return make_report(location=centre(code), category=make_category(category), **more)


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


# What python says of a report, for explanations, and what the statement does are the same.


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


# The dry run.


def moves(found: Any) -> list[tuple[int | None, str | None, str | None, int]]:
    return [(one.rule and one.rule.position, one.from_agency, one.to_agency, one.reports) for one in found.moves]


def test_a_dry_run_counts_what_would_go_elsewhere_and_writes_nothing(city: City) -> None:
    stay, *go = in_area("kota-uji.2.1"), in_area("kota-uji.1.1"), in_area("kota-uji.1.2")
    rule(city, "camat-1", area="kota-uji.1")
    before = list(Report.objects.order_by("id").values()), HistoryEntry.objects.count()
    found = dry_run(city=city, by=ALL, now=NOW)
    assert (found.reports, found.moved, moves(found)) == (3, 2, [(10, "dlh", "camat-1", 2)])
    assert [(one.rule.position, one.reports, one.moved) for one in found.outcomes] == [(10, 2, 2)]
    assert {one.report for one in found.examples} == {report.public_id for report in go}
    assert stay.public_id not in {one.report for one in found.examples}
    assert (list(Report.objects.order_by("id").values()), HistoryEntry.objects.count()) == before


def test_a_dry_run_leaves_closed_reports_out_unless_it_is_asked_for_days(city: City) -> None:
    in_area("kota-uji.1.1", status="resolved")
    in_area("kota-uji.1.1", status="resolved", reported_at=NOW - timedelta(days=31))
    in_area("kota-uji.1.1", status="in_progress")
    rule(city, "umum")
    assert dry_run(city=city, by=ALL, now=NOW).reports == 1
    assert dry_run(city=city, by=ALL, now=NOW, days=30).reports == 2


def test_rules_are_tried_before_they_are_stored(city: City) -> None:
    in_area("kota-uji.1.1")
    in_area("kota-uji.2.1")
    rule(city, "umum")
    make_agency(city, "camat-2")
    given = read_rules([{"agency": "camat-2", "area": "kota-uji.2"}], city)
    found = dry_run(city=city, by=ALL, now=NOW, rules=given)
    assert moves(found) == [(10, "dlh", "camat-2", 1)]
    assert RoutingRule.objects.count() == 1


def test_a_report_that_nobody_would_answer_for_is_told(city: City) -> None:
    report = in_area("kota-uji.1.1")
    city.agencies.get(slug="dlh").responsibilities.update(valid_to=date(2026, 2, 1))
    assert moves(dry_run(city=city, by=ALL, now=NOW)) == [(None, "dlh", None, 1)]
    assert reroute(city=city, by=ALL, now=LATER).reports == 0
    assert agency_of(report) == "dlh"


def test_at_most_a_hundred_examples_are_given_and_every_move_has_one(city: City) -> None:
    lonely = in_area("kota-uji.2.1")
    first = in_area("kota-uji.1.1")
    same = {field.attname: getattr(first, field.attname) for field in Report._meta.concrete_fields} | {"id": None}
    Report.objects.bulk_create(Report(**same | {"public_id": f"t{n}"}) for n in range(150))
    rule(city, "camat-1", 10, area="kota-uji.1")
    rule(city, "camat-2", 20, area="kota-uji.2")
    found = dry_run(city=city, by=ALL, now=NOW)
    assert (found.moved, len(found.examples)) == (152, 100)
    assert lonely.public_id in {one.report for one in found.examples}


def test_a_dry_run_takes_as_many_queries_for_many_rules_as_for_one(city: City) -> None:
    in_area("kota-uji.1.1")
    rule(city, "umum")
    with CaptureQueriesContext(connection) as few:
        dry_run(city=city, by=ALL, now=NOW)
    for n in range(20):
        rule(city, "umum", n)
    with CaptureQueriesContext(connection) as many:
        dry_run(city=city, by=ALL, now=NOW)
    assert len(many) == len(few)


@pytest.mark.parametrize("role", ["officer", "planner", "mayor"])
def test_only_those_who_dispatch_may_try_and_apply_rules(city: City, role: str) -> None:
    by = Principal(user_id=7, grants=(Grant(role, city.pk, agency_id=city.agencies.get(slug="dlh").pk),))
    for work in (dry_run, reroute):
        with pytest.raises(Forbidden):
            work(city=city, by=by, now=NOW)


def test_a_dispatcher_of_one_area_does_not_see_where_the_whole_citys_reports_go(city: City) -> None:
    area_id = Area.objects.get(code="kota-uji.1").pk
    with pytest.raises(Forbidden):
        dry_run(city=city, by=Principal(user_id=7, grants=(Grant("dispatcher", city.pk, area_id=area_id),)), now=NOW)
    dry_run(city=city, by=Principal(user_id=7, grants=(Grant("dispatcher", city.pk),)), now=NOW)


# Rules that never match.


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


# Rules from a file.


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


# Rules applied.


@pytest.fixture
def told() -> Any:
    """What was told to those who listen: (report, old agency, new agency, action)."""
    heard: list[tuple[str, int | None, int | None, str]] = []

    def listen(change: StatusChange, **_sent: Any) -> None:
        heard.append((change.report.public_id, change.old_agency_id, change.new_agency_id, change.action))

    status_changed.connect(listen)
    yield heard
    status_changed.disconnect(listen)


def test_applying_moves_only_what_nobody_has_taken_up_and_leaves_a_line_for_each(city: City, told: Any) -> None:
    waits, works = in_area("kota-uji.1.1"), in_area("kota-uji.1.1", status="in_progress")
    dlh = waits.agency_id
    kept = rule(city, "camat-1", area="kota-uji.1")
    by = Principal(user_id=7, grants=(Grant("dispatcher", city.pk),), origin="api")
    assert reroute(city=city, by=by, now=LATER).reports == 1
    assert (agency_of(waits), agency_of(works)) == ("camat-1", "dlh")
    assert (waits.status, waits.handover_count, waits.updated_at) == ("submitted", 0, LATER)
    line = HistoryEntry.objects.get(action="rerouted")
    assert (line.report_id, line.user_id, line.origin, line.at) == (waits.pk, 7, "api", LATER)
    assert (line.old, line.new) == ({"agency": "dlh"}, {"agency": "camat-1", "rule": kept.pk})
    assert told == [(waits.public_id, dlh, kept.agency_id, "rerouted")]


def test_applying_twice_changes_nothing_more(city: City) -> None:
    in_area("kota-uji.1.1")
    rule(city, "camat-1")
    assert [reroute(city=city, by=ALL, now=LATER).reports for _time in range(2)] == [1, 0]
    assert HistoryEntry.objects.filter(action="rerouted").count() == 1


def test_applying_goes_on_where_its_limit_ended(city: City) -> None:
    for _n in range(3):
        in_area("kota-uji.1.1")
    rule(city, "camat-1")
    done = [reroute(city=city, by=ALL, now=LATER, limit=2) for _time in range(2)]
    assert [(one.reports, one.has_more) for one in done] == [(2, True), (1, False)]


def test_what_follows_a_report_goes_along_with_it(city: City) -> None:
    parent, child = in_area("kota-uji.1.1"), in_area("kota-uji.2.1")
    merge_reports(parent=parent, children=[child], by=ALL, now=NOW)
    rule(city, "camat-1", area="kota-uji.1")
    assert reroute(city=city, by=ALL, now=LATER).reports == 1
    assert (agency_of(parent), agency_of(child)) == ("camat-1", "camat-1")


# Handed to and fro.


def officer_of(agency: Agency) -> Principal:
    return Principal(user_id=1000 + agency.pk, grants=(Grant("officer", agency.city_id, agency_id=agency.pk),))


def hand_over(report: Report, agency: Agency, by: Principal, now: datetime = LATER) -> None:
    change_status(report=report, status=Status.COORDINATION, by=by, now=now, note="Bukan tugas kami.", agency=agency)
    report.refresh_from_db()


@pytest.fixture
def arbiter(city: City) -> User:
    user = User.objects.create_user("wasit", is_staff=True)
    CityRole.objects.create(user=user, city=city, role="planner")
    RoutingPolicy.objects.create(city=city, arbiter=user)
    return user


def to_and_fro(city: City, times: int) -> tuple[Report, Agency, Agency]:
    """A report that dlh and dbm have handed to each other; the one that has it now, then the other."""
    report = in_area("kota-uji.1.1")
    here, there = city.agencies.get(slug="dlh"), make_agency(city, "dbm")
    for _n in range(times):
        hand_over(report, there, officer_of(here))
        here, there = there, here
    return report, here, there


def test_the_third_handover_calls_the_arbiter_and_not_the_second(city: City, arbiter: User) -> None:
    report, here, there = to_and_fro(city, 2)
    assert report.arbiter_id is None
    hand_over(report, there, officer_of(here))
    assert (report.arbiter_id, report.handover_count) == (arbiter.pk, 3)
    line = HistoryEntry.objects.get(action="arbitration")
    assert (line.user_id, line.old, line.new) == (1000 + here.pk, {"arbiter": None}, {"arbiter": arbiter.pk})


def test_officers_cannot_hand_over_what_the_arbiter_has(city: City, arbiter: User) -> None:
    report, here, there = to_and_fro(city, 3)
    with pytest.raises(Conflict):
        hand_over(report, there, officer_of(here))
    with pytest.raises(Conflict):
        change_status(report=report, status=Status.ASSIGNED, by=officer_of(here), now=LATER)
    assert agency_of(report) == here.slug


def test_the_arbiter_decides_and_the_counting_begins_anew(city: City, arbiter: User) -> None:
    report, here, there = to_and_fro(city, 3)
    decides = Principal(user_id=arbiter.pk, grants=(Grant("planner", city.pk),), origin="api")
    change_status(report=report, status=Status.ASSIGNED, by=decides, now=LATER, agency=there)
    report.refresh_from_db()
    assert (report.arbiter_id, agency_of(report), report.status) == (None, there.slug, "assigned")
    line = HistoryEntry.objects.get(action="arbitrated")
    assert (line.user_id, line.agency_id, line.origin) == (arbiter.pk, there.pk, "api")
    for _n in range(2):
        hand_over(report, here, officer_of(there))
        here, there = there, here
        assert report.arbiter_id is None
    hand_over(report, here, officer_of(there))
    assert report.arbiter_id == arbiter.pk


def test_the_arbiter_may_leave_it_where_it_is(city: City, arbiter: User) -> None:
    report, here, _there = to_and_fro(city, 3)
    decides = Principal(user_id=arbiter.pk, grants=(Grant("planner", city.pk),))
    change_status(report=report, status=Status.ASSIGNED, by=decides, now=LATER)
    report.refresh_from_db()
    assert (report.arbiter_id, agency_of(report)) == (None, here.slug)


def test_a_dispatchers_decision_ends_it_as_well(city: City, arbiter: User) -> None:
    report, _here, there = to_and_fro(city, 3)
    by = Principal(user_id=7, grants=(Grant("dispatcher", city.pk),))
    change_status(report=report, status=Status.ASSIGNED, by=by, now=LATER, agency=there)
    report.refresh_from_db()
    assert report.arbiter_id is None


def test_closing_it_lets_the_arbiter_go(city: City, arbiter: User) -> None:
    report, _here, _there = to_and_fro(city, 3)
    change_status(report=report, status=Status.REJECTED, by=ALL, now=LATER, note="Di luar kota.")
    report.refresh_from_db()
    assert report.arbiter_id is None


def test_merging_it_into_another_lets_the_arbiter_go(city: City, arbiter: User) -> None:
    report, _here, _there = to_and_fro(city, 3)
    merge_reports(parent=in_area("kota-uji.1.1"), children=[report], by=ALL, now=LATER)
    report.refresh_from_db()
    assert report.arbiter_id is None


def test_how_many_handovers_it_takes_is_the_citys_to_say(city: City, arbiter: User) -> None:
    RoutingPolicy.objects.update(handovers_before_arbiter=1)
    assert to_and_fro(city, 1)[0].arbiter_id == arbiter.pk


@pytest.mark.parametrize("left", ["no policy", "no arbiter", "no longer staff", "no role"])
def test_without_an_arbiter_it_stays_with_the_dispatchers_and_is_counted(city: City, arbiter: User, left: str) -> None:
    if left == "no policy":
        RoutingPolicy.objects.all().delete()
    elif left == "no arbiter":
        RoutingPolicy.objects.update(arbiter=None)
    elif left == "no longer staff":
        User.objects.update(is_active=False)
    else:
        CityRole.objects.all().delete()
    report, _here, _there = to_and_fro(city, 3)
    assert report.arbiter_id is None
    assert list(waiting_for_decision(city)) == [report]


def test_a_first_agency_and_applied_rules_are_no_handovers(city: City, arbiter: User) -> None:
    RoutingPolicy.objects.update(handovers_before_arbiter=1)
    make_category("lain")
    report = in_area("kota-uji.1.1", "lain")
    assert report.agency_id is None
    hand_over(report, city.agencies.get(slug="dlh"), ALL)
    rule(city, "umum")
    reroute(city=city, by=ALL, now=LATER)
    assert (report.arbiter_id, report.handover_count) == (None, 0)


def test_an_arbiter_is_staff_with_a_role_in_the_city(city: City, arbiter: User) -> None:
    RoutingPolicy.objects.get().full_clean()
    policy = RoutingPolicy(city=make_city("kota-lain", west=107.5), arbiter=arbiter)
    with pytest.raises(ValidationError) as refused:
        policy.full_clean()
    assert set(refused.value.message_dict) == {"arbiter"}


# The figures.


def test_ping_pong_counts_each_pair_of_agencies_over_its_period(city: City) -> None:
    report, here, there = to_and_fro(city, 3)
    once = in_area("kota-uji.1.1")
    assert (here.slug, there.slug) == ("dbm", "dlh")
    hand_over(once, here, officer_of(there))
    hand_over(report, there, officer_of(here), now=LATER + timedelta(days=2))
    # dlh to dbm, dbm to dlh, dlh to dbm; two days later dbm to dlh. The other report was handed on once only.
    first = ping_pong(city, NOW, NOW + timedelta(days=1))
    assert first == [PingPong("dlh", "dbm", 2, 1), PingPong("dbm", "dlh", 1, 1)]
    later = ping_pong(city, NOW + timedelta(days=1), NOW + timedelta(days=3))
    assert later == [PingPong("dbm", "dlh", 1, 1)]


def test_ping_pong_of_another_city_is_not_counted(city: City) -> None:
    to_and_fro(city, 2)
    assert ping_pong(make_city("kota-lain", west=107.5), NOW, NOW + timedelta(days=1)) == []

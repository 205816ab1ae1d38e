"""Rules tried before they hold, and applied to what is there."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from geo.models import (
    Area,
    City,
    HistoryEntry,
    Report,
    RoutingRule,
)
from geo.operations.routing.dry_run import dry_run
from geo.operations.routing.reading import read_rules
from geo.operations.routing.services import reroute
from geo.reports.access.principals import Grant, Principal
from geo.reports.merging import merge_reports
from geo.reports.status import StatusChange, status_changed
from server.core.errors import Forbidden
from tests.db.routing_rules import ALL, LATER, agency_of, city, in_area, rule
from tests.factories import NOW, make_agency

pytestmark = pytest.mark.django_db
__all__ = ["city"]


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

"""Random walks through the workflow, by everybody, on real rows: what is legal is done whole, what is not changes nothing.

`expected` says in plain rules which error a step is due; the table of edges is the workflow's own, everything else is written anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from geo.models import Agency, Category, Report
from geo.reports.access.principals import Grant, Link, Principal, Role
from geo.reports.merging import merge_reports
from geo.reports.status import ChangedMeanwhile, change_status, next_steps
from geo.reports.workflow import CLOSED, EDGES, Actor, Need, Status
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, make_agency, make_category, make_city, make_report

pytestmark = pytest.mark.django_db

ROLES = (
    *("anonymous", "reporter", "channel", "officer a", "officer b", "officer elsewhere", "agency link", "dispatcher"),
    *("planner", "mayor", "administrator", "superuser", "arbiter"),
)
DISPATCHING = ("dispatcher", "administrator", "superuser")
STAFF_OF_THE_CITY = (*DISPATCHING, "officer a", "officer b", "planner", "mayor", "arbiter")


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody tries: `agency` by its letter (x is another city's), `seen` whether they have read the latest state."""

    role: str
    status: Status
    has_reason: bool = True
    agency: str = ""
    seen: str = ""
    days: int = 0


STEPS = st.builds(
    Step,
    # Mostly those who may do something: others would leave every report where it was.
    role=st.one_of(st.sampled_from(("dispatcher", "officer a", "officer b", "reporter")), st.sampled_from(ROLES)),
    status=st.sampled_from(Status),
    has_reason=st.sampled_from((True, True, True, False)),
    agency=st.sampled_from(("", "a", "a", "b", "b", "x")),
    seen=st.sampled_from(("", "", "latest", "stale")),
    days=st.sampled_from((0, 0, 1, 20)),
)


@dataclass(slots=True)
class World:
    report: Report
    child: Report
    agencies: dict[str, Agency]
    principals: dict[str, Principal]
    arbiter: User
    needs_evidence: bool = False
    now: datetime = NOW


@pytest.fixture
def world() -> World:
    """Made once; each walk is rolled back."""
    city, other = make_city(), make_city("kota-lain", west=108.0)
    category = make_category()
    agencies = {"a": make_agency(city, "dinas-a", category), "b": make_agency(city, "dinas-b")}
    agencies["x"] = make_agency(other, "dinas-x")
    report, child = make_report(), make_report()
    merge_reports(parent=report, children=[child], by=Principal(is_superuser=True), now=NOW)
    arbiter = User.objects.create(username="penengah", is_staff=True)

    def person(role: str, city_id: int = city.pk, agency: str | None = None) -> Principal:
        grant = Grant(role, city_id, agencies[agency].pk if agency else None)
        return Principal(user_id=len(principals) + 1000, grants=(grant,), origin="api")

    principals = {
        "anonymous": Principal(origin="api"),
        "reporter": Principal(link=Link(report.pk, Actor.REPORTER), origin="link"),
        "channel": Principal(channel=report.channel, origin="api"),
        "agency link": Principal(link=Link(report.pk, Actor.OFFICER, agencies["a"].pk), origin="link"),
        "superuser": Principal(user_id=999, is_superuser=True, origin="admin"),
        "arbiter": Principal(user_id=arbiter.pk, grants=(Grant(Role.PLANNER, city.pk),), origin="api"),
    }
    principals |= {"officer a": person(Role.OFFICER, agency="a"), "officer b": person(Role.OFFICER, agency="b")}
    principals["officer elsewhere"] = person(Role.OFFICER, other.pk, "x")
    principals |= {role: person(role) for role in (Role.DISPATCHER, Role.PLANNER, Role.MAYOR, Role.ADMINISTRATOR)}
    return World(report, child, agencies, principals, arbiter)


def actors_of(world: World, role: str) -> set[Actor]:
    """As whom somebody acts at this report, as it is now."""
    has = world.report.agency_id
    acts_as = {
        "reporter": Actor.REPORTER,
        "officer a": Actor.OFFICER if has == world.agencies["a"].pk else None,
        "officer b": Actor.OFFICER if has == world.agencies["b"].pk else None,
        "agency link": Actor.OFFICER if has == world.agencies["a"].pk else None,
        "arbiter": Actor.DISPATCHER if world.report.arbiter_id == world.arbiter.pk else None,
        **dict.fromkeys(DISPATCHING, Actor.DISPATCHER),
    }
    actor = acts_as.get(role)
    return {actor} if actor is not None else set()


def expected(world: World, step: Step) -> type[Exception] | None:
    """The error that a step is due, None for a legal one."""
    report, actors = world.report, actors_of(world, step.role)
    edge = next((each for each in EDGES if (each.source, each.target) == (report.status, step.status)), None)
    if step.seen == "stale" and (actors or step.role in STAFF_OF_THE_CITY):
        return ChangedMeanwhile
    if not actors:
        return Forbidden
    if edge is None:
        return ChangedMeanwhile
    if not edge.actors & actors:
        return Forbidden
    names_agency, is_dispatched = Need.AGENCY in edge.needs, Actor.DISPATCHER in actors
    if names_agency and report.arbiter_id is not None and not is_dispatched:
        return Conflict
    if actors == {Actor.REPORTER} and world.now > report.closed_at + timedelta(days=14):
        return Conflict
    if (Need.REASON in edge.needs and not step.has_reason) or (Need.EVIDENCE in edge.needs and world.needs_evidence):
        return InvalidFields
    agency = world.agencies.get(step.agency)
    is_another = agency is not None and agency.pk != report.agency_id
    if step.agency == "x" or (is_another and not names_agency):
        return InvalidFields
    if step.status is Status.COORDINATION and (agency is None or (edge.source == edge.target and not is_another)):
        return InvalidFields
    if step.status is Status.ASSIGNED and is_another and not is_dispatched:
        return Forbidden
    return None


def row_of(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = Report.objects.filter(pk=report.pk).values().get()
    return found


def take(world: World, step: Step) -> None:
    world.now += timedelta(days=step.days, minutes=1)
    world.report.refresh_from_db()
    group = (world.report, world.child)
    before = [row_of(one) for one in group]
    lines, notes = [one.history.count() for one in group], [one.notes.count() for one in group]
    by, due = world.principals[step.role], expected(world, step)
    seen = {"": None, "latest": world.report.updated_at, "stale": world.report.updated_at - timedelta(seconds=1)}
    offered = step.status in {edge.target for edge in next_steps(world.report, by, now=world.now)}
    raised: Exception | None = None
    try:
        with transaction.atomic():
            change_status(
                report=world.report,
                status=step.status,
                by=by,
                now=world.now,
                note="Alasan" if step.has_reason else "",
                agency=world.agencies.get(step.agency),
                as_of=seen[step.seen],
            )
    except (Conflict, Forbidden, InvalidFields) as error:
        raised = error
    assert type(raised) is (due or type(None)), (step, raised)
    if raised is not None:
        assert [row_of(one) for one in group] == before
        assert [one.history.count() for one in group] == lines
        assert [one.notes.count() for one in group] == notes
        return
    assert offered
    for one, was, count in zip(group, before, notes, strict=True):
        assert_moved(one, was, step, by, world)
        assert one.notes.count() == count + step.has_reason


def assert_moved(one: Report, was: dict[str, Any], step: Step, by: Principal, world: World) -> None:
    is_ = row_of(one)
    chosen = world.agencies.get(step.agency)
    agency_id = chosen.pk if chosen is not None else was["agency_id"]
    is_handover = agency_id != was["agency_id"]
    assert (is_["status"], is_["agency_id"]) == (step.status, agency_id)
    assert is_["updated_at"] > was["updated_at"]
    assert is_["closed_at"] == (world.now if step.status in CLOSED else None)
    assert is_["handover_count"] == was["handover_count"] + is_handover
    assert is_["reopened_count"] == was["reopened_count"] + (step.status is Status.REOPENED)
    assert is_["responded_at"] == (was["responded_at"] or world.now)
    line = one.history.filter(action="status").latest("id")
    assert (line.at, line.user_id, line.channel, line.origin) == (world.now, by.user_id, None, by.origin)
    assert (line.old["status"], line.new["status"], line.agency_id) == (was["status"], step.status, agency_id)
    assert ("agency" in line.old) == ("agency" in line.new) == is_handover
    steps = list(one.history.filter(new__has_key="status").order_by("id"))
    assert all(after.old["status"] == before.new["status"] for before, after in pairwise(steps))


@settings(max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@example(
    # A whole life: handed over, taken up, put on hold, resolved, opened again by who sent it, rejected, and too late then.
    walk=[
        Step("officer a", Status.COORDINATION, agency="b"),
        Step("officer a", Status.IN_PROGRESS),
        Step("officer b", Status.ASSIGNED),
        Step("officer b", Status.IN_PROGRESS, seen="latest"),
        Step("officer b", Status.WAITING),
        Step("officer b", Status.RESOLVED, days=3),
        Step("reporter", Status.REOPENED, days=13),
        Step("officer b", Status.REJECTED),
        Step("dispatcher", Status.REJECTED),
        Step("reporter", Status.REOPENED, days=14),
        Step("officer b", Status.REOPENED),
        Step("dispatcher", Status.DUPLICATE),
        Step("reporter", Status.REOPENED),
        Step("administrator", Status.REOPENED, seen="stale"),
        Step("superuser", Status.REOPENED),
    ],
    has_arbiter=False,
    needs_evidence=False,
)
@example(
    # Officers of a report that went to and fro wait for its arbiter, who decides.
    walk=[
        Step("officer a", Status.COORDINATION, agency="b"),
        Step("officer a", Status.ASSIGNED),
        Step("arbiter", Status.COORDINATION, agency="x"),
        Step("arbiter", Status.COORDINATION, agency="b"),
        Step("officer b", Status.COORDINATION, agency="a"),
        Step("arbiter", Status.ASSIGNED, agency="b"),
        Step("officer b", Status.RESOLVED),
    ],
    has_arbiter=True,
    needs_evidence=True,
)
@given(walk=st.lists(STEPS, min_size=4, max_size=12), has_arbiter=st.booleans(), needs_evidence=st.booleans())
def test_whoever_takes_whatever_steps_the_report_stays_whole(
    world: World, walk: list[Step], has_arbiter: bool, needs_evidence: bool
) -> None:
    with transaction.atomic():
        world.needs_evidence, world.now = needs_evidence, NOW
        Category.objects.update(needs_evidence=needs_evidence)
        Report.objects.filter(pk=world.report.pk).update(arbiter=world.arbiter if has_arbiter else None)
        for step in walk:
            take(world, step)
        transaction.set_rollback(True)


def test_the_walks_know_every_role(world: World) -> None:
    assert set(world.principals) == set(ROLES)
    assert {role for role in Role.values if role != Role.OFFICER} <= set(ROLES)

"""The workflow's table, by itself: no state is a trap or out of reach, no rule is for nobody."""

from collections.abc import Iterable

import pytest
from django.utils import translation

from geo.reports.workflow import CLOSED, EDGES, WORDS, Actor, Edge, Need, Status, edge_between, steps_from


def reached_from(start: Status, edges: Iterable[Edge] = EDGES) -> set[Status]:
    found, more = {start}, [start]
    while more:
        here = more.pop()
        new = {edge.target for edge in edges if edge.source == here} - found
        found |= new
        more.extend(new)
    return found


def test_every_state_is_reached_from_the_first_one() -> None:
    assert reached_from(Status.SUBMITTED) == set(Status)


def test_a_dispatcher_alone_reaches_every_state() -> None:
    assert reached_from(Status.SUBMITTED, [edge for edge in EDGES if Actor.DISPATCHER in edge.actors]) == set(Status)


@pytest.mark.parametrize("status", Status)
def test_every_state_can_be_left_and_from_each_a_report_can_be_closed(status: Status) -> None:
    assert any(edge.source == status and edge.target != status for edge in EDGES)
    assert reached_from(status) >= {Status.RESOLVED, Status.REJECTED, Status.DUPLICATE}


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_what_is_closed_leaves_by_being_reopened_and_in_no_other_way(status: Status) -> None:
    assert [edge.target for edge in EDGES if edge.source == status] == [Status.REOPENED]


def test_no_step_is_in_the_table_twice() -> None:
    steps = [(edge.source, edge.target) for edge in EDGES]
    assert len(steps) == len(set(steps)) == 37


def test_only_a_handover_leads_from_a_state_to_itself() -> None:
    (loop,) = [edge for edge in EDGES if edge.source == edge.target]
    assert (loop.source, loop.needs) == (Status.COORDINATION, {Need.REASON, Need.AGENCY})


def test_every_actor_and_every_need_is_used_and_every_step_is_somebodys() -> None:
    assert {actor for edge in EDGES for actor in edge.actors} == set(Actor)
    assert {need for edge in EDGES for need in edge.needs} == set(Need)
    assert all(edge.actors for edge in EDGES)


def test_whatever_is_handed_over_closed_or_opened_again_is_given_a_reason() -> None:
    reasoned = {Status.COORDINATION, Status.WAITING, Status.REOPENED, *CLOSED}
    assert {edge.target for edge in EDGES if Need.REASON in edge.needs} == reasoned
    assert all(Need.REASON in edge.needs for edge in EDGES if edge.target in reasoned)


def test_only_resolving_needs_evidence() -> None:
    assert {edge.target for edge in EDGES if Need.EVIDENCE in edge.needs} == {Status.RESOLVED}
    assert all(Need.EVIDENCE in edge.needs for edge in EDGES if edge.target is Status.RESOLVED)


def test_an_officer_neither_rejects_nor_calls_a_report_a_duplicate() -> None:
    theirs = {edge.target for edge in EDGES if Actor.OFFICER in edge.actors}
    assert theirs == {
        Status.COORDINATION,
        Status.ASSIGNED,
        Status.IN_PROGRESS,
        Status.WAITING,
        Status.RESOLVED,
        Status.REOPENED,
    }


def test_a_reporter_opens_again_what_was_resolved_or_rejected_and_does_nothing_else() -> None:
    theirs = {(edge.source, edge.target) for edge in EDGES if Actor.REPORTER in edge.actors}
    assert theirs == {(Status.RESOLVED, Status.REOPENED), (Status.REJECTED, Status.REOPENED)}


def test_a_step_is_found_by_its_ends_and_the_steps_of_an_actor_in_the_order_of_the_table() -> None:
    assert edge_between(Status.RESOLVED, Status.IN_PROGRESS) is None
    found = edge_between(Status.IN_PROGRESS, Status.WAITING)
    assert found is not None
    assert found.needs == {Need.REASON}
    officers = [edge.target for edge in steps_from(Status.ASSIGNED, {Actor.OFFICER})]
    assert officers == [Status.COORDINATION, Status.IN_PROGRESS, Status.WAITING, Status.RESOLVED]
    assert steps_from(Status.SUBMITTED, {Actor.REPORTER}) == []


def test_every_state_has_a_name_of_its_own_in_both_languages() -> None:
    assert set(WORDS) == set(Status)
    for names in ({words.name_id for words in WORDS.values()}, {words.name_en for words in WORDS.values()}):
        assert len(names - {""}) == len(Status)
    assert not {words.name_id for words in WORDS.values()} & {words.name_en for words in WORDS.values()}


def test_what_the_admin_calls_a_state_has_its_indonesian() -> None:
    labels = {}
    for language in ("en", "id"):
        with translation.override(language):
            labels[language] = [str(status.label) for status in Status]
    assert labels["en"][:4] == ["submitted", "coordination", "assigned", "in progress"]
    assert labels["id"][:4] == ["menunggu", "koordinasi", "disposisi", "proses"]
    assert not set(labels["en"]) & set(labels["id"])


def test_other_systems_are_told_that_a_report_is_closed_when_it_is() -> None:
    assert {status for status, words in WORDS.items() if words.open311 == "closed"} == CLOSED
    assert {status for status, words in WORDS.items() if words.qlue == "selesai"} == CLOSED
    assert {status for status, words in WORDS.items() if words.qlue == "menunggu"} == {Status.SUBMITTED}

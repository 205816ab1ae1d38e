"""Instructions of the mayor: given, worked on, confirmed; who may, what is kept of it, and what is erased."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import IntegrityError, ProgrammingError, transaction

from geo.areas.models import Area, City
from geo.models import CityRole, HistoryEntry, HistoryNote, Instruction, InstructionNote, InstructionStep, OutboxMessage
from geo.operations.field_links.links import token_of
from geo.operations.field_links.models import AgencyContact
from geo.operations.field_links.services import end_links, send_links
from geo.operations.incidents.services import open_incident
from geo.operations.mayor.instructions import EDGES, give_instruction, move_instruction, next_states, sides_of
from geo.operations.mayor.models import State
from geo.operations.outbox.delivery import deliver_due
from geo.reports.access.principals import Grant, Principal, Role
from geo.reports.models import Agency
from geo.reports.personal_data.person import erase_person, read_person
from server.core.errors import Conflict, Forbidden, InvalidFields
from tests.factories import NOW, make_agency, make_category, make_city, make_report
from tests.workflow_paths import take_step

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def city() -> City:
    User.objects.create_user("the-mayor", pk=7)
    return make_city()


@pytest.fixture
def dlh(city: City) -> Agency:
    return make_agency(city, "dlh", make_category("sampah"))


def mayor(city: City) -> Principal:
    return Principal(user_id=7, grants=(Grant(Role.MAYOR, city.pk),), origin="api")


def officer(agency: Agency, area: Area | None = None) -> Principal:
    grant = Grant(Role.OFFICER, agency.city_id, agency.pk, area.pk if area else None)
    return Principal(user_id=8, grants=(grant,), origin="api")


def person(name: str, city: City, role: str, **more: Any) -> User:
    user = User.objects.create_user(name, f"{name}@example.org", is_staff=True)
    CityRole.objects.create(user=user, city=city, role=role, **more)
    return user


def given(city: City, agency: Agency | None, **more: Any) -> Instruction:
    values = {
        "city": city, "agency": agency, "target": Area.objects.get(code="kota-uji.1"), "deadline": NOW + DAY,
        "text": "Bersihkan sungai", "by": mayor(city), "now": NOW, **more,
    }  # fmt: skip
    return give_instruction(**values)


def moved(instruction: Instruction, *states: State, now: datetime = NOW, note: str = "Beres") -> Instruction:
    both = Principal(user_id=7, is_superuser=True)
    for state in states:
        instruction = move_instruction(instruction=instruction, state=state, by=both, now=now, note=note)
    return instruction


def test_an_instruction_goes_from_the_mayor_to_the_agency_and_back(city: City, dlh: Agency) -> None:
    one = given(city, dlh)
    for state, by, note in (
        (State.ACKNOWLEDGED, officer(dlh), ""),
        (State.DONE, officer(dlh), "Sudah dikeruk"),
        (State.RETURNED, mayor(city), "Masih kotor"),
        (State.DONE, officer(dlh), "Dikeruk lagi"),
        (State.CONFIRMED, mayor(city), ""),
    ):
        one = move_instruction(instruction=one, state=state, by=by, now=NOW, note=note)
    assert (one.state, one.done_at, one.ended_at) == ("confirmed", NOW, NOW)
    assert [(step.old_state, step.new_state, step.user_id, step.origin, step.text) for step in one.steps.all()] == [
        ("", "open", 7, "api", "Bersihkan sungai"),
        ("open", "acknowledged", 8, "api", ""),
        ("acknowledged", "done", 8, "api", "Sudah dikeruk"),
        ("done", "returned", 7, "api", "Masih kotor"),
        ("returned", "done", 8, "api", "Dikeruk lagi"),
        ("done", "confirmed", 7, "api", ""),
    ]


def test_every_state_can_be_reached_and_all_but_the_last_can_be_left() -> None:
    assert {new for _old, new in EDGES} | {State.OPEN} == set(State)
    assert set(State) - {old for old, _new in EDGES} == {State.CONFIRMED, State.WITHDRAWN}


@pytest.mark.parametrize(
    ("path", "step", "current"),
    [
        ((), State.DONE, "open"),
        ((), State.CONFIRMED, "open"),
        ((State.ACKNOWLEDGED, State.DONE, State.CONFIRMED), State.WITHDRAWN, "confirmed"),
        ((State.WITHDRAWN,), State.ACKNOWLEDGED, "withdrawn"),
    ],
)
def test_a_step_that_there_is_not_is_a_conflict_that_says_how_it_stands(
    path: tuple[State, ...], step: State, current: str, city: City, dlh: Agency
) -> None:
    one = moved(given(city, dlh), *path)
    with pytest.raises(Conflict) as conflict:
        moved(one, step)
    assert conflict.value.extra == {"current": {"state": current}}


def test_done_and_returned_need_words(city: City, dlh: Agency) -> None:
    one = moved(given(city, dlh), State.ACKNOWLEDGED)
    with pytest.raises(InvalidFields, match="note"):
        moved(one, State.DONE, note=" ")
    one = moved(one, State.DONE)
    with pytest.raises(InvalidFields, match="note"):
        moved(one, State.RETURNED, note="")


def test_only_the_mayor_gives_one(city: City, dlh: Agency) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    others = [Principal(user_id=9, grants=(Grant(role, city.pk),)) for role in Role if role != Role.MAYOR]
    for by in (officer(dlh), mayor(elsewhere), Principal(), *others):
        with pytest.raises(Forbidden):
            given(city, dlh, by=by)
    assert not Instruction.objects.exists()


def test_each_side_takes_only_its_own_steps(city: City, dlh: Agency) -> None:
    one = given(city, dlh)
    other = make_agency(city, "bpbd")
    dispatcher = Principal(user_id=9, grants=(Grant(Role.DISPATCHER, city.pk),))
    for by in (mayor(city), officer(other), dispatcher):
        with pytest.raises(Forbidden):
            move_instruction(instruction=one, state=State.ACKNOWLEDGED, by=by, now=NOW)
    with pytest.raises(Forbidden):
        move_instruction(instruction=one, state=State.WITHDRAWN, by=officer(dlh), now=NOW)
    assert next_states(one, sides_of(one, officer(dlh))) == ["acknowledged"]
    assert next_states(one, sides_of(one, mayor(city))) == ["withdrawn"]
    assert next_states(one, sides_of(one, dispatcher)) == []


def test_an_officer_of_an_area_works_on_what_lies_in_it(city: City, dlh: Agency) -> None:
    west, east = (Area.objects.get(code=code) for code in ("kota-uji.1", "kota-uji.2"))
    here = given(city, dlh, target=Area.objects.get(code="kota-uji.1.1"))
    there = given(city, dlh, target=make_report())  # in kota-uji.1, too
    far = given(city, dlh, target=east)
    seen = Instruction.objects.visible_to(officer(dlh, west)).order_by("id")
    assert list(seen) == [here, there]
    with pytest.raises(Forbidden):
        move_instruction(instruction=far, state=State.ACKNOWLEDGED, by=officer(dlh, west), now=NOW)
    assert move_instruction(instruction=here, state=State.ACKNOWLEDGED, by=officer(dlh, west), now=NOW).state == "acknowledged"  # fmt: skip


def test_who_sees_instructions(city: City, dlh: Agency) -> None:
    one = given(city, dlh)
    for role in (Role.MAYOR, Role.DISPATCHER, Role.ADMINISTRATOR):
        assert list(Instruction.objects.visible_to(Principal(user_id=9, grants=(Grant(role, city.pk),)))) == [one]
    assert list(Instruction.objects.visible_to(officer(dlh))) == [one]
    planner = Principal(user_id=9, grants=(Grant(Role.PLANNER, city.pk),))
    elsewhere = mayor(make_city("kota-lain", west=108.0))
    for by in (planner, elsewhere, officer(make_agency(city, "bpbd")), Principal()):
        assert not Instruction.objects.visible_to(by).exists()


def test_one_about_a_report_is_read_by_who_has_the_report_and_by_whom_it_was_given_to_until_it_has_ended(
    city: City, dlh: Agency
) -> None:
    dbmsda, bpbd = make_agency(city, "dbmsda"), make_agency(city, "bpbd")
    report = make_report()
    one = given(city, None, target=report)

    def readers() -> set[str]:
        agencies = {"dlh": dlh, "dbmsda": dbmsda, "bpbd": bpbd}
        return {name for name, agency in agencies.items() if Instruction.objects.visible_to(officer(agency)).exists()}

    assert readers() == {"dlh"}
    for to in (dbmsda, bpbd):
        take_step(report, "coordination", agency=to)
    assert readers() == {"dlh", "bpbd"}
    dispatcher = Principal(user_id=9, grants=(Grant(Role.DISPATCHER, city.pk),))
    with pytest.raises(Forbidden):
        move_instruction(instruction=one, state=State.ACKNOWLEDGED, by=officer(bpbd), now=NOW)
    moved(one, State.ACKNOWLEDGED, State.DONE, State.CONFIRMED)
    assert readers() == {"bpbd"}
    for by in (mayor(city), dispatcher):
        assert list(Instruction.objects.visible_to(by)) == [one]


def test_one_about_an_area_is_read_by_its_agency_after_it_has_ended(city: City, dlh: Agency) -> None:
    one = moved(given(city, dlh), State.WITHDRAWN)
    assert list(Instruction.objects.visible_to(officer(dlh))) == [one]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"deadline": NOW}, "deadline"), ({"text": "  "}, "text"), ({}, "agency")],
)
def test_what_is_missing_is_named_and_nothing_is_written(
    wrong: dict[str, Any], field: str, city: City, dlh: Agency
) -> None:
    with pytest.raises(InvalidFields) as refused:
        given(city, dlh if wrong else None, **wrong)
    assert list(refused.value.fields) == [field]
    assert not Instruction.objects.exists()
    assert not InstructionStep.objects.exists()


def test_a_target_or_an_agency_of_another_city_is_refused(city: City, dlh: Agency) -> None:
    elsewhere = make_city("kota-lain", west=108.0)
    with pytest.raises(InvalidFields) as refused:
        given(city, make_agency(elsewhere, "pu"), target=Area.objects.get(code="kota-lain.1"))
    assert set(refused.value.fields) == {"agency", "area"}


def test_late_is_a_comparison_with_the_deadline(city: City, dlh: Agency) -> None:
    deadline = NOW + DAY
    after = deadline + timedelta(seconds=1)
    one = given(city, dlh)
    assert (one.is_late(deadline), one.is_late(after)) == (False, True)
    late = Instruction.objects.late
    assert (late(deadline).count(), late(after).count()) == (0, 1)
    in_time = moved(one, State.ACKNOWLEDGED, State.DONE, now=deadline)
    assert not in_time.is_late(after + DAY)
    assert not late(after + DAY).exists()
    too_late = moved(given(city, dlh), State.ACKNOWLEDGED, State.DONE, now=after)
    assert too_late.is_late(after)
    assert list(late(after)) == [too_late]
    returned = moved(in_time, State.RETURNED, now=deadline)
    assert returned.is_late(after)
    withdrawn = moved(returned, State.WITHDRAWN, now=after)
    assert not withdrawn.is_late(after + DAY)
    assert list(late(after + DAY)) == [too_late]


def test_a_reports_history_has_a_line_without_words_and_they_are_a_note_of_the_report(city: City, dlh: Agency) -> None:
    report = make_report()
    assert report.agency == dlh
    one = given(city, None, target=report)
    assert one.agency == dlh
    line = report.history.latest("id")
    assert (line.action, line.user_id, line.origin, line.old) == ("instruction", 7, "api", {})
    assert line.new == {"instruction": one.public_id, "state": "open", "agency": "dlh"}
    assert line.note is not None
    assert (line.note.text, line.note.is_public) == ("Bersihkan sungai", False)
    moved(one, State.ACKNOWLEDGED, note="")
    line = report.history.latest("id")
    assert line.old == {"instruction": one.public_id, "state": "open"}
    assert line.new == {"instruction": one.public_id, "state": "acknowledged", "agency": "dlh"}
    assert line.note is None
    assert not InstructionNote.objects.exists()
    report.refresh_from_db()
    assert report.status == "submitted"


def test_the_words_about_a_report_go_with_its_personal_data_and_the_steps_stay(city: City, dlh: Agency) -> None:
    report = make_report()
    one = given(city, dlh, target=report, text="Hubungi Siti")
    erase_person(read_person(report=report.public_id), now=NOW + DAY)
    (step,) = InstructionStep.objects.filter(instruction=one)
    assert (step.new_state, step.text) == ("open", "")
    assert not HistoryNote.objects.filter(text__contains="Siti").exists()


def test_words_about_an_area_or_an_incident_hold_no_number_or_address(city: City, dlh: Agency) -> None:
    incident = open_incident(city=city, title="Banjir", reports=[], by=Principal(is_superuser=True), now=NOW)
    one = given(city, dlh, target=incident, text="Hubungi 0812-3456-7890 atau a@example.org")
    assert one.steps.get().text == "Hubungi [telepon] atau [e-mail]"
    assert not HistoryEntry.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda step: InstructionStep.objects.update(new_state="done"),
        lambda step: step.delete(),
        lambda step: InstructionStep.objects.filter(pk=step.pk).delete(),
    ],
)
def test_the_steps_are_append_only_in_the_database(
    change: Callable[[InstructionStep], Any], city: City, dlh: Agency
) -> None:
    step = given(city, dlh).steps.get()
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        change(step)
    assert InstructionStep.objects.get().new_state == "open"


def test_the_database_holds_that_there_is_one_target(city: City, dlh: Agency) -> None:
    one = given(city, dlh)
    for values in ({"area": None}, {"report": make_report()}):
        with pytest.raises(IntegrityError, match="instruction_has_one_target"), transaction.atomic():
            Instruction.objects.filter(pk=one.pk).update(**values)


def test_the_agencys_officers_get_a_letter_and_the_mayor_one_when_it_is_done(
    city: City, dlh: Agency, settings: Any
) -> None:
    settings.LINK_URL = "https://pantau.example"
    wali = person("wali", city, "mayor")
    person("petugas", city, "officer", agency=dlh)
    person("lurah", city, "officer", agency=dlh, area=Area.objects.get(code="kota-uji.1.1"))
    person("lain", city, "officer", agency=make_agency(city, "bpbd"))
    by = Principal(user_id=wali.pk, grants=(Grant(Role.MAYOR, city.pk),))
    now = datetime.now(UTC)
    one = given(city, dlh, by=by, now=now, deadline=datetime(2099, 3, 2, 5, 0, tzinfo=UTC), text="Rahasia 123")
    assert [message.payload.get("instruction") for message in OutboxMessage.objects.all()] == [one.public_id]
    deliver_due()
    (letter,) = mail.outbox
    assert letter.to == ["petugas@example.org"]
    assert letter.subject.endswith(": DLH")
    page = f": https://pantau.example/admin/geo/instruction/{one.pk}/change/\n"
    for told in (": Kota-Uji 1\n", ": 2 Maret 2099 12:00 WIB\n", page):
        assert told in letter.body
    assert "Rahasia" not in letter.body
    moved(one, State.ACKNOWLEDGED, now=now)
    moved(one, State.DONE, now=now)
    deliver_due()
    assert [letter.to for letter in mail.outbox[1:]] == [["wali@example.org"]]


def test_a_letter_of_what_has_gone_on_since_is_not_sent(city: City, dlh: Agency) -> None:
    person("petugas", city, "officer", agency=dlh)
    now = datetime.now(UTC)
    one = given(city, dlh, now=now, deadline=now + DAY)
    moved(one, State.ACKNOWLEDGED, now=now)
    deliver_due()
    assert mail.outbox == []
    assert OutboxMessage.objects.get().state == "dead"


def test_the_agencys_mailboxes_get_a_letter_too(city: City, dlh: Agency) -> None:
    def contact(name: str, **more: Any) -> None:
        values = {"agency": dlh, "kind": "email", "address": f"{name}@example.org", **more}
        AgencyContact.objects.create(name=name, **values)

    contact("piket")
    contact("lama", is_active=False)
    contact("kelurahan", area=Area.objects.get(code="kota-uji.1.1"))
    contact("lain", agency=make_agency(city, "bpbd"))
    now = datetime.now(UTC)
    given(city, dlh, now=now, deadline=now + DAY)
    assert "example.org" not in str(OutboxMessage.objects.get().payload)
    deliver_due()
    assert [letter.to for letter in mail.outbox] == [["piket@example.org"]]


def test_a_mailbox_that_has_a_link_to_the_report_is_led_to_the_page_behind_it(
    city: City, dlh: Agency, settings: Any
) -> None:
    settings.LINK_URL = "https://pantau.example"
    now = datetime.now(UTC)
    report = make_report(now=now)
    AgencyContact.objects.create(agency=dlh, name="piket", kind="email", address="piket@example.org")
    superuser = Principal(is_superuser=True)
    (link,) = send_links(report=report, by=superuser, now=now)
    OutboxMessage.objects.all().delete()
    one = given(city, None, target=report, now=now, deadline=now + DAY)
    deliver_due()
    assert f": https://pantau.example/field/{token_of(link)}/\n" in mail.outbox[0].body
    end_links(report=report, by=superuser, now=now)
    move_instruction(instruction=one, state=State.WITHDRAWN, by=mayor(city), now=now)
    deliver_due()
    assert f": https://pantau.example/admin/geo/instruction/{one.pk}/change/\n" in mail.outbox[1].body

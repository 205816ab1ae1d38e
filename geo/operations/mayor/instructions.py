"""Giving an instruction, and the steps that it takes between the mayor and the agency. Each is one transaction."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from geo.areas.models import Area, City
from geo.operations.incidents.models import Incident
from geo.operations.mayor.letters import tell_agency, tell_mayor
from geo.operations.mayor.models import Instruction, InstructionNote, InstructionStep, State
from geo.reports.access.principals import Principal, Role
from geo.reports.history import add_line
from geo.reports.models import Agency, HistoryNote, Report
from geo.reports.personal_data.masking import mask
from server.core.errors import Conflict, Forbidden, InvalidFields

ACTION = "instruction"
LONGEST_TEXT = 2000


class Side(StrEnum):
    MAYOR = "mayor"
    AGENCY = "agency"


# From and to which state, and whose step it is.
EDGES: Mapping[tuple[State, State], Side] = {
    (State.OPEN, State.ACKNOWLEDGED): Side.AGENCY,
    (State.RETURNED, State.ACKNOWLEDGED): Side.AGENCY,
    (State.ACKNOWLEDGED, State.DONE): Side.AGENCY,
    (State.RETURNED, State.DONE): Side.AGENCY,
    (State.DONE, State.CONFIRMED): Side.MAYOR,
    (State.DONE, State.RETURNED): Side.MAYOR,
    **{(state, State.WITHDRAWN): Side.MAYOR for state in (State.OPEN, State.ACKNOWLEDGED, State.DONE, State.RETURNED)},
}
NEEDS_NOTE = frozenset({State.DONE, State.RETURNED})


def give_instruction(
    *,
    city: City,
    target: Report | Incident | Area,
    deadline: datetime,
    text: str,
    by: Principal,
    now: datetime,
    agency: Agency | None = None,
) -> Instruction:
    """Tells an agency what is wanted until when; without one, the agency that has the report. Its officers get a letter.

    Errors: Forbidden unless `by` is a mayor of the city; InvalidFields for a deadline that is over, no text, no agency, and
            what is of another city.
    """
    require_mayor(by, city.pk)
    if agency is None and isinstance(target, Report):
        agency = target.agency
    faults: dict[str, Any] = {}
    if deadline <= now:
        faults["deadline"] = [_("Is over already.")]
    if not text.strip():
        faults["text"] = [_("Needed: what is to be done.")]
    if agency is None:
        faults["agency"] = [_("Needed: the agency that is to do it.")]
    elif agency.city_id != city.pk:
        faults["agency"] = [_("Belongs to another city.")]
    kind = _kind(target)
    if target.city_id != city.pk:
        faults[kind] = [_("Belongs to another city.")]
    if getattr(target, "is_exercise", False):
        faults[kind] = [_("It is of an exercise: nobody outside is told of that, so that it takes no instruction.")]
    if faults:
        raise InvalidFields(faults)
    with transaction.atomic():
        found = Instruction(city=city, agency=agency, given_by_id=by.user_id, given_at=now, deadline=deadline)
        setattr(found, kind, target)
        found.save()
        _write_step(found, "", text, by, now)
        tell_agency(found, now)
    return found


def move_instruction(
    *, instruction: Instruction, state: State, by: Principal, now: datetime, note: str = ""
) -> Instruction:
    """One step of EDGES. The agency is told of what the mayor does, and the mayor of what is done.

    Errors: Forbidden for who is not on the side whose step it is; Conflict, with the state in which it is, for a step that
            there is not from there; InvalidFields where a note is needed and is none.
    """
    with transaction.atomic():
        locked = Instruction.objects.select_for_update(of=("self",)).select_related("city", "agency", "report")
        found = locked.get(pk=instruction.pk)
        # Before anything is said of it: who has no part in it learns no state.
        sides = sides_of(found, by)
        if not sides:
            raise Forbidden(_("Only the mayor and the agency's officers may do this."))
        old = State(found.state)
        side = EDGES.get((old, state))
        if side is None:
            says = _("The instruction is %(state)s; this step is not possible from there.")
            raise Conflict(says % {"state": old.label}, extra={"current": {"state": old.value}})
        if side not in sides:
            raise Forbidden(_("This step is the mayor's.") if side is Side.MAYOR else _("This step is the agency's."))
        if state in NEEDS_NOTE and not note.strip():
            raise InvalidFields({"note": [_("Needed: what was done, or what is missing.")]})
        found.state = state
        if state is State.DONE:
            found.done_at = now
        elif state is State.RETURNED:
            found.done_at = None
        elif state in (State.CONFIRMED, State.WITHDRAWN):
            found.ended_at = now
        found.save(update_fields=["state", "done_at", "ended_at"])
        _write_step(found, old, note, by, now)
        if side is Side.MAYOR:
            tell_agency(found, now)
        elif state is State.DONE:
            tell_mayor(found, now)
    return found


def require_mayor(by: Principal, city_id: int) -> None:
    if not by.has_role(city_id, {Role.MAYOR}):
        raise Forbidden(_("Only the mayor of the city may do this."))


def sides_of(instruction: Instruction, by: Principal) -> frozenset[Side]:
    """On which sides somebody stands; a superuser on both."""
    found = set()
    if by.has_role(instruction.city_id, {Role.MAYOR}):
        found.add(Side.MAYOR)
    if Instruction.objects.worked_by(by).filter(pk=instruction.pk).exists():
        found.add(Side.AGENCY)
    return frozenset(found)


def next_states(instruction: Instruction, sides: frozenset[Side]) -> list[str]:
    return [new.value for (old, new), side in EDGES.items() if old == instruction.state and side in sides]


def _kind(target: Report | Incident | Area) -> str:
    return "report" if isinstance(target, Report) else "incident" if isinstance(target, Incident) else "area"


def _write_step(found: Instruction, old: str, text: str, by: Principal, now: datetime) -> None:
    """The step; of a report a line in its history, too. What was said is a note of the report, else of the instruction."""
    text = text.strip()[:LONGEST_TEXT]
    note, report_note = None, None
    if text and found.report is not None:
        report_note = HistoryNote.objects.create(report=found.report, text=text, is_public=False)
    elif text:
        # Nobody comes by later to erase it, as with a report.
        note = InstructionNote.objects.create(instruction=found, text=mask(text))
    InstructionStep.objects.create(
        instruction=found,
        at=now,
        old_state=old,
        new_state=found.state,
        user_id=by.user_id,
        origin=by.origin,
        note=note,
        report_note=report_note,
    )
    if found.report is not None:
        add_line(
            found.report,
            ACTION,
            by=by,
            at=now,
            old={"instruction": found.public_id, "state": old} if old else {},
            new={"instruction": found.public_id, "state": str(found.state), "agency": found.agency.slug},
            note=report_note,
        )

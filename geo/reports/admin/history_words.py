"""A report's history as its page in the admin tells it: one line each, in words of the reader's language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.reports.access.principals import Origin
from geo.reports.evidence.words import code_in_words
from geo.reports.models import Agency, Category, HistoryEntry, Report
from geo.reports.workflow import WORDS, Status

_ORIGINS = {
    Origin.API: gettext_lazy("API"),
    Origin.ADMIN: gettext_lazy("operation centre"),
    Origin.OGC: gettext_lazy("OGC API"),
    Origin.OPEN311: "Open311",
    Origin.LINK: gettext_lazy("link"),
    Origin.PAGE: gettext_lazy("form of the service"),
    Origin.COMMAND: gettext_lazy("command line"),
    Origin.SCHEDULE: gettext_lazy("schedule"),
    Origin.OUTBOX: gettext_lazy("outbox"),
    Origin.AREAS: gettext_lazy("new boundaries"),
}
# Nobody's own step: the service took it.
_BY_ITSELF = frozenset({Origin.COMMAND, Origin.SCHEDULE, Origin.OUTBOX, Origin.AREAS})
_FIELDS = {
    "description": gettext_lazy("description"),
    "public_description": gettext_lazy("public description"),
    "is_public": gettext_lazy("public"),
    "public_location": gettext_lazy("public location"),
    "location": gettext_lazy("location"),
    "category": gettext_lazy("category"),
    "kind": gettext_lazy("kind"),
    "address": gettext_lazy("address"),
    "attributes": gettext_lazy("answers"),
    "reported_at": gettext_lazy("reported at"),
}
# Of geo.operations.mayor, which this room does not know; the words are the same.
_INSTRUCTION_STATES = {
    "open": gettext_lazy("open"),
    "acknowledged": gettext_lazy("acknowledged"),
    "done": gettext_lazy("done"),
    "returned": gettext_lazy("returned"),
    "confirmed": gettext_lazy("confirmed"),
    "withdrawn": gettext_lazy("withdrawn"),
}
_PLAIN = {
    "photo_added": gettext_lazy("Photo added"),
    "photo_deleted": gettext_lazy("Photo deleted"),
    "evidence_removed": gettext_lazy("Evidence taken away"),
    "withdrawn": gettext_lazy("Taken back: no longer public"),
    "anonymised": gettext_lazy("Personal data removed, its time being over"),
    "erased": gettext_lazy("Personal data erased on request"),
    "masked": gettext_lazy("A person's name masked in it"),
    "note": gettext_lazy("Note"),
    "field_link": gettext_lazy("Sent out as a link"),
    "field_link_withdrawn": gettext_lazy("Link withdrawn"),
    "arbitration": gettext_lazy("Given to the arbiter, since it was handed over too often"),
    "arbitrated": gettext_lazy("The arbiter has decided"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """When, who, what, from where; and the note's text, where there is one."""

    at: datetime
    who: str
    what: str
    origin: str
    note: str = ""
    note_is_public: bool = False


@dataclass(frozen=True, slots=True)
class _Names:
    """What slugs are called; a slug that is gone stays one."""

    agencies: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)


def history_lines(report: Report) -> list[Line]:
    """The whole history, the oldest line first; three statements however long it is."""
    entries = report.history.select_related("user", "channel", "note").order_by("id")
    names = _names_in(report)
    return [_line(entry, names) for entry in entries]


def last_line(report: Report) -> Line | None:
    entry = report.history.select_related("user", "channel", "note").order_by("-id").first()
    return _line(entry, _names_in(report)) if entry is not None else None


def _names_in(report: Report) -> _Names:
    agencies = {agency.slug: agency.name for agency in Agency.objects.filter(city_id=report.city_id)}
    return _Names(agencies, {category.slug: category.name for category in Category.objects.all()})


def _line(entry: HistoryEntry, names: _Names) -> Line:
    note = entry.note
    return Line(
        at=entry.at,
        who=_who(entry),
        what=_what(entry, names),
        origin=str(_ORIGINS[Origin(entry.origin)]) if entry.origin in list(Origin) else entry.origin,
        note=note.text if note is not None else "",
        note_is_public=note is not None and note.is_public,
    )


def _who(entry: HistoryEntry) -> str:
    # Lines outlive whom they name: there is no constraint on these keys, and what is gone is None here.
    user, channel = entry.user, entry.channel
    if user is not None:
        return user.get_full_name() or user.get_username()
    if channel is not None:
        return channel.name
    if entry.origin == Origin.LINK:
        return _("the reporter") if entry.action == "answered" else _("holder of a link")
    return "Pantau" if entry.origin in _BY_ITSELF else "–"


def _what(entry: HistoryEntry, names: _Names) -> str:
    say = _SAYS.get(entry.action)
    if say is not None:
        return say(entry.old, entry.new, names)
    # Of an action that this page does not know, the code is better than nothing.
    return str(_PLAIN.get(entry.action, entry.action.replace("_", " ").capitalize()))


def _status(code: Any) -> str:
    return WORDS[Status(code)].name if code in Status.values else str(code)


def _submitted(old: Any, new: Any, names: _Names) -> str:
    return _("Reported")


def _step(old: Any, new: Any, names: _Names) -> str:
    return "; ".join(filter(None, [_from_to(old, new), _handover(old, new, names)]))


def _from_to(old: Any, new: Any) -> str:
    was, now = old.get("status"), new.get("status")
    if was is None or was == now:
        return _("Status: %(status)s") % {"status": _status(now)}
    return _("Status: %(old)s → %(new)s") % {"old": _status(was), "new": _status(now)}


def _handover(old: Any, new: Any, names: _Names) -> str:
    had, has = old.get("agency"), new.get("agency")
    if "agency" not in new or had == has:
        return ""
    return _("Agency: %(old)s → %(new)s") % {
        "old": names.agencies.get(had, had) or "–",
        "new": names.agencies.get(has, has) or "–",
    }


def _merged(old: Any, new: Any, names: _Names) -> str:
    says = _("Merged: follows report %(id)s") % {"id": new.get("duplicate_of", "–")}
    return f"{says}; {_from_to(old, new)}"


def _split(old: Any, new: Any, names: _Names) -> str:
    says = _("Split from report %(id)s") % {"id": old.get("duplicate_of", "–")}
    return f"{says}; {_from_to(old, new)}"


def _moderated(old: Any, new: Any, names: _Names) -> str:
    if old.get("is_public") != new.get("is_public"):
        return _("Shown to the public") if new.get("is_public") else _("Hidden from the public")
    return _changed(old, new, names)


def _changed(old: Any, new: Any, names: _Names) -> str:
    fields = ", ".join(str(_FIELDS.get(name, name)) for name in new.get("changed", []))
    says = _("Changed: %(fields)s") % {"fields": fields or "–"}
    if "category" in new:
        was, now = (names.categories.get(each, each) for each in (old.get("category"), new["category"]))
        return f"{says} ({was} → {now})"
    return says


def _answered(old: Any, new: Any, names: _Names) -> str:
    return _("The reporter says: done") if new.get("is_done") else _("The reporter says: not done")


def _evidence(old: Any, new: Any, names: _Names) -> str:
    found = "; ".join(code_in_words(code) for code in new.get("findings", []))
    return _("Evidence brought (%(found)s)") % {"found": found or _("nothing to remark")}


def _rerouted(old: Any, new: Any, names: _Names) -> str:
    return _("Given to another agency by the rules. %(agencies)s") % {"agencies": _handover(old, new, names)}


def _agency_withdrawn(old: Any, new: Any, names: _Names) -> str:
    return _("Lies in another city now: its agency is to be chosen anew")


def _joined(old: Any, new: Any, names: _Names) -> str:
    return _("Joined incident %(id)s") % {"id": new.get("incident", "–")}


def _left(old: Any, new: Any, names: _Names) -> str:
    return _("Left incident %(id)s") % {"id": old.get("incident", "–")}


def _instruction(old: Any, new: Any, names: _Names) -> str:
    state = new.get("state")
    return _("Instruction of the mayor %(id)s: %(state)s") % {
        "id": new.get("instruction", "–"),
        "state": _INSTRUCTION_STATES.get(state, state),
    }


def _deadlines(old: Any, new: Any, names: _Names) -> str:
    return _("Due anew: %(old)s → %(new)s") % {"old": _moment(old.get("due_at")), "new": _moment(new.get("due_at"))}


def _moment(text: Any) -> str:
    moment = parse_datetime(text) if isinstance(text, str) else None
    return date_format(timezone.localtime(moment), "j F Y H:i") if moment is not None else "–"


_SAYS: Mapping[str, Callable[[Any, Any, _Names], str]] = {
    "submitted": _submitted,
    "status": _step,
    "merged": _merged,
    "split": _split,
    "moderated": _moderated,
    "revised": _changed,
    "refreshed": _changed,
    "answered": _answered,
    "evidence": _evidence,
    "rerouted": _rerouted,
    "agency_withdrawn": _agency_withdrawn,
    "incident_joined": _joined,
    "incident_left": _left,
    "instruction": _instruction,
    "deadlines": _deadlines,
}

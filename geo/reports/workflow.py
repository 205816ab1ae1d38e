"""A report's states, what each is called elsewhere, and which step leads where: two tables, and nothing that reads a database.

Whatever shows or takes a step reads them: services, API, admin, channels, and the diagram in docs/operations.md.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    SUBMITTED = "submitted", _("submitted")
    COORDINATION = "coordination", _("coordination")
    ASSIGNED = "assigned", _("assigned")
    IN_PROGRESS = "in_progress", _("in progress")
    WAITING = "waiting", _("waiting")
    RESOLVED = "resolved", _("resolved")
    REJECTED = "rejected", _("rejected")
    DUPLICATE = "duplicate", _("duplicate")
    REOPENED = "reopened", _("reopened")


CLOSED = frozenset({Status.RESOLVED, Status.REJECTED, Status.DUPLICATE})


@dataclass(frozen=True, slots=True)
class Words:
    """What a status is called: to people in both languages, by Open311 (open, closed), and by Qlue, which knows three."""

    name_id: str
    name_en: str
    open311: str
    qlue: str

    @property
    def name(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_id


# A report that somebody deals with is never "menunggu" (waiting) elsewhere: that difference is what citizens complained of.
WORDS: Mapping[Status, Words] = {
    Status.SUBMITTED: Words("Menunggu", "Submitted", "open", "menunggu"),
    Status.COORDINATION: Words("Koordinasi", "Coordination between agencies", "open", "proses"),
    Status.ASSIGNED: Words("Disposisi", "Assigned", "open", "proses"),
    Status.IN_PROGRESS: Words("Proses", "In progress", "open", "proses"),
    Status.WAITING: Words("Tertunda", "On hold", "open", "proses"),
    Status.RESOLVED: Words("Selesai", "Resolved", "closed", "selesai"),
    Status.REJECTED: Words("Ditolak", "Rejected", "closed", "selesai"),
    Status.DUPLICATE: Words("Duplikat", "Duplicate", "closed", "selesai"),
    Status.REOPENED: Words("Dibuka kembali", "Reopened", "open", "proses"),
}


class Actor(StrEnum):
    """As whom a step is taken. An administrator acts as a dispatcher, and so does the arbiter of a report that has one."""

    REPORTER = "reporter"
    OFFICER = "officer"
    DISPATCHER = "dispatcher"


class Need(StrEnum):
    """What a step asks for: words, an agency, or the proof that its category wants."""

    REASON = "reason"
    AGENCY = "agency"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Edge:
    """One step: from where to where, who may take it, what it needs."""

    source: Status
    target: Status
    actors: frozenset[Actor]
    needs: frozenset[Need] = frozenset()


_STAFF = frozenset({Actor.OFFICER, Actor.DISPATCHER})
_DISPATCHER = frozenset({Actor.DISPATCHER})
_ALL = frozenset(Actor)
_OPEN = (
    Status.SUBMITTED,
    Status.COORDINATION,
    Status.ASSIGNED,
    Status.IN_PROGRESS,
    Status.WAITING,
    Status.REOPENED,
)
_REASON = frozenset({Need.REASON})


def _from(sources: tuple[Status, ...], target: Status, actors: frozenset[Actor], *needs: Need) -> list[Edge]:
    return [Edge(source, target, actors, frozenset(needs)) for source in sources]


# An agency hands a report over by `coordination`: that step may lead from there to there again, since it names the next one.
EDGES: tuple[Edge, ...] = (
    *_from(_OPEN, Status.COORDINATION, _STAFF, Need.REASON, Need.AGENCY),
    *_from((Status.SUBMITTED, Status.COORDINATION, Status.REOPENED), Status.ASSIGNED, _STAFF, Need.AGENCY),
    *_from(
        (Status.SUBMITTED, Status.COORDINATION, Status.ASSIGNED, Status.WAITING, Status.REOPENED),
        Status.IN_PROGRESS,
        _STAFF,
    ),
    *_from((Status.ASSIGNED, Status.IN_PROGRESS), Status.WAITING, _STAFF, Need.REASON),
    *_from((Status.IN_PROGRESS, Status.WAITING), Status.ASSIGNED, _DISPATCHER, Need.AGENCY),
    *_from(
        (Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING, Status.REOPENED),
        Status.RESOLVED,
        _STAFF,
        Need.REASON,
        Need.EVIDENCE,
    ),
    *_from(_OPEN, Status.REJECTED, _DISPATCHER, Need.REASON),
    *_from(_OPEN, Status.DUPLICATE, _DISPATCHER, Need.REASON),
    *_from((Status.RESOLVED, Status.REJECTED), Status.REOPENED, _ALL, Need.REASON),
    *_from((Status.DUPLICATE,), Status.REOPENED, _DISPATCHER, Need.REASON),
)
_BY_STEP: Mapping[tuple[Status, Status], Edge] = {(edge.source, edge.target): edge for edge in EDGES}


def edge_between(source: Status, target: Status) -> Edge | None:
    return _BY_STEP.get((source, target))


def steps_from(source: Status, actors: Set[Actor]) -> list[Edge]:
    """The steps that one of these may take, in the order of the table."""
    return [edge for edge in EDGES if edge.source == source and edge.actors & actors]

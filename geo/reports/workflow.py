"""The states of a report, and what each is called elsewhere: the one table from which every channel is told.

Which edge leads where, and who may take it, is the Operation centre's table to come.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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

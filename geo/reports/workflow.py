"""The states of a report. Which edge leads where, and who may take it, is the Operation centre's table to come."""

from django.db.models import TextChoices
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

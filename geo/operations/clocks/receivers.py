"""A report's clock follows what happens to it, in the same transaction."""

from typing import Any

from django.db.models.signals import post_save

from geo.operations.clocks.services import set_deadlines
from geo.reports.models import HistoryEntry, Report
from geo.reports.notes import NOTED
from geo.reports.status import StatusChange, status_changed
from geo.reports.workflow import CLOSED, Status


def connect() -> None:
    """Called once, when the app is ready."""
    status_changed.connect(follow_step, dispatch_uid="geo.operations.clocks.step")
    # A revision may change category, city and agency; its line of history is the last thing that it writes.
    post_save.connect(follow_revision, sender=HistoryEntry, dispatch_uid="geo.operations.clocks.revision")


def follow_step(change: StatusChange, **kwargs: Any) -> None:
    if change.action == NOTED:
        return
    # What closes keeps the deadline by which it is judged; of one that waited, it is laid once more.
    if change.new in CLOSED and change.old is not Status.WAITING:
        return
    set_deadlines(change.report)


def follow_revision(instance: HistoryEntry, created: bool, **kwargs: Any) -> None:
    if not created or instance.action != "revised":
        return
    report = Report.objects.get(pk=instance.report_id)
    if Status(report.status) not in CLOSED:
        set_deadlines(report)

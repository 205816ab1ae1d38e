"""What takes too long for an answer, done by the worker."""

import logging

from django.utils import timezone
from django_tasks import task

from geo.operations.clocks.services import recompute_deadlines
from geo.reports.access.principals import Origin, Principal
from geo.reports.models import WorkingCalendar

log = logging.getLogger(__name__)


@task()
def recompute_calendar(calendar_id: int, user_id: int | None) -> None:
    """The deadlines of a calendar's open reports, for who asked in the admin."""
    calendar = WorkingCalendar.objects.filter(pk=calendar_id).first()
    if calendar is not None:
        by = Principal(user_id=user_id, origin=Origin.ADMIN)
        done = recompute_deadlines(calendar=calendar, by=by, now=timezone.now())
        log.info(
            "deadlines of %s: %d of %d changed, %d beyond its years", calendar, done.changed, done.read, done.beyond
        )

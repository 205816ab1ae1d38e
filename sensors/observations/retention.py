"""How long what was measured is kept: months made ahead, raw observations into the archive, old rollups away.

Settings: PANTAU_RAW_DAYS, PANTAU_ROLLUP_YEARS (0: for ever), PANTAU_ARCHIVE_DIR.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.db.models import Min

from sensors.observations.archive import Busy, Postponed, archive_lock, archive_month
from sensors.observations.archive_models import ObservationArchive
from sensors.observations.models import HourlyRollup
from sensors.observations.partitions import (
    ensure_partitions,
    existing_partitions,
    leaving_months,
    months_of,
    next_month,
)

MONTHS_AHEAD = 2


def keep_observations(now: datetime) -> str:
    """The daily work; a sentence of what was done, empty for nothing. A second run has nothing to do.

    Errors: ArchiveFailed, after which nothing was dropped whose files are not verified.
    """
    today = now.astimezone(UTC).date()
    made = make_months_ahead(today)
    done = [f"made {', '.join(made)}"] if made else []
    try:
        with archive_lock():
            for month in due_months(raw_limit(today), today=today):
                try:
                    done.append(f"{archive_month(month)} observations of {month:%Y-%m} archived")
                except Postponed as why:
                    done.append(f"{month:%Y-%m} postponed: {why}")
            if dropped := drop_rollups(today):
                done.append(f"{dropped} hourly rollups dropped")
    except Busy:
        pass
    return "; ".join(done)


def make_months_ahead(today: date) -> list[str]:
    """This month's partition and the next two, so that no writer has to make one at midnight."""
    first = today.replace(day=1)
    months = [first]
    for _ in range(MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    return ensure_partitions(months)


def raw_limit(today: date) -> date | None:
    """Months that ended before this day are due; None: raw observations are kept for ever."""
    return today - timedelta(days=settings.RAW_DAYS) if settings.RAW_DAYS else None


def due_months(before: date | None, *, today: date) -> list[date]:
    """The months that have a partition and ended by `before`, and those whose archiving was broken off; the oldest first.

    A month that was restored is left alone until its day has passed. No month is due before it is over.
    """
    restored = ObservationArchive.objects.filter(state=ObservationArchive.State.RESTORED, restored_until__gte=today)
    kept = set(restored.values_list("month", flat=True))
    ended = {
        month
        for month in months_of(existing_partitions()) - kept
        if before is not None and next_month(month) <= min(before, today)
    }
    return sorted(ended | leaving_months())


def drop_rollups(today: date) -> int:
    """Drops rollups older than PANTAU_ROLLUP_YEARS, month by month; how many.

    Those of a month that has a partition stay: a recount would bring them back.
    """
    if not settings.ROLLUP_YEARS:
        return 0
    kept = months_of(existing_partitions()) | leaving_months()
    dropped = 0
    for month, following in pairwise(_months_with_rollups(date(today.year - settings.ROLLUP_YEARS, today.month, 1))):
        if month not in kept:
            dropped += HourlyRollup.objects.filter(hour__gte=_midnight(month), hour__lt=_midnight(following)).delete()[
                0
            ]
    return dropped


def _months_with_rollups(limit: date) -> Iterator[date]:
    """From the oldest rollup's month to the limit, both included; nothing where no rollup is older than the limit."""
    oldest = HourlyRollup.objects.aggregate(oldest=Min("hour"))["oldest"]
    if oldest is None:
        return
    month = oldest.astimezone(UTC).date().replace(day=1)
    while month <= limit:
        yield month
        month = next_month(month)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

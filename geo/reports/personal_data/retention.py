"""Personal data goes when it was kept long enough. What the public sees of a report stays, and so do its figures."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from geo.reports.access.principals import Origin
from geo.reports.statements import QUERIES as REPORT_QUERIES
from geo.reports.workflow import CLOSED
from server.core.sql import load_queries

log = logging.getLogger(__name__)

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
OUTGOING = load_queries(Path(__file__).with_name("outgoing.sql"))
BATCH = 1000


def anonymise_due(now: datetime, *, batch: int = BATCH, origin: str = Origin.SCHEDULE) -> int:
    """Takes the personal data out of every report that has kept it long enough; returns of how many.

    Days:   Category.retention_days, else those of the nearest category above that has some, else settings.RETENTION_DAYS;
            from the report's last change if it is closed. One that was never closed is given twice as long.
    A batch is a transaction. Safe to run again, beside intake and beside itself: what is done is not done twice. Dead letters
    older than settings.RETENTION_DAYS are deleted.
    """
    done, last = 0, 0
    while ids := _anonymise_batch(now, after=last, batch=batch, origin=origin):
        done, last = done + len(ids), ids[-1]
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.delete_old_dead_letters, {"before": now - timedelta(days=settings.RETENTION_DAYS)})
        letters = cursor.rowcount
    if done or letters:
        log.info("anonymised %d reports, deleted %d dead letters", done, letters)
    return done


def _anonymise_batch(now: datetime, *, after: int, batch: int, origin: str) -> list[int]:
    asked: dict[str, Any] = {
        "now": now,
        "default_days": settings.RETENTION_DAYS,
        "closed": [str(status) for status in CLOSED],
        "after": after,
        "batch": batch,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # A report's place must not be reckoned from its exact one while that goes.
        cursor.execute(REPORT_QUERIES.lock_placement)
        cursor.execute(QUERIES.due_reports, asked)
        ids = [report_id for (report_id,) in cursor.fetchall()]
        if ids:
            strip(ids, action="anonymised", now=now, origin=origin)
    return ids


def strip(ids: Sequence[int], *, action: str, now: datetime, origin: str, new: str = "{}") -> None:
    """Takes all personal data out of these reports, in the caller's transaction, and notes in their history that it went.

    Locks: the caller holds `lock_placement` and the reports.
    """
    given: dict[str, Any] = {"ids": list(ids), "now": now, "action": action, "new": new, "origin": origin}
    with connection.cursor() as cursor:
        for statement in (
            QUERIES.strip_reports,
            QUERIES.delete_contacts,
            QUERIES.empty_notes,
            QUERIES.strip_photos,
            QUERIES.strip_supports,
            QUERIES.note_reports,
            OUTGOING.forget_messages,
        ):
            cursor.execute(statement, given)

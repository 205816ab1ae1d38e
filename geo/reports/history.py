"""A line of a report's history, written where something was done: who, what, when, from where."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from geo.reports.access.principals import Principal
from geo.reports.models import HistoryEntry, HistoryNote, Report


def add_line(
    report: Report,
    action: str,
    *,
    by: Principal,
    at: datetime,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    note: HistoryNote | None = None,
) -> HistoryEntry:
    """In the caller's transaction. `old` and `new` hold no text that somebody wrote and nothing of a person: that is for the note.

    The agency is the one that has the report from now on.
    """
    return HistoryEntry.objects.create(
        report=report,
        at=at,
        action=action,
        old=dict(old or {}),
        new=dict(new or {}),
        user_id=by.user_id,
        channel=by.channel,
        agency_id=report.agency_id,
        origin=by.origin,
        note=note,
    )

"""Takes a drill away without a trace: rows, files, logs. What is real is not touched, and the database holds to that itself.

The logs are append-only by triggers. A transaction that says `pantau.removes_exercise` may delete lines of what is an exercise;
nothing that is real can be made one (geo.migrations.0018_exercises).
"""

import time
from collections import Counter
from pathlib import Path

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet

from geo.operations.alerts.models import Alert
from geo.operations.incidents.models import Incident
from geo.operations.outbox.models import OutboxMessage
from geo.reports.models import Channel, Report, ReportEvidence, ReportPhoto
from sensors import published
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).with_name("drill_removal.sql"))
# What is still on its way from the broker when a drill is broken off is stored within moments.
QUIET_S, LONGEST_WAIT_S = 1.0, 30.0


def remove_drill(*, quiet_s: float = QUIET_S) -> Counter[str]:
    """Removes every exercise that there is; how many rows went, by model or table. A second run finds nothing, and is harmless."""
    ids = published.exercise_datastream_ids()
    _wait_until_quiet(ids, quiet_s)
    with transaction.atomic():
        gone = _remove_all()
    gone.update(published.forget_datastreams(ids))
    return +gone


def _wait_until_quiet(datastream_ids: list[int], quiet_s: float) -> None:
    seen, deadline = None, time.monotonic() + LONGEST_WAIT_S
    while datastream_ids and time.monotonic() < deadline:
        spans = published.observed_spans(datastream_ids)
        if spans == seen:
            return
        seen = spans
        time.sleep(quiet_s)


def _remove_all() -> Counter[str]:
    gone: Counter[str] = Counter()
    reports, alerts = Report.objects.filter(is_exercise=True), Alert.objects.filter(is_exercise=True)
    incidents, channels = Incident.objects.filter(is_exercise=True), Channel.objects.filter(is_exercise=True)
    with connection.cursor() as cursor:
        cursor.execute(_SQL.hold_others_back)
        # The reports' own locks, so that nobody adds to one that is on its way out.
        list(reports.select_for_update().order_by("id").values_list("pk", flat=True))
        _delete(gone, _messages(reports, alerts, incidents))
        _delete(gone, _admin_lines(reports, alerts, incidents, channels))
        cursor.execute(_SQL.allow_removal)
        for statement in (_SQL.forget_history, _SQL.forget_alert_logs, _SQL.forget_incident_logs):
            cursor.execute(statement)
            gone["geo lines"] += cursor.rowcount
    # One by one, so that their files go with them.
    _delete(gone, ReportPhoto.objects.filter(report__is_exercise=True))
    _delete(gone, ReportEvidence.objects.filter(report__is_exercise=True))
    reports.filter(duplicate_of__isnull=False).update(duplicate_of=None)
    for found in (alerts, incidents, reports, channels):
        _delete(gone, found)
    gone.update(published.remove_exercise_things())
    return gone


def _delete(gone: Counter[str], found: "QuerySet[Model]") -> None:
    _number, by_model = found.delete()
    gone.update(by_model)


def _messages(
    reports: "QuerySet[Report]", alerts: "QuerySet[Alert]", incidents: "QuerySet[Incident]"
) -> "QuerySet[OutboxMessage]":
    """Nobody outside is told of an exercise, so that there should be none; what there is goes all the same."""
    named = Q()
    for name, found in (("report", reports), ("alert", alerts), ("incident", incidents)):
        named |= Q(**{f"payload__{name}__in": list(found.values_list("public_id", flat=True))})
    return OutboxMessage.objects.filter(named)


def _admin_lines(*found: "QuerySet[Model]") -> "QuerySet[LogEntry]":
    """What the admin site noted of what was done there."""
    named = Q(pk__in=[])
    for some in found:
        ids = [str(pk) for pk in some.values_list("pk", flat=True)]
        named |= Q(content_type=ContentType.objects.get_for_model(some.model), object_id__in=ids)
    return LogEntry.objects.filter(named)

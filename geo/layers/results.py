"""Result sets: what a computed layer or an analysis answers, stored once per parameters and data version, however many ask."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from geo.analysis.computed import Cancelled, Computed, Progress, Row
from geo.analysis.models import ResultSet
from geo.areas.models import City
from geo.layers.computation import Computation
from geo.layers.layer import Query
from server.core.errors import BadParameter, NotReady

log = logging.getLogger(__name__)

# One whose worker has said nothing for this long belongs to a worker that died.
ABANDONED_AFTER = timedelta(minutes=10)
# A failed one is tried again after this long.
RETRY_AFTER = timedelta(seconds=60)
WAIT_S = 5.0
# Of the threads of a web process (16) so many may wait for results; the others go on answering what needs no computing.
MOST_WAITING = 8
# Anybody may ask; more questions than this are not queued at once.
MOST_PENDING = 16
# Nor more than this of one kind, so that whoever asks for hotspots by the dozen keeps nobody from the rest.
MOST_PENDING_OF_A_KIND = 6
KEEP_FOR = timedelta(days=2)
ROWS_AT_ONCE = 5_000
# How often a worker says how far it is, and learns that it may stop.
SAY_EVERY_S = 0.5
# One that no worker has taken yet is not abandoned, however long the queue.
QUEUED = (
    "EXISTS (SELECT FROM django_tasks_database_dbtaskresult t WHERE t.status = 'READY'"
    " AND t.args_kwargs -> 'args' -> 0 = to_jsonb(old.id))"
)

_places_to_wait = threading.BoundedSemaphore(MOST_WAITING)


def parameters_of(query: Query) -> dict[str, Any]:
    """The resolved parameters as plain JSON: what a result is keyed by, and computed from again."""
    return {"city": query.city.slug, **{name: _plain(value) for name, value in sorted(query.values.items())}}


def current_result(computation: Computation, query: Query, version: int) -> ResultSet:
    """The result set to answer with: fresh, else computed within five seconds, else the last one; NotReady if there is none."""
    parameters = parameters_of(query)
    key = _key(computation, parameters)
    of_key = ResultSet.objects.filter(analysis=computation.id, parameters_key=key)
    ready = of_key.filter(state=ResultSet.State.READY).order_by("-as_of", "-id")
    fresh = ready.filter(Q(data_version=version) | Q(as_of__gte=timezone.now() - computation.fresh_for)).first()
    if fresh is not None:
        return fresh
    last = ready.first()
    try:
        asked = _wait_for(request_result(computation, parameters, version))
    except NotReady:
        if last is not None:
            return last
        raise
    if asked.state == ResultSet.State.READY:
        return asked
    if last is not None:
        return last
    raise _not_ready(asked)


def named_result(computation: Computation, query: Query, result_set_id: int) -> ResultSet:
    """The result set that a page token names; BadParameter if it is gone or answers another question."""
    found = ResultSet.objects.filter(pk=result_set_id, state=ResultSet.State.READY).first()
    if found is None:
        raise BadParameter("next", "the result that this page belongs to is no longer kept; begin again without next")
    if found.parameters_key != _key(computation, parameters_of(query)):
        raise BadParameter("next", "next is a page token of a question with other parameters")
    return found


def cancel(result: ResultSet) -> bool:
    """Gives up a result that is still pending; its worker stops at its next step. False where there was nothing to give up."""
    pending = ResultSet.objects.filter(pk=result.pk, state=ResultSet.State.PENDING)
    return pending.update(state=ResultSet.State.CANCELLED, touched_at=timezone.now()) == 1


def _not_ready(asked: ResultSet) -> NotReady:
    follow = {"result": f"/api/analysis/results/{asked.token}/", "state": asked.state, "progress": asked.progress}
    if asked.state == ResultSet.State.FAILED:
        return NotReady(_("This could not be computed; it is tried again in a minute."), retry_after_s=60, extra=follow)
    if asked.state == ResultSet.State.CANCELLED:
        return NotReady(
            _("This was cancelled; it is computed if asked for in a minute."), retry_after_s=60, extra=follow
        )
    return NotReady(
        _("This is being computed for the first time; ask again in a moment."), retry_after_s=5, extra=follow
    )


def _key(computation: Computation, parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([computation.id, parameters], sort_keys=True).encode()).hexdigest()


def request_result(computation: Computation, parameters: Mapping[str, Any], version: int) -> int:
    """The id of the pending result. Whoever inserts or revives the row enqueues the work; everyone else only waits.

    Errors: NotReady, where too much is waiting already.
    """
    now, key = timezone.now(), _key(computation, parameters)
    values: dict[str, Any] = {
        "token": ResultSet().token,
        "analysis": computation.id,
        "key": key,
        "parameters": json.dumps(parameters),
        "version": version,
        "now": now,
        "retried": now - RETRY_AFTER,
        "abandoned": now - ABANDONED_AFTER,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE analysis = %(analysis)s) FROM geo_resultset old WHERE state = 'pending'"
            " AND (analysis, parameters_key, data_version) <> (%(analysis)s, %(key)s, %(version)s)"
            f" AND (touched_at >= %(abandoned)s OR {QUEUED})",
            values,
        )
        waiting, of_kind = cursor.fetchone()
        if waiting >= MOST_PENDING or of_kind >= MOST_PENDING_OF_A_KIND:
            raise NotReady(_("Too many analyses are waiting to be computed; ask again in a while."), retry_after_s=30)
        cursor.execute(
            "INSERT INTO geo_resultset AS old (token, analysis, parameters_key, parameters, data_version, state, progress,"
            " requested_at, touched_at, error, members) VALUES (%(token)s, %(analysis)s, %(key)s, %(parameters)s,"
            " %(version)s, 'pending', 0, %(now)s, %(now)s, '', '{}') ON CONFLICT (analysis, parameters_key, data_version)"
            " DO UPDATE SET state = 'pending', progress = 0, requested_at = %(now)s, touched_at = %(now)s, error = ''"
            " WHERE old.state IN ('failed', 'cancelled') AND old.touched_at < %(retried)s"
            f"    OR old.state = 'pending' AND old.touched_at < %(abandoned)s AND NOT {QUEUED} RETURNING id",
            values,
        )
        row = cursor.fetchone()
        if row is not None:
            compute_result.enqueue(row[0])
            return int(row[0])
    return ResultSet.objects.only("id").get(analysis=computation.id, parameters_key=key, data_version=version).pk


def _wait_for(result_set_id: int) -> ResultSet:
    """The result set once it is ready, given up or has failed, or as it is after five seconds, or at once where many wait."""
    found = ResultSet.objects.get(pk=result_set_id)
    if found.state != ResultSet.State.PENDING or not _places_to_wait.acquire(blocking=False):
        return found
    try:
        return _wait(result_set_id)
    finally:
        _places_to_wait.release()


def _wait(result_set_id: int) -> ResultSet:
    deadline = time.monotonic() + WAIT_S
    pause = 0.02
    while True:
        found = ResultSet.objects.get(pk=result_set_id)
        if found.state != ResultSet.State.PENDING or time.monotonic() > deadline:
            return found
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


@task()
def compute_result(result_set_id: int) -> None:
    """Computes a pending result in the worker, and stores all of its rows or none."""
    from geo.layers.catalogue import computation_by_id

    result = ResultSet.objects.filter(pk=result_set_id, state=ResultSet.State.PENDING).first()
    if result is None:
        return
    _pending(result).update(touched_at=timezone.now())
    compute = computation_by_id(result.analysis).compute
    assert compute is not None
    as_of = timezone.now()
    try:
        _store(result, compute(_query_of(result), _progress_of(result)), as_of)
    except Cancelled:
        log.info("result set %s of %s was cancelled", result.pk, result.analysis)
    except Exception:
        log.exception("result set %s of %s failed", result.pk, result.analysis)
        _pending(result).update(state=ResultSet.State.FAILED, touched_at=timezone.now(), error="the computation failed")


def _store(result: ResultSet, computed: Computed, as_of: datetime) -> None:
    with transaction.atomic():
        done = _pending(result).update(
            state=ResultSet.State.READY, as_of=as_of, progress=1.0, members=dict(computed.members)
        )
        if not done:
            raise Cancelled
        _store_rows(result, computed.rows)
        # What a frozen analysis has pinned stays.
        ResultSet.objects.filter(requested_at__lt=as_of - KEEP_FOR, pinned_by=None).delete()
        # Those of a killed worker never finish.
        DBTaskResult.objects.filter(enqueued_at__lt=as_of - KEEP_FOR).exclude(status="READY").delete()


def _store_rows(result: ResultSet, rows: Sequence[Row]) -> None:
    """By one statement: thousands of cells as objects, each with a geometry of its own, take longer than their analysis."""
    with connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            cursor.execute(
                "INSERT INTO geo_resultrow (result_set_id, key, geom, figures) SELECT %s, key, shape::geometry, figures"
                " FROM unnest(%s::bigint[], %s::text[], %s::jsonb[]) AS rows(key, shape, figures)",
                [
                    result.pk,
                    [row.key for row in part],
                    [row.geom for row in part],
                    [json.dumps(dict(row.figures)) for row in part],
                ],
            )


def _pending(result: ResultSet) -> Any:
    return ResultSet.objects.filter(pk=result.pk, state=ResultSet.State.PENDING)


def _progress_of(result: ResultSet) -> Progress:
    """Stores how far the computation is, now and then; raises Cancelled once the result is no longer wanted."""
    last = time.monotonic()

    def say(share: float) -> None:
        nonlocal last
        if time.monotonic() - last < SAY_EVERY_S:
            return
        last = time.monotonic()
        share = round(min(max(share, 0.0), 1.0), 3)
        if not _pending(result).update(progress=share, touched_at=timezone.now()):
            raise Cancelled

    return say


def _query_of(result: ResultSet) -> Query:
    city = City.objects.get(slug=result.parameters["city"])
    return Query(city=city, values=values_of(result), now=result.requested_at)


def values_of(result: ResultSet) -> dict[str, Any]:
    """The resolved parameters that a result was computed with, but for its city."""
    return {name: _rich(value) for name, value in result.parameters.items() if name != "city"}


def _plain(value: Any) -> Any:
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _rich(value: Any) -> Any:
    return datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value

"""Result sets: what a computed layer answers, stored once per parameters and data version, however many ask at once."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from geo.analysis.models import ResultRow, ResultSet
from geo.areas.models import City
from geo.layers.layer import Layer, Query
from server.core.errors import BadParameter, NotReady

log = logging.getLogger(__name__)

# New readings arrive all the time: a result this young is answered again even if the data moved on meanwhile.
FRESH_FOR = timedelta(seconds=60)
# One still pending after this long belongs to a worker that died.
ABANDONED_AFTER = timedelta(minutes=10)
WAIT_S = 5.0
# Anybody may ask; more questions than this are not queued at once.
MOST_PENDING = 16
KEEP_FOR = timedelta(days=2)


def parameters_of(query: Query) -> dict[str, Any]:
    """The resolved parameters as plain JSON: what a result is keyed by, and computed from again."""
    return {"city": query.city.slug, **{name: _plain(value) for name, value in sorted(query.values.items())}}


def current_result(layer: Layer, query: Query, version: int) -> ResultSet:
    """The result set to answer with: fresh, else computed within five seconds, else the last one; NotReady if there is none."""
    parameters = parameters_of(query)
    key = _key(layer, parameters)
    of_key = ResultSet.objects.filter(layer=layer.id, parameters_key=key)
    ready = of_key.filter(state=ResultSet.State.READY).order_by("-as_of", "-id")
    fresh = ready.filter(Q(data_version=version) | Q(as_of__gte=timezone.now() - FRESH_FOR)).first()
    if fresh is not None:
        return fresh
    last = ready.first()
    try:
        computed = _wait_for(_request(layer, key, parameters, version))
    except NotReady:
        if last is not None:
            return last
        raise
    if computed is not None:
        return computed
    if last is not None:
        return last
    raise NotReady(_("This is being computed for the first time; ask again in a moment."), retry_after_s=5)


def named_result(layer: Layer, query: Query, result_set_id: int) -> ResultSet:
    """The result set that a page token names; BadParameter if it is gone or answers another question."""
    found = ResultSet.objects.filter(pk=result_set_id, state=ResultSet.State.READY).first()
    if found is None:
        raise BadParameter("next", "the result that this page belongs to is no longer kept; begin again without next")
    if found.parameters_key != _key(layer, parameters_of(query)):
        raise BadParameter("next", "next is a page token of a question with other parameters")
    return found


def _key(layer: Layer, parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([layer.id, parameters], sort_keys=True).encode()).hexdigest()


def _request(layer: Layer, key: str, parameters: Mapping[str, Any], version: int) -> int:
    """The id of the pending result. Whoever inserts or revives the row enqueues the work; everyone else only waits."""
    now = timezone.now()
    waiting = ResultSet.objects.filter(state=ResultSet.State.PENDING, requested_at__gte=now - ABANDONED_AFTER)
    if waiting.exclude(layer=layer.id, parameters_key=key, data_version=version).count() >= MOST_PENDING:
        raise NotReady(_("Too many analyses are waiting to be computed; ask again in a while."), retry_after_s=30)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO geo_resultset (layer, parameters_key, parameters, data_version, state, requested_at, error)"
            " VALUES (%s, %s, %s, %s, 'pending', %s, '') ON CONFLICT (layer, parameters_key, data_version)"
            " DO UPDATE SET state = 'pending', requested_at = excluded.requested_at, error = ''"
            " WHERE geo_resultset.state = 'failed' AND geo_resultset.requested_at < %s"
            "    OR geo_resultset.state = 'pending' AND geo_resultset.requested_at < %s RETURNING id",
            [layer.id, key, json.dumps(parameters), version, now, now - FRESH_FOR, now - ABANDONED_AFTER],
        )
        row = cursor.fetchone()
        if row is not None:
            compute_result.enqueue(row[0])
            return int(row[0])
    return ResultSet.objects.only("id").get(layer=layer.id, parameters_key=key, data_version=version).pk


def _wait_for(result_set_id: int) -> ResultSet | None:
    deadline = time.monotonic() + WAIT_S
    pause = 0.02
    while True:
        found = ResultSet.objects.get(pk=result_set_id)
        if found.state == ResultSet.State.READY:
            return found
        if found.state == ResultSet.State.FAILED or time.monotonic() > deadline:
            return None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


@task()
def compute_result(result_set_id: int) -> None:
    """Computes a pending result in the worker, and stores all of its rows or none."""
    from geo.layers.catalogue import layer_by_id

    result = ResultSet.objects.filter(pk=result_set_id, state=ResultSet.State.PENDING).first()
    if result is None:
        return
    layer = layer_by_id(result.layer)
    assert layer.compute is not None
    as_of = timezone.now()
    try:
        rows = layer.compute(_query_of(result))
    except Exception:
        log.exception("result set %s of %s failed", result.pk, result.layer)
        ResultSet.objects.filter(pk=result.pk).update(state=ResultSet.State.FAILED, error="the computation failed")
        return
    with transaction.atomic():
        ResultRow.objects.bulk_create(
            [ResultRow(result_set=result, area_id=area_id, figures=dict(figures)) for area_id, figures in rows]
        )
        ResultSet.objects.filter(pk=result.pk).update(state=ResultSet.State.READY, as_of=as_of)
        ResultSet.objects.filter(requested_at__lt=as_of - KEEP_FOR).delete()
        DBTaskResult.objects.filter(finished_at__lt=as_of - KEEP_FOR).delete()


def _query_of(result: ResultSet) -> Query:
    values = {name: _rich(value) for name, value in result.parameters.items()}
    city = City.objects.get(slug=values.pop("city"))
    return Query(city=city, values=values, now=result.requested_at)


def pinned(query: Query, result: ResultSet) -> Query:
    return replace(query, result_set=result.pk)


def _plain(value: Any) -> Any:
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _rich(value: Any) -> Any:
    return datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value

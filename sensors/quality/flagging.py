"""Sets the flags of observations by their neighbours, after the commit that stored, changed or deleted something beside them.

Values are never dropped. A flag that is set is an entry of the journal itself; to look at it again changes nothing, so that it
ends there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Q

from sensors.following.follow import Follower
from sensors.observations import journal
from sensors.observations.columns import microseconds, time_at
from sensors.observations.journal import Entry, Kind, Row
from sensors.quality.checks import NEIGHBOURS, Limits, Value, changes_in
from sensors.registry.models import Datastream
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
_NAMES = [field.name for field in fields(Limits)]
# Changes nearer to each other than this (or than the reach of STUCK) are looked at as one period.
_NEAR_US = 3_600_000_000
# Rows that one statement asks about, with their neighbours: memory stays flat in a back-fill.
KEYS_AT_ONCE = 20_000
# What a check of the past takes at once.
CHUNK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Window:
    """A period of a datastream in which something changed. Both ends are included."""

    datastream_id: int
    first_us: int
    last_us: int


def follow_quality(entries: Sequence[Entry], now: datetime) -> None:
    """Checks what is new, changed or gone, and its neighbours: the work of the follower `quality`."""
    touched = {datastream_id for entry in entries for datastream_id in entry.datastream_ids}
    checked = Q(most_change_per_min__isnull=False) | Q(spike_limit__isnull=False) | Q(stuck_after_s__isnull=False)
    limits = limits_of(Datastream.objects.filter(checked, pk__in=touched).values("pk", *_NAMES))
    if not limits:
        return
    keys = sorted(
        {
            key
            for entry in entries
            for key in zip(entry.datastream_ids, entry.phenomenon_us, strict=True)
            if key[0] in limits
        }
    )
    for start in range(0, len(keys), KEYS_AT_ONCE):
        check(windows_of(keys[start : start + KEYS_AT_ONCE], limits), limits)


FOLLOWER = Follower("quality", follow_quality)


def check_period(datastream: Datastream, start: datetime, end: datetime) -> int:
    """Checks all that a datastream measured in [start, end) by its limits as they are now; how many qualities became others."""
    limits = {datastream.pk: Limits(**{name: getattr(datastream, name) for name in _NAMES})}
    changed = 0
    while start < end:
        until = min(start + CHUNK, end)
        changed += check([Window(datastream.pk, microseconds(start), microseconds(until) - 1)], limits)
        start = until
    return changed


def limits_of(rows: Iterable[Mapping[str, object]]) -> dict[int, Limits]:
    return {int(str(row["pk"])): Limits(**{name: row[name] for name in _NAMES}) for row in rows}  # type: ignore[arg-type]


def windows_of(keys: Iterable[tuple[int, int]], limits: Mapping[int, Limits]) -> list[Window]:
    """The periods that (datastream, time in µs) lie in, in order; those far from each other apart."""
    windows: list[Window] = []
    for datastream_id, group in groupby(sorted(keys), key=itemgetter(0)):
        times = [at_us for _id, at_us in group]
        near_us = max(_NEAR_US, 4 * limits[datastream_id].stuck_after_us)
        gaps = [place for place in range(1, len(times)) if times[place] - times[place - 1] > near_us]
        for start, end in pairwise([0, *gaps, len(times)]):
            windows.append(Window(datastream_id, times[start], times[end - 1]))
    return windows


def check(windows: Sequence[Window], limits: Mapping[int, Limits]) -> int:
    """Sets the flags in and around these periods: one statement to read them all, one to set what is another."""
    found: dict[tuple[int, int], tuple[Value, int]] = {}
    for window, series in _read(windows, limits):
        decided = [_as_decided(value, found.get((window.datastream_id, value.at_us))) for value in series]
        for value, quality in changes_in(decided, window.first_us, window.last_us, limits[window.datastream_id]):
            key = (window.datastream_id, value.at_us)
            stored = found[key][0] if key in found else value
            found[key] = (stored, quality)
    return _set({key: change for key, change in found.items() if change[0].quality != change[1]})


def _as_decided(value: Value, change: tuple[Value, int] | None) -> Value:
    """With the quality that a period before this one has given it."""
    return value if change is None else value._replace(quality=change[1])


def _read(windows: Sequence[Window], limits: Mapping[int, Limits]) -> Iterable[tuple[Window, list[Value]]]:
    if not windows:
        return
    of = [limits[window.datastream_id] for window in windows]
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL.windows,
            {
                "datastream_ids": [window.datastream_id for window in windows],
                "firsts": [window.first_us for window in windows],
                "lasts": [window.last_us for window in windows],
                "arounds": [2 * each.stuck_after_us for each in of],
                "tolerances": [each.stuck_tolerance for each in of],
                "neighbours": NEIGHBOURS,
            },
        )
        rows = cursor.fetchall()
    for place, group in groupby(rows, key=itemgetter(0)):
        yield windows[place - 1], [Value(*row[1:]) for row in group]


def _set(changes: Mapping[tuple[int, int], tuple[Value, int]]) -> int:
    if not changes:
        return 0
    keys = sorted(changes)
    parameters: dict[str, Any] = {
        "datastream_ids": [datastream_id for datastream_id, _ in keys],
        "times": [at_us for _, at_us in keys],
        "results": [changes[key][0].result for key in keys],
        "were": [changes[key][0].quality for key in keys],
        "qualities": [changes[key][1] for key in keys],
        "first": time_at(min(at_us for _, at_us in keys)),
        "last": time_at(max(at_us for _, at_us in keys)),
    }
    with connection.cursor() as cursor:
        # Locked first: the statement after it sees what whoever held one of them has committed, a decision of a person included.
        cursor.execute(_SQL.lock_observations, parameters)
        cursor.execute(_SQL.set_qualities, parameters)
        rows = [Row(*row) for row in cursor.fetchall()]
    journal.record(Kind.CHANGED, rows)
    return len(rows)

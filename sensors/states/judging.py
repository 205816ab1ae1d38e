"""Late, silent, flapping: what the clock says of each datastream. Observations are not looked through for it.

What counts is the older of two times: when something last came, and of when its latest value is. So a device whose clock runs
ahead falls silent when it stops, and the delivery of old readings does not make one look alive that has stopped.

    silent    nothing for `silent_after_s`, or for three expected intervals (at least a minute) where that is not set
    late      nothing for half of that
    flapping  heard or late, but it has come back from silence three times within a day
    heard     otherwise; always, where readings are expected at no interval (0)
    never     there are no observations

The follower knows what came up to where it has read the journal, and judges as of then: while it lags, nobody seems silent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Count

from sensors.following.follow import Follower
from sensors.observations.journal import Entry, Kind
from sensors.states.models import DatastreamState, DatastreamStateChange, State
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
NAME = "states"
LEAST_SILENCE_S = 60
FLAPPING_RETURNS = 3
FLAPPING_WITHIN = timedelta(days=1)
CHANGES_KEPT = timedelta(days=90)
# How often all are judged by the clock; those of which something came, at once.
EVERY = timedelta(seconds=5)


def hear(entries: Sequence[Entry]) -> set[int]:
    """Takes over what these entries tell; of which datastreams."""
    heard: dict[int, datetime | None] = {}
    for entry in entries:
        for datastream_id in set(entry.datastream_ids):
            before = heard.setdefault(datastream_id, None)
            # A correction is no sign of life.
            if entry.kind is Kind.STORED and (before is None or entry.written_at > before):
                heard[datastream_id] = entry.written_at
    ids = sorted(heard)
    with connection.cursor() as cursor:
        cursor.execute(_SQL.hear, {"datastream_ids": ids, "heard": [heard[datastream_id] for datastream_id in ids]})
    return set(ids)


def judge(as_of: datetime, datastream_ids: Collection[int] | None = None) -> int:
    """Gives those (or all) datastreams another state that have come to it by this time, and notes it; how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SQL.judge,
            {
                "as_of": as_of,
                "datastream_ids": None if datastream_ids is None else sorted(datastream_ids),
                "least_s": LEAST_SILENCE_S,
                "returns": FLAPPING_RETURNS,
                "within_s": FLAPPING_WITHIN.total_seconds(),
            },
        )
        rows = cursor.fetchall()
        if not rows:
            # Not even an UPDATE of no rows: it would make every answer that holds a state look changed.
            return 0
        ids, _old, new, since, returned = zip(*rows, strict=True)
        cursor.execute(
            _SQL.become,
            {
                "datastream_ids": list(ids),
                "states": list(new),
                "since": list(since),
                "returned": ["{" + ",".join(time.isoformat() for time in times) + "}" for times in returned],
            },
        )
    DatastreamStateChange.objects.bulk_create(
        DatastreamStateChange(datastream_id=datastream_id, at=at, old=old, new=new)
        for datastream_id, old, new, at, _returned in rows
    )
    return len(rows)


def known_until(now: datetime) -> datetime:
    """Up to when it is known what has come: now, or when the oldest entry was written that the follower has not read."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL.read_up_to, {"name": NAME})
        found = cursor.fetchone()
    return min(now, found[0]) if found and found[0] is not None else now


def count_states() -> Mapping[str, int]:
    """How many datastreams are in each state; of every state, in its order. Those of an exercise are left out."""
    real = DatastreamState.objects.filter(datastream__thing__is_exercise=False)
    found = dict(real.values_list("state").annotate(n=Count("pk")))
    return {state.value: found.get(state.value, 0) for state in State}


@dataclass(slots=True)
class Judging:
    """What the follower keeps from one step to the next: all of it may be lost."""

    touched: set[int] = field(default_factory=set)
    judged_all_at: datetime | None = None

    def handle(self, entries: Sequence[Entry], now: datetime) -> None:
        self.touched |= hear(entries)

    def tick(self, now: datetime) -> None:
        if self.judged_all_at is None or abs(now - self.judged_all_at) >= EVERY:
            judge(known_until(now))
            DatastreamStateChange.objects.filter(at__lt=now - CHANGES_KEPT).delete()
            self.judged_all_at = now
        elif self.touched:
            judge(known_until(now), self.touched)
        self.touched.clear()


def states_follower() -> Follower:
    judging = Judging()
    return Follower(NAME, judging.handle, judging.tick)


FOLLOWER = states_follower()

"""Setting watches, and reading what was crossed. Whose a watch is, only its owner's prefix says: sensors knows nothing of owners."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from sensors.thresholds.levels import Criteria
from sensors.thresholds.models import Crossing, Watch
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
# How far back a datastream is looked at that was not watched before.
LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A watch as its owner wants it; `level_names` as the thresholds, the mildest first."""

    owner: str
    datastream_id: int
    level_names: tuple[str, ...]
    criteria: Criteria
    active_since: datetime


def set_watches(
    prefix: str, wanted: Iterable[Wanted], now: datetime, *, untouched: Collection[tuple[str, int]] = ()
) -> Counter[str]:
    """Makes the watches of all owners whose names begin so exactly these: counts `made`, `changed` and `ended`.

    Other thresholds, or another direction, begin a watch anew from where the old one stands: what was reached by the old
    levels says nothing of these. So does a time of which what was measured before no longer counts. Of those in `untouched`,
    as (owner, datastream id), what is there stays. A second call with the same changes nothing.
    """
    counts: Counter[str] = Counter()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SQL.lock)
        there = {(one.owner, one.datastream_id): one for one in Watch.objects.filter(owner__startswith=prefix)}
        made, changed, ended = [], [], []
        for one in wanted:
            old = there.pop((one.owner, one.datastream_id), None)
            if old is not None and not _begins_anew(old, one):
                if _takes(old, one):
                    changed.append(old)
                continue
            if old is not None:
                ended.append(old.pk)
            made.append(_new(one, old, now))
        ended += [old.pk for key, old in there.items() if key not in untouched]
        if ended:
            Watch.objects.filter(pk__in=ended).delete()
        if changed:
            Watch.objects.bulk_update(changed, [*_SOFT, "level_names"])
        Watch.objects.bulk_create(made)
        counts.update(made=len(made), changed=len(changed), ended=len(ended))
    return +counts


_SOFT = ("hysteresis", "opens_after", "closes_after", "longest_gap")


def _begins_anew(old: Watch, wanted: Wanted) -> bool:
    criteria = wanted.criteria
    has_other_levels = (tuple(old.thresholds), old.is_below) != (criteria.thresholds, criteria.is_below)
    return has_other_levels or old.evaluated_to < wanted.active_since


def _takes(old: Watch, wanted: Wanted) -> bool:
    """Gives a watch what does not begin it anew; whether any of it is new."""
    given: dict[str, Any] = {name: getattr(wanted.criteria, name) for name in _SOFT}
    given["level_names"] = list(wanted.level_names)
    differs = {name: value for name, value in given.items() if getattr(old, name) != value}
    for name, value in differs.items():
        setattr(old, name, value)
    return bool(differs)


def _new(wanted: Wanted, old: Watch | None, now: datetime) -> Watch:
    criteria = wanted.criteria
    start = now - LOOK_BACK if old is None else old.evaluated_to
    start = max(start, wanted.active_since)
    return Watch(
        owner=wanted.owner,
        datastream_id=wanted.datastream_id,
        thresholds=list(criteria.thresholds),
        level_names=list(wanted.level_names),
        is_below=criteria.is_below,
        **{name: getattr(criteria, name) for name in _SOFT},
        follows_from=start,
        evaluated_to=start,
        due_at=now,
    )


def watches(prefix: str) -> QuerySet[Watch]:
    """The watches of all owners whose names begin so, with their datastreams, things and observed properties."""
    joined = Watch.objects.select_related("datastream__thing", "datastream__observed_property")
    return joined.filter(owner__startswith=prefix)


def crossings_after(prefix: str, change: int, *, limit: int = 1000) -> list[Crossing]:
    """What was crossed or revoked after a change, by the watches of these owners, in the order of commits; each with its watch."""
    found = Crossing.objects.filter(change__gt=change, watch__owner__startswith=prefix)
    return list(found.select_related("watch").order_by("change")[:limit])


def standing_crossings(watch_id: int, since: datetime) -> list[Crossing]:
    """The crossings of a watch that stand, in the order of time, from the last opening at or before a time on."""
    found = Crossing.objects.filter(watch=watch_id, revoked_at=None).order_by("at")
    opening = found.filter(at__lte=since, old=0).last()
    return list(found.filter(at__gte=since if opening is None else opening.at))

"""Derived datastreams: made for the things that have what they are computed from, and kept as the hours of that change."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from sensors.derived.derivations import HOURS, Derivation, Window, derivations
from sensors.observations import journal
from sensors.observations.columns import GOOD, TIMED_BY_DEVICE, Columns, microseconds
from sensors.observations.journal import Kind, Row
from sensors.observations.partitions import ensure_partitions, existing_partitions, months_of
from sensors.observations.writer import write_observations
from sensors.registry.models import Datastream, ObservedProperty
from sensors.registry.services import lock_registry
from server.core.sql import load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
MARKS_PER_ROUND = 2_000
INTERVAL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that is to stand, or none, and the one that stands."""

    datastream_id: int
    at: datetime
    result: float | None
    stored: float | None


def ensure_derived() -> int:
    """Makes the derived datastreams that are missing, and marks the hours that they are to be computed from; how many.

    A thing that sends such a property itself has it already, and one of an exercise has none.
    """
    made = 0
    for derivation in derivations(ispu_top=settings.ISPU_TOP):
        made += _ensure(derivation) if _lacking(derivation) else 0
    return made


def _lacking(derivation: Derivation) -> list[int]:
    """The things that have an input, and not what is derived of it."""
    inputs = Datastream.objects.filter(
        observed_property__code__in=derivation.inputs,
        unit_ucum=derivation.input_unit,
        derivation="",
        thing__is_exercise=False,
    )
    there = Datastream.objects.filter(observed_property__code=derivation.code).values("thing_id")
    return list(inputs.exclude(thing_id__in=there).order_by("thing_id").values_list("thing_id", flat=True).distinct())


def _ensure(derivation: Derivation) -> int:
    with transaction.atomic():
        lock_registry()
        observed_property, _made = ObservedProperty.objects.get_or_create(
            code=derivation.code,
            defaults={
                "name_id": derivation.name_id,
                "name_en": derivation.name_en,
                "definition": derivation.definition,
                "domain": ObservedProperty.Domain.ENVIRONMENT,
                "aggregate": derivation.aggregate,
            },
        )
        made = Datastream.objects.bulk_create(
            Datastream(
                thing_id=thing_id,
                observed_property=observed_property,
                unit_ucum=derivation.unit_ucum,
                unit_name=derivation.unit_name,
                expected_interval_s=int(INTERVAL.total_seconds()),
                derivation=derivation.code,
            )
            for thing_id in _lacking(derivation)
        )
        with connection.cursor() as cursor:
            given: dict[str, Any] = {
                "derived_ids": [one.pk for one in made],
                "codes": list(derivation.inputs),
                "since": _oldest_month(),
            }
            cursor.execute(SQL.mark_inputs, given)
    return len(made)


def _oldest_month() -> date:
    """What was measured before is archived, and nothing is derived for months that have gone."""
    return min(months_of(existing_partitions()), default=date(1970, 1, 1))


def derive(now: datetime, *, limit: int = MARKS_PER_ROUND) -> int:
    """One round: takes marks of hours that are over and computes what depends on them; how many marks were taken.

    Under the lock of the rollups: none of them changes between the marks and what is computed. None are taken while a refresh
    has it. The marks, the values, their own dirty hours and the journal's entries are there together or not at all.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL.lock_rollups)
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(SQL.take_marks, {"now": now, "limit": limit})
        marks = cursor.fetchall()
        if marks:
            _write(_compute(marks, now), now)
    return len(marks)


def derive_all(now: datetime) -> int:
    """Rounds until no mark of an hour that is over is left; how many were taken."""
    total = 0
    while taken := derive(now):
        total += taken
    return total


def _compute(marks: Sequence[tuple[int, datetime]], now: datetime) -> list[Derived]:
    """The values of all ends of 24 hours in which a marked hour lies, with those that stand.

    What belongs together is put together here: the database does not know how many of each there are, and would walk through
    the inputs of the whole city for each end.
    """
    known = {one.code: one for one in derivations(ispu_top=settings.ISPU_TOP)}
    inputs = _inputs(known.values(), {datastream_id for datastream_id, _hour in marks})
    derived_of: dict[int, set[int]] = defaultdict(set)
    for derived_id, (_derivation, of) in inputs.items():
        for input_id in of.values():
            derived_of[input_id].add(derived_id)
    touched = {
        (derived_id, ends_at)
        for datastream_id, hour in marks
        for derived_id in derived_of.get(datastream_id, ())
        for ends_at in (hour + n * INTERVAL for n in range(1, HOURS + 1))
        if ends_at <= now
    }
    windows = _windows({(input_id, at) for derived_id, at in touched for input_id in inputs[derived_id][1].values()})
    found = []
    for derived_id, at in sorted(touched):
        name, of = inputs[derived_id]
        filled = {code: windows[input_id, at] for code, input_id in of.items() if (input_id, at) in windows}
        is_measured = any(has_last for _window, has_last in filled.values())
        given = {code: window for code, (window, _has_last) in filled.items()}
        found.append((derived_id, at, known[name].compute(given) if is_measured else None))
    return [Derived(*one, before) for one, before in zip(found, _stored(found), strict=True)]


def _inputs(known: Iterable[Derivation], touched_ids: Collection[int]) -> dict[int, tuple[str, dict[str, int]]]:
    """Of each derived datastream its derivation and the datastreams that it is computed from, by their codes."""
    pairs = [(one.code, code, one.input_unit) for one in known for code in one.inputs]
    names, codes, units = (list(column) for column in zip(*pairs, strict=True))
    given: dict[str, Any] = {"derivations": names, "codes": codes, "units": units, "datastream_ids": list(touched_ids)}
    found: dict[int, tuple[str, dict[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SQL.inputs, given)
        for derived_id, derivation, code, input_id in cursor.fetchall():
            found.setdefault(derived_id, (derivation, {}))[1][code] = input_id
    return found


def _windows(wanted: Collection[tuple[int, datetime]]) -> dict[tuple[int, datetime], tuple[Window, bool]]:
    """The 24 hours of each input up to each end, and whether the last of them is there; those with no hour are left out."""
    ordered = sorted(wanted)
    given: dict[str, Any] = {"datastream_ids": [one for one, _at in ordered], "ends": [at for _one, at in ordered]}
    with connection.cursor() as cursor:
        cursor.execute(SQL.windows, given)
        return {
            (input_id, at): (Window(hours, mean, total), has_last)
            for input_id, at, hours, mean, total, has_last in cursor.fetchall()
        }


def _stored(found: Sequence[tuple[int, datetime, float | None]]) -> list[float | None]:
    keys: dict[str, Any] = {"datastream_ids": [one[0] for one in found], "times": [one[1] for one in found]}
    with connection.cursor() as cursor:
        cursor.execute(SQL.stored_results, keys)
        return [result for (result,) in cursor.fetchall()]


def _write(values: Sequence[Derived], now: datetime) -> None:
    new = [one for one in values if one.stored is None and one.result is not None]
    changed = [one for one in values if None not in (one.stored, one.result) and one.stored != one.result]
    gone = [one for one in values if one.stored is not None and one.result is None]
    if new:
        columns = Columns()
        for one in new:
            assert one.result is not None
            columns.append(one.datastream_id, one.at, one.result, now, GOOD, TIMED_BY_DEVICE)
        ensure_partitions(columns.months())
        write_observations(columns)
    with connection.cursor() as cursor:
        if changed:
            cursor.execute(
                SQL.change_results, {**_keys(changed), "results": [one.result for one in changed], "now": now}
            )
        if gone:
            times = [one.at for one in gone]
            cursor.execute(SQL.delete_results, {**_keys(gone), "first": min(times), "last": max(times)})
        if changed or gone:
            cursor.execute(SQL.mark_dirty, _keys([*changed, *gone]))
    journal.record(Kind.CHANGED, [_row(one, one.result) for one in changed])
    journal.record(Kind.DELETED, [_row(one, one.stored) for one in gone])


def _keys(values: Sequence[Derived]) -> dict[str, list[Any]]:
    return {"datastream_ids": [one.datastream_id for one in values], "times": [one.at for one in values]}


def _row(one: Derived, result: float | None) -> Row:
    assert result is not None
    return Row(one.datastream_id, microseconds(one.at), result, GOOD)

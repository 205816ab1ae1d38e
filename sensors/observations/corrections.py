"""Changing what was measured: the only way, and it leaves an audit line for each observation.

What a person decided holds: as long as an observation's last line is not its deletion, the checks leave its quality alone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from sensors.observations import journal
from sensors.observations.columns import DOUBTED, GOOD, IMPLAUSIBLE, microseconds
from sensors.observations.journal import Kind, Row
from sensors.observations.models import Correction, DirtyHour, Observation
from sensors.registry.derived import refuse_derived
from sensors.registry.models import Datastream
from server.core.errors import Conflict, InvalidFields, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# Rows that one request may change: some seconds of work.
MOST_AT_ONCE = 10_000


class Action(StrEnum):
    """What a person decides: another result, a value that is right as it is, one that is not to be counted, or none at all."""

    CORRECT = "correct"
    CONFIRM = "confirm"
    DOUBT = "doubt"
    DELETE = "delete"


def correct_observation(
    *,
    datastream: Datastream,
    phenomenon_time: datetime,
    new_result: float | None,
    reason: str,
    by: "AbstractBaseUser | None" = None,
) -> Correction:
    """Gives a stored observation another result, or deletes it (None). Errors: as of decide_one."""
    action = Action.DELETE if new_result is None else Action.CORRECT
    return decide_one(
        action, datastream=datastream, phenomenon_time=phenomenon_time, new_result=new_result, reason=reason, by=by
    )


def decide_one(
    action: Action,
    *,
    datastream: Datastream,
    phenomenon_time: datetime,
    reason: str,
    new_result: float | None = None,
    old_result: float | None = None,
    by: "AbstractBaseUser | None" = None,
) -> Correction:
    """Changes one observation as decided, marks its hour for the rollups, and writes the audit line.

    Errors: NotFound when there is none at that time; Conflict when its result is not `old_result` (if that is given);
    InvalidFields without a reason, or for a result that is not finite.
    """
    _check(action, reason, new_result)
    with transaction.atomic():
        stored = Observation.objects.filter(datastream=datastream, phenomenon_time=phenomenon_time)
        found = stored.select_for_update().first()
        if found is None:
            raise NotFound(
                _("%(datastream)s has no observation at %(time)s.")
                % {"datastream": datastream, "time": phenomenon_time.isoformat()}
            )
        if old_result is not None and found.result != old_result:
            raise Conflict(
                _("The result is %(result)s by now: look again before you change it.") % {"result": found.result},
                extra={"result": found.result},
            )
        return _decide(action, datastream, [found], reason, new_result, by)[0]


def decide_period(
    action: Action,
    *,
    datastream: Datastream,
    start: datetime,
    end: datetime,
    reason: str,
    by: "AbstractBaseUser | None" = None,
) -> list[Correction]:
    """As decide_one (without CORRECT) for all observations in [start, end), in one transaction; the lines in order of time.

    Errors: NotFound when there are none; InvalidFields for an empty period, for more than MOST_AT_ONCE observations, without
    a reason.
    """
    if action is Action.CORRECT:
        raise InvalidFields(
            {"result": [_("A period is confirmed, doubted or deleted: each value is corrected by itself.")]}
        )
    _check(action, reason, None)
    if start >= end:
        raise InvalidFields({"end": [_("The period ends before it starts.")]})
    with transaction.atomic():
        stored = Observation.objects.filter(
            datastream=datastream, phenomenon_time__gte=start, phenomenon_time__lt=end
        ).order_by("phenomenon_time")
        found = list(stored.select_for_update()[: MOST_AT_ONCE + 1])
        if not found:
            raise NotFound(_("%(datastream)s has no observations in this period.") % {"datastream": datastream})
        if len(found) > MOST_AT_ONCE:
            raise InvalidFields(
                {
                    "end": [
                        _("At most %(most)d observations at once: these are more, up to %(time)s already.")
                        % {"most": MOST_AT_ONCE, "time": found[-1].phenomenon_time.isoformat()}
                    ]
                }
            )
        return _decide(action, datastream, found, reason, None, by)


def _check(action: Action, reason: str, new_result: float | None) -> None:
    if not reason.strip():
        raise InvalidFields({"reason": [_("A correction needs a reason.")]})
    if action is Action.CORRECT and (new_result is None or not isfinite(new_result)):
        raise InvalidFields({"new_result": [_("A result is a finite number.")]})


def _decide(
    action: Action,
    datastream: Datastream,
    found: Sequence[Observation],
    reason: str,
    new_result: float | None,
    by: "AbstractBaseUser | None",
) -> list[Correction]:
    """Changes rows that are locked. Errors: Conflict for what is derived."""
    refuse_derived(datastream)
    stored = Observation.objects.filter(
        datastream=datastream,
        phenomenon_time__range=(found[0].phenomenon_time, found[-1].phenomenon_time),
        phenomenon_time__in=[one.phenomenon_time for one in found],
    )
    after: list[tuple[float, int] | None] = []
    for one in found:
        match action:
            case Action.DELETE:
                after.append(None)
            case Action.CORRECT:
                assert new_result is not None
                after.append((new_result, _quality(datastream, new_result)))
            case Action.CONFIRM:
                after.append((one.result, GOOD))
            case Action.DOUBT:
                after.append((one.result, one.quality | DOUBTED))
    if action is Action.DELETE:
        stored.delete()
    elif action is Action.DOUBT:
        stored.update(quality=F("quality").bitor(DOUBTED))
    else:
        assert after[0] is not None
        stored.update(quality=after[0][1], **({"result": new_result} if action is Action.CORRECT else {}))
    _record(datastream, found, after)
    return Correction.objects.bulk_create(
        Correction(
            datastream=datastream,
            phenomenon_time=one.phenomenon_time,
            old_result=one.result,
            old_quality=one.quality,
            new_result=None if new is None else new[0],
            new_quality=None if new is None else new[1],
            reason=reason.strip(),
            corrected_by_id=by.pk if by is not None else None,
        )
        for one, new in zip(found, after, strict=True)
    )


def _record(datastream: Datastream, found: Sequence[Observation], after: Sequence[tuple[float, int] | None]) -> None:
    """The journal's entry, and the marks of the hours."""
    kind = Kind.DELETED if after[0] is None else Kind.CHANGED
    journal.record(
        kind,
        [
            Row(datastream.pk, microseconds(one.phenomenon_time), *(new or (one.result, one.quality)))
            for one, new in zip(found, after, strict=True)
        ],
    )
    hours = {one.phenomenon_time.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for one in found}
    DirtyHour.objects.bulk_create(DirtyHour(datastream_id=datastream.pk, hour=hour) for hour in sorted(hours))


def _quality(datastream: Datastream, result: float) -> int:
    least, most = datastream.plausible_min, datastream.plausible_max
    is_outside = (least is not None and result < least) or (most is not None and result > most)
    return IMPLAUSIBLE if is_outside else GOOD

"""Changing what was measured: the only way, and it leaves an audit line."""

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

from django.db import transaction

from sensors.observations.columns import GOOD, IMPLAUSIBLE
from sensors.observations.models import Correction, DirtyHour, Observation
from sensors.registry.models import Datastream
from server.core.errors import InvalidFields, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def correct_observation(
    *,
    datastream: Datastream,
    phenomenon_time: datetime,
    new_result: float | None,
    reason: str,
    by: "AbstractBaseUser | None" = None,
) -> Correction:
    """Gives a stored observation another result, or deletes it (None); marks its hour for the rollups.

    Errors: NotFound when there is none at that time; InvalidFields without a reason, or for a result that is not finite.
    """
    if not reason.strip():
        raise InvalidFields({"reason": ["A correction needs a reason."]})
    if new_result is not None and not isfinite(new_result):
        raise InvalidFields({"new_result": ["A result is a finite number."]})
    with transaction.atomic():
        stored = Observation.objects.filter(datastream=datastream, phenomenon_time=phenomenon_time)
        found = stored.select_for_update().first()
        if found is None:
            raise NotFound(f"{datastream} has no observation at {phenomenon_time.isoformat()}")
        if new_result is None:
            stored.delete()
        else:
            stored.update(result=new_result, quality=_quality(datastream, new_result))
        hour = phenomenon_time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        DirtyHour.objects.create(datastream_id=datastream.pk, hour=hour)
        return Correction.objects.create(
            datastream=datastream,
            phenomenon_time=phenomenon_time,
            old_result=found.result,
            new_result=new_result,
            reason=reason.strip(),
            corrected_by_id=by.pk if by is not None else None,
        )


def _quality(datastream: Datastream, result: float) -> int:
    least, most = datastream.plausible_min, datastream.plausible_max
    is_outside = (least is not None and result < least) or (most is not None and result > most)
    return IMPLAUSIBLE if is_outside else GOOD

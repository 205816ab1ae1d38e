"""Things that stand in for others while a drill is played: as those are, beside them, and told apart by `Thing.is_exercise`.

They are read by the worker, watched and shown to operators; no published view but `sensors_published_exercise` has them, so
that nothing counts or draws them.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from sensors.registry.models import Datastream, Thing, ThingLocation
from sensors.registry.services import ALWAYS, RegistryError, lock_registry

PREFIX = "drill-"
# In the properties of a thing of an exercise: `stands_for`, and what else its maker has said of the exercise.
KEY = "exercise"


def stand_in_slug(slug: str) -> str:
    return f"{PREFIX}{slug}"


def make_stand_ins(measured: Mapping[str, set[str]], *, mark: str, said: Mapping[str, Any]) -> dict[str, list[int]]:
    """For each thing (slug -> codes of the observed properties) one of an exercise beside it: slug -> ids of its datastreams.

    `mark` goes before the name; `said` is kept with each, beside `stands_for`. Those that are there already stay as they are.
    No credential is made: who plays an exercise publishes as the gateway.
    Errors: RegistryError for a thing that is not there, stands nowhere, or does not measure what it should; nothing is made.
    """
    with transaction.atomic():
        lock_registry()
        return {slug: _stand_in(slug, codes, mark, said) for slug, codes in sorted(measured.items())}


def exercise_said(prefix: str = PREFIX) -> dict[str, Any] | None:
    """What was said of the exercise whose things are there; None where there are none."""
    first = Thing.objects.filter(is_exercise=True, slug__startswith=prefix).order_by("slug").first()
    return dict(first.properties[KEY]) if first is not None else None


def exercise_datastream_ids() -> list[int]:
    return list(Datastream.objects.filter(thing__is_exercise=True).order_by("id").values_list("id", flat=True))


def _stand_in(slug: str, codes: set[str], mark: str, said: Mapping[str, Any]) -> list[int]:
    real = Thing.objects.filter(slug=slug, is_exercise=False).first()
    place = ThingLocation.objects.filter(thing=real, valid_to=None).first() if real is not None else None
    if real is None or place is None:
        raise RegistryError(
            f"there is no thing {slug!r} that stands somewhere, for which one of the exercise could stand"
        )
    streams = {one.observed_property.code: one for one in real.datastreams.select_related("observed_property")}
    if missing := codes - streams.keys():
        raise RegistryError(f"thing {slug!r} does not measure {', '.join(sorted(missing))}")
    twin, is_new = Thing.objects.get_or_create(
        slug=_fitting(slug),
        defaults={
            "name": f"{mark} {real.name}"[:200],
            "description": real.description,
            "properties": {**real.properties, KEY: {**said, "stands_for": slug}},
            "is_simulated": True,
            "is_exercise": True,
        },
    )
    if not twin.is_exercise:
        raise RegistryError(f"a real thing is called {twin.slug!r}: an exercise cannot use its name")
    if is_new:
        ThingLocation.objects.create(thing=twin, location=place.location, valid_from=ALWAYS)
    ids = []
    for code in sorted(codes):
        as_real = streams[code]
        same = ("unit_ucum", "unit_name", "plausible_min", "plausible_max", "expected_interval_s", "sensor_id")
        made, _is_new = Datastream.objects.get_or_create(
            thing=twin,
            observed_property=as_real.observed_property,
            defaults={name: getattr(as_real, name) for name in same},
        )
        ids.append(made.pk)
    return ids


def _fitting(slug: str) -> str:
    made = stand_in_slug(slug)
    if len(made) > 64:
        raise RegistryError(f"the name of thing {slug!r} is too long to have one of an exercise beside it")
    return made

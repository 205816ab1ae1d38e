"""Writing the registry: observed properties, things, where they stand, and what they measure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db import models, transaction

from sensors.registry.models import Datastream, ObservedProperty, Sensor, Thing, ThingLocation

# Where a thing is first said to stand, it is taken to have stood since the earliest time that a reading may carry:
# otherwise the readings that are brought in from before its registration would lie nowhere.
ALWAYS = datetime(1990, 1, 1, tzinfo=UTC)
# A seventh decimal of a degree is a centimetre: less is no move.
SAME_PLACE_DEG = 1e-7


class RegistryError(ValueError):
    """A sentence that names the thing and what cannot be done with it."""


@dataclass(frozen=True, slots=True)
class DatastreamEntry:
    """What a thing is to measure. A range of None is left as it is; a new datastream then has none."""

    observed_property: str
    unit_ucum: str
    unit_name: str = ""
    plausible_min: float | None = None
    plausible_max: float | None = None
    expected_interval_s: int | None = None
    sensor: str = ""


@dataclass(frozen=True, slots=True)
class ThingEntry:
    """A thing as it should be. None (and "" for the description) leaves what is there; `lon_lat` in degrees, WGS 84."""

    slug: str
    name: str
    description: str = ""
    is_simulated: bool | None = None
    lon_lat: tuple[float, float] | None = None
    properties: Mapping[str, Any] | None = None
    datastreams: Sequence[DatastreamEntry] = field(default_factory=tuple)


def provision_observed_properties(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Makes or updates observed properties by their code; counts `created` and `updated`.

    Errors: RegistryError for one that lacks a field or has a bad one.
    """
    counts: Counter[str] = Counter()
    names = {"name_id", "name_en", "description", "definition", "domain", "aggregate", "as_anomaly"}
    with transaction.atomic():
        for entry in entries:
            code = entry.get("code", "")
            found = ObservedProperty.objects.filter(code=code).first()
            observed_property = found or ObservedProperty(code=code)
            changed = _assign(observed_property, {name: entry[name] for name in names if name in entry})
            if found is None or changed:
                _save(observed_property, f"observed property {code!r}")
                counts["created" if found is None else "updated"] += 1
    return counts


def provision_things(
    entries: Iterable[ThingEntry], *, moved_at: datetime, standing_since: datetime = ALWAYS
) -> Counter[str]:
    """Makes or updates things by their slug, in one transaction.

    Counts: things_created, things_updated, things_unchanged, things_moved, datastreams_created, datastreams_updated.
    A moved thing's location ends at `moved_at`, and a new one begins; a first location holds from `standing_since`.
    Errors: RegistryError for an unknown observed property, a changed unit, a value that the models refuse.
    """
    properties = {found.code: found for found in ObservedProperty.objects.all()}
    counts: Counter[str] = Counter()
    with transaction.atomic():
        for entry in entries:
            thing, change = _provision_thing(entry)
            before = counts.copy()
            if entry.lon_lat is not None:
                counts["things_moved"] += _stand(thing, entry.lon_lat, moved_at, standing_since)
            for wanted in entry.datastreams:
                if done := _provision_datastream(thing, wanted, properties):
                    counts[f"datastreams_{done}"] += 1
            if change == "unchanged" and counts != before:
                change = "updated"
            counts[f"things_{change}"] += 1
    return +counts


def _provision_thing(entry: ThingEntry) -> tuple[Thing, str]:
    found = Thing.objects.filter(slug=entry.slug).first()
    thing = found or Thing(slug=entry.slug)
    values: dict[str, Any] = {"name": entry.name}
    if entry.description:
        values["description"] = entry.description
    if entry.is_simulated is not None:
        values["is_simulated"] = entry.is_simulated
    if entry.properties is not None:
        values["properties"] = {**thing.properties, **entry.properties}
    changed = _assign(thing, values)
    if found is None or changed:
        _save(thing, f"thing {entry.slug!r}")
    return thing, "created" if found is None else "updated" if changed else "unchanged"


def _stand(thing: Thing, lon_lat: tuple[float, float], moved_at: datetime, since: datetime) -> bool:
    """Puts a thing where it stands; true if it stood elsewhere."""
    current = ThingLocation.objects.filter(thing=thing, valid_to=None).first()
    place = Point(*lon_lat, srid=4326)
    if current is None:
        ThingLocation.objects.create(thing=thing, location=place, valid_from=since)
        return False
    if current.location.equals_exact(place, SAME_PLACE_DEG):
        return False
    if moved_at < current.valid_from:
        raise RegistryError(f"thing {thing.slug!r} cannot have moved before it came to where it stands")
    current.valid_to = moved_at
    current.save(update_fields=["valid_to"])
    ThingLocation.objects.create(thing=thing, location=place, valid_from=moved_at)
    return True


def _provision_datastream(thing: Thing, entry: DatastreamEntry, properties: Mapping[str, ObservedProperty]) -> str:
    """`created`, `updated` or "" for nothing to do."""
    observed_property = properties.get(entry.observed_property)
    if observed_property is None:
        known = ", ".join(sorted(properties)) or "none"
        raise RegistryError(
            f"thing {thing.slug!r}: no observed property {entry.observed_property!r}; there are {known}"
        )
    found = Datastream.objects.filter(thing=thing, observed_property=observed_property).first()
    if found is not None and found.unit_ucum != entry.unit_ucum:
        # What is stored is in the old unit; a new label would make it another quantity.
        raise RegistryError(
            f"{thing.slug}/{observed_property.code} is measured in {found.unit_ucum!r} and cannot become {entry.unit_ucum!r}"
        )
    datastream = found or Datastream(thing=thing, observed_property=observed_property, unit_ucum=entry.unit_ucum)
    values: dict[str, Any] = {
        "unit_name": entry.unit_name or None,
        "plausible_min": entry.plausible_min,
        "plausible_max": entry.plausible_max,
        "expected_interval_s": entry.expected_interval_s,
        "sensor": Sensor.objects.get_or_create(name=entry.sensor)[0] if entry.sensor else None,
    }
    changed = _assign(datastream, {name: value for name, value in values.items() if value is not None})
    if found is None or changed:
        _save(datastream, f"datastream {thing.slug}/{observed_property.code}")
    return "created" if found is None else "updated" if changed else ""


def _assign(instance: models.Model, values: Mapping[str, Any]) -> bool:
    changed = {name: value for name, value in values.items() if getattr(instance, name) != value}
    for name, value in changed.items():
        setattr(instance, name, value)
    return bool(changed)


def _save(instance: models.Model, what: str) -> None:
    try:
        instance.full_clean(validate_unique=False, validate_constraints=False)
        instance.save()
    except ValidationError as error:
        details = "; ".join(f"{name}: {' '.join(sentences)}" for name, sentences in error.message_dict.items())
        raise RegistryError(f"{what}: {details}") from None

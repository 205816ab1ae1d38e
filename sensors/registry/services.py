"""Writing the registry: observed properties, things, where they stand, and what they measure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction

from sensors.registry.models import Datastream, ObservedProperty, Sensor, Thing, ThingLocation

# Where a thing is first said to stand, it is taken to have stood since the earliest time that a reading may carry:
# otherwise the readings that are brought in from before its registration would lie nowhere.
ALWAYS = datetime(1990, 1, 1, tzinfo=UTC)
# A seventh decimal of a degree is a centimetre: less is no move.
SAME_PLACE_DEG = 1e-7


# What a datastream's values are checked for beside their range, and after what time it is silent: fields of Datastream.
CHECKS = ("silent_after_s", "most_change_per_min", "spike_limit", "stuck_after_s", "stuck_tolerance", "stuck_except")


class RegistryError(ValueError):
    """A sentence that names the thing and what cannot be done with it; `place` is where its file says so ("line 3")."""

    place = ""


class RegistryConflict(RegistryError):
    """What is asked for can be understood, and what is there already stands against it."""


@dataclass(frozen=True, slots=True)
class DatastreamEntry:
    """What a thing is to measure. A range of None is left as it is; a new datastream then has none. `checks`: see CHECKS."""

    observed_property: str
    unit_ucum: str
    unit_name: str = ""
    plausible_min: float | None = None
    plausible_max: float | None = None
    expected_interval_s: int | None = None
    sensor: str = ""
    sent_as: str = ""
    checks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThingEntry:
    """A thing as it should be. None (and "" for the description) leaves what is there; `lon_lat` in degrees, WGS 84.

    `place` is where a file says so, for whoever has to look for it there.
    """

    slug: str
    name: str
    description: str = ""
    is_simulated: bool | None = None
    lon_lat: tuple[float, float] | None = None
    properties: Mapping[str, Any] | None = None
    datastreams: Sequence[DatastreamEntry] = field(default_factory=tuple)
    place: str = field(default="", compare=False)


def lock_registry() -> None:
    """One writer of the registry at a time, until its transaction ends: two who make the same thing must not both make it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sensors.registry'))")


def provision_observed_properties(entries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Makes or updates observed properties by their code; counts `created` and `updated`.

    Errors: RegistryError for one that lacks a field or has a bad one.
    """
    counts: Counter[str] = Counter()
    names = {"name_id", "name_en", "description", "definition", "domain", "aggregate", "as_anomaly"}
    with transaction.atomic():
        lock_registry()
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
    Errors: RegistryError for an unknown observed property, a value that the models refuse; RegistryConflict for a changed
    unit, and for a move before the last one.
    """
    counts: Counter[str] = Counter()
    with transaction.atomic():
        lock_registry()
        properties = {found.code: found for found in ObservedProperty.objects.all()}
        for entry in entries:
            try:
                counts += _provision(entry, properties, moved_at, standing_since)
            except RegistryError as error:
                error.place = entry.place
                raise
    return counts


def _provision(
    entry: ThingEntry, properties: Mapping[str, ObservedProperty], moved_at: datetime, standing_since: datetime
) -> Counter[str]:
    thing, change = _provision_thing(entry)
    counts: Counter[str] = Counter()
    if entry.lon_lat is not None:
        counts["things_moved"] += move_thing(thing, lon_lat=entry.lon_lat, moved_at=moved_at, since=standing_since)
    for wanted in entry.datastreams:
        _datastream, done = _provision_datastream(thing, wanted, properties)
        counts[f"datastreams_{done}"] += done != "unchanged"
    if change == "unchanged" and counts.total():
        change = "updated"
    counts[f"things_{change}"] += 1
    return counts


def provision_datastream(thing: Thing, entry: DatastreamEntry) -> tuple[Datastream, str]:
    """Makes or updates what a thing measures; the datastream, and `created`, `updated` or `unchanged`.

    Errors: as of provision_things.
    """
    with transaction.atomic():
        lock_registry()
        properties = {found.code: found for found in ObservedProperty.objects.filter(code=entry.observed_property)}
        return _provision_datastream(thing, entry, properties)


def change_thing(thing: Thing, values: Mapping[str, Any]) -> bool:
    """Gives a thing these values of its fields; whether any is another. Errors: RegistryError.

    `properties` are merged into those that are there, and a null takes one away (RFC 7396, on the first level).
    """
    with transaction.atomic():
        lock_registry()
        thing.refresh_from_db()
        given = dict(values)
        if "properties" in given:
            merged = {**thing.properties, **given["properties"]}
            given["properties"] = {name: value for name, value in merged.items() if value is not None}
        changed = _assign(thing, given)
        if changed:
            _save(thing, f"thing {thing.slug!r}")
    return changed


def change_datastream(datastream: Datastream, values: Mapping[str, Any]) -> bool:
    """Gives a datastream these values of its fields; whether any is another. `sensor` is a name, or "" for none.

    Of one that has observations the unit must not be changed: the caller sees to that. Errors: RegistryError.
    """
    with transaction.atomic():
        lock_registry()
        datastream.refresh_from_db()
        given = dict(values)
        if "sensor" in given:
            given["sensor"] = _sensor(given["sensor"])
        changed = _assign(datastream, given)
        if changed:
            _save_datastream(datastream)
    return changed


def register(instance: models.Model, what: str) -> None:
    """Saves an entity that the caller has made or changed. Errors: RegistryError, which names `what`."""
    with transaction.atomic():
        lock_registry()
        _save(instance, what)


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


def move_thing(thing: Thing, *, lon_lat: tuple[float, float], moved_at: datetime, since: datetime = ALWAYS) -> bool:
    """Puts a thing where it stands from `moved_at` on; true if it stood elsewhere until then.

    Where it stood before stays where it was measured. A first place holds from `since`.
    Errors: RegistryConflict for a time before it came to where it stands now.
    """
    with transaction.atomic():
        lock_registry()
        current = ThingLocation.objects.filter(thing=thing, valid_to=None).first()
        place = Point(*lon_lat, srid=4326)
        if current is None:
            ThingLocation.objects.create(thing=thing, location=place, valid_from=since)
            return False
        if current.location.equals_exact(place, SAME_PLACE_DEG):
            return False
        if moved_at < current.valid_from:
            raise RegistryConflict(f"thing {thing.slug!r} cannot have moved before it came to where it stands")
        current.valid_to = moved_at
        current.save(update_fields=["valid_to"])
        ThingLocation.objects.create(thing=thing, location=place, valid_from=moved_at)
        return True


def _provision_datastream(
    thing: Thing, entry: DatastreamEntry, properties: Mapping[str, ObservedProperty]
) -> tuple[Datastream, str]:
    observed_property = properties.get(entry.observed_property)
    if observed_property is None:
        known = ", ".join(ObservedProperty.objects.order_by("code").values_list("code", flat=True)) or "none"
        raise RegistryError(
            f"thing {thing.slug!r}: no observed property {entry.observed_property!r}; there are {known}"
        )
    found = Datastream.objects.filter(thing=thing, observed_property=observed_property).first()
    if found is not None and found.unit_ucum != entry.unit_ucum:
        # What is stored is in the old unit; a new label would make it another quantity.
        raise RegistryConflict(
            f"{thing.slug}/{observed_property.code} is measured in {found.unit_ucum!r} and cannot become {entry.unit_ucum!r}"
        )
    datastream = found or Datastream(thing=thing, observed_property=observed_property, unit_ucum=entry.unit_ucum)
    values: dict[str, Any] = {
        "unit_name": entry.unit_name or None,
        "plausible_min": entry.plausible_min,
        "plausible_max": entry.plausible_max,
        "expected_interval_s": entry.expected_interval_s,
        "sensor": _sensor(entry.sensor),
        "sent_as": entry.sent_as or None,
        **entry.checks,
    }
    if unknown := sorted(set(entry.checks) - set(CHECKS)):
        raise RegistryError(
            f"{observed_property.code}: no check is called {', '.join(unknown)}; there are {', '.join(CHECKS)}"
        )
    changed = _assign(datastream, {name: value for name, value in values.items() if value is not None})
    if found is None or changed:
        _save_datastream(datastream)
    return datastream, "created" if found is None else "updated" if changed else "unchanged"


def _sensor(name: str) -> Sensor | None:
    if not name:
        return None
    found = Sensor.objects.filter(name=name).first()
    if found is None:
        found = Sensor(name=name)
        _save(found, f"sensor {name[:80]!r}")
    return found


def _save_datastream(datastream: Datastream) -> None:
    what = f"datastream {datastream}"
    least, most = datastream.plausible_min, datastream.plausible_max
    if least is not None and most is not None and least > most:
        raise RegistryError(f"{what}: the least plausible value {least} is above the greatest, {most}")
    others = Datastream.objects.filter(thing=datastream.thing_id).exclude(pk=datastream.pk)
    if datastream.sent_as and others.filter(sent_as=datastream.sent_as).exists():
        raise RegistryConflict(f"{what}: another datastream of the thing is sent as {datastream.sent_as!r}")
    _save(datastream, what)


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

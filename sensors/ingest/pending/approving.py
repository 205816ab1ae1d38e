"""What becomes of an unknown device: registered with all that it has sent, or left alone for good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from sensors.ingest.decoders.said import Unreadable
from sensors.ingest.pending.models import PendingThing
from sensors.ingest.replay import open_rejects, replay_rejects
from sensors.ingest.store import Outcome
from sensors.ingest.units import conversion, is_unit
from sensors.registry.import_file import Measured
from sensors.registry.models import ObservedProperty, Thing
from sensors.registry.services import DatastreamEntry, ThingEntry, lock_registry, provision_things
from sensors.registry.units import units_in_use
from server.core.errors import InvalidFields, NotFound

# As many quarantined messages are fed again while somebody waits for the answer; the others are for `manage replay_rejects`.
MOST_REPLAYED = 20_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a device's name for a value means here. "" leaves it to what is known: the code of the same name; and the unit in
    which the property is measured elsewhere, else the one that the device names."""

    observed_property: str = ""
    unit_ucum: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """What whoever approves adds. A name that means nothing (None) is left out; one that is not given is tried as it is."""

    name: str = ""
    lon_lat: tuple[float, float] | None = None
    meanings: Mapping[str, Meaning | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approved:
    """`datastreams` are codes by the device's names, `left` the reasons why the others have none; `waiting` messages are still
    in quarantine to be fed again."""

    slug: str
    datastreams: Mapping[str, str]
    left: Mapping[str, str]
    outcome: Outcome
    waiting: int


def approve_thing(slug: str, approval: Approval, *, now: datetime) -> Approved:
    """Registers a pending device with what it measures, and feeds its quarantined readings again.

    Where a name is without a unit or a property, the device is registered without it, and its readings stay in quarantine.
    Errors: NotFound; InvalidFields for a name that it never sent and for a property that does not exist; RegistryError.
    """
    with transaction.atomic():
        lock_registry()
        pending = PendingThing.objects.select_for_update().filter(slug=slug).first()
        if pending is None:
            raise NotFound(f"no device {slug!r} is pending; /api/pending-things/ lists those that are")
        entries, left = _datastreams(pending, approval)
        known = Thing.objects.filter(slug=slug).values_list("name", flat=True).first()
        name = approval.name or known or slug
        thing = ThingEntry(slug, name, lon_lat=approval.lon_lat, datastreams=tuple(entries.values()))
        provision_things([thing], moved_at=now)
        pending.delete()
    outcome, waiting = _replay(slug)
    datastreams = {name: entry.observed_property for name, entry in entries.items()}
    return Approved(slug, datastreams, left, outcome, waiting)


def reject_thing(slug: str) -> None:
    """From now on the device is not listed any more; what it sends stays in quarantine as before. Errors: NotFound."""
    _set_state(slug, PendingThing.State.REJECTED)


def reopen_thing(slug: str) -> None:
    """A rejected device is pending again. Errors: NotFound."""
    _set_state(slug, PendingThing.State.PENDING)


def _set_state(slug: str, state: str) -> None:
    if not PendingThing.objects.filter(slug=slug).update(state=state):
        raise NotFound(f"no device {slug!r} is pending or rejected")


def _datastreams(pending: PendingThing, approval: Approval) -> tuple[dict[str, DatastreamEntry], dict[str, str]]:
    """By the device's names: what is to be measured, and why the rest is not."""
    codes = set(ObservedProperty.objects.values_list("code", flat=True))
    _refuse_unknown(approval.meanings, set(pending.seen), codes)
    in_use = units_in_use()
    entries: dict[str, DatastreamEntry] = {}
    left: dict[str, str] = {}
    for name, last in sorted(pending.seen.items()):
        meaning = approval.meanings.get(name, Meaning())
        code = (meaning.observed_property or name) if meaning else ""
        unit = meaning.unit_ucum if meaning else ""
        if not code:
            left[name] = "left out"
        elif code not in codes:
            left[name] = f"there is no observed property {code!r}"
        elif code in {entry.observed_property for entry in entries.values()}:
            left[name] = f"another of its names is {code!r} already"
        elif how := _measured(unit, str(last.get("unit", "")), in_use.get(code)):
            entries[name] = DatastreamEntry(
                code, how.unit_ucum, unit_name=how.unit_name, sent_as=name if name != code else ""
            )
        else:
            left[name] = "neither the device nor another datastream says in which unit it is"
    return entries, left


def _refuse_unknown(meanings: Mapping[str, Meaning | None], seen: set[str], codes: set[str]) -> None:
    faults: dict[str, list[str]] = {}
    for name, meaning in meanings.items():
        if name not in seen:
            faults[name] = [f"the device has sent no {name!r}; it sends {', '.join(sorted(seen)) or 'nothing'}"]
        elif meaning and meaning.observed_property and meaning.observed_property not in codes:
            faults[name] = [f"there is no observed property {meaning.observed_property!r}"]
    if faults:
        raise InvalidFields(faults)


def _measured(chosen: str, sent: str, in_use: Measured | None) -> Measured | None:
    """The unit of a new datastream: as chosen, else as elsewhere if what is sent can be converted into it, else as sent."""
    if chosen:
        return Measured(chosen, in_use.unit_name if in_use and in_use.unit_ucum == chosen else "")
    if in_use and (not sent or _is_convertible(sent, in_use.unit_ucum)):
        return in_use
    return Measured(sent) if is_unit(sent) else None


def _is_convertible(sent: str, kept: str) -> bool:
    try:
        conversion(sent, kept)
    except Unreadable:
        return False
    return True


def _replay(slug: str) -> tuple[Outcome, int]:
    rejects = open_rejects(thing=slug)
    beyond = rejects.order_by("id").values_list("id", flat=True)[MOST_REPLAYED : MOST_REPLAYED + 1].first()
    outcome = replay_rejects(rejects if beyond is None else rejects.filter(id__lt=beyond))
    return outcome, 0 if beyond is None else rejects.filter(id__gte=beyond).count()

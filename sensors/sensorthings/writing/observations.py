"""Observations that a request brings: collected while its entities are made, and written in one statement at its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import IntegrityError
from django.utils.translation import gettext as _

from sensors.ingest.batch import EARLIEST_US, MOST_AHEAD, DatastreamRef
from sensors.ingest.decoders.said import Unreadable, number
from sensors.ingest.decoders.times import BadTime, parse_time
from sensors.observations.columns import TIMED_BY_DEVICE, TIMED_ON_RECEIPT, Columns, microseconds, time_at
from sensors.observations.models import ObservationFeature
from sensors.observations.partitions import ensure_partitions
from sensors.observations.writer import StoredRowVanished, write_observations
from sensors.registry.derived import refuse_derived
from sensors.sensorthings.writing.body import Body
from server.core.errors import Conflict, InvalidFields

NAMES = frozenset({"result", "phenomenonTime", "resultTime", "resultQuality", "validTime", "parameters"})
LINKS = frozenset({"Datastream", "FeatureOfInterest"})


class ObservationKey(NamedTuple):
    """By what an observation is known: its datastream, and microseconds since 1970."""

    datastream_id: int
    phenomenon_us: int


class Read(NamedTuple):
    """The result and the time of an observation; whether the time is the client's or ours."""

    result: float
    phenomenon_us: int
    time_source: int


def read_observation(members: Mapping[str, Any], *, now: datetime) -> Read:
    """An observation's own properties. Without a time it is of its resultTime, else of now (OGC 18-088, 10.2.2.3).

    Of an interval the start counts, so that the mean of an hour lies in that hour; a resultTime beside it is not kept.
    Errors: InvalidFields, by the property's name alone.
    """
    for name in ("validTime", "parameters", "resultQuality"):
        if members.get(name) not in (None, {}, "good"):
            raise InvalidFields({name: [_("This service keeps no such property of an observation.")]})
    if members.get("result") is None:
        raise InvalidFields({"result": [_("This property is mandatory.")]})
    try:
        result = number(members["result"])
    except Unreadable as why:
        raise InvalidFields({"result": [why.detail]}) from None
    result_time = read_time(members, "resultTime")
    time = read_time(members, "phenomenonTime") or result_time
    if time is None:
        return Read(result, microseconds(now), TIMED_ON_RECEIPT)
    at_us = microseconds(time)
    if not EARLIEST_US <= at_us <= microseconds(now + MOST_AHEAD):
        raise InvalidFields({"phenomenonTime": [_("A time before 1990, or more than a day ahead, is not taken.")]})
    return Read(result, at_us, TIMED_BY_DEVICE)


def read_time(members: Mapping[str, Any], name: str) -> datetime | None:
    """A time, or the start of an interval (`a/b`); None where it is left out. Errors: InvalidFields."""
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidFields({name: [_("A time is a text, such as 2026-03-01T05:00:00Z.")]})
    start, slash, end = value.partition("/")
    try:
        begins = parse_time(start)
        if slash and parse_time(end) < begins:
            raise InvalidFields({name: [_("The interval ends before it begins.")]})
    except BadTime as why:
        raise InvalidFields({name: [str(why)]}) from None
    return begins


@dataclass(slots=True)
class NewObservations:
    """What is to be written; `paths` says of each row where it stood in what was sent, `features` of which feature it is."""

    now: datetime
    columns: Columns = field(default_factory=Columns)
    paths: list[str] = field(default_factory=list)
    features: dict[ObservationKey, int] = field(default_factory=dict)
    _rows: dict[ObservationKey, int] = field(default_factory=dict)

    def add(self, datastream: DatastreamRef, read: Read, *, path: str, feature_id: int | None = None) -> ObservationKey:
        """Errors: Conflict where another result of this time stands in the same request."""
        key = ObservationKey(datastream.id, read.phenomenon_us)
        row = self._rows.setdefault(key, len(self.columns))
        if row < len(self.columns):
            if self.columns.results[row] != read.result:
                raise _conflict(key, self.columns.results[row])
        else:
            quality = datastream.quality_of(read.result)
            self.columns.append_us(*key, read.result, microseconds(self.now), quality, read.time_source)
            self.paths.append(path)
        if feature_id is not None:
            self.features[key] = feature_id
        return key

    def write(self) -> dict[ObservationKey, Conflict]:
        """Writes them all, in the caller's transaction; of those that were kept out by another stored result, the errors.

        Errors: Conflict where a row that was compared with, or a month, is taken away at this very moment.
        """
        if not self.columns:
            return {}
        try:
            ensure_partitions(self.columns.months())
            written = write_observations(self.columns)
        except (StoredRowVanished, IntegrityError):
            raise Conflict(_("Somebody is deleting what is stored there; send it again.")) from None
        refused = {}
        for each in written.conflicts:
            key = ObservationKey(self.columns.datastream_ids[each.row], self.columns.phenomenon_us[each.row])
            refused[key] = _conflict(key, each.stored_result)
        link_features({key: feature for key, feature in self.features.items() if key not in refused})
        return refused


def link_features(features: Mapping[ObservationKey, int]) -> None:
    """Says of each observation of which feature it is."""
    ObservationFeature.objects.bulk_create(
        [
            ObservationFeature(
                datastream_id=key.datastream_id, phenomenon_time=time_at(key.phenomenon_us), feature_id=feature_id
            )
            for key, feature_id in features.items()
        ],
        update_conflicts=True,
        unique_fields=["datastream_id", "phenomenon_time"],
        update_fields=["feature_id"],
    )


def unlink_feature(key: ObservationKey) -> None:
    """Leaves an observation to the place where its thing stood."""
    ObservationFeature.objects.filter(
        datastream_id=key.datastream_id, phenomenon_time=time_at(key.phenomenon_us)
    ).delete()


def ref_of(datastream: Any) -> DatastreamRef:
    """Errors: Conflict for one that is derived."""
    refuse_derived(datastream)
    return DatastreamRef(datastream.pk, datastream.plausible_min, datastream.plausible_max, datastream.unit_ucum)


def within(path: str, error: InvalidFields) -> InvalidFields:
    """The same error, its names set below the path of the entity."""
    return InvalidFields({Body({}, path).at(name): says for name, says in error.fields.items()})


def _conflict(key: ObservationKey, stored: float) -> Conflict:
    at = time_at(key.phenomenon_us).astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Conflict(
        _(
            "Datastream %(id)d has another result at %(time)s: %(stored)s. The first writer wins; PATCH the observation to "
            "correct it."
        )
        % {"id": key.datastream_id, "time": at, "stored": repr(stored)}
    )

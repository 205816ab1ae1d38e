"""`CreateObservations`: observations of several datastreams as arrays, the good ones stored in one statement.

Source: OGC 18-088, clause 12.2 (data-array).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from sensors.registry.models import Datastream, FeatureOfInterest
from sensors.sensorthings.writing.body import Body, Reference
from sensors.sensorthings.writing.creation import find
from sensors.sensorthings.writing.observations import NAMES, NewObservations, ObservationKey, read_observation, ref_of
from server.core.errors import Conflict, InvalidFields

FEATURE_ID = ("FeatureOfInterest/id", "FeatureOfInterest/@iot.id")
COUNT = "dataArray@iot.count"
MOST_OBSERVATIONS = 100_000


@dataclass(frozen=True, slots=True)
class DataArray:
    """One datastream's observations: what stands in each place of a row, and the rows."""

    datastream: Reference
    components: Sequence[str]
    rows: Sequence[Any]
    path: str


def read_data_arrays(value: Any) -> list[DataArray]:
    """Errors: InvalidFields for what is not of this shape; a single faulty row is no such error."""
    if not isinstance(value, list):
        raise InvalidFields({"body": [_("A JSON array is wanted, with an object for each Datastream.")]})
    arrays = [_data_array(Body.of(each, str(place))) for place, each in enumerate(value)]
    if sum(len(each.rows) for each in arrays) > MOST_OBSERVATIONS:
        raise InvalidFields({"body": [_("At most %(most)d observations.") % {"most": MOST_OBSERVATIONS}]})
    return arrays


def _data_array(body: Body) -> DataArray:
    body.refuse_unknown({"Datastream", "components", "dataArray"})
    datastream = body.linked("Datastream")
    if not isinstance(datastream, Reference):
        raise body.wrong("Datastream", _('A link to a Datastream is wanted, such as {"@iot.id": 7}.'))
    components, rows = body.members.get("components"), body.members.get("dataArray")
    known = NAMES | set(FEATURE_ID)
    if not isinstance(components, list) or not all(isinstance(name, str) and name in known for name in components):
        raise body.wrong(
            "components", _("An array of these is wanted: %(known)s.") % {"known": ", ".join(sorted(known))}
        )
    if len(set(components)) != len(components) or "result" not in components:
        raise body.wrong("components", _("Each component stands once, and result is one of them."))
    if not isinstance(rows, list):
        raise body.wrong("dataArray", _("An array of arrays is wanted."))
    count = body.members.get(COUNT, len(rows))
    if count != len(rows):
        raise body.wrong(
            COUNT, _("%(said)s are said to be in it, and %(found)d are.") % {"said": count, "found": len(rows)}
        )
    return DataArray(datastream, components, rows, body.path)


def create_observations(arrays: Sequence[DataArray], now: datetime) -> list[ObservationKey | None]:
    """Of each row, in order, the observation that it is now; None for one that cannot be stored. In the caller's transaction.

    A row may say again what is stored; it is refused for another result at the same time.
    """
    new = NewObservations(now)
    is_feature = _known_features(arrays)
    keys: list[ObservationKey | None] = []
    for array in arrays:
        try:
            datastream = ref_of(find(Datastream, array.datastream))
        except InvalidFields:
            keys += [None] * len(array.rows)
            continue
        for row in array.rows:
            try:
                members, feature_id = _members(array, row, is_feature)
                keys.append(new.add(datastream, read_observation(members, now=now), path="", feature_id=feature_id))
            except (InvalidFields, Conflict):
                keys.append(None)
    refused = new.write()
    return [None if key in refused else key for key in keys]


def _members(array: DataArray, row: Any, is_feature: Callable[[Any], bool]) -> tuple[dict[str, Any], int | None]:
    if not isinstance(row, list) or len(row) != len(array.components):
        raise InvalidFields({array.path: [_("A row has a value for each component.")]})
    members = dict(zip(array.components, row, strict=True))
    feature = next((members.pop(name) for name in FEATURE_ID if name in members), None)
    if feature is not None and not is_feature(feature):
        raise InvalidFields({array.path: [_("There is none with the id %(id)s.") % {"id": repr(feature)[:80]}]})
    return members, None if feature is None else -feature


def _known_features(arrays: Sequence[DataArray]) -> Callable[[Any], bool]:
    """Whether an id is of a feature that a client has given: they are negative (sensorthings.ids)."""
    named = {
        row[place]
        for array in arrays
        for place, name in enumerate(array.components)
        if name in FEATURE_ID
        for row in array.rows
        if isinstance(row, list) and len(row) == len(array.components) and isinstance(row[place], int)
    }
    known = set(
        FeatureOfInterest.objects.filter(pk__in=[-id_ for id_ in named if -(2**63) < id_ < 0]).values_list(
            "pk", flat=True
        )
    )
    return lambda id_: isinstance(id_, int) and -id_ in known

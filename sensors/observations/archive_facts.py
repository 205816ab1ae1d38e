"""What the registry knows of a file's datastreams, so that the file can be understood where there is no registry."""

from datetime import date
from typing import Any

from sensors.observations.archive_files import Source
from sensors.observations.models import Quality, TimeSource
from sensors.registry.models import Datastream, ObservedProperty, ThingLocation


def source_of(month: date, code: str, datastream_ids: list[int]) -> Source:
    """The names and the facts that go into a file of these datastreams; fewer of those that the registry has no more."""
    found = Datastream.objects.filter(pk__in=datastream_ids).select_related("thing", "sensor").order_by("pk")
    datastreams = list(found)
    return Source(
        observed_property=code,
        things={each.pk: each.thing.slug for each in datastreams},
        units={each.pk: each.unit_ucum for each in datastreams},
        facts={
            "month": f"{month:%Y-%m}",
            "observed_property": _property(code),
            "datastreams": [_datastream(each) for each in datastreams],
            "locations": _locations({each.thing_id for each in datastreams}),
            "quality_bits": {str(each.value): each.name.lower() for each in Quality},
            "time_sources": {str(each.value): each.name.lower() for each in TimeSource},
        },
    )


def _property(code: str) -> dict[str, Any] | None:
    fields = ["code", "name_id", "name_en", "description", "definition", "domain", "aggregate"]
    return ObservedProperty.objects.filter(code=code).values(*fields).first()


def _datastream(datastream: Datastream) -> dict[str, Any]:
    return {
        "id": datastream.pk,
        "thing": datastream.thing.slug,
        "thing_name": datastream.thing.name,
        "is_simulated": datastream.thing.is_simulated,
        "sensor": datastream.sensor.name if datastream.sensor else None,
        "unit_ucum": datastream.unit_ucum,
        "unit_name": datastream.unit_name,
        "plausible_min": datastream.plausible_min,
        "plausible_max": datastream.plausible_max,
        "expected_interval_s": datastream.expected_interval_s,
    }


def _locations(thing_ids: set[int]) -> list[dict[str, Any]]:
    """Where the things stood, and when: GeoJSON's order of coordinates, times in UTC."""
    places = (
        ThingLocation.objects.filter(thing_id__in=thing_ids).select_related("thing").order_by("thing", "valid_from")
    )
    return [
        {
            "thing": place.thing.slug,
            "coordinates": [place.location.x, place.location.y],
            "valid_from": place.valid_from.isoformat(),
            "valid_to": place.valid_to.isoformat() if place.valid_to else None,
        }
        for place in places
    ]

"""What is written by the API: bodies of requests to values, checked once."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import BaseParser

from sensors.api.serializers import POINT, FlagsField
from sensors.ingest.units import is_unit
from sensors.registry.models import ObservedProperty, code_rule, slug_rule
from sensors.registry.services import ALWAYS, DatastreamEntry, ThingEntry

# What stands in the place of a slug in this API's own addresses.
RESERVED_SLUGS = {"import"}
LONGEST_INTERVAL_S = 2**31 - 1


class StrictInput(serializers.Serializer[Any]):
    """What it does not know it refuses by name: a change that is not made must not look as if it were."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError({name: [_("This cannot be given here.")] for name in unknown})
        return super().to_internal_value(data)


@extend_schema_field(POINT)
class PointField(serializers.Field[Any, Any, Any, Any]):
    """A GeoJSON point, longitude first, to (lon, lat) in degrees; a height is let be."""

    def to_internal_value(self, data: Any) -> tuple[float, float]:
        coordinates = data.get("coordinates") if isinstance(data, Mapping) and data.get("type") == "Point" else None
        if not isinstance(coordinates, list) or not 2 <= len(coordinates) <= 3 or not all(map(_is_finite, coordinates)):
            raise serializers.ValidationError(
                _('A point is {"type": "Point", "coordinates": [longitude, latitude]}, in degrees.')
            )
        lon, lat = float(coordinates[0]), float(coordinates[1])
        if abs(lon) > 180 or abs(lat) > 90:
            raise serializers.ValidationError(_("This is outside the Earth; are longitude and latitude swapped?"))
        return lon, lat

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.Field[Any, Any, Any, Any]):
    """A time with its offset, from 1990 to now."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(data)
        except (TypeError, ValueError):
            moment = None
        if moment is None or moment.tzinfo is None:
            raise serializers.ValidationError(_("A time has an offset, as in 2026-01-31T00:00:00+07:00."))
        # Compared as it is: the first and the last years of the calendar cannot be moved into UTC.
        if not ALWAYS <= moment <= datetime.now(UTC):
            raise serializers.ValidationError(_("This time is before 1990, or still ahead."))
        return moment.astimezone(UTC)

    def to_representation(self, value: Any) -> Any:
        return value


class FiniteField(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if not _is_finite(data):
            raise serializers.ValidationError(_("A finite number is needed."))
        return float(data)


class UnitField(serializers.CharField):
    """A code of UCUM."""

    def to_internal_value(self, data: Any) -> str:
        code = str(super().to_internal_value(data))
        if not is_unit(code):
            raise serializers.ValidationError(_("This is no unit of UCUM (https://ucum.org): write Cel, ug/m3, mm."))
        return code


@extend_schema_field({"type": "object", "additionalProperties": True})
class PropertiesField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object that the database can keep."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("An object is needed."))
        try:
            text = json.dumps(data, allow_nan=False, ensure_ascii=False)
            text.encode()
        except (ValueError, RecursionError):
            raise serializers.ValidationError(_("This holds what cannot be kept.")) from None
        if "\\u0000" in text:
            raise serializers.ValidationError(_("A NUL cannot be kept."))
        return data

    def to_representation(self, value: Any) -> Any:
        return value


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


class DatastreamInput(StrictInput):
    """What a thing measures. What is left out stays as it is; a new datastream has no range then, and is expected each 600 s."""

    observed_property = serializers.CharField(max_length=64, help_text="Its code.")
    unit_ucum = UnitField(max_length=40)
    unit_name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    plausible_min = FiniteField(required=False)
    plausible_max = FiniteField(required=False)
    expected_interval_s = serializers.IntegerField(required=False, min_value=1, max_value=LONGEST_INTERVAL_S)
    sensor = serializers.CharField(max_length=200, required=False, help_text="The kind of instrument, by name.")
    sent_as = serializers.CharField(
        max_length=64, required=False, help_text="The device's own name for it, where that is not the property's code."
    )


class DatastreamChange(StrictInput):
    """What may be changed of a datastream; the unit only while it has no observations."""

    unit_ucum = UnitField(max_length=40, required=False)
    unit_name = serializers.CharField(max_length=80, required=False, allow_blank=True)
    plausible_min = FiniteField(required=False, allow_null=True)
    plausible_max = FiniteField(required=False, allow_null=True)
    expected_interval_s = serializers.IntegerField(required=False, min_value=1, max_value=LONGEST_INTERVAL_S)
    sensor = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sent_as = serializers.CharField(max_length=64, required=False, allow_blank=True)
    silent_after_s = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_INTERVAL_S, help_text="Null: three intervals."
    )
    most_change_per_min = FiniteField(required=False, allow_null=True, help_text="In its unit; null: not checked.")
    spike_limit = FiniteField(required=False, allow_null=True, help_text="In its unit; null: not checked.")
    stuck_after_s = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_INTERVAL_S, help_text="Null: not checked."
    )
    stuck_tolerance = FiniteField(required=False)
    stuck_except = FiniteField(required=False, allow_null=True, help_text="A value that may stand still, as 0 of rain.")
    counted_flags = FlagsField(required=False, help_text="Flags with which a value is counted nevertheless.")


class ThingUpdate(StrictInput):
    """A thing as it should be. What is left out stays as it is; members of `properties` are added to those that are there."""

    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    properties = PropertiesField(required=False)
    is_simulated = serializers.BooleanField(required=False)
    location = PointField(required=False)
    moved_at = MomentField(
        required=False, help_text="Since when it stands there, if it stood elsewhere; now, if left out."
    )
    standing_since = MomentField(
        required=False, help_text="Since when a new thing stands where it does; since ever, if left out."
    )
    datastreams = DatastreamInput(many=True, required=False)


class ThingInput(ThingUpdate):
    slug = serializers.CharField(
        max_length=64, validators=[slug_rule], help_text="Its name in topics, and its MQTT user name."
    )

    def validate_slug(self, slug: str) -> str:
        return refuse_reserved(slug)


class ThingChange(StrictInput):
    """What may be changed of a thing. A null among the `properties` takes one away. Its place is changed at `locations/`."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    properties = PropertiesField(required=False)
    is_simulated = serializers.BooleanField(required=False)


class MoveInput(StrictInput):
    location = PointField()
    moved_at = MomentField(required=False, help_text="Since when it stands there; now, if left out.")


class ObservedPropertyInput(StrictInput):
    code = serializers.CharField(max_length=64, validators=[code_rule])
    name_id = serializers.CharField(max_length=200)
    name_en = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    definition = serializers.CharField(max_length=500, required=False, allow_blank=True, help_text="A URI.")
    domain = serializers.ChoiceField(choices=ObservedProperty.Domain.choices)
    aggregate = serializers.ChoiceField(choices=ObservedProperty.Aggregate.choices, required=False)
    as_anomaly = serializers.BooleanField(required=False)


def refuse_reserved(slug: str) -> str:
    if slug in RESERVED_SLUGS:
        raise serializers.ValidationError(gettext_lazy("This word stands for something else in the addresses here."))
    return slug


def thing_entry(values: Mapping[str, Any], slug: str) -> ThingEntry:
    return ThingEntry(
        slug=slug,
        name=values["name"],
        description=values.get("description", ""),
        is_simulated=values.get("is_simulated"),
        lon_lat=values.get("location"),
        properties=values.get("properties"),
        datastreams=tuple(DatastreamEntry(**each) for each in values.get("datastreams", [])),
    )


class _FileParser(BaseParser):
    """The file itself, as bytes: it is read as a table where it is known how."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return bytes(stream.read())


class CsvParser(_FileParser):
    media_type = "text/csv"


class GeoJsonParser(_FileParser):
    media_type = "application/geo+json"

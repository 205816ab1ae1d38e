"""The registry on its way out, in SensorThings' words."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework_gis.fields import GeometryField

from sensors.observations.columns import DOUBTED, FLAG_NAMES
from sensors.observations.models import TimeSource
from sensors.registry.models import Datastream, ObservedProperty, Thing

# What a person doubts is never counted.
COUNTABLE = {name: flag for flag, name in FLAG_NAMES.items() if flag != DOUBTED}
POINT = {
    "type": "object",
    "nullable": True,
    "description": "A GeoJSON point, longitude first (EPSG:4326): where the thing stands now.",
}


class ObservedPropertySerializer(serializers.ModelSerializer[ObservedProperty]):
    name = serializers.CharField()

    class Meta:
        model = ObservedProperty
        fields = [
            "code",
            "name",
            "name_id",
            "name_en",
            "description",
            "definition",
            "domain",
            "aggregate",
            "as_anomaly",
        ]


class UnitSerializer(serializers.Serializer[Any]):
    """UCUM, as SensorThings has it."""

    name = serializers.CharField(source="unit_name")
    symbol = serializers.CharField(source="unit_ucum")


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": [*COUNTABLE]}})
class FlagsField(serializers.Field[Any, Any, Any, Any]):
    """Flags as a list of their words."""

    def to_representation(self, value: int) -> list[str]:
        return [name for flag, name in FLAG_NAMES.items() if value & flag]

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, list) or not all(isinstance(word, str) and word in COUNTABLE for word in data):
            raise serializers.ValidationError(_("Give a list of: %(words)s.") % {"words": ", ".join(COUNTABLE)})
        return sum(COUNTABLE[word] for word in {*data})


class DatastreamSerializer(serializers.ModelSerializer[Datastream]):
    thing = serializers.CharField(source="thing.slug")
    observed_property = serializers.CharField(source="observed_property.code")
    observed_property_name = serializers.CharField(source="observed_property.name")
    sensor = serializers.CharField(source="sensor.name", allow_null=True)
    unit_of_measurement = UnitSerializer(source="*")
    counted_flags = FlagsField(help_text="Flags with which a value is counted in hours and days nevertheless.")

    class Meta:
        model = Datastream
        fields = [
            "id",
            "thing",
            "observed_property",
            "observed_property_name",
            "sensor",
            "unit_of_measurement",
            "plausible_min",
            "plausible_max",
            "expected_interval_s",
            "silent_after_s",
            "most_change_per_min",
            "spike_limit",
            "stuck_after_s",
            "stuck_tolerance",
            "stuck_except",
            "counted_flags",
        ]


class ThingSerializer(serializers.ModelSerializer[Thing]):
    location = serializers.SerializerMethodField()

    class Meta:
        model = Thing
        fields = ["slug", "name", "description", "is_simulated", "properties", "location"]

    @extend_schema_field(POINT)
    def get_location(self, thing: Thing) -> Any:
        places = list(thing.locations.all())  # prefetched: the current one alone
        return GeometryField(precision=7).to_representation(places[0].location) if places else None


class ThingDetailSerializer(ThingSerializer):
    datastreams = DatastreamSerializer(many=True)

    class Meta(ThingSerializer.Meta):
        fields = [*ThingSerializer.Meta.fields, "datastreams"]


class ObservationSerializer(serializers.Serializer[Any]):
    """A single observation (resolution=raw)."""

    phenomenon_time = serializers.DateTimeField()
    result = serializers.FloatField()
    quality = serializers.CharField(
        help_text="good, or its flags with commas between: implausible (outside the plausible range), rate (changes faster than "
        "is plausible), stuck (the same for too long), spike, doubted (by a person)."
    )
    time_source = serializers.ChoiceField(choices=[s.name.lower() for s in TimeSource])


class IntervalSerializer(serializers.Serializer[Any]):
    """The good observations of an hour or a day that begins at `start`."""

    start = serializers.DateTimeField()
    n = serializers.IntegerField()
    mean = serializers.FloatField()
    sum = serializers.FloatField()
    min = serializers.FloatField()
    max = serializers.FloatField()


class ObservationPageSerializer(serializers.Serializer[Any]):
    datastream = serializers.IntegerField()
    unit_of_measurement = UnitSerializer()
    resolution = serializers.ChoiceField(choices=["raw", "hour", "day"])
    time_zone = serializers.CharField(help_text="Whose days are meant.")
    archived_months = serializers.ListField(
        child=serializers.CharField(),
        help_text="Months (2026-03) whose raw observations are in the archive alone; by hour and day they are here.",
    )
    next = serializers.URLField(allow_null=True)
    results = serializers.ListField(
        child=serializers.DictField(), help_text="Observation (raw) or Interval (hour, day)."
    )

"""The registry on its way out, in SensorThings' words."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework_gis.fields import GeometryField

from sensors.observations.models import Quality, TimeSource
from sensors.registry.models import Datastream, ObservedProperty, Thing

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


class DatastreamSerializer(serializers.ModelSerializer[Datastream]):
    thing = serializers.CharField(source="thing.slug")
    observed_property = serializers.CharField(source="observed_property.code")
    observed_property_name = serializers.CharField(source="observed_property.name")
    sensor = serializers.CharField(source="sensor.name", allow_null=True)
    unit_of_measurement = UnitSerializer(source="*")

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
    quality = serializers.ChoiceField(choices=[q.name.lower() for q in Quality])
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
    next = serializers.URLField(allow_null=True)
    results = serializers.ListField(
        child=serializers.DictField(), help_text="Observation (raw) or Interval (hour, day)."
    )

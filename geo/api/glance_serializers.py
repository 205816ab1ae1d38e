"""The city at a glance as JSON: its values are those of geo.operations.glance.figures."""

from typing import Any

from rest_framework import serializers

from geo.operations.glance.figures import Verdict
from sensors.published import ispu


class _Whole(serializers.Serializer[Any]):
    """Figures are rounded to four decimals: more than any of them is known to."""

    def to_representation(self, instance: Any) -> Any:
        said = super().to_representation(instance)
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in said.items()}


class ComparedSerializer(_Whole):
    """Null: there is no such figure. Last week is counted up to the same hour."""

    this_week = serializers.FloatField(source="this", allow_null=True)
    last_week = serializers.FloatField(source="last", allow_null=True)
    change = serializers.FloatField(allow_null=True)


class NameSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name_id = serializers.CharField()
    name_en = serializers.CharField()


class GlancePeriodSerializer(serializers.Serializer[Any]):
    """Half-open spans: the week from Monday 00:00 of the city up to now, and as much of the week before."""

    start = serializers.DateTimeField()
    until = serializers.DateTimeField()
    before = serializers.DateTimeField()
    before_until = serializers.DateTimeField()


class GlanceCountsSerializer(_Whole):
    new = ComparedSerializer()
    closed = ComparedSerializer(help_text="Resolved or rejected in the week; merged duplicates are none.")
    open = ComparedSerializer(help_text="At the end of the span.")
    with_due = serializers.IntegerField(help_text="Of the open ones of this week, how many have a date due.")
    late = ComparedSerializer(help_text="Open and past their date due at the end of the span.")
    timed = serializers.IntegerField(help_text="How many answers of this week the median is of.")
    median_h = ComparedSerializer(help_text="Median hours from report to answer.")


class GlanceCategorySerializer(serializers.Serializer[Any]):
    category = NameSerializer()
    counts = GlanceCountsSerializer()
    verdict = serializers.ChoiceField(
        list(Verdict), help_text="rise and fall: 95 % for all categories together; few: fewer than 10 in both weeks."
    )


class GlanceDistrictSerializer(_Whole):
    district = NameSerializer()
    population = serializers.IntegerField(allow_null=True)
    population_year = serializers.IntegerField(allow_null=True)
    counts = GlanceCountsSerializer()
    per_10000 = serializers.FloatField(allow_null=True, help_text="New reports of this week for 10,000 people.")


class GlanceReportsSerializer(serializers.Serializer[Any]):
    total = GlanceCountsSerializer()
    verdict = serializers.ChoiceField(list(Verdict))
    days_this = serializers.ListField(child=serializers.IntegerField(allow_null=True))
    days_last = serializers.ListField(child=serializers.IntegerField())
    categories = GlanceCategorySerializer(many=True)
    districts = GlanceDistrictSerializer(many=True)


class GlancePlaceSerializer(_Whole):
    thing = serializers.CharField()
    thing_name = serializers.CharField()
    district = NameSerializer(allow_null=True)
    value = serializers.FloatField()


class CourseSerializer(serializers.Serializer[Any]):
    step_h = serializers.IntegerField()
    this_week = serializers.ListField(source="this", child=serializers.FloatField(allow_null=True))
    last_week = serializers.ListField(source="last", child=serializers.FloatField(allow_null=True))

    def to_representation(self, instance: Any) -> Any:
        said = super().to_representation(instance)
        for name in ("this_week", "last_week"):
            said[name] = [None if value is None else round(value, 3) for value in said[name]]
        return said


class GlancePropertySerializer(_Whole):
    observed_property = NameSerializer(source="observed")
    unit = serializers.CharField(help_text="UCUM; of per_day for each day.")
    kind = serializers.ChoiceField(
        ["mean", "per_day", "total", "place"],
        help_text="Mean of the places, mean sum a day, sum of all places, or the one place that is named by `at`.",
    )
    is_simulated = serializers.BooleanField()
    places = serializers.IntegerField()
    places_in_both = serializers.IntegerField()
    value = ComparedSerializer()
    change = serializers.FloatField(allow_null=True, help_text="By the places that measured in both weeks.")
    change_share = serializers.FloatField(
        allow_null=True, help_text="The change as a share of last week's, 1 is twice as much."
    )
    at = GlancePlaceSerializer(allow_null=True)
    highest = GlancePlaceSerializer(allow_null=True)
    lowest = GlancePlaceSerializer(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    course = CourseSerializer()


class GlanceDomainSerializer(serializers.Serializer[Any]):
    domain = serializers.CharField(help_text="health, environment, economy or traffic.")
    properties = GlancePropertySerializer(many=True)
    not_measured = NameSerializer(many=True)


class UnhealthySerializer(serializers.Serializer[Any]):
    district = NameSerializer()
    days = serializers.IntegerField()
    worst = serializers.ChoiceField(list(ispu.Category))


class AirSerializer(serializers.Serializer[Any]):
    """ISPU of the last seven whole days."""

    # A field of this name would hide what a serializer calls its source.
    vars()["source"] = serializers.CharField(help_text="The regulation.")
    days = serializers.IntegerField()
    day = serializers.DateTimeField(allow_null=True, help_text="The latest whole day.")
    latest = serializers.DictField(child=serializers.IntegerField(), help_text="Stations by category on that day.")
    unhealthy = UnhealthySerializer(many=True, help_text="Districts with a station that was unhealthy, or worse.")
    unhealthy_days = ComparedSerializer(help_text="Station-days of these seven days and of the seven before.")


class GlanceLevelSerializer(_Whole):
    name = serializers.CharField()
    at = serializers.FloatField()
    hours = ComparedSerializer(help_text="Hours in which it was reached.")


class HeldSerializer(_Whole):
    thing = serializers.CharField()
    thing_name = serializers.CharField()
    district = NameSerializer(allow_null=True)
    observed_property = NameSerializer(source="observed")
    domain = serializers.CharField()
    unit = serializers.CharField()
    authority = serializers.CharField()
    is_below = serializers.BooleanField()
    levels = GlanceLevelSerializer(many=True)
    level = serializers.IntegerField(help_text="How many levels are on; 0: none.")
    value = serializers.FloatField(allow_null=True)
    value_at = serializers.DateTimeField(allow_null=True)


class AssociationSerializer(_Whole):
    category = NameSerializer()
    observed_property = NameSerializer(source="observed")
    coefficient = serializers.FloatField()
    lag = serializers.FloatField(help_text="By so much the reports come after the reading.")
    lag_unit = serializers.CharField()
    n = serializers.IntegerField()
    tests = serializers.IntegerField()
    q = serializers.FloatField()


class ComputedSerializer(serializers.Serializer[Any]):
    """From the newest dossier of the whole city that anybody had computed."""

    as_of = serializers.DateTimeField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    association = AssociationSerializer(allow_null=True)
    hot = NameSerializer(many=True)


class GlanceSerializer(serializers.Serializer[Any]):
    city = serializers.CharField()
    city_name = serializers.CharField()
    time_zone = serializers.CharField()
    week = serializers.CharField(source="spans.week.label")
    as_of = serializers.DateTimeField()
    period = GlancePeriodSerializer(source="spans")
    readings_until = serializers.DateTimeField(help_text="Readings are compared up to the last full hour.")
    has_previous = serializers.BooleanField()
    reports = GlanceReportsSerializer()
    domains = GlanceDomainSerializer(many=True)
    air = AirSerializer(allow_null=True)
    held = HeldSerializer(many=True)
    computed = ComputedSerializer(allow_null=True)

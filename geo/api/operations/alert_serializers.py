"""An alert and a rule of alerts, on their way out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from geo.api.analysis.permissions import is_staff_of
from geo.api.analysis.saved_serializers import StrictSerializer
from geo.operations.alerts.models import Alert, AlertEvent, AlertRule
from server.core.listing import absolute_url

LONGEST_NOTE = 2000


class AlertRuleSerializer(serializers.ModelSerializer[AlertRule]):
    city = serializers.CharField(source="city.slug")
    thing = serializers.CharField(help_text="Empty: every thing of the city that has no rule of its own.")
    levels = serializers.ListField(
        child=serializers.DictField(),
        help_text="The name of each, and `from` which value on. Empty: those of the thing.",
    )
    levels_by = serializers.CharField(
        help_text="The property of a thing by whose value its levels are chosen; empty: none."
    )
    levels_of = serializers.DictField(
        child=serializers.ListField(child=serializers.DictField()), help_text="The levels of each value of it."
    )
    category = serializers.CharField(source="category.slug", allow_null=True)

    class Meta:
        model = AlertRule
        fields = [
            "id",
            "city",
            "authority",
            "source",
            "observed_property",
            "thing",
            "unit",
            "direction",
            "levels",
            "levels_by",
            "levels_of",
            "hysteresis",
            "opens_after_s",
            "closes_after_s",
            "silent_after",
            "category",
            "opens_incident_at",
            "report_radius_m",
            "report_window_s",
            "active_since",
        ]


class AlertRulePageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = AlertRuleSerializer(many=True)


class AlertSerializer(serializers.ModelSerializer[Alert]):
    id = serializers.CharField(source="public_id")
    url = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    city = serializers.CharField(source="city.slug")
    area = serializers.CharField(source="area.code", allow_null=True)
    area_name = serializers.CharField(source="area.name", allow_null=True)
    authority = serializers.CharField(source="rule.authority")
    observed_property = serializers.CharField(source="rule.observed_property")
    unit = serializers.CharField(source="rule.unit", help_text="UCUM.")
    rule = serializers.IntegerField(source="rule_id")
    is_acknowledged = serializers.SerializerMethodField()
    acknowledged_by = serializers.SerializerMethodField(help_text="User name; null to all but staff of the city.")
    note = serializers.SerializerMethodField(help_text="Null to all but staff of the city.")
    incident = serializers.SerializerMethodField(help_text="Its id, where whoever asks may see it.")

    class Meta:
        model = Alert
        fields = [
            "id",
            "url",
            "status",
            "city",
            "thing",
            "thing_name",
            "observed_property",
            "unit",
            "area",
            "area_name",
            "rule",
            "authority",
            "level",
            "level_name",
            "level_since",
            "opened_at",
            "value",
            "value_at",
            "peak",
            "peak_at",
            "stale_since",
            "closed_at",
            "ended",
            "is_late",
            "is_acknowledged",
            "acknowledged_at",
            "acknowledged_by",
            "note",
            "incident",
            "is_exercise",
        ]

    def _is_staff(self, alert: Alert) -> bool:
        return is_staff_of(self.context["principal"], alert.city_id)

    @extend_schema_field(serializers.URLField())
    def get_url(self, alert: Alert) -> str:
        return absolute_url(self.context["request"]._request, f"/api/alerts/{alert.public_id}/")

    @extend_schema_field(serializers.ChoiceField(["open", "closed"]))
    def get_status(self, alert: Alert) -> str:
        return "open" if alert.closed_at is None else "closed"

    @extend_schema_field(serializers.BooleanField())
    def get_is_acknowledged(self, alert: Alert) -> bool:
        return alert.acknowledged_at is not None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_acknowledged_by(self, alert: Alert) -> str | None:
        user = alert.acknowledged_by
        return user.get_username() if user is not None and self._is_staff(alert) else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_note(self, alert: Alert) -> str | None:
        return alert.note if self._is_staff(alert) else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_incident(self, alert: Alert) -> str | None:
        incident = alert.incident
        return incident.public_id if incident and (incident.is_public or self._is_staff(alert)) else None


class AlertEventSerializer(serializers.ModelSerializer[AlertEvent]):
    class Meta:
        model = AlertEvent
        fields = ["at", "recorded_at", "action", "old_level", "new_level", "value", "is_late"]


class AlertDetailSerializer(AlertSerializer):
    log = AlertEventSerializer(many=True, help_text="What happened to it, first first.")

    class Meta(AlertSerializer.Meta):
        fields = [*AlertSerializer.Meta.fields, "log"]


class AlertPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = AlertSerializer(many=True)


class NoteInput(StrictSerializer):
    note = serializers.CharField(
        max_length=LONGEST_NOTE, required=False, allow_blank=True, default="", help_text="For staff."
    )


class AlertIncidentInput(StrictSerializer):
    title = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    is_public = serializers.BooleanField(required=False, default=False)

"""The registry and the quarantine in the admin. Places are edited as WKT text: no third party's map is loaded."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.gis.db.models import PointField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sensors.ingest.models import IngestStatus, RejectedMessage, TopicRule
from sensors.registry.models import Datastream, ObservedProperty, Sensor, Thing, ThingLocation


class LocationInline(admin.TabularInline):
    model = ThingLocation
    extra = 0
    formfield_overrides = {
        PointField: {"widget": forms.TextInput(attrs={"size": 50, "placeholder": "POINT (106.99 -6.23)"})}
    }


class DatastreamInline(admin.TabularInline):
    model = Datastream
    extra = 0
    fields = [
        "observed_property",
        "unit_ucum",
        "unit_name",
        "plausible_min",
        "plausible_max",
        "expected_interval_s",
        "sensor",
    ]


@admin.register(Thing)
class ThingAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "is_simulated"]
    list_filter = ["is_simulated"]
    search_fields = ["slug", "name"]
    inlines = [LocationInline, DatastreamInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its observations would stay behind, and nobody could say what they were of.
        return False


@admin.register(Sensor)
class SensorAdmin(admin.ModelAdmin):
    list_display = ["name", "description"]
    search_fields = ["name"]


@admin.register(ObservedProperty)
class ObservedPropertyAdmin(admin.ModelAdmin):
    list_display = ["code", "name_id", "name_en", "domain", "aggregate", "as_anomaly"]
    list_filter = ["domain", "aggregate"]
    search_fields = ["code", "name_id", "name_en"]


@admin.register(TopicRule)
class TopicRuleAdmin(admin.ModelAdmin):
    """The worker reads the rules anew every half minute."""

    list_display = ["pattern", "format", "thing", "takes_others", "position", "is_active"]
    list_editable = ["position", "is_active"]
    list_filter = ["format", "is_active"]


@admin.register(RejectedMessage)
class RejectedMessageAdmin(admin.ModelAdmin):
    """To be read: `manage replay_rejects` feeds them again."""

    list_display = ["received_at", "topic", "reason", "detail", "replayed_at"]
    list_filter = ["reason"]
    search_fields = ["topic"]
    show_full_result_count = False
    fields = ["topic", "payload_text", "reason", "detail", "received_at", "replayed_at"]
    readonly_fields = ["topic", "payload_text", "reason", "detail", "received_at", "replayed_at"]

    @admin.display(description=_("payload"))
    def payload_text(self, message: RejectedMessage) -> str:
        return bytes(message.payload)[:4000].decode("utf-8", "backslashreplace")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(IngestStatus)
class IngestStatusAdmin(admin.ModelAdmin):
    list_display = ["slot", "received", "stored", "repeated", "quarantined", "ignored", "last_commit_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""The registry and the quarantine in the admin; things and pending devices have modules of their own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sensors.ingest.floods.admin import DeviceLimitAdmin
from sensors.ingest.models import IngestStatus, RejectedMessage, TopicRule
from sensors.ingest.pending.admin import PendingThingAdmin
from sensors.ingest.sources.models import MqttSource
from sensors.observations.archive_models import ObservationArchive
from sensors.registry.models import ObservedProperty, Sensor
from sensors.states import admin as states_admin
from sensors.things_admin import ThingAdmin

__all__ = ["DeviceLimitAdmin", "PendingThingAdmin", "ThingAdmin", "states_admin"]


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


@admin.register(MqttSource)
class MqttSourceAdmin(admin.ModelAdmin):
    """`ingest_source` reads the sources anew every half minute."""

    list_display = ["name", "url", "qos", "is_active", "filled_until", "trouble"]
    list_filter = ["is_active"]
    readonly_fields = ["password_variable", "trouble"]

    @admin.display(description=_("variable of the environment with the password"))
    def password_variable(self, source: MqttSource) -> str:
        return source.password_variable if source.name else "PANTAU_SOURCE_…_PASSWORD"


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
    list_display = ["slot", "source", "received", "stored", "repeated", "quarantined", "ignored", "last_commit_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ObservationArchive)
class ObservationArchiveAdmin(admin.ModelAdmin):
    """To be read: `manage archive_observations` and `restore_observations` write it."""

    list_display = ["path", "state", "rows", "exported_at", "dropped_at", "restored_until"]
    list_filter = ["state", "observed_property"]
    date_hierarchy = "month"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

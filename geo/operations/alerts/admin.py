"""Alert rules, edited by the city's administrators; alerts with their log, acknowledged and closed by dispatchers."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geo.operations.alerts.models import Alert, AlertEvent, AlertRule
from geo.operations.alerts.services import acknowledge_alert, close_alert
from geo.operations.outbox.admin import ReadOnly
from geo.reports.admin.scope import OfOwnCity, principal_in
from server.core.errors import PantauError


@admin.register(AlertRule)
class AlertRuleAdmin(OfOwnCity):
    list_display = ["observed_property", "thing", "authority", "city", "direction", "category", "is_active"]
    list_filter = ["city", "observed_property", "authority", "is_active"]
    list_select_related = ["city", "category"]
    search_fields = ["thing", "observed_property", "authority"]
    autocomplete_fields = ["category"]
    save_as = True


class AlertEventInline(ReadOnly, admin.TabularInline):
    model = AlertEvent
    extra = 0
    fields = ("at", "action", "old_level", "new_level", "value", "user", "origin", "recorded_at")
    readonly_fields = fields
    ordering = ["id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Alert)
class AlertAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "public_id",
        "level_name",
        "thing_name",
        "city",
        "opened_at",
        "value",
        "acknowledged_at",
        "closed_at",
    ]
    list_filter = [("closed_at", admin.EmptyFieldListFilter), "city", "level_name"]
    list_select_related = ["city"]
    search_fields = ["=public_id", "thing", "thing_name"]
    fields = (
        "public_id", "rule", "city", "thing_name", "area", "level_name", "level_since", "opened_at", "value", "value_at", "peak",
        "peak_at", "stale_since", "acknowledged_at", "acknowledged_by", "note", "incident", "closed_at",
    )  # fmt: skip
    readonly_fields = fields
    inlines = [AlertEventInline]
    actions = ["acknowledge", "close"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        found: QuerySet[Alert] = super().get_queryset(request)
        city_ids = principal_in(request).city_ids
        return found if city_ids is None else found.filter(city_id__in=city_ids)

    @admin.action(description=_("Acknowledge"), permissions=["change"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, acknowledge_alert)

    @admin.action(description=_("Close"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, close_alert)

    def _each(self, request: HttpRequest, queryset: QuerySet[Alert], act: Any) -> None:
        for alert in queryset:
            try:
                act(alert=alert, by=principal_in(request), now=timezone.now())
            except PantauError as error:
                self.message_user(request, f"{alert.public_id}: {error.detail}", messages.WARNING)

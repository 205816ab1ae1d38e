"""The limits of devices in the admin: which flood, and which may send more."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sensors.ingest.floods.models import DeviceLimit


class FloodingFilter(admin.SimpleListFilter):
    title = _("floods")
    parameter_name = "floods"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("now", _("now"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.flooding() if self.value() == "now" else queryset


@admin.register(DeviceLimit)
class DeviceLimitAdmin(admin.ModelAdmin):
    """The workers read them anew every half minute."""

    list_display = ["thing", "rate", "unlimited_until", "flooding_since", "flooded_at", "refused", "blocked_until"]
    list_filter = [FloodingFilter]
    search_fields = ["thing"]
    readonly_fields = ["flooding_since", "flooded_at", "refused", "blocked_until"]

"""The admin as an operation centre has it open all day: what is worked with first, times in the city's zone and said so."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# The menu's parts, each in the order of daily use. What stands in none of them follows under its app's name.
PARTS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("reports", _("Reports"), ("Report", "Incident", "Instruction", "Closing", "ReportEvidence", "FieldLink")),
    ("duty", _("Duty desk"), ("Alert", "Shift", "Escalation", "WeeklyBrief")),
    (
        "rules",
        _("Rules"),
        ("RoutingRule", "RoutingPolicy", "Category", "WorkingCalendar", "AlertRule", "OnCallLevel", "Subscription"),
    ),
    ("directory", _("City and agencies"), ("City", "AreaLevel", "Area", "PopulationFigure", "Agency", "AgencyContact")),
    ("access", _("Access"), ("User", "Group", "CityRole", "AccessToken")),
    (
        "exchange",
        _("Channels and messages"),
        ("Channel", "ChannelConnection", "ChannelKey", "DeadLetter", "OutboxMessage", "Destination"),
    ),
    ("analysis", _("Analysis"), ("SavedAnalysis", "Intervention")),
)


class PantauAdminSite(AdminSite):
    site_title = "Pantau"
    site_header = "Pantau"
    index_title = _("Operation centre")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"zone_abbreviation": timezone.localtime().tzname()}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {model["object_name"]: model for app in apps for model in app["models"]}
        parts = []
        for label, title, names in PARTS:
            found = [models.pop(name) for name in names if name in models]
            if found:
                # A part has no page of its own: its heading leads to where it stands.
                url = f"{reverse('admin:index')}#{label}"
                parts.append(
                    {"name": title, "app_label": label, "app_url": url, "has_module_perms": True, "models": found}
                )
        for app in apps:
            app["models"] = [model for model in app["models"] if model["object_name"] in models]
        return parts + [app for app in apps if app["models"]]

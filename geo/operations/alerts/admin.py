"""Alert rules, edited by the city's administrators; alerts with their log, acknowledged and closed by dispatchers."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from geo.operations.admin_pages import NoteForm, Page, WithPages, ask
from geo.operations.alerts.models import Alert, AlertEvent, AlertRule
from geo.operations.alerts.services import acknowledge_alert, close_alert, open_incident_of
from geo.operations.outbox.admin import ReadOnly
from geo.reports.admin.scope import OfOwnCity, cities_seen, principal_in
from server.core.errors import PantauError


@admin.register(AlertRule)
class AlertRuleAdmin(OfOwnCity):
    list_display = ["observed_property", "thing", "authority", "city", "direction", "category", "is_active"]
    list_filter = ["city", "observed_property", "authority", "is_active"]
    list_select_related = ["city", "category"]
    search_fields = ["thing", "observed_property", "authority"]
    autocomplete_fields = ["category"]
    save_as = True


class IncidentForm(forms.Form):
    title = forms.CharField(
        label=_("title"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("Empty: the level and the thing."),
    )
    is_public = forms.BooleanField(
        label=_("public"), required=False, help_text=_("Everybody sees its title, its area and its public reports.")
    )


class AlertEventInline(ReadOnly, admin.TabularInline):
    model = AlertEvent
    extra = 0
    fields = ("at", "action", "old_level", "new_level", "value", "is_late", "user", "origin", "recorded_at")
    readonly_fields = fields
    ordering = ["id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Alert)
class AlertAdmin(ReadOnly, WithPages):
    """Nothing of an alert is edited: it is acknowledged, made an incident of, and closed, each on a page that takes a note."""

    list_display = ["level_name", "thing_name", "measured", "opened_at", "state"]
    list_filter = [
        ("closed_at", admin.EmptyFieldListFilter),
        ("acknowledged_at", admin.EmptyFieldListFilter),
        "city",
        "level_name",
    ]
    list_select_related = ["rule"]
    search_fields = ["=public_id", "thing", "thing_name"]
    fields = (
        "public_id", "rule", "city_name", "thing_name", "area_name", "level_name", "level_since", "opened_at", "measured", "value_at",
        "peak", "peak_at", "stale_since", "acknowledged_at", "acknowledged_by", "note", "incident", "closed_at",
        "ended", "is_late",
    )  # fmt: skip
    readonly_fields = fields
    inlines = [AlertEventInline]
    actions = ["acknowledge", "close"]
    pages = {
        "acknowledge": Page(
            _("Acknowledge the alert"),
            _("Acknowledge the alert"),
            _("It climbs the on-call list no further, until it rises."),
        ),
        "incident": Page(
            _("Open an incident of it"), _("Open an incident of it"), _("The alert is acknowledged with it.")
        ),
        "close": Page(
            _("Close the alert"),
            _("Close the alert"),
            _("It ends, whatever is measured; another one opens when a level is entered again from below."),
        ),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        found: QuerySet[Alert] = super().get_queryset(request)
        city_ids = cities_seen(request, self.model)
        return found if city_ids is None else found.filter(city_id__in=city_ids)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Of the list, for its actions: an alert itself has nothing to be saved."""
        return obj is None and super().has_change_permission(request)

    def offered(self, request: HttpRequest, obj: Alert) -> list[str]:
        if obj.closed_at is not None:
            return []
        is_done = {"acknowledge": obj.acknowledged_at is not None, "incident": obj.incident_id is not None}
        return [name for name in self.pages if not is_done.get(name)]

    def step(self, name: str, request: HttpRequest, obj: Alert, page: Page) -> HttpResponse:
        sent = request.POST if request.method == "POST" else None
        form = IncidentForm(sent) if name == "incident" else NoteForm(sent)

        def act(given: Mapping[str, Any]) -> str:
            by, now = principal_in(request), timezone.now()
            if name == "incident":
                incident = open_incident_of(alert=obj, by=by, now=now, **given)
                messages.success(request, _("The incident was opened."))
                return reverse("admin:geo_incident_change", args=[incident.pk])
            if name == "acknowledge":
                acknowledge_alert(alert=obj, by=by, now=now, note=given["note"])
                messages.success(request, _("The alert is acknowledged."))
            else:
                close_alert(alert=obj, by=by, now=now, note=given["note"])
                messages.success(request, _("The alert is closed."))
            return self.address(obj)

        return ask(self, request, page, form, act, original=obj)

    @admin.display(description=_("latest value"), ordering="value")
    def measured(self, alert: Alert) -> str:
        return f"{number_format(alert.value, decimal_pos=1)} {alert.rule.unit}"

    @admin.display(description=_("state"))
    def state(self, alert: Alert) -> Any:
        """One column in place of two times, which stand on its page: with them the list is wider than a screen of 1280 pixels."""
        if alert.closed_at is not None:
            return _("Closed")
        return _("Acknowledged") if alert.acknowledged_at is not None else _("Open")

    @admin.display(description=_("city"))
    def city_name(self, alert: Alert) -> str:
        return alert.city.name

    @admin.display(description=_("area"))
    def area_name(self, alert: Alert) -> str:
        return alert.area.name if alert.area is not None else "–"

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

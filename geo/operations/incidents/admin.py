"""Incidents in the admin: read, retitled and shown to the public there; opened, kept and answered by the API."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geo.operations.incidents.models import Incident, IncidentReport
from geo.operations.incidents.services import close_incident, edit_incident
from geo.reports.access.principals import Origin, principal_of_user
from server.core.errors import PantauError


class IncidentReportInline(admin.TabularInline):
    model = IncidentReport
    extra = 0
    can_delete = False
    fields = ["report", "added_at", "added_by"]
    readonly_fields = ["report", "added_at", "added_by"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A report is added by the service, which writes it into the report's history."""
        return False


@admin.register(Incident)
class IncidentAdmin(admin.ModelAdmin):
    list_display = ["public_id", "title", "city", "category", "area", "status", "opened_at", "is_public"]
    list_filter = ["status", "is_public", "city"]
    list_select_related = ["city", "category", "area"]
    search_fields = ["title", "=public_id"]
    fields = [
        "public_id", "city", "title", "category", "area", "is_public", "status", "opened_at", "opened_by", "closed_at",
        "closed_by",
    ]  # fmt: skip
    readonly_fields = [
        "public_id", "city", "category", "area", "status", "opened_at", "opened_by", "closed_at", "closed_by",
    ]  # fmt: skip
    inlines = [IncidentReportInline]
    actions = ["close"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        found: QuerySet[Incident] = super().get_queryset(request)
        city_ids = principal_of_user(request.user, origin=Origin.ADMIN).city_ids
        return found if city_ids is None else found.filter(city_id__in=city_ids)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the right to change incidents, in the cities in which they dispatch."""
        may_change: bool = super().has_change_permission(request, obj)
        by = principal_of_user(request.user, origin=Origin.ADMIN)
        return may_change and (obj is None or by.may_dispatch_in(obj.city_id))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        # The form says what it was opened with, so that one that lay open takes back nothing that others changed meanwhile.
        if db_field.name in ("title", "is_public"):
            kwargs["show_hidden_initial"] = True
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        by = principal_of_user(request.user, origin=Origin.ADMIN)
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        if changed:
            edit_incident(incident=obj, by=by, **changed)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Close"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        by = principal_of_user(request.user, origin=Origin.ADMIN)
        for incident in queryset:
            try:
                close_incident(incident=incident, by=by, now=timezone.now())
            except PantauError as error:
                self.message_user(request, f"{incident.public_id}: {error.detail}", messages.WARNING)

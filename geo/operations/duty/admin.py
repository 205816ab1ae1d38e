"""The on-call list in the admin, for dispatchers too; what has climbed it and the shifts are read."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from geo.operations.duty.escalation import signing_key
from geo.operations.duty.models import Escalation, OnCallLevel, Shift
from geo.operations.outbox.admin import ReadOnly
from geo.reports.access.admin import UserByName
from geo.reports.access.principals import Origin, Principal, principal_of_user


def _principal(request: HttpRequest) -> Principal:
    return principal_of_user(request.user, origin=Origin.ADMIN)


class OfOwnCities(admin.ModelAdmin):
    """Rows of the cities in which somebody has a role; `city_path` leads from a row to its city."""

    city_path = "city"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        city_ids = _principal(request).city_ids
        return found if city_ids is None else found.filter(**{f"{self.city_path}__in": city_ids})


@admin.register(OnCallLevel)
class OnCallLevelAdmin(OfOwnCities):
    list_display = ["name", "city", "position", "after_minutes", "is_active"]
    list_filter = ["city", "is_active"]
    list_select_related = ["city"]
    filter_horizontal = ["categories"]
    fields = [
        "city", "position", "name", "user", "email", "webhook_url", "key", "after_minutes", "categories", "is_active",
        "active_since",
    ]  # fmt: skip
    readonly_fields = ["key"]

    @admin.display(description=_("key of its signatures"))
    def key(self, level: OnCallLevel) -> str:
        return signing_key(level) if level.pk and level.webhook_url else "–"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only cities in which they dispatch; an account by its name, as it is given a role."""
        if db_field.name == "user":
            users = get_user_model()._default_manager.all()
            return UserByName(
                label=_("user name"),
                queryset=users,
                to_field_name="username",
                required=False,
                help_text=db_field.help_text,
            )
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        by = _principal(request)
        if db_field.name == "city" and field is not None and field.queryset is not None and by.city_ids is not None:
            mine = [city_id for city_id in by.city_ids if by.may_dispatch_in(city_id)]
            field.queryset = field.queryset.filter(pk__in=mine)
        return field

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may: bool = super().has_change_permission(request, obj)
        return may and (obj is None or _principal(request).may_dispatch_in(obj.city_id))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may: bool = super().has_delete_permission(request, obj)
        return may and (obj is None or _principal(request).may_dispatch_in(obj.city_id))


@admin.register(Escalation)
class EscalationAdmin(ReadOnly, OfOwnCities):
    city_path = "level__city"
    list_display = ["raised_at", "level", "kind", "subject_id", "episode", "waiting_since"]
    list_filter = ["level"]
    list_select_related = ["level"]
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Shift)
class ShiftAdmin(ReadOnly, OfOwnCities):
    list_display = ["started_at", "city", "started_by", "ended_at", "ended_by"]
    list_filter = ["city"]
    list_select_related = ["city", "started_by", "ended_by"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What a shift hands over names reports of the whole city."""
        found, by = super().get_queryset(request), _principal(request)
        if by.city_ids is None:
            return found
        return found.filter(city__in=[city_id for city_id in by.city_ids if by.may_oversee_city(city_id)])

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

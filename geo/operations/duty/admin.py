"""The on-call list and the shifts in the admin, for dispatchers too; what has climbed the list is read."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.operations.admin_pages import (
    NamedCity,
    Page,
    WithPages,
    ask,
    city_field,
    dispatched_cities,
    dispatches_somewhere,
)
from geo.operations.duty.escalation import signing_key
from geo.operations.duty.models import Escalation, OnCallLevel, Shift
from geo.operations.duty.rendering import as_text
from geo.operations.duty.shifts import end_shift, start_shift
from geo.operations.duty.situation import situation
from geo.operations.outbox.admin import ReadOnly
from geo.reports.access.admin import UserByName
from geo.reports.access.principals import Origin, Principal, principal_of_user
from geo.reports.admin.scope import cities_seen, principal_in

LONGEST_NOTE = 4000


def _principal(request: HttpRequest) -> Principal:
    return principal_of_user(request.user, origin=Origin.ADMIN)


class OfOwnCities(admin.ModelAdmin):
    """Rows of the cities in which somebody has a role; `city_path` leads from a row to its city."""

    city_path = "city"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        city_ids = cities_seen(request, self.model)
        return found if city_ids is None else found.filter(**{f"{self.city_path}__in": city_ids})


class OfDispatchedCities(OfOwnCities):
    """Rows of the cities in which somebody dispatches: with its addresses and its key a list is for those who keep it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found, by = super().get_queryset(request), _principal(request)
        if by.city_ids is None:
            return found
        mine = [city_id for city_id in by.city_ids if by.may_dispatch_in(city_id)]
        return found.filter(**{f"{self.city_path}__in": mine})


@admin.register(OnCallLevel)
class OnCallLevelAdmin(OfDispatchedCities):
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
class EscalationAdmin(ReadOnly, OfDispatchedCities):
    city_path = "level__city"
    list_display = ["raised_at", "level", "kind", "subject_id", "episode", "waiting_since"]
    list_filter = ["level"]
    list_select_related = ["level"]
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StartForm(forms.Form):
    city = NamedCity(label=_("city"), queryset=City.objects.none())


class EndForm(forms.Form):
    note = forms.CharField(
        label=_("handover note"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 80}),
        help_text=_("For the next shift. The situation below is handed over with it."),
    )


@admin.register(Shift)
class ShiftAdmin(ReadOnly, WithPages, OfOwnCities):
    """The desk is taken over with "add" and handed over on a shift's page; what it handed over stands there."""

    list_display = ["started_at", "city_name", "started_by", "ended_at", "ended_by"]
    list_filter = ["city"]
    list_select_related = ["city", "started_by", "ended_by"]
    fields = ("city_name", "started_at", "started_by", "ended_at", "ended_by", "note", "printable", "handed_over")
    readonly_fields = fields
    pages = {"end": Page(_("Hand over and end the shift"), _("End the shift"))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What a shift hands over names reports of the whole city."""
        found, by = super().get_queryset(request), _principal(request)
        if by.city_ids is None:
            return found
        return found.filter(city__in=[city_id for city_id in by.city_ids if by.may_oversee_city(city_id)])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may take the desk over."""
        return dispatches_somewhere(principal_in(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def offered(self, request: HttpRequest, obj: Shift) -> list[str]:
        return ["end"] if obj.ended_at is None else []

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        by = principal_in(request)
        form = StartForm(request.POST or None)
        city_field(form, dispatched_cities(by))

        def start(given: Mapping[str, Any]) -> str:
            shift = start_shift(city=given["city"], by=by, now=timezone.now())
            messages.success(request, _("The shift has begun."))
            return self.address(shift)

        return ask(self, request, Page(_("Begin a shift"), _("Begin")), form, start)

    def step(self, name: str, request: HttpRequest, obj: Shift, page: Page) -> HttpResponse:
        def end(given: Mapping[str, Any]) -> str:
            end_shift(shift=obj, by=principal_in(request), now=timezone.now(), note=given["note"])
            messages.success(request, _("The shift has ended; what it hands over stands below."))
            return self.address(obj)

        said = situation(obj.city, obj.started_at, timezone.now())
        return ask(self, request, page, EndForm(request.POST or None), end, original=obj, preview=as_text(said))

    @admin.display(description=_("city"), ordering="city__name")
    def city_name(self, shift: Shift) -> str:
        return shift.city.name

    @admin.display(description=_("to be printed"))
    def printable(self, shift: Shift) -> str:
        if shift.log is None:
            return "–"
        return format_html('<a href="{}?f=html">{}</a>', reverse("duty-shift", args=[shift.pk]), _("Handover"))

    @admin.display(description=_("what it handed over"))
    def handed_over(self, shift: Shift) -> str:
        return format_html("<pre>{}</pre>", as_text(shift.log)) if shift.log is not None else "–"

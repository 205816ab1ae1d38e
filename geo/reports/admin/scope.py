"""Whose things the admin shows: those of the cities in which somebody has a role; its administrators change them."""

from collections import Counter
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from geo.areas.models import Area, City
from geo.reports.access.principals import Origin, Principal, principal_of_user
from geo.reports.access.role_permissions import PERMISSIONS
from geo.reports.models import Agency, Category, Channel, CityRole, WorkingCalendar

_KNOWN = "pantau.admin-principal"
# What there is once for every city may be chosen by each, but not changed.
_BY_CITY: dict[type[Model], str] = {
    Agency: "city", Area: "city", Category: "city", Channel: "city", City: "pk", WorkingCalendar: "city",
}  # fmt: skip


def principal_in(request: HttpRequest) -> Principal:
    """Who has the admin open: asked once in a request."""
    if _KNOWN not in request.META:
        request.META[_KNOWN] = principal_of_user(request.user, origin=Origin.ADMIN)
    return request.META[_KNOWN]


def administered(request: HttpRequest) -> frozenset[int] | None:
    """The cities whose administrator this person is; None: every city."""
    principal = principal_in(request)
    if principal.is_superuser:
        return None
    return frozenset(grant.city_id for grant in principal.grants if grant.role == CityRole.Role.ADMINISTRATOR)


def cities_seen(request: HttpRequest, model: type[Model]) -> frozenset[int] | None:
    """The cities in which somebody's role there lets them look at rows of a model; None: every city.

    Django's permissions know no city: without this, a role in one city would open in another what the role there does not. What a
    superuser has permitted by hand holds in each city in which somebody has a role.
    """
    principal, opts = principal_in(request), model._meta
    names = {f"{opts.app_label}.{action}_{opts.model_name}" for action in ("view", "change")}
    if principal.is_superuser or names & ModelBackend().get_all_permissions(request.user):
        return principal.city_ids
    return frozenset(grant.city_id for grant in principal.grants if names & PERMISSIONS[grant.role])


class NamedChoice(forms.ModelChoiceField):
    """Called by their names; where two are called the same, their slugs tell them apart."""

    @cached_property
    def _times(self) -> Counter[str]:
        return Counter(row.name for row in self.queryset or ())

    def label_from_instance(self, obj: Any) -> str:
        return obj.name if self._times[obj.name] == 1 else f"{obj.name} ({obj.slug})"


class OwnChoices:
    """What a field offers is of their own cities, or of every city."""

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        city_ids, path = administered(request), _BY_CITY.get(db_field.remote_field.model)
        if city_ids is not None and path is not None and "queryset" not in kwargs:
            mine = Q(**{f"{path}__in": city_ids})
            if path != "pk":
                mine |= Q(**{path: None})
            kwargs["queryset"] = db_field.remote_field.model._default_manager.filter(mine)
        if db_field.remote_field.model in (Agency, Category, Channel, City):
            kwargs.setdefault("form_class", NamedChoice)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class OfOwnCity(OwnChoices, admin.ModelAdmin):
    """Read by who has a role in the city, changed by its administrators; what serves every city, by superusers alone."""

    city_path = "city"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        city_ids = cities_seen(request, self.model)
        if city_ids is None:
            return found
        return found.filter(Q(**{f"{self.city_path}__in": city_ids}) | Q(**{self.city_path: None}))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and administered(request) != frozenset()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_theirs(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_theirs(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not self._is_theirs(request, obj):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, self.theirs(request, queryset))

    def theirs(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the chosen ones that this person may change: actions are asked of the list, which shows more."""
        city_ids = administered(request)
        return queryset if city_ids is None else queryset.filter(**{f"{self.city_path}__in": city_ids})

    def _is_theirs(self, request: HttpRequest, obj: Any) -> bool:
        city_ids = administered(request)
        if city_ids is None:
            return True
        return bool(city_ids) if obj is None else self._city_id(obj) in city_ids

    def _city_id(self, obj: Any) -> int | None:
        *way, last = self.city_path.split("__")
        for name in way:
            obj = getattr(obj, name)
        city_id: int | None = getattr(obj, f"{last}_id")
        return city_id

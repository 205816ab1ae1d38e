"""Saved analyses and interventions in the admin. Analyses are saved by the API, which resolves their parameters."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from geo.analysis.interventions import Intervention
from geo.analysis.saved import SavedAnalysis
from geo.layers.saving import delete_analysis, revise_analysis
from geo.reports.access.principals import principal_of_user
from geo.reports.admin.scope import principal_in
from geo.reports.models import CityRole


class OfOwnCities(admin.ModelAdmin):
    """Staff see what belongs to the cities in which they have a role, superusers everything."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Model] = super().get_queryset(request)
        user = request.user
        if isinstance(user, AnonymousUser):
            return found
        city_ids = principal_of_user(user).city_ids
        return found if city_ids is None else found.filter(city_id__in=city_ids)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_change: bool = super().has_change_permission(request, obj)
        return may_change and (obj is None or self.is_theirs(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_delete: bool = super().has_delete_permission(request, obj)
        return may_delete and (obj is None or self.is_theirs(request, obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One by one, since each is asked whether it may."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def is_theirs(self, request: HttpRequest, obj: Any) -> bool:
        """As by the API: whoever made it, while they have a role in its city, and the city's administrators."""
        by = principal_in(request)
        if by.has_role(obj.city_id, {CityRole.Role.ADMINISTRATOR}):
            return True
        return by.user_id == obj.owner_id and by.may_act_in(obj.city_id)


@admin.register(SavedAnalysis)
class SavedAnalysisAdmin(OfOwnCities):
    """A frozen one is read only, and deleted by administrators of the city alone: it may have been cited."""

    list_display = ["slug", "title", "layer", "city", "visibility", "refresh", "owner", "frozen_at"]
    list_filter = ["city", "layer", "visibility", "refresh"]
    list_select_related = ["city", "owner"]
    search_fields = ["slug", "title"]
    editable = ("title", "description", "visibility")
    fields = [
        "slug", "city", "title", "description", "layer", "parameters", "visibility", "refresh", "owner", "created_at",
        "updated_at", "frozen_at", "frozen_by", "data_version", "code_version", "seed", "checksum",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: SavedAnalysis | None = None) -> list[str]:
        editable = () if obj is not None and obj.is_frozen else self.editable
        return [name for name in self.fields or () if isinstance(name, str) and name not in editable]

    def save_model(self, request: HttpRequest, obj: SavedAnalysis, form: Any, change: bool) -> None:
        saved = revise_analysis(obj, {name: getattr(obj, name) for name in self.editable}, timezone.now())
        obj.slug = saved.slug

    def has_delete_permission(self, request: HttpRequest, obj: SavedAnalysis | None = None) -> bool:
        if not super().has_delete_permission(request, obj) or isinstance(request.user, AnonymousUser):
            return False
        if obj is None or not obj.is_frozen or request.user.is_superuser:
            return True
        return CityRole.objects.filter(
            user_id=request.user.pk, city_id=obj.city_id, role=CityRole.Role.ADMINISTRATOR
        ).exists()

    def delete_model(self, request: HttpRequest, obj: SavedAnalysis) -> None:
        delete_analysis(obj)


@admin.register(Intervention)
class InterventionAdmin(OfOwnCities):
    """Recorded by the API; here the words are mended, and what was recorded by mistake is deleted."""

    list_display = ["date", "title", "area", "category", "city", "owner"]
    list_filter = ["city", "category"]
    list_select_related = ["city", "area", "category", "owner"]
    search_fields = ["title", "area__code", "area__name"]
    fields = ["title", "description", "city", "area", "category", "date", "owner", "created_at", "updated_at"]
    readonly_fields = ["city", "area", "category", "date", "owner", "created_at", "updated_at"]

    def save_model(self, request: HttpRequest, obj: Intervention, form: Any, change: bool) -> None:
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)

"""Cities, levels and population figures in the admin. (An area is edited in geo.placement.admin, which places anew.)"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from geo.areas.models import AreaLevel, City, PopulationFigure


@admin.register(City)
class CityAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "timezone", "metric_srid"]
    search_fields = ["slug", "name"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A city takes its reports with it, and their history cannot be deleted."""
        return False


@admin.register(AreaLevel)
class AreaLevelAdmin(admin.ModelAdmin):
    list_display = ["code", "name_id", "name_en", "rank"]


@admin.register(PopulationFigure)
class PopulationFigureAdmin(admin.ModelAdmin):
    list_display = ["area", "year", "population", "source"]
    list_filter = ["year", "area__level", "area__city"]
    list_select_related = ["area"]
    search_fields = ["area__code", "area__name"]
    autocomplete_fields = ["area"]

"""Areas in the admin: names, parents and validity are edited here, boundaries come by import_areas."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.gis.geos import MultiPolygon
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area
from geo.placement.services import save_area


def outline_svg(boundary: MultiPolygon, *, size_px: int = 360) -> SafeString:
    """The outline of a boundary as an inline drawing, north up. Nothing is fetched from anywhere, unlike a map widget."""
    west, south, east, north = boundary.extent
    scale = size_px / (max(east - west, north - south) or 1.0)
    shape: Any = boundary.simplify(1 / scale, preserve_topology=True)
    nested = shape.coords if shape.geom_type == "MultiPolygon" else [shape.coords]
    rings = [
        "M" + "L".join(f"{(x - west) * scale:.1f},{(north - y) * scale:.1f}" for x, y, *_z in ring) + "Z"
        for polygon in nested
        for ring in polygon
    ]
    return format_html(
        '<svg role="img" width="{}" height="{}"><path d="{}" fill="#9db8c9" fill-rule="evenodd" stroke="#28485c"/></svg>',
        round((east - west) * scale) + 1,
        round((north - south) * scale) + 1,
        "".join(rings),
    )


class AreaForm(forms.ModelForm):
    class Meta:
        model = Area
        fields = ["name", "parent", "boundary_source", "is_schematic", "retired_at"]

    def clean_parent(self) -> Area | None:
        """The tree stays one: a parent is of the same city and of a level above."""
        parent: Area | None = self.cleaned_data["parent"]
        area = self.instance
        if (parent is None) != (area.level.rank == 0):
            raise forms.ValidationError(_("The city itself has no parent, every other area has one."))
        if parent and (parent.city_id != area.city_id or parent.level.rank >= area.level.rank):
            raise forms.ValidationError(_("The parent must be an area of the same city, on a level above."))
        return parent


@admin.register(Area)
class AreaAdmin(admin.ModelAdmin):
    form = AreaForm
    list_display = ["code", "name", "level", "city", "area_km2", "is_schematic", "retired_at"]
    list_filter = ["city", "level", "is_schematic", ("retired_at", admin.EmptyFieldListFilter)]
    list_select_related = ["level", "city"]
    search_fields = ["code", "name"]
    autocomplete_fields = ["parent"]
    readonly_fields = ["code", "level", "city", "area_km2", "extent", "outline", "updated_at"]
    fields = [
        "code", "name", "level", "city", "parent", "area_km2", "extent", "outline", "boundary_source", "is_schematic",
        "retired_at", "updated_at",
    ]  # fmt: skip

    @admin.display(description=_("extent (west, south, east, north)"))
    def extent(self, area: Area) -> str:
        return ", ".join(f"{degrees:.5f}" for degrees in area.boundary.extent)

    @admin.display(description=_("boundary"))
    def outline(self, area: Area) -> SafeString:
        return outline_svg(area.boundary)

    def save_model(self, request: HttpRequest, obj: Area, form: Any, change: bool) -> None:
        save_area(obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Areas come with their boundaries, by import_areas."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An area is retired, not deleted: something may have been said about it."""
        return False

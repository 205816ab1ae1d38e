"""Reports and who deals with them, in the admin. Nothing here is asked of a third party: places are shown as numbers."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.reports.admin_actions import merge_chosen, set_status, split_chosen
from geo.reports.channel_keys import create_key
from geo.reports.models import (
    Agency,
    Category,
    CategoryAgency,
    CategoryAttribute,
    Channel,
    ChannelKey,
    CityRole,
    HistoryEntry,
    Report,
    ReportContact,
    ReportPhoto,
)
from geo.reports.querysets import Principal, cities_of
from geo.reports.services import moderate_report, refresh_public_points


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HistoryInline(ReadOnlyInline):
    model = HistoryEntry
    fields = ["at", "action", "old", "new", "user", "channel", "agency", "note"]
    ordering = ["id"]


class ContactInline(ReadOnlyInline):
    """Personal data: shown only to those with the permission to view contacts of reporters."""

    model = ReportContact
    fields = ["name", "phone", "email"]


class PhotoInline(ReadOnlyInline):
    model = ReportPhoto
    fields = ["number", "width", "height", "taken_at", "distance_m", "added_at"]
    can_delete = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("geo.delete_reportphoto")

    @admin.display(description=_("photo"))
    def number(self, photo: ReportPhoto) -> str:
        earlier = ReportPhoto.objects.filter(report_id=photo.report_id, id__lt=photo.pk).count()
        url = reverse("report-photo", args=[photo.report.public_id, earlier + 1])
        return format_html('<a href="{}">{}</a>', url, earlier + 1)


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    """A report is read here; what the public sees of it can be changed, and the history notes that it was."""

    list_display = ["public_id", "category", "status", "city", "area", "channel", "reported_at", "is_public"]
    list_filter = ["status", "is_public", "kind", "location_flag", "city", "channel", "category"]
    list_select_related = ["category", "city", "area", "channel"]
    search_fields = ["public_id", "external_id", "description"]
    date_hierarchy = "reported_at"
    show_full_result_count = False
    inlines = [ContactInline, PhotoInline, HistoryInline]
    actions = [merge_chosen, split_chosen, set_status]
    editable = ("is_public", "public_description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        user = request.user
        if user.is_superuser or isinstance(user, AnonymousUser):
            return super().get_queryset(request)
        own = Principal(is_staff=True, city_ids=frozenset(cities_of(user)))
        # Public reports of other cities are not this officer's to open: here an exact place and a contact are shown.
        return super().get_queryset(request).filter(city_id__in=own.city_ids or ())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ["public_id", "city", "channel", "external_id", "kind", "category", "agency", "status", "description"]
        places = ["attributes", "address", "place", "area", "public_place", "public_area", "location_flag"]
        times = ["reported_at", "received_at", "updated_at", "due_at", "closed_at", "anonymised_at"]
        return [*self.editable, *shown, *places, *times, "duplicate_of", "followers", "support_count"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name not in self.editable]

    @admin.display(description=_("location"))
    def place(self, report: Report) -> str:
        return _lon_lat(report.location)

    @admin.display(description=_("public location"))
    def public_place(self, report: Report) -> str:
        return _lon_lat(report.public_location)

    @admin.display(description=_("merged into it"))
    def followers(self, report: Report) -> str:
        return ", ".join(report.duplicates.order_by("id").values_list("public_id", flat=True)) or "-"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its history cannot be deleted, and a history of nothing would be left; what must go is hidden and erased.
        return False

    def save_model(self, request: HttpRequest, obj: Report, form: Any, change: bool) -> None:
        assert not isinstance(request.user, AnonymousUser)
        moderate_report(
            report=obj,
            is_public=obj.is_public,
            public_description=obj.public_description,
            user=request.user,
            now=timezone.now(),
        )


def _lon_lat(point: Any) -> str:
    return f"{point.x:.6f}, {point.y:.6f}" if point is not None else "-"


class QuestionInline(admin.TabularInline):
    model = CategoryAttribute
    extra = 0
    ordering = ["order"]
    fields = [
        *("order", "code", "datatype", "required", "variable", "description_id", "description_en"),
        *("datatype_description_id", "datatype_description_en", "values"),
    ]


class ResponsibilityInline(admin.TabularInline):
    model = CategoryAgency
    extra = 0


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = [
        "slug",
        "name_id",
        "name_en",
        "parent",
        "city",
        "sla_working_hours",
        "public_grid_m",
        "open311_type",
        "is_active",
    ]
    list_filter = ["is_active", "city"]
    list_select_related = ["parent", "city"]
    search_fields = ["slug", "name_id", "name_en"]
    inlines = [QuestionInline, ResponsibilityInline]

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "public_grid_m" in form.changed_data:
            n = refresh_public_points(category=obj, now=timezone.now())
            text = ngettext(
                "The public place of %(n)d report was set anew.", "The public places of %(n)d reports were set anew.", n
            )
            messages.info(request, text % {"n": n})


@admin.register(Agency)
class AgencyAdmin(admin.ModelAdmin):
    list_display = ["slug", "name_id", "name_en", "city"]
    list_filter = ["city"]
    list_select_related = ["city"]
    search_fields = ["slug", "name_id", "name_en"]


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "city", "is_simulated", "is_active"]
    list_select_related = ["city"]
    actions = ["make_key"]

    @admin.action(description=_("Create an API key, shown once"), permissions=["change"])
    def make_key(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        if not request.user.has_perm("geo.add_channelkey"):
            messages.error(request, _("You may not create API keys."))
            return
        for channel in queryset:
            _key, text = create_key(channel=channel)
            says = _("API key of %(channel)s, not shown again: %(key)s") % {"channel": channel.slug, "key": text}
            messages.warning(request, says)


@admin.register(ChannelKey)
class ChannelKeyAdmin(admin.ModelAdmin):
    """Keys are made by an action of their channel; here they are seen and revoked."""

    list_display = ["channel", "prefix", "created_at", "last_used_at", "revoked_at"]
    list_select_related = ["channel"]
    fields = ["channel", "prefix", "created_at", "last_used_at", "revoked_at"]
    readonly_fields = ["channel", "prefix", "created_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    @admin.action(description=_("Revoke the chosen keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ChannelKey]) -> None:
        queryset.filter(revoked_at=None).update(revoked_at=timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(CityRole)
class CityRoleAdmin(admin.ModelAdmin):
    list_display = ["user", "city", "role"]
    list_filter = ["city", "role"]
    list_select_related = ["user", "city"]
    autocomplete_fields = ["user"]


@admin.register(HistoryEntry)
class HistoryEntryAdmin(admin.ModelAdmin):
    """To be read: the database itself refuses to change or delete a line."""

    list_display = ["at", "report", "action", "user", "channel", "agency"]
    list_filter = ["action"]
    list_select_related = ["report", "user", "channel", "agency"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[HistoryEntry]:
        found = super().get_queryset(request)
        user = request.user
        if user.is_superuser or isinstance(user, AnonymousUser):
            return found
        return found.filter(report__city_id__in=cities_of(user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

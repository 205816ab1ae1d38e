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

from geo.reports.access.principals import Origin
from geo.reports.admin.actions import ReportSteps, merge_chosen, set_status, split_chosen
from geo.reports.admin.scope import OfOwnCity, OwnChoices, principal_in
from geo.reports.history import add_line
from geo.reports.models import (
    Agency,
    Category,
    CategoryAgency,
    CategoryAttribute,
    HistoryEntry,
    Report,
    ReportContact,
    ReportPhoto,
)
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
    fields = ["at", "action", "old", "new", "user", "channel", "agency", "origin", "note"]
    ordering = ["id"]


class ContactInline(ReadOnlyInline):
    """Personal data: shown to those who deal with this report, and have the permission to view contacts of reporters."""

    model = ReportContact
    fields = ["name", "phone", "email"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_view: bool = super().has_view_permission(request, obj)
        return may_view and (obj is None or principal_in(request).may_see_contact(obj))


class PhotoInline(ReadOnlyInline):
    model = ReportPhoto
    fields = ["number", "width", "height", "taken_at", "distance_m", "added_at"]
    can_delete = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_delete = request.user.has_perm("geo.delete_reportphoto")
        return may_delete and (obj is None or principal_in(request).may_handle(obj))

    @admin.display(description=_("photo"))
    def number(self, photo: ReportPhoto) -> str:
        earlier = ReportPhoto.objects.filter(report_id=photo.report_id, id__lt=photo.pk).count()
        url = reverse("report-photo", args=[photo.report.public_id, earlier + 1])
        return format_html('<a href="{}">{}</a>', url, earlier + 1)


@admin.register(Report)
class ReportAdmin(ReportSteps):
    """A report is read here; what the public sees of it can be changed, and the history notes that it was."""

    list_display = [
        *("public_id", "category", "status", "agency", "due_at", "city", "area", "channel", "reported_at"),
        *("handover_count", "reopened_count", "is_public"),
    ]
    list_filter = ["status", "agency", "is_public", "kind", "location_flag", "city", "channel", "category"]
    list_select_related = ["category", "agency", "city", "area", "channel"]
    search_fields = ["public_id", "external_id", "description"]
    date_hierarchy = "reported_at"
    show_full_result_count = False
    inlines = [ContactInline, PhotoInline, HistoryInline]
    actions = [merge_chosen, split_chosen, set_status]
    editable = ("is_public", "public_description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        # Public reports of others are not this officer's to open: here an exact place and a contact are shown.
        return Report.objects.overseen_by(principal_in(request)).order_by("-id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A mayor reads what others deal with."""
        may_change: bool = super().has_change_permission(request, obj)
        return may_change and (obj is None or principal_in(request).may_handle(obj))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ["public_id", "city", "channel", "external_id", "kind", "category", "agency", "status", "description"]
        places = ["attributes", "address", "place", "area", "public_place", "public_area", "location_flag"]
        times = ["reported_at", "received_at", "updated_at", "response_due_at", "responded_at", "due_at", "closed_at"]
        counts = ["handover_count", "arbiter", "reopened_count", "support_count"]
        return [*self.editable, *shown, *places, *times, "anonymised_at", "duplicate_of", "followers", *counts]

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
            origin=Origin.ADMIN,
        )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if gone := [photo for photo in formset.deleted_objects if isinstance(photo, ReportPhoto)]:
            new = {"count": len(gone)}
            add_line(form.instance, "photo_deleted", by=principal_in(request), at=timezone.now(), new=new)


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


class ResponsibilityInline(OwnChoices, admin.TabularInline):
    model = CategoryAgency
    extra = 0


@admin.register(Category)
class CategoryAdmin(OfOwnCity):
    list_display = [
        "slug",
        "name_id",
        "name_en",
        "parent",
        "city",
        "response_working_hours",
        "sla_working_hours",
        "needs_evidence",
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
            by = principal_in(request)
            n = refresh_public_points(category=obj, now=timezone.now(), by=by)
            text = ngettext(
                "The public place of %(n)d report was set anew.", "The public places of %(n)d reports were set anew.", n
            )
            messages.info(request, text % {"n": n})


@admin.register(Agency)
class AgencyAdmin(OfOwnCity):
    list_display = ["slug", "name_id", "name_en", "city"]
    list_filter = ["city"]
    list_select_related = ["city"]
    search_fields = ["slug", "name_id", "name_en"]


@admin.register(HistoryEntry)
class HistoryEntryAdmin(admin.ModelAdmin):
    """To be read: the database itself refuses to change or delete a line."""

    list_display = ["at", "report", "action", "user", "channel", "agency", "origin"]
    list_filter = ["action"]
    list_select_related = ["report", "user", "channel", "agency"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[HistoryEntry]:
        found, principal = super().get_queryset(request), principal_in(request)
        if principal.is_superuser:
            return found
        return found.filter(report__in=Report.objects.overseen_by(principal))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

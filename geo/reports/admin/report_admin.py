"""Reports and who deals with them, in the admin. Nothing here is asked of a third party: places are shown as numbers."""

from typing import Any

from django import forms
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
from geo.reports.admin.actions import merge_chosen, open_incident_of_chosen, set_status, split_chosen
from geo.reports.admin.report_list import ReportList
from geo.reports.admin.scope import OfOwnCity, OwnChoices, principal_in
from geo.reports.admin.steps import ReportSteps
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


class ModerationForm(forms.ModelForm[Report]):
    """Says what it was opened with. One that lay open takes back nothing that was hidden or erased meanwhile."""

    def clean_is_public(self) -> bool:
        is_public: bool = self.cleaned_data["is_public"]
        if is_public and self.instance.is_exercise:
            raise forms.ValidationError(_("A report of an exercise is not shown to the public."))
        return is_public

    def clean_public_description(self) -> str:
        name = "public_description"
        text: str = self.cleaned_data[name]
        opened_with = self.data.get(self.add_initial_prefix(name))
        # A browser sends every line break as two characters.
        if name in self.changed_data and opened_with is not None and opened_with.split() != self.initial[name].split():
            raise forms.ValidationError(_("This text was changed since the form was opened; please look at it again."))
        return text


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
        # As dispatchers, who have that right, and in whichever city they are: it may come from a role in another one.
        return may_delete and (obj is None or principal_in(request).may_dispatch(obj))

    @admin.display(description=_("photo"))
    def number(self, photo: ReportPhoto) -> str:
        earlier = ReportPhoto.objects.filter(report_id=photo.report_id, id__lt=photo.pk).count()
        url = reverse("report-photo", args=[photo.report.public_id, earlier + 1])
        return format_html('<a href="{}">{}</a>', url, earlier + 1)


@admin.register(Report)
class ReportAdmin(ReportSteps, ReportList):
    """A report is read here; what the public sees of it can be changed, and the history notes that it was."""

    inlines = [ContactInline, PhotoInline]
    actions = [set_status, merge_chosen, split_chosen, open_incident_of_chosen]
    editable = ("is_public", "public_description")
    form = ModerationForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        # Public reports of others are not this officer's to open: here an exact place and a contact are shown.
        # Of an area its name is shown; its boundary is large.
        return Report.objects.overseen_by(principal_in(request)).defer("area__boundary").order_by("-id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A mayor reads what others deal with."""
        may_change: bool = super().has_change_permission(request, obj)
        return may_change and (obj is None or principal_in(request).may_handle(obj))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.editable:
            kwargs["show_hidden_initial"] = True
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is worked with stands first; the rest is folded away."""
        first = ["public_id", "status_name", "category", "agency", "due_at", "reported_at", "channel", "description"]
        place = ["attributes", "address", "landmark", "place", "area", "duplicate_of", "followers"]
        public = [*self.editable, "public_place", "public_area", "support_count"]
        times = ["received_at", "updated_at", "response_due_at", "responded_at", "closed_at", "anonymised_at"]
        more = ["city_name", "external_id", "kind", "location_flag", "handover_count", "arbiter", "reopened_count"]
        return [
            (None, {"fields": [*first, *place]}),
            (_("What the public sees"), {"fields": public}),
            (_("More about it"), {"fields": [*more, *times], "classes": ["collapse"]}),
        ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for _title, part in self.get_fieldsets(request, obj) for name in part["fields"]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.get_fields(request, obj) if name not in self.editable]

    @admin.display(description=_("city"))
    def city_name(self, report: Report) -> str:
        return report.city.name

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
            **{name: form.cleaned_data[name] for name in form.changed_data if name in self.editable},
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

"""Working calendars in the admin: what is saved is laid out at once; open reports follow when that is asked for."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.operations.clocks.reading import reports_to_recompute
from geo.operations.clocks.services import lay_out_calendar
from geo.operations.clocks.tasks import recompute_calendar
from geo.reports.admin.scope import OfOwnCity
from geo.reports.models import CalendarException, WorkingCalendar


class ExceptionInline(admin.TabularInline):
    model = CalendarException
    extra = 0
    ordering = ["-date", "-id"]


@admin.register(WorkingCalendar)
class WorkingCalendarAdmin(OfOwnCity):
    list_display = ["slug", "name", "city", "is_default", "observes_holidays", "observes_joint_leave", "laid_out_until"]
    list_filter = ["city"]
    list_select_related = ["city"]
    search_fields = ["slug", "name"]
    readonly_fields = ["laid_out_from", "laid_out_until"]
    inlines = [ExceptionInline]
    actions = ["recompute"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """With its exceptions, which are stored only now."""
        super().save_related(request, form, formsets, change)
        if lay_out_calendar(calendar=form.instance, now=timezone.now()) and change:
            n = reports_to_recompute(calendar=form.instance).count()
            says = ngettext(
                "%(n)d open report keeps its deadline until the deadlines are recomputed.",
                "%(n)d open reports keep their deadlines until the deadlines are recomputed.",
                n,
            )
            messages.info(request, says % {"n": n})

    @admin.action(description=_("Recompute the deadlines of open reports"), permissions=["change"])
    def recompute(self, request: HttpRequest, queryset: QuerySet[WorkingCalendar]) -> None:
        for calendar in self.theirs(request, queryset):
            recompute_calendar.enqueue(calendar.pk, request.user.pk)
        messages.success(request, _("The deadlines are being recomputed."))

"""The admin's list of reports: its columns in words, its filters, and the search by number or text."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from geo.areas.models import City
from geo.reports.admin.scope import principal_in
from geo.reports.models import Report
from geo.reports.models.report import IS_OPEN
from geo.reports.workflow import WORDS, Status

TEXT_LENGTH = 80


class OpenFilter(admin.SimpleListFilter):
    title = _("open or closed")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("open")), ("no", pgettext_lazy("report", "closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted: dict[str | None, Q] = {"yes": IS_OPEN, "no": ~IS_OPEN}
        return queryset.filter(wanted.get(self.value(), Q()))


class LateFilter(admin.SimpleListFilter):
    title = _("late or in time")
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("late")), ("no", _("in time"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        late = Report.objects.late(timezone.now())
        if self.value() == "yes":
            return queryset & late
        return queryset.exclude(pk__in=late.values("pk")) if self.value() == "no" else queryset


class NamedFilter(admin.RelatedFieldListFilter):
    """What is to choose from, by its name, in the cities of who asks; where two are called the same, their slugs tell them apart."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        model, city_ids = field.remote_field.model, principal_in(request).city_ids
        found = model._default_manager.all()
        if city_ids is not None:
            found = (
                found.filter(pk__in=city_ids) if model is City else found.filter(Q(city=None) | Q(city__in=city_ids))
            )
        rows = sorted(found, key=lambda row: (row.name, row.slug))
        times = Counter(row.name for row in rows)
        return [(str(row.pk), row.name if times[row.name] == 1 else f"{row.name} ({row.slug})") for row in rows]


class ReportList(admin.ModelAdmin):
    list_display = [
        # Of a narrow screen the last ones are beyond the edge.
        *("number", "status_name", "late", "category_name", "text", "area_name"),
        *("due_at", "agency_name", "reported_at", "channel_name"),
    ]
    list_filter = [
        *(OpenFilter, LateFilter, "status"),
        *((name, NamedFilter) for name in ("agency", "category", "channel", "city")),
        *("is_public", "kind", "location_flag", "is_exercise"),
    ]
    list_select_related = ["category", "agency", "area", "channel"]
    search_fields = ["description", "external_id"]
    search_help_text = _("A report's number, or a part of its text.")
    date_hierarchy = "reported_at"
    show_full_result_count = False
    list_per_page = 50

    class Media:
        css = {"all": ["pantau/report_admin.css"]}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # A whole number is found by its index, without a look at any text.
        numbered = queryset.filter(public_id=search_term.strip().lower())
        if search_term.strip() and numbered.exists():
            return numbered, False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("number"), ordering="public_id")
    def number(self, report: Report) -> str:
        return report.public_id

    @admin.display(description=_("category"), ordering="category")
    def category_name(self, report: Report) -> str:
        return report.category.name

    @admin.display(description=_("text"))
    def text(self, report: Report) -> str:
        return Truncator(report.public_description).chars(TEXT_LENGTH)

    @admin.display(description=_("area"), ordering="area__name")
    def area_name(self, report: Report) -> str:
        return report.area.name if report.area is not None else "-"

    @admin.display(description=_("agency"), ordering="agency")
    def agency_name(self, report: Report) -> str:
        return report.agency.name if report.agency is not None else "-"

    @admin.display(description=_("status"), ordering="status")
    def status_name(self, report: Report) -> str:
        return WORDS[Status(report.status)].name

    @admin.display(description=_("late"))
    def late(self, report: Report) -> str:
        return format_html('<strong class="late">{}</strong>', _("late")) if is_late(report, timezone.now()) else ""

    @admin.display(description=_("channel"), ordering="channel")
    def channel_name(self, report: Report) -> str:
        return report.channel.name


def is_late(report: Report, now: datetime) -> bool:
    """ReportQuerySet.late of one report."""
    return report.due_at is not None and (report.closed_at or now) > report.due_at

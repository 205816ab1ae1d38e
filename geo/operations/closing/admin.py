"""Closings and evidence, in the admin: to be read; a photo that should not be there can be taken away."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from geo.operations.closing.models import Closing
from geo.reports.access.principals import Origin, principal_of_user
from geo.reports.evidence.services import remove_evidence
from geo.reports.evidence.words import findings_in_words
from geo.reports.models import Report, ReportEvidence


class ReadOnlyAdmin(admin.ModelAdmin):
    """Of reports that this person oversees."""

    list_select_related = ["report"]
    search_fields = ["report__public_id"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        overseen = Report.objects.overseen_by(principal_of_user(request.user))
        return super().get_queryset(request).filter(report__in=overseen.values("pk"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Closing)
class ClosingAdmin(ReadOnlyAdmin):
    list_display = ["report", "agency_name", "closed_at", "says_done", "reopened_at"]
    list_filter = ["is_done", ("reopened_at", admin.EmptyFieldListFilter), "agency"]
    list_select_related = ["report", "agency"]
    date_hierarchy = "closed_at"

    @admin.display(description=_("agency"), ordering="agency__slug")
    def agency_name(self, closing: Closing) -> str:
        return closing.agency.name if closing.agency is not None else "-"

    @admin.display(description=_("reporter says"), boolean=True, ordering="is_done")
    def says_done(self, closing: Closing) -> bool | None:
        return closing.is_done


@admin.register(ReportEvidence)
class ReportEvidenceAdmin(ReadOnlyAdmin):
    list_display = ["report", "photo", "added_at", "added_by", "taken_at", "distance_m", "found"]
    list_select_related = ["report", "added_by"]
    date_hierarchy = "added_at"
    fields = ["report", "photo", "added_at", "added_by", "taken_at", "distance_m", "found"]

    def has_delete_permission(self, request: HttpRequest, obj: ReportEvidence | None = None) -> bool:
        if not request.user.has_perm("geo.delete_reportevidence"):
            return False
        return obj is None or principal_of_user(request.user).may_dispatch(obj.report)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # One by one: each leaves its line of history.
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_model(self, request: HttpRequest, obj: ReportEvidence) -> None:
        remove_evidence(
            evidence=obj, by=principal_of_user(request.user, origin=Origin.ADMIN), now=timezone.now()
        )  # fmt: skip

    @admin.display(description=_("photo"))
    def photo(self, evidence: ReportEvidence) -> str:
        url = reverse("report-evidence-image", args=[evidence.report.public_id, evidence.pk])
        return format_html('<a href="{}">{}</a>', url, evidence.pk)

    @admin.display(description=_("findings"))
    def found(self, evidence: ReportEvidence) -> str:
        return findings_in_words(evidence.findings)

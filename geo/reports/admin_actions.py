"""What an officer does with chosen reports in the admin's list: merges, splits, sets a status."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.reports.authentication import principal_of_user
from geo.reports.merging import merge_reports, split_report
from geo.reports.models import Report
from geo.reports.status import change_status
from geo.reports.workflow import Status
from server.core.errors import PantauError


class StatusForm(forms.Form):
    status = forms.ChoiceField(label=_("status"), choices=Status.choices)
    note = forms.CharField(label=_("note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
    note_is_public = forms.BooleanField(
        label=_("The note is public"),
        required=False,
        initial=True,
        help_text=_("A public note is shown to everybody, and goes back to the channel."),
    )


@admin.action(description=_("Merge the chosen reports into the earliest of them"), permissions=["change"])
def merge_chosen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> None:
    chosen = list(queryset.order_by("reported_at", "id"))
    parents = [report for report in chosen if report.duplicate_of_id is None]
    if len(chosen) < 2 or not parents:
        messages.error(request, _("Choose two reports at least, of which one follows no other."))
        return
    parent = parents[0]
    children = [report for report in chosen if report is not parent]
    try:
        merge_reports(parent=parent, children=children, by=principal_of_user(request.user), now=timezone.now())
    except PantauError as error:
        messages.error(request, error.detail)
        return
    text = ngettext("%(n)d report follows %(parent)s now.", "%(n)d reports follow %(parent)s now.", len(children))
    messages.success(request, text % {"n": len(children), "parent": parent.public_id})


@admin.action(description=_("Split the chosen reports from those that they follow"), permissions=["change"])
def split_chosen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> None:
    by = principal_of_user(request.user)
    done = _each(request, queryset, lambda report: split_report(report=report, by=by, now=timezone.now()))
    if done:
        text = ngettext("%(n)d report stands for itself again.", "%(n)d reports stand for themselves again.", done)
        messages.success(request, text % {"n": done})


@admin.action(description=_("Set the status of the chosen reports"), permissions=["change"])
def set_status(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
    """Asks for the status and a note first, then sets it report by report: one that cannot be changed keeps no other back."""
    form = StatusForm(request.POST) if "apply" in request.POST else StatusForm()
    if not form.is_valid():
        context = {
            **model_admin.admin_site.each_context(request),
            "title": _("Set the status of the chosen reports"),
            "opts": model_admin.model._meta,
            "reports": queryset,
            "form": form,
        }
        return TemplateResponse(request, "admin/geo/report/set_status.html", context)
    by, given = principal_of_user(request.user), form.cleaned_data

    def change(report: Report) -> None:
        change_status(
            report=report,
            status=Status(given["status"]),
            by=by,
            now=timezone.now(),
            note=given["note"].strip(),
            note_is_public=given["note_is_public"],
        )

    done = _each(request, queryset, change)
    if done:
        text = ngettext("The status of %(n)d report was set.", "The status of %(n)d reports was set.", done)
        messages.success(request, text % {"n": done})
    return None


def _each(request: HttpRequest, queryset: QuerySet[Report], work: Callable[[Report], Any]) -> int:
    """Does it for each; how many it could be done for. The others are named, with the reason."""
    done = 0
    for report in queryset.order_by("id"):
        try:
            work(report)
            done += 1
        except PantauError as error:
            # Not first in the sentence: the admin capitalises that, and an id would be another.
            says = _("Report %(id)s: %(reason)s") % {"id": report.public_id, "reason": error.detail}
            messages.error(request, says)
    return done

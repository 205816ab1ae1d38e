"""What staff do with the reports chosen in the admin's list: merge and split them, and take a step with each."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.reports.admin.scope import principal_in
from geo.reports.admin.steps import ask_for_step
from geo.reports.merging import merge_reports, split_report
from geo.reports.models import Report
from geo.reports.workflow import CLOSED, WORDS, Status
from server.core.errors import PantauError


@admin.action(description=_("Merge the chosen reports"), permissions=["change"])
def merge_chosen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
    """Shows first which report will be followed, and by which; merges once that is confirmed."""
    chosen = list(queryset.select_related("category").order_by("reported_at", "id"))
    roots = [report for report in chosen if report.duplicate_of_id is None]
    if len(chosen) < 2 or not roots:
        messages.error(request, _("Choose two reports at least, of which one follows no other."))
        return None
    parent = _parent_of(roots, request.POST.get("parent", ""))
    children = [report for report in chosen if report != parent]
    if "apply" in request.POST:
        try:
            merge_reports(parent=parent, children=children, by=principal_in(request), now=timezone.now())
        except PantauError as error:
            messages.error(request, error.detail)
        else:
            text = ngettext(
                "%(n)d report follows %(parent)s now.", "%(n)d reports follow %(parent)s now.", len(children)
            )
            messages.success(request, text % {"n": len(children), "parent": parent.public_id})
            return None
    return _ask_to_merge(model_admin, request, parent, children, roots)


def _parent_of(roots: Sequence[Report], given: str) -> Report:
    """The one that was asked for; else the earliest that is open, since an open report follows no closed one."""
    asked = [report for report in roots if str(report.pk) == given]
    is_open = [report for report in roots if report.status not in CLOSED]
    return next(iter([*asked, *is_open, *roots]))


def _ask_to_merge(
    model_admin: Any, request: HttpRequest, parent: Report, children: Sequence[Report], roots: Sequence[Report]
) -> HttpResponse:
    closes = parent.status in CLOSED and any(child.status not in CLOSED for child in children)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Merge the chosen reports"),
        "opts": model_admin.model._meta,
        "parent": _shown(parent),
        "children": [_shown(child) for child in children],
        "along": [
            _shown(one)
            for one in Report.objects.filter(duplicate_of__in=children)
            .exclude(pk__in=[child.pk for child in children])
            .select_related("category")
            .order_by("id")
        ],
        "others": [_shown(root) for root in roots if root != parent],
        "closes": closes,
    }
    return TemplateResponse(request, "admin/geo/report/merge.html", context)


def _shown(report: Report) -> dict[str, Any]:
    return {"report": report, "status": WORDS[Status(report.status)].name}


@admin.action(description=_("Split the chosen reports from those that they follow"), permissions=["change"])
def split_chosen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> None:
    by = principal_in(request)
    done = _each(request, queryset, lambda report: split_report(report=report, by=by, now=timezone.now()))
    if done:
        text = ngettext("%(n)d report stands for itself again.", "%(n)d reports stand for themselves again.", done)
        messages.success(request, text % {"n": done})


@admin.action(description=_("Take the next step with the chosen reports"), permissions=["change"])
def set_status(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
    return ask_for_step(model_admin, request, queryset)


@admin.action(description=_("Open an incident of the chosen reports"), permissions=["change"])
def open_incident_of_chosen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse:
    """Leads to the incident's own form, which asks whether they may."""
    ids = " ".join(queryset.order_by("id").values_list("public_id", flat=True))
    return HttpResponseRedirect(f"{reverse('admin:geo_incident_add')}?{urlencode({'reports': ids})}")


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

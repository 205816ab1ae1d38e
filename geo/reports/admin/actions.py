"""What staff do with reports in the admin: merge and split those chosen in the list, take steps there and on a report's page."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.reports.access.principals import Principal
from geo.reports.admin.scope import principal_in
from geo.reports.merging import merge_reports, split_report
from geo.reports.models import Agency, Report
from geo.reports.status import change_status, next_steps
from geo.reports.workflow import WORDS, Edge, Need, Status
from server.core.errors import PantauError


class _AgencyField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Agency) -> str:
        return obj.name


class StepForm(forms.Form):
    """What a step may need. Of the statuses those are offered to which a step leads from any of the chosen reports."""

    status = forms.ChoiceField(label=_("status"))
    agency = _AgencyField(
        label=_("agency"), queryset=Agency.objects.none(), required=False, help_text=_("Where the step hands it over.")
    )
    note = forms.CharField(label=_("note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
    note_is_public = forms.BooleanField(
        label=_("The note is public"),
        required=False,
        initial=True,
        help_text=_("A public note is shown to everybody, and goes back to the channel."),
    )

    def __init__(self, *args: Any, reports: Sequence[Report], by: Principal, now: datetime, **more: Any) -> None:
        super().__init__(*args, **more)
        edges = {edge.target: edge for report in reports for edge in next_steps(report, by, now=now)}
        status, agency = self.fields["status"], self.fields["agency"]
        assert isinstance(status, forms.ChoiceField)
        assert isinstance(agency, forms.ModelChoiceField)
        status.choices = [(target, _described(edges[target])) for target in Status if target in edges]
        agency.queryset = Agency.objects.filter(city__in={report.city_id for report in reports}).order_by("slug")


NEEDS = {Need.REASON: _("a reason"), Need.AGENCY: _("an agency"), Need.EVIDENCE: _("a photo, where its category asks")}


def _described(edge: Edge) -> str:
    """The name of a status, and what the step to it needs."""
    needs = ", ".join(str(says) for need, says in NEEDS.items() if need in edge.needs)
    return f"{WORDS[edge.target].name} ({needs})" if needs else WORDS[edge.target].name


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
        merge_reports(
            parent=parent,
            children=children,
            by=principal_in(request),
            now=timezone.now(),
        )
    except PantauError as error:
        messages.error(request, error.detail)
        return
    text = ngettext("%(n)d report follows %(parent)s now.", "%(n)d reports follow %(parent)s now.", len(children))
    messages.success(request, text % {"n": len(children), "parent": parent.public_id})


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


def ask_for_step(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
    """The page that asks for status, agency and note. Once it is sent, each report takes the step by itself: one that cannot
    keeps no other back, and None is returned."""
    reports = list(queryset.select_related("category", "agency").order_by("id"))
    by, now = principal_in(request), timezone.now()
    sent = request.POST if "apply" in request.POST else None
    form = StepForm(sent, reports=reports, by=by, now=now, initial={"status": request.GET.get("status")})
    if not form.is_valid():
        context = {
            **model_admin.admin_site.each_context(request),
            "title": _("Take the next step with the chosen reports"),
            "opts": model_admin.model._meta,
            "reports": reports,
            "form": form,
        }
        return TemplateResponse(request, "admin/geo/report/set_status.html", context)
    given = form.cleaned_data

    def change(report: Report) -> None:
        seen = request.POST.get(f"seen-{report.pk}", "")
        change_status(
            report=report,
            status=Status(given["status"]),
            by=by,
            now=now,
            note=given["note"].strip(),
            note_is_public=given["note_is_public"],
            agency=given["agency"],
            as_of=parse_datetime(seen),
        )

    done = _each(request, queryset, change)
    if done:
        text = ngettext("The status of %(n)d report was set.", "The status of %(n)d reports was set.", done)
        messages.success(request, text % {"n": done})
    return None


class ReportSteps(admin.ModelAdmin):
    """A report's page offers its next steps; each leads to a page of its own that asks for what the step needs."""

    change_form_template = "admin/geo/report/change_form.html"

    def get_urls(self) -> list[Any]:
        step = path("<path:object_id>/step/", self.admin_site.admin_view(self.step_view), name="geo_report_step")
        return [step, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        report = self.get_object(request, unquote(object_id))
        steps: list[Edge] = []
        if report is not None and self.has_change_permission(request, report):
            steps = next_steps(report, principal_in(request), now=timezone.now())
        shown = [{"status": edge.target.value, "name": _described(edge)} for edge in steps]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "next_steps": shown})

    def step_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        report = self.get_object(request, unquote(object_id))
        if report is None:
            raise Http404
        if not self.has_change_permission(request, report):
            raise PermissionDenied
        asked = ask_for_step(self, request, Report.objects.filter(pk=report.pk))
        return asked or HttpResponseRedirect(reverse("admin:geo_report_change", args=[report.pk]))


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

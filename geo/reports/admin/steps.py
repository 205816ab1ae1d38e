"""Steps in the admin: the page that asks for what one needs, and photos of what was done with it or without."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from geo.reports.access.principals import HANDLING, Principal
from geo.reports.admin.history_words import history_lines, last_line
from geo.reports.admin.scope import principal_in
from geo.reports.evidence.services import add_evidence, lacks_evidence
from geo.reports.evidence.words import findings_in_words
from geo.reports.models import Agency, CityRole, Report
from geo.reports.status import ChangedMeanwhile, change_status, next_steps
from geo.reports.workflow import WORDS, Edge, Need, Status
from server.core.errors import InvalidFields, PantauError

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NEEDS = {
    Need.REASON: gettext_lazy("a reason"),
    Need.AGENCY: gettext_lazy("an agency"),
    Need.EVIDENCE: gettext_lazy("a photo, where its category asks"),
}
# What the services call it, and what the page does.
_FIELD_OF = {"evidence": "photo"}


def name_of(edge: Edge) -> str:
    """The name of a status, and what the step to it needs."""
    needs = ", ".join(str(says) for need, says in NEEDS.items() if need in edge.needs)
    return f"{WORDS[edge.target].name} ({needs})" if needs else WORDS[edge.target].name


class _AgencyField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Agency) -> str:
        return obj.name


class PhotoForm(forms.Form):
    photo = forms.FileField(
        label=gettext_lazy("Photo of what was done"),
        help_text=gettext_lazy("As the camera wrote it: when and where it was taken is checked against the report."),
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )


class StepForm(forms.Form):
    """What a step may need. Of the statuses those are offered to which a step leads from any of the chosen reports."""

    status = forms.ChoiceField(
        label=gettext_lazy("status"),
        error_messages={"invalid_choice": gettext_lazy("This step is not possible now; choose another one.")},
    )
    agency = _AgencyField(
        label=gettext_lazy("agency"),
        queryset=Agency.objects.none(),
        required=False,
        help_text=gettext_lazy("Where the step hands it over."),
    )
    note = forms.CharField(
        label=gettext_lazy("note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )
    note_is_public = forms.BooleanField(
        label=gettext_lazy("The note is public"),
        required=False,
        initial=True,
        help_text=gettext_lazy("A public note is shown to everybody, and goes back to the channel."),
    )
    photo = forms.FileField(
        label=gettext_lazy("Photo of what was done"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )

    def __init__(self, *args: Any, reports: Sequence[Report], by: Principal, now: datetime, **more: Any) -> None:
        super().__init__(*args, **more)
        edges = {edge.target: edge for report in reports for edge in next_steps(report, by, now=now)}
        status, agency = self.fields["status"], self.fields["agency"]
        assert isinstance(status, forms.ChoiceField)
        assert isinstance(agency, forms.ModelChoiceField)
        # None is chosen beforehand: the first one would be a handover.
        status.choices = [("", "---------"), *((each, name_of(edges[each])) for each in Status if each in edges)]
        agency.queryset = Agency.objects.filter(city__in={report.city_id for report in reports}).order_by("slug")
        if len(reports) == 1:
            self.fields["photo"].help_text = _photo_help(reports[0])
        else:
            # A photo shows what was done about one report.
            del self.fields["photo"]


def _photo_help(report: Report) -> str:
    if lacks_evidence(report):
        return _("Resolving this report needs one.")
    n = report.evidence.count()
    return ngettext("%(n)d photo is there already.", "%(n)d photos are there already.", n) % {"n": n} if n else ""


def ask_for_step(model_admin: Any, request: HttpRequest, queryset: QuerySet[Report]) -> HttpResponse | None:
    """The page that asks for status, agency, note and photo; None once each of the reports has taken the step.

    Each takes it by itself: one that cannot keeps no other back. Those that could not are shown again, with what was typed and
    what stood in the way beside its field.
    """
    found = queryset.select_related("category", "agency").order_by("id")
    reports, several = list(found), queryset.count() > 1
    by, now = principal_in(request), timezone.now()
    is_sent = "apply" in request.POST
    sent: Any = (request.POST, request.FILES) if is_sent else (None, None)
    form = StepForm(*sent, reports=reports, by=by, now=now, initial={"status": request.GET.get("status")})
    if is_sent and form.is_valid():
        refused = _take_steps(request, reports, form.cleaned_data, by, now)
        if not refused:
            return None
        reports = list(found.filter(pk__in=refused)) if several else list(Report.objects.filter(pk__in=refused))
        form = StepForm(*sent, reports=reports, by=by, now=now)
        for report in reports:
            _say_why(form, report, refused[report.pk], several=several)
    title = _("Take the next step with the chosen reports") if several else _("Take the next step")
    return page_of(model_admin, request, reports, form, title)


def page_of(model_admin: Any, request: HttpRequest, reports: Sequence[Report], form: Any, title: Any) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.model._meta,
        "reports": reports,
        "form": form,
    }
    return TemplateResponse(request, "admin/geo/report/set_status.html", context)


def _take_steps(
    request: HttpRequest, reports: Sequence[Report], given: Mapping[str, Any], by: Principal, now: datetime
) -> dict[int, PantauError]:
    """Who did not take the step, by id, and why. Who did is told."""
    refused: dict[int, PantauError] = {}
    for report in reports:
        try:
            # Kept where the step then cannot be taken: who tries again need not send it again.
            if given.get("photo") is not None:
                bring_photo(request, report, given["photo"], by, now)
            change_status(
                report=report,
                status=Status(given["status"]),
                by=by,
                now=now,
                note=given["note"].strip(),
                note_is_public=given["note_is_public"],
                agency=given["agency"],
                as_of=_moment_of(request.POST.get(f"seen-{report.pk}", "")),
            )
        except PantauError as error:
            refused[report.pk] = error
    n, status = len(reports) - len(refused), WORDS[Status(given["status"])].name
    if len(reports) == 1 and n:
        says = _("Report %(id)s: the status is %(status)s now.") % {"id": reports[0].public_id, "status": status}
        messages.success(request, says)
    elif n:
        text = ngettext(
            "The status of %(n)d report is %(status)s now.", "The status of %(n)d reports is %(status)s now.", n
        )
        messages.success(request, text % {"n": n, "status": status})
    return refused


def bring_photo(request: HttpRequest, report: Report, photo: Any, by: Principal, now: datetime) -> None:
    """Stores it, and says what the checks found. Errors: those of add_evidence."""
    evidence, is_new = add_evidence(report=report, photo=photo, by=by, now=now)
    words = _("The photo is stored. Checks: %(found)s.") if is_new else _("This photo was there. Checks: %(found)s.")
    messages.info(request, words % {"found": findings_in_words(evidence.findings)})


def _say_why(form: forms.Form, report: Report, error: PantauError, *, several: bool) -> None:
    """Beside the fields that the error names, else above them all; of several reports each is named."""

    def says(words: str) -> str:
        return _("Report %(id)s: %(reason)s") % {"id": report.public_id, "reason": words} if several else words

    if isinstance(error, InvalidFields):
        for name, told in error.fields.items():
            field = _FIELD_OF.get(name, name)
            form.add_error(field if field in form.fields else None, says(" ".join(map(str, told))))
        return
    form.add_error(None, says(error.detail))
    if isinstance(error, ChangedMeanwhile):
        form.add_error(None, says(_as_it_is(report)))


def _as_it_is(report: Report) -> str:
    """What somebody who came too late has to know; the API says the same as `current`."""
    agency = report.agency.name if report.agency is not None else "–"
    text = _("It is now: %(status)s, %(agency)s.") % {"status": WORDS[Status(report.status)].name, "agency": agency}
    last = last_line(report)
    if last is None:
        return text
    at = date_format(timezone.localtime(last.at), "j F Y H:i")
    return text + " " + _("Last: %(at)s, %(who)s: %(what)s.") % {"at": at, "who": last.who, "what": last.what}


def _moment_of(seen: str) -> datetime | None:
    """When the report had been changed last that the page showed; what is no time was of no page of ours, and is too old."""
    try:
        return parse_datetime(seen)
    except ValueError:
        return _LONG_AGO


class ReportSteps(admin.ModelAdmin):
    """A report's page offers its next steps; each leads to a page of its own that asks for what the step needs."""

    change_form_template = "admin/geo/report/change_form.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("<path:object_id>/step/", view(self.step_view), name="geo_report_step"),
            path("<path:object_id>/evidence/", view(self.evidence_view), name="geo_report_evidence"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        report = self.get_object(request, unquote(object_id))
        shown: dict[str, Any] = {}
        if report is not None and self.has_view_permission(request, report):
            may_change = self.has_change_permission(request, report)
            steps = next_steps(report, principal_in(request), now=timezone.now()) if may_change else []
            shown = {
                "next_steps": [
                    {"edge": edge, "name": WORDS[edge.target].name, "needs": name_of(edge)} for edge in steps
                ],
                "may_instruct": principal_in(request).has_role(report.city_id, {CityRole.Role.MAYOR}),
                "may_bring_evidence": may_change and report.duplicate_of_id is None,
                "evidence": [
                    {"photo": one, "found": findings_in_words(one.findings)}
                    for one in report.evidence.select_related("added_by").order_by("id")
                ],
                "sees_evidence": request.user.has_perm("geo.view_reportevidence"),
                "history_lines": history_lines(report),
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def step_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        report = self._handled(request, object_id)
        if report is None:
            return HttpResponseRedirect(reverse("admin:geo_report_changelist"))
        asked = ask_for_step(self, request, Report.objects.filter(pk=report.pk))
        return asked or self._back_to(report)

    def evidence_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        report = self._handled(request, object_id)
        if report is None:
            return HttpResponseRedirect(reverse("admin:geo_report_changelist"))
        form = PhotoForm(request.POST, request.FILES) if request.method == "POST" else PhotoForm()
        if form.is_valid():
            try:
                bring_photo(request, report, form.cleaned_data["photo"], principal_in(request), timezone.now())
                return self._back_to(report)
            except PantauError as error:
                _say_why(form, report, error, several=False)
        return page_of(self, request, [report], form, gettext_lazy("Bring a photo of what was done"))

    def _handled(self, request: HttpRequest, object_id: str) -> Report | None:
        """A report that they deal with; None, and a word about it, for one that was handed over since its page was opened."""
        report = self.get_object(request, unquote(object_id))
        if report is None:
            if self._has_left(request, unquote(object_id)):
                return None
            raise Http404
        if not self.has_change_permission(request, report):
            raise PermissionDenied
        return report

    def _has_left(self, request: HttpRequest, pk: str) -> bool:
        by = principal_in(request)
        if not (request.method == "POST" and pk.isdecimal() and self.has_change_permission(request)):
            return False
        report = Report.objects.visible_to(by).select_related("agency").filter(pk=pk).first()
        if report is None or not by.has_role(report.city_id, HANDLING):
            return False
        says = _("Report %(id)s is not yours to deal with any more.") % {"id": report.public_id}
        messages.error(request, f"{says} {_as_it_is_for_others(report)}")
        return True

    def _back_to(self, report: Report) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:geo_report_change", args=[report.pk]))


def _as_it_is_for_others(report: Report) -> str:
    """What is public of it: who took the step is for those who deal with the report."""
    agency = report.agency.name if report.agency is not None else "–"
    return _("It is now: %(status)s, %(agency)s.") % {"status": WORDS[Status(report.status)].name, "agency": agency}

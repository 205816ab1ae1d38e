"""Rules and the arbiter in the admin: rules that never match are named, and all are tried before they are applied."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.areas.models import City
from geo.operations.routing.arbitration import waiting_for_decision
from geo.operations.routing.dry_run import DryRun, dry_run
from geo.operations.routing.models import RoutingPolicy
from geo.operations.routing.reading import rules_of, scope_of
from geo.operations.routing.rules import faults
from geo.operations.routing.services import reroute
from geo.operations.routing.words import FLAWS, fault_text
from geo.reports.access.principals import Origin, principal_of_user
from geo.reports.admin.scope import OfOwnCity
from geo.reports.models import RoutingRule
from server.core.errors import PantauError

MAX_DAYS = 366


class TryForm(forms.Form):
    city = forms.ModelChoiceField(label=_("city"), queryset=City.objects.all())
    days = forms.IntegerField(
        label=_("days"),
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        help_text=_("Reports of the last so many days. Empty: those that are open."),
    )


@admin.register(RoutingRule)
class RoutingRuleAdmin(OfOwnCity):
    list_display = ["position", "city", "category", "area", "agency", "valid_from", "valid_to", "is_active", "fault"]
    list_filter = ["city", "is_active", "agency"]
    list_select_related = ["city", "category", "area", "agency"]
    list_display_links = ["position"]
    search_fields = ["note", "category__slug", "area__code", "area__name", "agency__slug"]
    autocomplete_fields = ["category", "area", "agency"]
    ordering = ["city", "position", "id"]
    change_list_template = "admin/geo/routingrule/change_list.html"
    save_as = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingRule]:
        return super().get_queryset(request).defer("area__boundary")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # Once for the page, not once a line.
        self.why: Mapping[int, Any] = {
            fault.rule.pk: FLAWS[fault.flaw] for city in City.objects.all() for fault in _faults(city)
        }
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("never matches"))
    def fault(self, rule: RoutingRule) -> Any:
        return self.why.get(rule.pk, "-")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("try/", view, name="geo_routingrule_try"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: RoutingRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for fault in _faults(obj.city):
            messages.warning(request, f"{fault_text(fault)}.")

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """What the rules would do to the reports that are there; and, asked to, does it to those that wait."""
        if not self.has_view_permission(request):
            return self._refused(request, _("You may not see routing rules."))
        given = request.POST if request.method == "POST" else request.GET
        form = TryForm(given if "city" in given else None, initial={"city": City.objects.order_by("slug").first()})
        found: DryRun | None = None
        if form.is_valid():
            by, city, days = principal_of_user(request.user, origin=Origin.ADMIN), *form.cleaned_data.values()
            try:
                if request.method == "POST":
                    return self._apply(request, city, by)
                found = dry_run(city=city, by=by, now=timezone.now(), days=days)
            except PantauError as error:
                messages.error(request, error.detail)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try the routing rules"),
            "opts": self.model._meta,
            "form": form,
            "found": found,
            "faults": [fault_text(fault) for fault in found.faults] if found is not None else [],
        }
        return TemplateResponse(request, "admin/geo/routingrule/try.html", context)

    def _apply(self, request: HttpRequest, city: City, by: Any) -> HttpResponse:
        if not self.has_change_permission(request):
            return self._refused(request, _("You may not apply routing rules."))
        done = reroute(city=city, by=by, now=timezone.now())
        says = ngettext(
            "%(n)d report was given to another agency.", "%(n)d reports were given to another agency.", done.reports
        )
        messages.success(request, says % {"n": done.reports})
        if done.has_more:
            messages.warning(request, _("There are more; apply the rules again."))
        return HttpResponseRedirect(f"{reverse('admin:geo_routingrule_try')}?city={city.pk}")

    def _refused(self, request: HttpRequest, says: Any) -> HttpResponse:
        messages.error(request, says)
        return HttpResponseRedirect(reverse("admin:index"))


def _faults(city: City) -> list[Any]:
    return faults(rules_of(city), scope_of(city), today=timezone.now().astimezone(city.zone).date())


@admin.register(RoutingPolicy)
class RoutingPolicyAdmin(admin.ModelAdmin):
    list_display = ["city", "handovers_before_arbiter", "arbiter", "waiting"]
    list_select_related = ["city", "arbiter"]
    autocomplete_fields = ["arbiter"]

    @admin.display(description=_("reports that wait for a decision"))
    def waiting(self, policy: RoutingPolicy) -> int:
        return waiting_for_decision(policy.city).count()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        for city in City.objects.exclude(routing_policy__arbiter__isnull=False):
            says = _("%(city)s has no arbiter: what agencies hand to and fro stays with its dispatchers.")
            messages.warning(request, says % {"city": city.name})
        return super().changelist_view(request, extra_context)

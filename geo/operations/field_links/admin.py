"""Contacts of agencies, kept by a city's administrators; and the links that were sent, to be read, and to be withdrawn."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geo.operations.field_links.models import AgencyContact, FieldLink
from geo.operations.field_links.services import end_links
from geo.reports.admin.scope import OfOwnCity, principal_in
from geo.reports.models import Report


class ContactForm(forms.ModelForm[AgencyContact]):
    """The address is written, and never shown again: empty leaves it as it is."""

    address = forms.CharField(
        label=_("address"),
        required=False,
        max_length=500,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "size": 60}),
        help_text=_(
            "An e-mail address, or the Apprise URL of a chat gateway. It is not shown; empty: it stays as it is."
        ),
    )

    class Meta:
        model = AgencyContact
        fields = ["agency", "area", "name", "kind", "address", "is_active"]

    def clean_address(self) -> str:
        given: str = self.cleaned_data["address"] or self.instance.address
        if not given:
            raise forms.ValidationError(_("This field is required."))
        return given


@admin.register(AgencyContact)
class AgencyContactAdmin(OfOwnCity):
    form = ContactForm
    city_path = "agency__city"
    list_display = ["name", "agency", "area", "kind", "is_active"]
    list_filter = ["kind", "is_active", "agency"]
    list_select_related = ["agency", "area"]
    autocomplete_fields = ["area"]


@admin.register(FieldLink)
class FieldLinkAdmin(admin.ModelAdmin):
    """Of reports that this person oversees."""

    list_display = ["report", "agency", "contact", "created_at", "sent_at", "opened_at", "used", "expires_at", "ending"]
    list_filter = ["used", "ending", "agency"]
    list_select_related = ["report", "agency", "contact"]
    search_fields = ["report__public_id"]
    actions = ["withdraw"]
    exclude = ["key"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        overseen = Report.objects.overseen_by(principal_in(request))
        return super().get_queryset(request).filter(report__in=overseen.values("pk"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Withdraw every link to these reports"), permissions=["view"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[FieldLink]) -> None:
        by, ended = principal_in(request), 0
        for report in Report.objects.filter(field_links__in=queryset).distinct().order_by("id"):
            if by.may_dispatch(report):
                ended += end_links(report=report, by=by, now=timezone.now())
        messages.info(request, _("%(n)d links were withdrawn.") % {"n": ended})

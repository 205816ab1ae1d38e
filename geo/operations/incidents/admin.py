"""Incidents in the admin: opened, given their reports, answered with one message, and closed there by dispatchers."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.operations.admin_pages import Page, WithPages, ask, city_field, dispatched_cities, dispatches_somewhere
from geo.operations.incidents.admin_forms import EmptyForm, MembersForm, MessageForm, OpeningForm
from geo.operations.incidents.messages import Told, message_reporters
from geo.operations.incidents.models import Incident
from geo.operations.incidents.services import change_reports, close_incident, edit_incident, open_incident
from geo.reports.access.principals import Origin, Principal, principal_of_user
from geo.reports.admin.scope import principal_in
from geo.reports.models import Report
from geo.reports.workflow import WORDS, Status
from server.core.errors import PantauError


@admin.register(Incident)
class IncidentAdmin(WithPages):
    list_display = ["title", "category_name", "area_name", "status", "opened_at", "is_public"]
    list_filter = ["status", "is_public", "city", "is_exercise"]
    list_select_related = ["city", "category", "area"]
    search_fields = ["title", "=public_id"]
    fields = [
        "public_id", "city_name", "title", "category_name", "area_name", "is_public", "status", "opened_at", "opened_by",
        "closed_at", "closed_by", "reports", "log",
    ]  # fmt: skip
    readonly_fields = [
        "public_id", "city_name", "category_name", "area_name", "status", "opened_at", "opened_by", "closed_at", "closed_by",
        "reports", "log",
    ]  # fmt: skip
    actions = ["close"]
    pages = {
        "reports": Page(_("Add or take out reports"), _("Save")),
        "message": Page(
            _("One message to all its reporters"),
            _("Send"),
            _("It is a public note on each report; who left an address has it by e-mail, too."),
        ),
        "close": Page(_("Close the incident"), _("Close the incident"), _("Its reports go on as they are.")),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        found: QuerySet[Incident] = super().get_queryset(request).defer("area__boundary")
        city_ids = principal_in(request).city_ids
        return found if city_ids is None else found.filter(city_id__in=city_ids)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Incident | None:
        found: Incident | None = super().get_object(request, object_id, from_field)
        if found is not None:
            # The table of its reports shows those alone that whoever has the page open sees.
            found.seen_by = principal_in(request)  # type: ignore[attr-defined]
        return found

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who may open one."""
        return dispatches_somewhere(principal_in(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the right to change incidents, in the cities in which they dispatch."""
        may_change: bool = super().has_change_permission(request, obj)
        return may_change and (obj is None or principal_in(request).may_dispatch_in(obj.city_id))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        # The form says what it was opened with, so that one that lay open takes back nothing that others changed meanwhile.
        if db_field.name in ("title", "is_public"):
            kwargs["show_hidden_initial"] = True
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = super().get_readonly_fields(request, obj)
        return [*fixed, "is_public"] if obj is not None and obj.is_exercise else fixed

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        by = principal_of_user(request.user, origin=Origin.ADMIN)
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        if changed:
            edit_incident(incident=obj, by=by, **changed)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Of chosen reports, of those of a category, an area and a time, or of none yet."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        by = principal_in(request)
        form = OpeningForm(request.POST or None, by=by, initial={"reports": request.GET.get("reports", "")})
        city_field(form, dispatched_cities(by))

        def open_one(given: Mapping[str, Any]) -> str:
            incident = open_incident(
                **{name: given[name] for name in ("city", "title", "category", "area", "is_public")},
                reports=form.chosen(),
                by=by,
                now=timezone.now(),
            )
            messages.success(request, _of_reports(_("The incident was opened."), incident))
            return self.address(incident)

        return ask(self, request, Page(_("Open an incident"), _("Open the incident")), form, open_one)

    def offered(self, request: HttpRequest, obj: Incident) -> list[str]:
        return list(self.pages) if obj.status == Incident.Status.OPEN else ["message"]

    def step(self, name: str, request: HttpRequest, obj: Incident, page: Page) -> HttpResponse:
        by, now, sent = principal_in(request), timezone.now(), request.POST if request.method == "POST" else None
        if name == "reports":
            members = MembersForm(sent, by=by, incident=obj)

            def change(given: Mapping[str, Any]) -> str:
                change_reports(incident=obj, add=given["add"], remove=given["remove"], by=by, now=now)
                messages.success(request, _of_reports(_("Its reports were changed."), obj))
                return self.address(obj)

            return ask(self, request, page, members, change, original=obj)
        if name == "message":

            def send(given: Mapping[str, Any]) -> str:
                status = Status(given["status"]) if given["status"] else None
                told = message_reporters(incident=obj, text=given["text"], by=by, now=now, status=status)
                _say_told(request, told)
                return self.address(obj)

            return ask(self, request, page, MessageForm(sent), send, original=obj)

        def close(given: Mapping[str, Any]) -> str:
            close_incident(incident=obj, by=by, now=now)
            messages.success(request, _("The incident is closed."))
            return self.address(obj)

        return ask(self, request, page, EmptyForm(sent), close, original=obj)

    @admin.action(description=_("Close"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        by = principal_of_user(request.user, origin=Origin.ADMIN)
        for incident in queryset:
            try:
                close_incident(incident=incident, by=by, now=timezone.now())
            except PantauError as error:
                self.message_user(request, f"{incident.public_id}: {error.detail}", messages.WARNING)

    @admin.display(description=_("city"), ordering="city__name")
    def city_name(self, incident: Incident) -> str:
        return incident.city.name

    @admin.display(description=_("category"))
    def category_name(self, incident: Incident) -> str:
        return incident.category.name if incident.category is not None else "–"

    @admin.display(description=_("area"), ordering="area__name")
    def area_name(self, incident: Incident) -> str:
        return incident.area.name if incident.area is not None else "–"

    @admin.display(description=_("log"))
    def log(self, incident: Incident) -> str:
        lines = incident.log.select_related("user").order_by("id")
        shown = [(line, _changed_in_words(line.changed)) for line in lines]
        return render_to_string("admin/geo/incident/log.html", {"lines": shown})

    @admin.display(description=_("reports"))
    def reports(self, incident: Incident) -> str:
        """A table and no rows of a form: an incident may have a thousand of them."""
        seen = Report.objects.visible_to(getattr(incident, "seen_by", Principal()))
        members = incident.members.select_related(
            "report__category", "report__agency", "report__public_area", "added_by"
        )
        members = members.defer("report__public_area__boundary").filter(report__in=seen).order_by("id")
        shown = {"members": list(members), "count": incident.members.count()}
        return render_to_string("admin/geo/incident/reports.html", shown)


def _changed_in_words(changed: Mapping[str, Any]) -> str:
    says: list[Any] = [_("title changed")] if changed.get("title") else []
    if "is_public" in changed:
        says.append(_("public") if changed["is_public"] else _("not public"))
    counts = (("added", _("added: %(n)d")), ("removed", _("taken out: %(n)d")), ("reports", _("reports told: %(n)d")))
    says += [words % {"n": changed[name]} for name, words in counts if changed.get(name)]
    if "status" in changed:
        says.append(str(WORDS[Status(changed["status"])].name))
    return ", ".join(map(str, says))


def _of_reports(says: Any, incident: Incident) -> str:
    n = incident.members.count()
    return f"{says} {ngettext('It has %(n)d report.', 'It has %(n)d reports.', n) % {'n': n}}"


def _say_told(request: HttpRequest, told: Told) -> None:
    n = len(told.reports)
    says = ngettext("The message stands on %(n)d report.", "The message stands on %(n)d reports.", n) % {"n": n}
    letters = ngettext("%(n)d e-mail goes out.", "%(n)d e-mails go out.", told.emails) % {"n": told.emails}
    messages.success(request, f"{says} {letters}")
    for report, reason in told.refused:
        messages.warning(request, _("Report %(id)s: %(reason)s") % {"id": report, "reason": reason})

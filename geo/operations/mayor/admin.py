"""Instructions in the admin: given by the mayor, read, and their next step taken by whoever's it is. Words may be emptied there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.operations.admin_pages import Page, ask, city_field
from geo.operations.mayor.admin_forms import InstructionForm
from geo.operations.mayor.instructions import (
    LONGEST_TEXT,
    NEEDS_NOTE,
    give_instruction,
    move_instruction,
    next_states,
    sides_of,
)
from geo.operations.mayor.models import Instruction, InstructionNote, InstructionStep, State, WeeklyBrief
from geo.operations.mayor.sending import Fate, fates_of
from geo.operations.outbox.admin import ReadOnly
from geo.reports.access.principals import Role
from geo.reports.admin.scope import administered, cities_seen, principal_in
from server.core.errors import PantauError


class OnlyRead(ReadOnly):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepInline(OnlyRead, admin.TabularInline):
    model = InstructionStep
    extra = 0
    fields = ["at", "old_state", "new_state", "user", "origin", "words"]
    readonly_fields = ["at", "old_state", "new_state", "user", "origin", "words"]

    @admin.display(description=_("text"))
    def words(self, step: InstructionStep) -> str:
        return step.text

    def get_queryset(self, request: HttpRequest) -> QuerySet[InstructionStep]:
        return super().get_queryset(request).select_related("user", "note", "report_note")


class StepForm(forms.ModelForm[Instruction]):
    """What comes next: one of the steps that whoever has the page open may take."""

    # Of a class that is made for each request.
    states: Sequence[str] = ()
    step = forms.ChoiceField(label=_("next step"))
    note = forms.CharField(
        label=_("note"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Needed for done and returned."),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        step = self.fields.get("step")
        if isinstance(step, forms.ChoiceField):
            step.choices = [("", "---------"), *((state, State(state).label) for state in self.states)]

    def clean(self) -> None:
        if self.cleaned_data.get("step") in NEEDS_NOTE and not self.cleaned_data.get("note"):
            self.add_error("note", _("Needed: what was done, or what is missing."))


@admin.register(Instruction)
class InstructionAdmin(ReadOnly, admin.ModelAdmin):
    form = StepForm
    readonly_fields = [
        *("public_id", "words", "city_name", "agency_name", "report", "incident", "area_name", "state", "deadline"),
        *("given_at", "given_by", "done_at", "ended_at"),
    ]
    list_display = ["public_id", "agency_name", "about", "state", "deadline", "given_at"]
    list_filter = ["state", "agency"]
    list_select_related = ["agency", "report", "incident", "area"]
    search_fields = ["=public_id"]
    inlines = [StepInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instruction]:
        seen = Instruction.objects.visible_to(principal_in(request)).values("pk")
        found: QuerySet[Instruction] = super().get_queryset(request)
        return found.filter(pk__in=seen).defer("area__boundary")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may give one: a mayor."""
        by = principal_in(request)
        return by.city_ids is None or any(by.has_role(city_id, {Role.MAYOR}) for city_id in by.city_ids)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        by, cities = principal_in(request), City.objects.order_by("slug")
        if by.city_ids is not None:
            cities = cities.filter(pk__in=[pk for pk in by.city_ids if by.has_role(pk, {Role.MAYOR})])
        initial = {name: request.GET.get(name, "") for name in ("report", "incident", "area", "agency")}
        form = InstructionForm(request.POST or None, by=by, cities=cities, initial=initial)
        city_field(form, cities)

        def give(given: Mapping[str, Any]) -> str:
            instruction = give_instruction(
                **{name: given[name] for name in ("city", "agency", "deadline", "text")},
                target=form.target,
                by=by,
                now=timezone.now(),
            )
            says = _("The instruction was given to %(agency)s.") % {"agency": instruction.agency.name}
            messages.success(request, says)
            return reverse("admin:geo_instruction_change", args=[instruction.pk])

        return ask(self, request, Page(_("Give an instruction"), _("Give")), form, give)

    @admin.display(description=_("What is to be done"))
    def words(self, instruction: Instruction) -> str:
        """Whole on its page, where the steps follow; empty once it was erased."""
        step = instruction.steps.select_related("note", "report_note").order_by("id").first()
        return (step.text if step is not None else "") or "–"

    @admin.display(description=_("city"))
    def city_name(self, instruction: Instruction) -> str:
        return instruction.city.name

    @admin.display(description=_("area"))
    def area_name(self, instruction: Instruction) -> str:
        return instruction.area.name if instruction.area is not None else "–"

    @admin.display(description=_("agency"), ordering="agency__slug")
    def agency_name(self, instruction: Instruction) -> str:
        return instruction.agency.name

    @admin.display(description=_("about"))
    def about(self, instruction: Instruction) -> str:
        if instruction.area is not None:
            return instruction.area.name
        return str(instruction.incident or instruction.report)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may take its next step; nothing else is changed."""
        return obj is not None and self.has_view_permission(request, obj) and bool(_next_of(request, obj))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = ["step", "note"] if self.has_change_permission(request, obj) else []
        return [*self.readonly_fields, *asked]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.states = _next_of(request, obj) if obj is not None else ()
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **more: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **more)
        except PantauError as error:
            # The other side took a step since the form was checked.
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Instruction, form: Any, change: bool) -> None:
        given = form.cleaned_data
        move_instruction(
            instruction=obj,
            state=State(given["step"]),
            note=given["note"],
            by=principal_in(request),
            now=timezone.now(),
        )


def _next_of(request: HttpRequest, instruction: Instruction) -> list[str]:
    return next_states(instruction, sides_of(instruction, principal_in(request)))


@admin.register(InstructionNote)
class InstructionNoteAdmin(ReadOnly, admin.ModelAdmin):
    """Read, and emptied by administrators of the city: nobody puts other words into somebody's mouth."""

    list_display = ["id", "instruction"]
    list_select_related = ["instruction"]
    fields = ["instruction", "text"]
    readonly_fields = ["instruction", "text"]
    actions = ["empty"]

    @admin.action(description=_("Empty the chosen texts"), permissions=["change"])
    def empty(self, request: HttpRequest, queryset: QuerySet[InstructionNote]) -> None:
        city_ids = administered(request)
        theirs = queryset if city_ids is None else queryset.filter(instruction__city__in=city_ids)
        for note in theirs.exclude(text=""):
            note.text = ""
            note.save(update_fields=["text"])
            self.log_change(request, note, [{"changed": {"fields": ["text"]}}])

    def get_queryset(self, request: HttpRequest) -> QuerySet[InstructionNote]:
        seen = Instruction.objects.visible_to(principal_in(request)).values("pk")
        found: QuerySet[InstructionNote] = super().get_queryset(request)
        return found.filter(instruction__in=seen)


@admin.register(WeeklyBrief)
class WeeklyBriefAdmin(OnlyRead, admin.ModelAdmin):
    """Written once per city and week; what became of its letters stands beside it, as long as the outbox remembers them."""

    list_display = ["week", "city", "written_at", "recipients", "letters"]
    list_select_related = ["city"]
    fields = ["week", "city", "written_at", "recipients", "letters"]
    readonly_fields = ["week", "city", "written_at", "recipients", "letters"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WeeklyBrief]:
        found: QuerySet[WeeklyBrief] = super().get_queryset(request)
        city_ids = cities_seen(request, self.model)
        return found if city_ids is None else found.filter(city__in=city_ids)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        fates = fates_of(list(found.result_list))
        for brief in found.result_list:
            brief.fates = fates[brief.pk]
        return found

    @admin.display(description=_("written at"), ordering="sent_at")
    def written_at(self, brief: WeeklyBrief) -> datetime:
        return brief.sent_at

    @admin.display(description=_("letters"))
    def letters(self, brief: WeeklyBrief) -> str:
        fates = getattr(brief, "fates", None)
        if fates is None:
            fates = fates_of([brief])[brief.pk]
        return ", ".join(f"{fates[fate]} {fate.label}" for fate in Fate if fates[fate]) or "-"

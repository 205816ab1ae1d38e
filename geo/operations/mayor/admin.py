"""Instructions in the admin: read by those who oversee the city; given and moved by the API. Words may be emptied there."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from geo.operations.mayor.models import Instruction, InstructionNote, InstructionStep, WeeklyBrief
from geo.operations.outbox.admin import ReadOnly
from geo.reports.admin.scope import administered, principal_in


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


@admin.register(Instruction)
class InstructionAdmin(OnlyRead, admin.ModelAdmin):
    list_display = ["public_id", "agency", "state", "deadline", "given_at", "given_by"]
    list_filter = ["state", "agency"]
    list_select_related = ["agency", "given_by"]
    search_fields = ["=public_id"]
    inlines = [StepInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instruction]:
        seen = Instruction.objects.visible_to(principal_in(request)).values("pk")
        found: QuerySet[Instruction] = super().get_queryset(request)
        return found.filter(pk__in=seen)


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
    list_display = ["week", "city", "sent_at", "recipients"]
    list_select_related = ["city"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WeeklyBrief]:
        found: QuerySet[WeeklyBrief] = super().get_queryset(request)
        city_ids = principal_in(request).city_ids
        return found if city_ids is None else found.filter(city__in=city_ids)

"""Outgoing messages and destinations, in the admin: to be read, and to be sent again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geo.operations.outbox.delivery import send_again, try_now
from geo.operations.outbox.models import DeliveryAttempt, Destination, OutboxMessage


class ReadOnly:
    """What the service writes is read here; actions change it, and need the right to change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttemptInline(ReadOnly, admin.TabularInline):
    model = DeliveryAttempt
    extra = 0
    readonly_fields = ["at", "is_success", "status_code", "error", "duration_ms"]
    ordering = ["id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["key", "state", "topic", "destination", "attempts", "next_attempt_at", "last_error"]
    list_filter = ["state", "topic", "transport"]
    search_fields = ["=key", "=destination", "=ordering_key"]
    show_full_result_count = False
    readonly_fields = [
        "key", "state", "topic", "transport", "destination", "ordering_key", "payload", "attempts", "created_at",
        "next_attempt_at", "give_up_at", "finished_at", "last_error",
    ]  # fmt: skip
    inlines = [AttemptInline]
    actions = ["send_again"]

    @admin.action(description=_("Send again"), permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        """All but those that have arrived, and those that a later one has made old."""
        again = send_again(OutboxMessage.objects.filter(pk__in=queryset.values("pk")), timezone.now())
        says = ngettext("%(count)d message will be sent.", "%(count)d messages will be sent.", again.messages)
        self.message_user(request, says % {"count": again.messages}, messages.SUCCESS)
        if again.superseded:
            says = ngettext(
                "%(count)d message is left out: a later one has taken its place.",
                "%(count)d messages are left out: later ones have taken their place.",
                again.superseded,
            )
            self.message_user(request, says % {"count": again.superseded}, messages.WARNING)


@admin.register(Destination)
class DestinationAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "failures", "retry_at", "last_success_at", "last_error"]
    search_fields = ["name"]
    readonly_fields = ["name", "failures", "retry_at", "last_success_at", "last_error"]
    actions = ["try_now"]

    @admin.action(description=_("Try now"), permissions=["change"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[Destination]) -> None:
        count = try_now(queryset, timezone.now())
        says = ngettext("%(count)d destination will be tried.", "%(count)d destinations will be tried.", count)
        self.message_user(request, says % {"count": count}, messages.SUCCESS)

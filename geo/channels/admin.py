"""Connections of channels and their dead letters, in the admin. For superusers alone: both reach over every city."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from geo.channels.connecting import checked_words, missing_parts
from geo.channels.dead_letters import replay_letters
from geo.channels.models import ChannelConnection, DeadLetter
from server.core.errors import InvalidFields, PantauError


class SuperusersOnly(admin.ModelAdmin):
    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


class ConnectionForm(forms.ModelForm):
    # A host without a scheme is meant to be https.
    feed_url = forms.URLField(
        label=_("feed"),
        help_text=_("Reports are read from here."),
        max_length=500,
        required=False,
        assume_scheme="https",
    )
    status_url = forms.URLField(
        label=_("status address"),
        help_text=_("Status changes go here."),
        max_length=500,
        required=False,
        assume_scheme="https",
    )

    def clean_category_map(self) -> dict[str, str]:
        words = self.cleaned_data["category_map"]
        try:
            return checked_words({} if words is None else words)
        except InvalidFields as error:
            raise forms.ValidationError(error.detail) from None


@admin.register(ChannelConnection)
class ChannelConnectionAdmin(SuperusersOnly):
    form = ConnectionForm
    list_display = ["channel", "adapter", "is_active", "succeeded_at", "failures", "last_error"]
    list_filter = ["adapter", "is_active"]
    list_select_related = ["channel"]
    settings_fields = (
        *("channel", "adapter", "is_active", "feed_url", "status_url"),
        *("category_map", "default_category", "pull_every_s"),
    )
    state_fields = ("missing", "pulled_at", "succeeded_at", "failures", "last_error", "cursor", "key_generation")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.settings_fields, *(self.state_fields if obj is not None else ())]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Another channel's connection is another connection: its cursor and its key would be the wrong ones.
        return [*self.state_fields, *(("channel",) if obj is not None else ())]

    def save_model(self, request: HttpRequest, obj: ChannelConnection, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        if {"feed_url", "adapter"} & set(form.changed_data):
            obj.cursor = {}
            form.changed_data.append("cursor")
        # Only what was edited: a reading that goes on meanwhile writes the other columns.
        obj.save(update_fields=form.changed_data)

    @admin.display(description=_("to be noted"))
    def missing(self, connection: ChannelConnection) -> str:
        return " ".join(missing_parts(connection)) or "-"


@admin.register(DeadLetter)
class DeadLetterAdmin(SuperusersOnly):
    """Read, deleted, or fed in again by an action; never edited."""

    list_display = ["id", "channel", "external_id", "reason", "received_at", "replayed_at"]
    list_filter = ["channel", ("replayed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["channel"]
    search_fields = ["external_id", "reason"]
    fields = readonly_fields = (
        *("channel", "external_id", "reason"),
        *("received_at", "replayed_at", "pretty_payload"),
    )
    actions = ["replay"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("payload"))
    def pretty_payload(self, letter: DeadLetter) -> str:
        return format_html("<pre>{}</pre>", json.dumps(letter.payload, indent=2, ensure_ascii=False))

    @admin.action(description=_("Feed in again"), permissions=["change"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        try:
            replayed = replay_letters(queryset)
        except PantauError as error:
            messages.error(request, error.detail)
            return
        counts = {"stored": replayed.stored + replayed.known, "refused": replayed.refused}
        messages.info(request, _("Stored: %(stored)d, still refused: %(refused)d.") % counts)

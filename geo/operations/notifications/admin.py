"""Subscriptions, in the admin: to be switched off or ended. Addresses of people are shown in part."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from geo.operations.notifications.models import Subscription
from geo.operations.notifications.services import end


@admin.register(Subscription)
class SubscriptionAdmin(admin.ModelAdmin):
    """It is made by its reader, or by its owner through the API, where the key of a webhook is shown once."""

    list_display = ["key", "kind", "reader", "scope", "city", "events", "is_active", "confirmed_at", "created_at"]
    list_filter = ["kind", "scope", "is_active", "city"]
    list_select_related = ["city", "owner"]
    search_fields = ["=key", "=owner__username"]
    fields = (
        *("is_active", "key", "kind", "reader", "language", "city", "events", "scope", "report", "area", "category"),
        *("drawn", "filter", "created_at", "confirmed_at"),
    )
    readonly_fields = fields[1:]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("reader"))
    def reader(self, subscription: Subscription) -> str:
        if subscription.kind == Subscription.Kind.WEBHOOK:
            return f"{subscription.owner}: {subscription.url}"
        return subscription.address_in_part

    @admin.display(description=_("drawn polygon"))
    def drawn(self, subscription: Subscription) -> str:
        return subscription.polygon.wkt if subscription.polygon is not None else "-"

    def delete_model(self, request: HttpRequest, obj: Subscription) -> None:
        end(subscription=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for subscription in queryset:
            end(subscription=subscription)

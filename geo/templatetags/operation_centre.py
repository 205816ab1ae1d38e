"""What the first page of the admin says of today."""

from typing import Any

from django import template
from django.http import HttpRequest

from geo.operations.duty.today import today_of
from geo.reports.admin.scope import principal_in

register = template.Library()


@register.inclusion_tag("admin/today.html", takes_context=True)
def today(context: dict[str, Any]) -> dict[str, Any]:
    request: HttpRequest | None = context.get("request")
    return {"cities": today_of(principal_in(request)) if request is not None else []}

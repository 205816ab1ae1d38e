"""Lock-out after failures: by name and address together, as django-axes does it, and by the address alone.

The first stops who tries many passwords for one name; the second, who tries one password for many names. Behind one address a
carrier may put thousands of people, so its limit is much higher; and only passwords are refused then, never a token or a session.
"""

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest


class LockoutHandler(AxesDatabaseHandler):
    """Both limits count the same failures. One who gets in takes those of the own name with them, not those of others."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        return super().is_locked(request, credentials) or is_address_locked(request)


def is_address_locked(request: HttpRequest) -> bool:
    """Of a request that axes has looked at. A client without an address (a unix socket's) is not one that others share."""
    address = getattr(request, "axes_ip_address", None)
    if address is None:
        return False
    recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=get_cool_off_threshold(request))
    failures: int | None = recent.aggregate(n=Sum("failures_since_start"))["n"]
    return (failures or 0) >= settings.LOCKOUT_ADDRESS_FAILURES

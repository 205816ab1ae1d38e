"""What each role opens in the admin: a role is enough, nobody ticks permissions one by one.

A permission is of a model; of whose things it is, each admin asks the principal (geo.reports.access.principals).
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.backends import BaseBackend

from geo.reports.models import CityRole

Role = CityRole.Role


def _of(model: str, *actions: str) -> frozenset[str]:
    return frozenset(f"geo.{action}_{model}" for action in actions)


def _viewed(*models: str) -> frozenset[str]:
    return frozenset(f"geo.view_{model}" for model in models)


_EDITED = ("view", "add", "change", "delete")
_EVERYBODY = (
    _viewed("city", "area", "arealevel", "agency", "category", "categoryagency", "categoryattribute")
    | _viewed("savedanalysis", "intervention", "incident", "incidentreport")
    # Their own ones.
    | _of("accesstoken", "view", "add", "change")
)
_OVERSEEN = _viewed(
    "report", "reportphoto", "reportevidence", "closing", "historyentry", "instruction", "instructionstep"
)
_OFFICER = _EVERYBODY | _OVERSEEN | {"geo.change_report", "geo.view_reportcontact"}
_DISPATCHER = (
    _OFFICER
    | {"geo.delete_reportphoto", "geo.delete_reportevidence", "geo.change_incident", "geo.change_alert"}
    | _of("oncalllevel", *_EDITED)
    | _viewed("shift", "escalation", "alert", "alertevent", "alertrule", "agencycontact", "fieldlink")
)
_PLANNER = _EVERYBODY | _of("savedanalysis", "change", "delete") | _of("intervention", "change", "delete")
_ADMINISTRATOR = (
    _DISPATCHER
    | _PLANNER
    | _of("agency", "add", "change")
    | _of("instructionnote", "view", "change")
    | _viewed("weeklybrief")
    | _of("agencycontact", *_EDITED)
    | _of("alertrule", *_EDITED)
    | _of("category", "add", "change")
    | _of("categoryattribute", *_EDITED)
    | _of("categoryagency", *_EDITED)
    | _of("channel", "view", "change")
    | _of("channelkey", "view", "add", "change")
    | _of("cityrole", *_EDITED)
    | _of("routingrule", *_EDITED)
    | _of("workingcalendar", "view", "add", "change")
    | _of("calendarexception", *_EDITED)
    | _of("workinginterval", *_EDITED)
)
PERMISSIONS: Mapping[str, frozenset[str]] = {
    Role.OFFICER: _OFFICER,
    Role.DISPATCHER: _DISPATCHER,
    Role.PLANNER: _PLANNER,
    Role.MAYOR: _EVERYBODY | _OVERSEEN,
    Role.ADMINISTRATOR: _ADMINISTRATOR,
}


class RoleBackend(BaseBackend):
    """Permissions by roles, beside those that a superuser has given. It lets nobody in."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if obj is not None or not (user_obj.is_active and getattr(user_obj, "is_staff", False)):
            return set()
        if not hasattr(user_obj, "_role_permissions"):
            roles = CityRole.objects.filter(user_id=user_obj.pk).values_list("role", flat=True).distinct()
            found = {permission for role in roles for permission in PERMISSIONS[role]}
            user_obj._role_permissions = found
        return set(user_obj._role_permissions)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))

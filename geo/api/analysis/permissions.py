"""Who may change what staff have made: whoever made it, and the administrators of its city."""

from django.utils.translation import gettext as _

from geo.reports.access.principals import Principal
from geo.reports.models import CityRole
from server.core.errors import Forbidden


def require_some_staff(principal: Principal) -> None:
    """Before anything is looked up for somebody who may not in any city."""
    if not principal.is_staff:
        raise Forbidden(_("Only staff of the city may do this."))


def require_staff(principal: Principal, city_id: int) -> int:
    """The user's id, of staff with a role in the city; Forbidden for everybody else."""
    if not is_staff_of(principal, city_id) or principal.user_id is None:
        raise Forbidden(_("Only staff of the city may do this."))
    return principal.user_id


def require_owner(principal: Principal, city_id: int, owner_id: int) -> int:
    """The user's id, of the owner while they have a role in the city, or of an administrator; Forbidden for others."""
    user_id = require_staff(principal, city_id)
    if user_id != owner_id and not is_administrator(principal, city_id):
        raise Forbidden(_("Only the owner and administrators of the city may do this."))
    return user_id


def require_administrator(principal: Principal, city_id: int) -> None:
    if not is_administrator(principal, city_id):
        raise Forbidden(_("Only administrators of the city may do this."))


def is_staff_of(principal: Principal, city_id: int) -> bool:
    return principal.is_staff and principal.may_act_in(city_id)


def is_administrator(principal: Principal, city_id: int) -> bool:
    """An administrator of the city, or a superuser, whose cities are not numbered."""
    if not principal.is_staff or principal.user_id is None:
        return False
    if principal.city_ids is None:
        return True
    roles = CityRole.objects.filter(user_id=principal.user_id, city_id=city_id, role=CityRole.Role.ADMINISTRATOR)
    return roles.exists()

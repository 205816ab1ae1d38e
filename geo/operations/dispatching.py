"""Who may do what concerns a whole city: incidents, alerts, the duty desk, rules of routing."""

from django.utils.translation import gettext as _

from geo.reports.access.principals import Principal
from server.core.errors import Forbidden


def require_dispatcher(by: Principal, city_id: int) -> None:
    """Forbidden for who does not dispatch in the city; a dispatcher of one area alone does not."""
    if not by.may_dispatch_in(city_id):
        raise Forbidden(_("Only dispatchers and administrators of the whole city may do this."))

"""Every admin of the app, where Django looks for them."""

from geo.areas import admin as areas_admin
from geo.channels import admin as channels_admin
from geo.layers import admin as layers_admin
from geo.operations.alerts import admin as alerts_admin
from geo.operations.clocks import admin as clocks_admin
from geo.operations.closing import admin as closing_admin
from geo.operations.duty import admin as duty_admin
from geo.operations.field_links import admin as field_links_admin
from geo.operations.incidents import admin as incidents_admin
from geo.operations.mayor import admin as mayor_admin
from geo.operations.notifications import admin as notifications_admin
from geo.operations.outbox import admin as operations_admin
from geo.operations.routing import admin as routing_admin
from geo.placement import admin as placement_admin
from geo.reports.access import admin as reports_access_admin
from geo.reports.admin import report_admin as reports_admin

__all__ = [
    "alerts_admin",
    "areas_admin",
    "channels_admin",
    "clocks_admin",
    "closing_admin",
    "duty_admin",
    "field_links_admin",
    "incidents_admin",
    "layers_admin",
    "mayor_admin",
    "notifications_admin",
    "operations_admin",
    "placement_admin",
    "reports_access_admin",
    "reports_admin",
    "routing_admin",
]

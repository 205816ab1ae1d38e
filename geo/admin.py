"""Every admin of the app, where Django looks for them."""

from geo.areas import admin as areas_admin
from geo.channels import admin as channels_admin
from geo.layers import admin as layers_admin
from geo.operations import admin as operations_admin
from geo.placement import admin as placement_admin
from geo.reports import admin as reports_admin

__all__ = [
    "areas_admin",
    "channels_admin",
    "layers_admin",
    "operations_admin",
    "placement_admin",
    "reports_admin",
]

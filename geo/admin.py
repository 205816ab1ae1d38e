"""Every admin of the app, where Django looks for them."""

from geo.areas import admin as areas_admin
from geo.layers import admin as layers_admin
from geo.placement import admin as placement_admin
from geo.reports import admin as reports_admin

__all__ = ["areas_admin", "layers_admin", "placement_admin", "reports_admin"]

"""The admin as an app: the one place where Django learns which site it is."""

from django.contrib.admin.apps import AdminConfig


class PantauAdminConfig(AdminConfig):
    default_site = "server.web.admin.site.PantauAdminSite"

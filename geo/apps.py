import sys
from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class GeoConfig(AppConfig):
    name = "geo"
    verbose_name = _("City, areas and reports")

    def ready(self) -> None:
        pre_migrate.connect(step_aside, sender=self)
        post_migrate.connect(show_layers, sender=self)
        from geo.channels import outgoing
        from geo.operations import remote_photos
        from geo.reports import stored_photos

        outgoing.connect()
        remote_photos.connect()
        stored_photos.connect()


def step_aside(plan: Any = None, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """The layers' views go before tables change, and come back after."""
    if using == DEFAULT_DB_ALIAS and plan:
        from geo.layers.schema import drop_views

        drop_views()


def show_layers(plan: Any = None, using: str = DEFAULT_DB_ALIAS, verbosity: int = 1, **kwargs: Any) -> None:
    """The layers' views, once all tables are as the code wants them. `flush` sends this signal as well, without a plan."""
    if using != DEFAULT_DB_ALIAS or plan is None:
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    from geo.layers.schema import refresh_views

    done = refresh_views()
    if done.advice and verbosity:
        print(done.advice, file=sys.stderr)

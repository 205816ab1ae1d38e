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
        from geo.layers import report_filters
        from geo.operations.clocks import receivers as clocks
        from geo.operations.closing import asking
        from geo.operations.duty import escalation
        from geo.operations.field_links import letters as field_letters
        from geo.operations.field_links import services as field_links
        from geo.operations.incidents import messages as incident_messages
        from geo.operations.mayor import letters as mayor_letters
        from geo.operations.mayor import sending as mayor_briefs
        from geo.operations.notifications import notices
        from geo.operations.outbox import remote_photos
        from geo.operations.routing import arbitration
        from geo.reports.photos import stored as stored_photos

        outgoing.connect()
        remote_photos.connect()
        clocks.connect()
        notices.connect()
        escalation.connect()
        field_letters.connect()
        field_links.connect()
        incident_messages.connect()
        mayor_letters.connect()
        mayor_briefs.connect()
        report_filters.connect()
        stored_photos.connect()
        asking.connect()
        arbitration.connect()


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

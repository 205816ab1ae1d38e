"""manage refresh_layer_views: the layers as views for GIS programs."""

from typing import Any

from django.core.management.base import BaseCommand

from geo.layers.schema import SCHEMA, refresh_views


class Command(BaseCommand):
    help = (
        "Makes the views of schema `layers` as the layers are declared, and lets the role gis_reader read them. Each migration"
        " does it by itself; run it after the role was created. A second run changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = refresh_views()
        said = ", ".join(done.names) if done.is_changed else "nothing to do"
        self.stdout.write(f"views in schema {SCHEMA}: {said}")
        if done.advice:
            self.stderr.write(done.advice)

"""manage status_table: the table of docs/channels.md, from the code."""

from typing import Any

from django.core.management.base import BaseCommand

from geo.channels.status_table import status_table


class Command(BaseCommand):
    help = "Prints what each status is called by whom, as a Markdown table."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(status_table())

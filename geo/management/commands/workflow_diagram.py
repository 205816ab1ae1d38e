"""manage workflow_diagram: the diagram and the table of steps in docs/operations.md, from the code."""

from typing import Any

from django.core.management.base import BaseCommand

from geo.reports.workflow_diagram import workflow_diagram


class Command(BaseCommand):
    help = "Prints the workflow of reports as a Mermaid diagram and a Markdown table."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(workflow_diagram())

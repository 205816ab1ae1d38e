#!/usr/bin/env python3
"""Django's command line for Pantau."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        # What libpq begins with where there is no connection; whatever else went wrong shows where it did.
        said = str(error).strip().splitlines()
        if not said or not said[0].startswith("connection to server"):
            raise
        print(f"The database does not answer: {said[0]}\nIs the service up? ./pantau up", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

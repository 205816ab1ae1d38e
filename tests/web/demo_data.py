"""What the demo city of the browser tests begins with, beside it: `python -m tests.web.demo_data tables`, and later `… staff`.

One process for each, since every `manage` takes seconds to begin.
"""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django

    django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command

from geo.areas.models import City
from geo.reports.models import Agency, CityRole
from tests.web.demo import PASSWORD, STAFF


def tables() -> None:
    call_command("migrate", verbosity=0)
    call_command("load_fixtures", verbosity=0)
    call_command("ensure_admin")
    call_command("collectstatic", interactive=False, verbosity=0)


def staff() -> None:
    city = City.objects.get(slug="bekasi")
    for name, role, agency in STAFF:
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        of = Agency.objects.get(city=city, slug=agency) if agency else None
        CityRole.objects.create(user=user, city=city, role=role, agency=of)


if __name__ == "__main__":
    {"tables": tables, "staff": staff}[sys.argv[1]]()

"""One observation corrected or deleted, with an audit line."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from sensors.observations.corrections import correct_observation
from sensors.registry.models import Datastream
from server.core.errors import PantauError


class Command(BaseCommand):
    help = "Gives one stored observation another result, or deletes it; who, when, why and the old value are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("thing", help="the thing's slug")
        parser.add_argument("property", help="the observed property's code")
        parser.add_argument("time", help="the phenomenon time, with its offset: 2026-01-31T12:00:00+07:00")
        change = parser.add_mutually_exclusive_group(required=True)
        change.add_argument("--result", type=float, help="the right value")
        change.add_argument("--delete", action="store_true")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--by", default="", metavar="USER", help="who decided it: a user name of Pantau")

    def handle(self, *args: Any, **options: Any) -> None:
        datastream = Datastream.objects.filter(
            thing__slug=options["thing"], observed_property__code=options["property"]
        ).first()
        if datastream is None:
            raise CommandError(f"there is no datastream {options['thing']}/{options['property']}")
        try:
            time = datetime.fromisoformat(options["time"])
        except ValueError:
            raise CommandError(f"{options['time']!r} is not a time") from None
        if time.tzinfo is None:
            raise CommandError(f"{options['time']!r} has no offset, as in +07:00 or Z")
        user = get_user_model()._default_manager.filter(username=options["by"]).first() if options["by"] else None
        if options["by"] and user is None:
            raise CommandError(f"there is no user {options['by']!r}")
        try:
            correction = correct_observation(
                datastream=datastream,
                phenomenon_time=time,
                new_result=options["result"],
                reason=options["reason"],
                by=user,
            )
        except PantauError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(str(correction))

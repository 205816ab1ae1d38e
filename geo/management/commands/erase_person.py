"""manage erase_person: one person's data goes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from geo.management.commands.export_person import add_person_arguments, person_of
from geo.operations.notifications.services import forget_address
from geo.reports.personal_data.person import erase_person, find_person
from server.core.errors import BadParameter


class Command(BaseCommand):
    help = (
        "Erases one person's data: contact, original text, address, landmark, answers, exact place, notes, dead letters. What the "
        "public reads of their reports stays. `export_person` shows beforehand what there is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_person_arguments(parser)
        parser.add_argument("--photos", action="store_true", help="delete the photos of their reports as well")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        person = person_of(options)
        if not options["yes"]:
            self._ask({name: options[name] for name in ("email", "phone", "report", "name")})
        # Of an address that never reported, too: who follows is a person as well.
        ended = forget_address(email=options["email"]) if options["email"] else 0
        try:
            erased = erase_person(person, now=timezone.now(), photos=options["photos"])
        except BadParameter as error:
            raise CommandError(f"{error.name}: {error.detail}") from None
        if ended:
            self.stdout.write(f"ended: {ended} subscriptions of the address")
        if not erased:
            if not ended:
                self.stdout.write("Nothing is left to erase.")
            return
        self.stdout.write(
            f"erased: {erased.reports} reports, {erased.photos} photos, {erased.dead_letters} dead letters; "
            f"masked in {erased.mentions} reports of others"
        )

    def _ask(self, whom: dict[str, str]) -> None:
        found = find_person(**whom)
        self.stdout.write(
            f"{len(found.reports)} reports, {len(found.dead_letters)} dead letters; "
            f"named in {len(found.mentions)} reports of others"
        )
        try:
            answer = input("Erase this person's data? It cannot be undone. [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in ("y", "yes", "ya"):
            raise CommandError("nothing was erased; --yes erases without asking")

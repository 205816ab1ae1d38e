"""manage replay_dead_letters: what could not be stored, once more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from geo.channels.dead_letters import replay_letters
from geo.channels.models import DeadLetter
from geo.reports.models import Channel
from server.core.errors import PantauError


class Command(BaseCommand):
    help = "Feeds open dead letters in again, once their cause is mended (a category's word, a boundary). Safe to run twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", nargs="?", help="slug; without one, those of all channels")
        parser.add_argument("--id", type=int, help="of one letter, as the admin shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        letters = DeadLetter.objects.filter(replayed_at=None)
        if slug := options["channel"]:
            if not Channel.objects.filter(slug=slug).exists():
                raise CommandError(f"there is no channel {slug!r}")
            letters = letters.filter(channel__slug=slug)
        if options["id"] is not None:
            letters = letters.filter(pk=options["id"])
            if not letters.exists():
                raise CommandError(f"there is no open letter {options['id']}")
        quiet = options["verbosity"] == 0
        with tqdm(total=letters.count(), unit=" letters", disable=quiet or None) as bar:
            try:
                replayed = replay_letters(letters, on_progress=bar.update)
            except PantauError as error:
                raise CommandError(error.detail) from None
        became = f"stored {replayed.stored}, known already {replayed.known}, still refused {replayed.refused}"
        self.stdout.write(f"read {replayed.read}: {became}")

"""manage create_channel_key CHANNEL: a new API key, printed once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from geo.reports.access.channel_keys import create_key
from geo.reports.models import Channel, ChannelKey


class Command(BaseCommand):
    help = "Makes an API key for a channel and prints it; only its SHA-256 is kept, so it cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", help="slug of the channel")
        parser.add_argument(
            "--scope", action="append", choices=ChannelKey.Scope.values, help="what it may do; without: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        channel = Channel.objects.filter(slug=options["channel"]).first()
        if channel is None:
            known = ", ".join(Channel.objects.values_list("slug", flat=True))
            raise CommandError(f"there is no channel {options['channel']!r}; known are {known or 'none'}")
        _key, text = create_key(channel=channel, scopes=options["scope"])
        self.stderr.write(f"API key of {channel.slug}, for the header X-Api-Key; it is not shown again:")
        self.stdout.write(text)

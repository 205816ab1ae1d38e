"""manage rotate_channel_key CHANNEL: a new API key, printed once; those in force end after some days."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from geo.reports.access.channel_keys import rotate_key
from geo.reports.models import Channel


class Command(BaseCommand):
    help = "Makes a new API key for a channel and prints it; the keys in force open on for some days, so that it can change over."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", help="slug of the channel")
        parser.add_argument(
            "--days", type=int, default=7, help="how long the old keys still open (default: 7; 0: not at all)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        channel, now = Channel.objects.filter(slug=options["channel"]).first(), timezone.now()
        if channel is None:
            known = ", ".join(Channel.objects.values_list("slug", flat=True))
            raise CommandError(f"there is no channel {options['channel']!r}; known are {known or 'none'}")
        if options["days"] < 0:
            raise CommandError("--days must be 0 or more")
        revoke_at = now + timedelta(days=options["days"])
        _key, text = rotate_key(channel=channel, now=now, revoke_at=revoke_at)
        self.stderr.write(f"API key of {channel.slug}, for the header X-Api-Key; it is not shown again:")
        self.stdout.write(text)
        self.stderr.write(f"The keys that it replaces end at {revoke_at:%Y-%m-%dT%H:%M:%SZ}.")

"""manage pull_channels: reads the channels' feeds once, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from geo.channels.models import ChannelConnection
from geo.channels.pulling import Outcome, pull_channel, pulled_connections


class Command(BaseCommand):
    help = "Reads the feeds of the connected channels once, whether they are due or not. What is known already stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channels", nargs="*", metavar="CHANNEL", help="slugs; without any, all that have a feed")
        parser.add_argument(
            "--from-start", action="store_true", help="forgets how far they were read: reads everything again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connections = pulled_connections()
        if wanted := set(options["channels"]):
            known = {connection.channel.slug for connection in connections}
            if unknown := sorted(wanted - known):
                raise CommandError(
                    f"no feed to read for {', '.join(unknown)}; there are {', '.join(sorted(known)) or 'none'}"
                )
            connections = [connection for connection in connections if connection.channel.slug in wanted]
        if not connections:
            self.stderr.write("no channel has a feed; connect one by connect_channel")
        failed = [connection.channel.slug for connection in connections if not self._pull(connection, options)]
        if failed:
            raise CommandError(f"could not be read to the end: {', '.join(failed)}")

    def _pull(self, connection: ChannelConnection, options: dict[str, Any]) -> bool:
        slug = connection.channel.slug
        if options["from_start"]:
            ChannelConnection.objects.filter(pk=connection.pk).update(cursor={})
        quiet = options["verbosity"] == 0
        with tqdm(unit=" reports", disable=quiet or None, desc=slug) as bar:
            pulled = pull_channel(connection, on_progress=bar.update)
        self.stdout.write(
            f"{slug}: read {pulled.read}: stored {pulled.stored}, repeated {pulled.repeated}, rejected {pulled.rejected}"
        )
        if pulled.outcome is Outcome.BUSY:
            self.stderr.write(f"{slug}: is being read by another process")
        if pulled.rejected:
            self.stderr.write(
                f"{slug}: the rejected are dead letters, with reasons in the admin; see replay_dead_letters"
            )
        if pulled.fault:
            self.stderr.write(f"{slug}: {pulled.fault}")
        return pulled.outcome is not Outcome.FAILED

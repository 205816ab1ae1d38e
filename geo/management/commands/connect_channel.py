"""manage connect_channel CHANNEL: where its remote side is, and what its words mean."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from geo.channels.adapters import ADAPTERS
from geo.channels.connecting import Settings, connect_channel, missing_parts, rotate_key
from geo.channels.models import ChannelConnection
from geo.channels.signing import signing_key
from geo.reports.models import Channel
from server.core.errors import InvalidFields


class Command(BaseCommand):
    help = (
        "Connects a channel with the app behind it. What is given is set, the rest stays as it is; the same command again "
        "changes nothing. Prints what is set, and what is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", help="slug of the channel")
        parser.add_argument("--name", help="makes the channel, by this name, where there is none yet")
        parser.add_argument(
            "--adapter", choices=list(ADAPTERS), help="how the remote side speaks; needed the first time"
        )
        parser.add_argument("--feed-url", metavar="URL", help="where reports are read from; empty: nowhere")
        parser.add_argument("--status-url", metavar="URL", help="where status changes are posted to; empty: nowhere")
        parser.add_argument(
            "--map",
            action="append",
            metavar="WORD=SLUG,…",
            help="their words for our categories, added to those that are known; WORD= takes one away",
        )
        parser.add_argument(
            "--default-category", metavar="SLUG", help="for all other words; empty: they become dead letters"
        )
        parser.add_argument("--every", type=int, metavar="SECONDS", help="how often the feed is read (300)")
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--off", action="store_true", help="nothing is read or sent any more")
        switch.add_argument("--on", action="store_true", help="on again")
        key = parser.add_mutually_exclusive_group()
        key.add_argument("--show-key", action="store_true", help="prints the key that messages are signed with")
        key.add_argument("--rotate-key", action="store_true", help="makes a new key and prints it")

    def handle(self, *args: Any, **options: Any) -> None:
        settings = Settings(
            adapter=options["adapter"],
            feed_url=options["feed_url"],
            status_url=options["status_url"],
            category_map=_category_map(options["map"]),
            default_category=options["default_category"],
            pull_every_s=options["every"],
            is_active=True if options["on"] else False if options["off"] else None,
        )
        try:
            connection = connect_channel(channel=_channel(options["channel"], options["name"]), settings=settings)
        except InvalidFields as error:
            raise CommandError(error.detail) from None
        if options["rotate_key"]:
            rotate_key(connection)
        with translation.override("en"):  # as all that a command says
            self._show(connection)
        if options["rotate_key"] or options["show_key"]:
            self.stderr.write("the key that messages to this channel are signed with:")
            self.stdout.write(signing_key(connection))

    def _show(self, connection: ChannelConnection) -> None:
        default = connection.default_category
        words = ", ".join(f"{word}={slug}" for word, slug in sorted(connection.category_map.items()))
        self.stderr.write(f"{connection.channel.slug}: {connection.adapter}, {'on' if connection.is_active else 'off'}")
        for name, value in (
            ("feed", connection.feed_url),
            ("status address", connection.status_url),
            ("categories", words),
            ("default category", default.slug if default is not None else ""),
            ("read every", f"{connection.pull_every_s} s"),
        ):
            self.stderr.write(f"  {name:16}  {value or '-'}")
        for sentence in missing_parts(connection):
            self.stderr.write(f"  ! {sentence}")


def _channel(slug: str, name: str | None) -> Channel:
    channel = Channel.objects.filter(slug=slug).first()
    if channel is None and name:
        channel = Channel(slug=slug, name=name)
        channel.full_clean()
        channel.save()
    if channel is None:
        known = ", ".join(Channel.objects.values_list("slug", flat=True))
        raise CommandError(f"there is no channel {slug!r} (--name makes it); known are {known or 'none'}")
    return channel


def _category_map(parts: list[str] | None) -> dict[str, str] | None:
    if parts is None:
        return None
    words: dict[str, str] = {}
    for part in ",".join(parts).split(","):
        if not part.strip():
            continue
        word, equals, slug = part.rpartition("=")
        if not equals or not word.strip():
            raise CommandError(f"--map: {part!r} must be WORD=SLUG")
        words[word.strip()] = slug.strip()
    return words

"""manage channel_status: how the connected channels are doing."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from geo.channels.states import ChannelState, channel_states

_HEADER = ("channel", "adapter", "last read", "failures", "dead letters", "to be sent", "given up", "last error")


class Command(BaseCommand):
    help = "Shows, for each connected channel, when it was last read without error, and what is stuck."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON, for other programs")

    def handle(self, *args: Any, **options: Any) -> None:
        states = channel_states()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(state) for state in states], default=datetime.isoformat, indent=2))
            return
        if not states:
            self.stderr.write("no channel is connected; see connect_channel")
            return
        rows = [_HEADER, *map(_cells, states)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _cells(state: ChannelState) -> tuple[str, ...]:
    last = state.succeeded_at.isoformat(timespec="seconds") if state.succeeded_at is not None else "-"
    counts = (state.failures, state.dead_letters, state.unsent, state.given_up)
    adapter = state.adapter if state.is_active else f"{state.adapter} (off)"
    return (state.channel, adapter, last, *map(str, counts), state.last_error or "-")

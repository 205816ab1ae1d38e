"""How the connected channels are doing, in one query."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from geo.channels.dead_letters import QUERIES


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A connected channel. `failures` is in a row; `dead_letters` are the open ones; `unsent` are messages that wait for it,
    `given_up` those that will not be sent any more."""

    channel: str
    adapter: str
    is_active: bool
    pulled_at: datetime | None
    succeeded_at: datetime | None
    failures: int
    last_error: str
    dead_letters: int
    unsent: int
    given_up: int


def channel_states() -> list[ChannelState]:
    with connection.cursor() as cursor:
        cursor.execute(QUERIES.channel_states)
        return [ChannelState(*row) for row in cursor.fetchall()]

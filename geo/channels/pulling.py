"""One reading of a channel's feed, from its remote side to stored reports; what fails is noted and tried again later."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from geo.channels.adapter import Page, RemoteFault
from geo.channels.adapters import ADAPTERS
from geo.channels.dead_letters import close_letters, keep_letters
from geo.channels.intake import take_in
from geo.channels.locks import advisory_lock
from geo.channels.models import ChannelConnection
from server.core.errors import PantauError
from server.core.outbound import OutboundError

LONGEST_PAUSE = timedelta(hours=1)


class Outcome(Enum):
    DONE = "done"
    FAILED = "failed"
    # Another process is reading this channel.
    BUSY = "busy"
    # Asked to end before the feed did; the next reading begins anew.
    STOPPED = "stopped"


@dataclass(slots=True)
class Pulled:
    """What a reading has brought: `read` is the sum of stored, repeated and rejected. `fault` is why it failed."""

    outcome: Outcome = Outcome.DONE
    pages: int = 0
    read: int = 0
    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    fault: str = ""


def pull_channel(
    connection: ChannelConnection,
    *,
    clock: Callable[[], datetime] = timezone.now,
    on_progress: Callable[[int], object] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Pulled:
    """Reads what is new in a channel's feed. Each page is stored, then the cursor is kept; in the memory of one page.

    A remote side that is down, or answers nonsense, is a Pulled that FAILED: what came before the fault is stored, and the
    cursor stands where everything behind it will be read again. Two at once: the second is BUSY and does nothing.
    """
    with advisory_lock("geo.channels.pull", str(connection.pk)) as is_ours:
        if not is_ours:
            return Pulled(Outcome.BUSY)
        # Whoever had the lock before may have moved the cursor.
        fresh = ChannelConnection.objects.select_related("channel__city", "default_category").get(pk=connection.pk)
        pulled = Pulled()
        try:
            _read_pages(fresh, pulled, clock, on_progress, should_stop)
        except (RemoteFault, OutboundError, PantauError) as fault:
            pulled.outcome, pulled.fault = Outcome.FAILED, str(fault)
            _note_failure(fresh, pulled.fault, clock())
        except (OperationalError, InterfaceError):
            raise  # our database is away, which is no failure of the channel's
        except Exception as error:
            # Noted as well, so that it is not tried again at once and for ever; the caller logs it.
            _note_failure(fresh, type(error).__name__, clock())
            raise
        if pulled.outcome is Outcome.DONE:
            now = clock()
            _note(fresh, pulled_at=now, succeeded_at=now, failures=0, last_error="")
        return pulled


def _read_pages(
    connection: ChannelConnection,
    pulled: Pulled,
    clock: Callable[[], datetime],
    on_progress: Callable[[int], object] | None,
    should_stop: Callable[[], bool],
) -> None:
    for page in ADAPTERS[connection.adapter].pages(connection, clock()):
        _store_page(connection, page, pulled, clock())
        if on_progress is not None:
            on_progress(len(page.items))
        if should_stop():
            pulled.outcome = Outcome.STOPPED
            return


def _store_page(connection: ChannelConnection, page: Page, pulled: Pulled, now: datetime) -> None:
    refused, accepted = [], []
    if page.items:
        taken = take_in(connection, page.items, now=now)
        for item, reason in zip(page.items, taken.reasons, strict=True):
            if reason is None:
                accepted.append(item.external_id)
            else:
                refused.append((item, reason))
        pulled.pages += 1
        pulled.read += taken.summary.read
        pulled.stored += taken.summary.stored
        pulled.repeated += taken.summary.repeated
        pulled.rejected += taken.summary.rejected
    # After the reports, whose transactions are committed: a crash in between has the page read again.
    with transaction.atomic():
        keep_letters(connection.channel, refused, now)
        close_letters(connection.channel, accepted, now)
        # Not if it was connected with another feed meanwhile, of which this cursor knows nothing.
        same = ChannelConnection.objects.filter(
            pk=connection.pk, adapter=connection.adapter, feed_url=connection.feed_url
        )
        same.update(cursor=dict(page.cursor))


def _note_failure(connection: ChannelConnection, fault: str, now: datetime) -> None:
    _note(connection, pulled_at=now, failures=connection.failures + 1, last_error=fault[:500])


def _note(connection: ChannelConnection, **values: object) -> None:
    # Only these columns: somebody may be editing the others.
    ChannelConnection.objects.filter(pk=connection.pk).update(**values)


def is_due(connection: ChannelConnection, now: datetime) -> bool:
    """Whether it is time to read the feed: at its own pace, and ever more slowly while it fails, once an hour at least."""
    if connection.pulled_at is None:
        return True
    pace = timedelta(seconds=connection.pull_every_s)
    pause = min(pace * 2 ** min(connection.failures, 20), max(pace, LONGEST_PAUSE))
    return connection.pulled_at + pause <= now


def pulled_connections() -> list[ChannelConnection]:
    """Every connection that is in use and has a feed, the one that has waited longest first."""
    kinds = [name for name, adapter in ADAPTERS.items() if adapter.is_pulled]
    found = ChannelConnection.objects.filter(is_active=True, channel__is_active=True, adapter__in=kinds)
    return list(found.exclude(feed_url="").select_related("channel").order_by("pulled_at", "id"))

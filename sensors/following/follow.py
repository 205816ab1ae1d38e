"""Followers: each reads the journal in the order of commits, from its own bookmark, and does one thing with what is new."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Min
from django.utils import timezone

from sensors.following.models import Bookmark
from sensors.observations import journal
from sensors.observations.journal import Entry, Position

logger = logging.getLogger(__name__)

ENTRIES_AT_ONCE = 100
PAUSE_S = 0.5
FORGETS_EVERY_S = 60.0
RETRY_MOST_S = 30.0
# A follower that has failed for so long is waited for no more: the journal must not fill the disk.
WAITS_AT_MOST = timedelta(days=7)


def _does_nothing(now: datetime) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Follower:
    """`handle` gets the next entries, oldest first, in the transaction that moves the bookmark; `tick` the time, each round.

    `after` names another follower: this one never reads beyond where that one has come.
    """

    name: str
    handle: Callable[[Sequence[Entry], datetime], object]
    tick: Callable[[datetime], object] = _does_nothing
    after: str | None = None


def follow_once(follower: Follower, now: datetime, *, limit: int = ENTRIES_AT_ONCE) -> int:
    """One step of one follower, in one transaction; how many entries it took. None are taken while another process does."""
    Bookmark.objects.get_or_create(name=follower.name)
    with transaction.atomic():
        bookmark = Bookmark.objects.select_for_update(skip_locked=True).filter(name=follower.name).first()
        if bookmark is None:
            return 0
        entries = journal.entries_after(bookmark.position, until=_bound(follower), limit=limit)
        if entries:
            follower.handle(entries, now)
            bookmark.xid, bookmark.entry = entries[-1].position
            bookmark.moved_at, bookmark.failure = now, ""
            bookmark.save()
        follower.tick(now)
        return len(entries)


def _bound(follower: Follower) -> Position | None:
    if follower.after is None:
        return None
    first = Bookmark.objects.filter(name=follower.after).first()
    return first.position if first is not None else Position()


def forget_read_entries(now: datetime, *, kept: timedelta = journal.KEPT) -> int:
    """Drops what is older than `kept` and was read by all followers; how many entries."""
    moment = now - kept
    slowest = Bookmark.objects.aggregate(at=Min("moved_at"))["at"]
    if slowest is not None and slowest < moment and _has_unread():
        moment = min(slowest, moment)
    return journal.forget_before(max(moment, now - WAITS_AT_MOST))


def _has_unread() -> bool:
    end = journal.latest_position()
    return any(bookmark.position < end for bookmark in Bookmark.objects.all())


@dataclass(slots=True)
class Following:
    """The followers' loop. One that fails is tried again after a growing pause, and does not hold the others."""

    followers: Sequence[Follower]
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], datetime] = timezone.now
    _failures: dict[str, int] = field(default_factory=dict)
    _waits_until: dict[str, float] = field(default_factory=dict)
    _forgot_at: float = 0.0

    def run_until_read(self) -> int:
        """Rounds until nobody has anything left to read; how many entries were taken in all."""
        total = 0
        while (taken := self.round()) and not self.stop.is_set():
            total += taken
        return total

    def run(self) -> None:
        """Until told to stop. A full round is followed by the next at once."""
        journal.settle_after_restore()
        # Of a follower that is no more: the journal would be kept for it.
        Bookmark.objects.exclude(name__in=[follower.name for follower in self.followers]).delete()
        while not self.stop.is_set():
            if not self.round():
                self.stop.wait(PAUSE_S)
            self._forget()

    def round(self) -> int:
        """One step of each follower that is not waiting after a failure; how many entries were taken."""
        taken = 0
        for follower in self.followers:
            if self._waits_until.get(follower.name, 0.0) <= time.monotonic() and not self.stop.is_set():
                taken += self._step(follower)
        return taken

    def _step(self, follower: Follower) -> int:
        try:
            taken = follow_once(follower, self.clock())
        except Exception as error:
            self._note_failure(follower, error)
            return 0
        if self._failures.pop(follower.name, 0):
            logger.warning("%s goes on", follower.name)
            Bookmark.objects.filter(name=follower.name).update(failure="")
        return taken

    def _note_failure(self, follower: Follower, error: Exception) -> None:
        failures = self._failures[follower.name] = self._failures.get(follower.name, 0) + 1
        delay_s = min(PAUSE_S * 2 ** min(failures, 10), RETRY_MOST_S)
        self._waits_until[follower.name] = time.monotonic() + delay_s
        sentence = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        if isinstance(error, DatabaseError | InterfaceError):
            logger.warning("%s: the database is away or busy (%s); again in %.0f s", follower.name, sentence, delay_s)
        else:
            logger.exception("%s failed; again in %.0f s", follower.name, delay_s)
        connection.close()
        try:
            Bookmark.objects.filter(name=follower.name).update(failure=sentence)
        except (DatabaseError, InterfaceError):
            connection.close()

    def _forget(self) -> None:
        if time.monotonic() - self._forgot_at < FORGETS_EVERY_S:
            return
        self._forgot_at = time.monotonic()
        try:
            forget_read_entries(self.clock())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("old entries of the journal stay for now: %s", error)
            connection.close()

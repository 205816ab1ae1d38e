"""The city as it goes on: readings at each thing's own beat, reports as they are made. Survives a lost broker or database."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from geo.areas.models import City
from geo.demo import filing
from geo.demo.backfill import gateway
from geo.demo.city_model import CityModel
from geo.demo.messages import Feed, by_day, payload_of, samples, step_of_the_past, times_between, topic_of
from geo.demo.network import Network, load_network, model_of
from geo.demo.report_model import ReportModel
from sensors import published
from server.core.errors import PantauError

log = logging.getLogger(__name__)

TICK_S = 1.0
# How long a stop may have to wait for a broker that does not answer.
PATIENCE_S = 5.0
RETRY_FIRST_S = 1.0
RETRY_MOST_S = 30.0
REGISTRY_EVERY = timedelta(seconds=60)
REPORTS_EVERY = timedelta(seconds=10)
# Nobody misses what a simulator did not say while it was away for longer; a back-fill can say it.
REMEMBERS = timedelta(days=35)
# Of the time within this the feeds tell at their own interval, of what lies before as a back-fill does.
RECENT_S = 6 * 3600


class LiveCity:
    """Publishes and files what has happened since the last time it was asked.

    What failed is tried again with the next call: `sent_until` moves only over what the broker has acknowledged, and a
    report filed twice is one report.
    """

    def __init__(self, city: City, *, now: datetime) -> None:
        self._city = city
        self._model: CityModel = model_of(city)
        self._reports = ReportModel(self._model)
        self._network: Network = load_network(city)
        self._loaded_at = self._reported_at = now
        self._sent_until: dict[tuple[str, int], int] = {}
        self._filed_until = max(filing.last_reported_at(city) or now, now - REMEMBERS)
        self._publisher: published.Publisher | None = None
        self._remember_sent(now)

    def tick(self, now: datetime) -> bool:
        """Publishes and files what is due. False if something is away; the other half is done all the same."""
        is_well = True
        try:
            self.publish_due(now)
        except (published.NotPublished, OSError) as error:
            _complain("the broker", error)
            self.disconnect()
            is_well = False
        try:
            self.file_due(now)
            self.reload(now)
        except (DatabaseError, InterfaceError) as error:
            _complain("the database", error)
            is_well = False
        except PantauError as error:
            log.error("a report was refused: %s", error.detail)
            is_well = False
        return is_well

    def publish_due(self, now: datetime) -> int:
        """Publishes the readings that are due by now, and waits until the broker has them. Returns how many messages.

        Errors: NotPublished when the broker is away; the same readings are due again at the next call.
        """
        until = int(now.timestamp())
        due = [(feed, self._sent_until[(feed.thing, feed.interval_s)]) for feed in self._network.feeds]
        messages = [message for feed, after in due for message in self._messages(feed, after, until)]
        if messages:
            publisher = self._connected()
            for topic, payload in messages:
                publisher.publish(topic, payload)
            publisher.finish()
        for feed, _after in due:
            self._sent_until[(feed.thing, feed.interval_s)] = until
        return len(messages)

    def file_due(self, now: datetime) -> int:
        """Files the reports made by now. Returns how many are new. Errors: those of the database; tried again next time."""
        if now - self._reported_at < REPORTS_EVERY:
            return 0
        reports = filing.reports_between(self._reports, self._network.districts, self._filed_until, now)
        if now - self._filed_until > timedelta(hours=1):
            n = filing.file_in_bulk(self._city, reports, now=now)
        else:
            n = filing.file_one_by_one(self._city, reports, now=now)
        self._filed_until = self._reported_at = now
        return n

    def reload(self, now: datetime) -> None:
        """Takes note of things and districts that came or went."""
        if now - self._loaded_at >= REGISTRY_EVERY:
            self._network, self._loaded_at = load_network(self._city), now
            self._remember_sent(now)

    def disconnect(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            # Given an error, it leaves without waiting for what the broker has not answered.
            error = published.NotPublished("leaving")
            publisher.__exit__(type(error), error, None)

    def _connected(self) -> published.Publisher:
        if self._publisher is None:
            publisher = gateway(patience_s=PATIENCE_S)
            try:
                publisher.__enter__()
            except published.NotPublished as error:
                publisher.__exit__(type(error), error, None)
                raise
            self._publisher = publisher
        return self._publisher

    def _remember_sent(self, now: datetime) -> None:
        """A feed that is new to this run goes on after its last stored reading; one that has none begins now."""
        spans = published.observed_spans(self._network.datastream_ids)
        for feed in self._network.feeds:
            last = max((spans[pk][1] for pk in feed.datastream_ids if pk in spans), default=now - timedelta(hours=1))
            since = min(max(last, now - REMEMBERS), now)
            self._sent_until.setdefault((feed.thing, feed.interval_s), int(since.timestamp()))

    def _messages(self, feed: Feed, after: int, until: int) -> list[tuple[str, bytes]]:
        """What the feed says in (after, until]; of a longer absence as much as a back-fill would tell, in bundles of a day."""
        offset = datetime.fromtimestamp(until, UTC).astimezone(self._city.zone).utcoffset() or timedelta()
        recent = max(after, until - RECENT_S)
        some = [
            sample
            for start, end, step in ((after, recent, step_of_the_past(feed)), (recent, until, feed.interval_s))
            for sample in samples(
                self._model,
                feed,
                times_between(feed, start, end, step, utc_offset_h=int(offset.total_seconds() // 3600)),
            )
        ]
        return [(topic_of(feed), payload_of(bundle)) for bundle in by_day(some)]


def run_live(
    find_city: Callable[[], City], stop: threading.Event, *, clock: Callable[[], datetime] = timezone.now
) -> None:
    """Goes on until `stop` is set, whatever comes and goes meanwhile; tries again with a growing pause."""
    live = _begin(find_city, stop, clock)
    failures = 0
    while live is not None and not stop.is_set():
        has_failed = not live.tick(clock())
        failures = failures + 1 if has_failed else 0
        stop.wait(min(RETRY_FIRST_S * 2 ** min(failures, 6), RETRY_MOST_S) if has_failed else TICK_S)
    if live is not None:
        live.disconnect()


def _begin(find_city: Callable[[], City], stop: threading.Event, clock: Callable[[], datetime]) -> LiveCity | None:
    """The city as the registry knows it, as soon as the database answers; None when asked to stop before."""
    pause_s = RETRY_FIRST_S
    while not stop.is_set():
        try:
            live = LiveCity(city := find_city(), now=clock())
            log.info("%d feeds of %s are live", len(live._network.feeds), city.slug)
            return live
        except (DatabaseError, InterfaceError) as error:
            _complain("the database", error)
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, RETRY_MOST_S)
    return None


def _complain(what: str, error: Exception) -> None:
    log.warning("%s is away, trying again: %s", what, str(error).strip().split("\n")[0])
    if isinstance(error, DatabaseError | InterfaceError):
        connection.close()

"""The weeks before: readings over the broker as fast as it takes them, and the reports that follow from them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

from geo.areas.models import City
from geo.demo import filing
from geo.demo.city_model import CityModel
from geo.demo.messages import Feed, Sample, by_day, payload_of, samples, step_of_the_past, times_between, topic_of
from geo.demo.network import Network
from geo.demo.report_model import ReportModel
from sensors import published
from server.core.params import day_start

# The ingest worker need not be up yet when the last message is sent; but if nothing at all arrives for so long, it is not.
PATIENCE_S = 90.0

Progress = Callable[[int], object]


class BackfillError(RuntimeError):
    """A sentence on why the back-fill did not come to its end; running it again goes on from there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be published: (topic, payload, readings in it), in order of time; and how many are stored when it is done."""

    messages: tuple[tuple[str, bytes, int], ...]
    datastream_ids: tuple[int, ...]
    start: datetime
    end: datetime
    stored_before: int

    @property
    def readings(self) -> int:
        return sum(n for _topic, _payload, n in self.messages)


def gateway(*, patience_s: float = 60.0) -> published.Publisher:
    """A connection as the user that may publish for any thing. BackfillError where none is configured."""
    if not settings.MQTT_GATEWAY_URL:
        raise BackfillError("MQTT_GATEWAY_URL must be set: the broker's user that may publish for any thing")
    try:
        return published.Publisher(published.parse_broker_url(settings.MQTT_GATEWAY_URL), patience_s=patience_s)
    except published.BadBrokerUrl as error:
        raise BackfillError(f"MQTT_GATEWAY_URL {error}") from None


def plan_readings(
    city: City, network: Network, model: CityModel, *, days: int, now: datetime, on_feed: Progress = lambda n: None
) -> Plan:
    """The readings of the last `days` days of the city that are not stored: before the first stored one and since the last.

    So a back-fill that was cut short goes on where it ended, and one that is complete has nothing to do.
    """
    start = start_of(city, days, now)
    spans = published.observed_spans(network.datastream_ids)
    bundles: list[tuple[int, str, bytes, int]] = []
    for feed in network.feeds:
        known = [spans[pk] for pk in feed.datastream_ids if pk in spans]
        for after, until in _gaps(feed, known, start, now):
            bundles.extend(_bundles(city, model, feed, after, until))
        on_feed(1)
    bundles.sort(key=lambda bundle: bundle[0])
    end = now + timedelta(seconds=1)
    return Plan(
        messages=tuple((topic, payload, n) for _time, topic, payload, n in bundles),
        datastream_ids=tuple(network.datastream_ids),
        start=start,
        end=end,
        stored_before=published.count_observations(network.datastream_ids, start, end),
    )


def start_of(city: City, days: int, now: datetime) -> datetime:
    """Midnight in the city, so many days ago."""
    return day_start(day_start(now, city.zone) - timedelta(days=days) + timedelta(hours=12), city.zone)


def publish(plan: Plan, *, on_published: Progress = lambda n: None) -> None:
    """Sends everything and waits until the broker has it. BackfillError if it does not take it."""
    # Weeks of readings in a minute are no flood; the workers may be a while behind.
    until = datetime.now(UTC) + timedelta(days=1)
    for thing in sorted({topic.split("/")[1] for topic, _payload, _readings in plan.messages}):
        published.lift_limit(thing, until)
    try:
        with gateway() as publisher:
            for topic, payload, readings in plan.messages:
                publisher.publish(topic, payload)
                on_published(readings)
    except published.NotPublished as error:
        raise BackfillError(str(error)) from None


def wait_until_stored(plan: Plan, *, on_stored: Progress = lambda n: None, patience_s: float = PATIENCE_S) -> None:
    """Waits until the ingest worker has stored what was published. BackfillError if it stops doing so."""
    seen, moved_at = 0, time.monotonic()
    while seen < plan.readings:
        stored = published.count_observations(plan.datastream_ids, plan.start, plan.end) - plan.stored_before
        if stored > seen:
            on_stored(min(stored, plan.readings) - seen)
            seen, moved_at = stored, time.monotonic()
        elif time.monotonic() - moved_at > patience_s:
            raise BackfillError(
                f"{seen} of {plan.readings} readings are stored, and none since {patience_s:.0f} s: is ingest_mqtt running?"
            )
        else:
            time.sleep(0.25)


def file_reports(
    city: City, network: Network, model: CityModel, *, days: int, now: datetime, on_stored: Progress = lambda n: None
) -> int:
    """The reports of the same time, each once. Returns how many are new."""
    reports = filing.reports_between(ReportModel(model), network.districts, start_of(city, days, now), now)
    return filing.file_in_bulk(city, reports, now=now, on_stored=on_stored)


def _gaps(
    feed: Feed, known: Sequence[tuple[datetime, datetime]], start: datetime, now: datetime
) -> list[tuple[int, int]]:
    """The (after, until] in which the feed has nothing stored: before its first reading, and since its last."""
    first, last = int(start.timestamp()) - 1, int(now.timestamp())
    if not known:
        return [(first, last)]
    earliest = int(min(span[0] for span in known).timestamp())
    latest = int(max(span[1] for span in known).timestamp())
    return [gap for gap in ((first, min(earliest - 1, last)), (max(latest, first), last)) if gap[0] < gap[1]]


def _bundles(city: City, model: CityModel, feed: Feed, after: int, until: int) -> list[tuple[int, str, bytes, int]]:
    offset = datetime.fromtimestamp(until, UTC).astimezone(city.zone).utcoffset() or timedelta()
    times = times_between(feed, after, until, step_of_the_past(feed), utc_offset_h=int(offset.total_seconds() // 3600))
    return [
        (bundle[0].time, topic_of(feed), payload_of(bundle), _readings_in(bundle))
        for bundle in by_day(samples(model, feed, times))
    ]


def _readings_in(bundle: Sequence[Sample]) -> int:
    return sum(len(sample.results) for sample in bundle)

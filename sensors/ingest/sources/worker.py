"""A worker for one broker of somebody else: the ingest worker's own loop, and the gaps filled from what was stored there."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt

from sensors.ingest.connection import BrokerLink, DecodeAhead, Delivery, LinkOptions
from sensors.ingest.floods.store import LimitedStore
from sensors.ingest.models import IngestStatus
from sensors.ingest.sources.models import MqttSource
from sensors.ingest.sources.storage import NoUplinks, stored_uplinks
from sensors.ingest.worker import RECEIVE_MAXIMUM, Pace, Worker

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GapPace:
    """How gaps are looked after; seconds.

    `overlap_s` covers a connection that was dead before it was noticed, and clocks that differ. `settles_s` is how long a storage
    may take to hold what it was given: it writes in batches, so a gap is asked for once more after that.
    """

    overlap_s: float = 300.0
    settles_s: float = 180.0
    retry_s: float = 60.0
    note_s: float = 10.0


_PACE, _GAP_PACE = Pace(), GapPace()


@dataclass(slots=True)
class _Gap:
    """Between what is stored for certain and what comes by itself again."""

    since: datetime
    until: datetime
    settles_at: float
    tried_at: float = float("-inf")
    is_filled: bool = False


class SourceWorker(Worker):
    """Stores what a source delivers, under the source's own slot, and notes until when all that it had is stored."""

    def __init__(self, source: MqttSource, *, pace: Pace = _PACE, gaps: GapPace = _GAP_PACE) -> None:
        """Errors: BadBrokerUrl."""
        self._source = source
        self._gaps = gaps
        self._gap: _Gap | None = None
        self._looked_after = (0, 0)
        self._noted_at = float("-inf")
        self._storage_trouble = ""
        super().__init__(LimitedStore(source.slot), _link_maker(source), pace=pace)

    def _begin(self) -> None:
        super()._begin()
        IngestStatus.objects.filter(slot=self._source.slot).update(source=self._source.name)

    def _follow_rules(self) -> None:
        """What is asked of a source stands in the source: the topic rules only say how it is read."""
        self._link.subscribe_besides(self._source.filters()[1:])

    def _housekeep(self) -> None:
        super()._housekeep()
        if self._source.storage_url and self._link.subscribed.is_set():
            self._look_after_gaps()
        self._say(self._link.trouble or self._storage_trouble)

    def _look_after_gaps(self) -> None:
        now, gaps = time.monotonic(), self._gaps
        losses = (self._link.connects, self.inbox.dropped)
        if losses != self._looked_after:
            # A new subscription, or messages let fall while the database was away. From before to after that: what came in
            # between is in the storage, or comes by itself.
            self._looked_after = losses
            until = datetime.now(UTC)
            self._gap = _Gap(self._source.filled_until or until, until, now + gaps.settles_s)
        if self._gap is not None:
            is_due = now >= self._gap.settles_at if self._gap.is_filled else now - self._gap.tried_at >= gaps.retry_s
            if is_due:
                self._fill(self._gap)
        elif not len(self.inbox) and now - self._noted_at >= gaps.note_s:
            self._note(datetime.now(UTC))

    def _fill(self, gap: _Gap) -> None:
        source, gap.tried_at = self._source, time.monotonic()
        after = gap.since - timedelta(seconds=self._gaps.overlap_s)
        pages = stored_uplinks(source.storage_url, source.password(), application=source.username, after=after)
        before = self.total
        try:
            for uplinks in pages:
                if self._is_stopping or not self._store_persistently(uplinks):
                    return
        except NoUplinks as why:
            logger.error("source %s: the gap since %s is not filled: %s", source, gap.since, why)
            self._storage_trouble = str(why)
            gap.is_filled = False
            return
        self._storage_trouble = ""
        gap.is_filled = True
        logger.info(
            "source %s: filled since %s: %d readings were missing", source, after, self.total.stored - before.stored
        )
        if gap.tried_at >= gap.settles_at:
            self._gap = None
            self._note(gap.until)

    def _note(self, until: datetime) -> None:
        """All until then is stored: what is lost from now on is looked for from here."""
        self._noted_at = time.monotonic()
        self._source.filled_until = until
        self._persistently(lambda: self._save("filled_until"))

    def _say(self, trouble: str) -> None:
        if trouble != self._source.trouble:
            self._source.trouble = trouble[:300]
            self._persistently(lambda: self._save("trouble"))

    def _save(self, field: str) -> None:
        # Not save(): the row may have been taken away meanwhile.
        MqttSource.objects.filter(pk=self._source.pk).update(**{field: getattr(self._source, field)})


def _link_maker(
    source: MqttSource,
) -> Callable[[Callable[[Delivery], None], Callable[[], None], DecodeAhead], BrokerLink]:
    url, filters = source.broker_url(), source.filters()
    options = LinkOptions(
        client_id=source.client_id or f"pantau-{source.name}",
        topic_filter=filters[0],
        receive_maximum=RECEIVE_MAXIMUM,
        # The version that every broker speaks; The Things Stack's knows no other.
        is_mqtt5=False,
        qos=source.qos,
        keeps_session=source.qos > 0,
    )

    def make(
        on_delivery: Callable[[Delivery], None], on_session_lost: Callable[[], None], decode: DecodeAhead
    ) -> BrokerLink:
        def pass_on(delivery: Delivery) -> None:
            # Whoever runs that broker could speak for any thing of this city otherwise.
            if any(mqtt.topic_matches_sub(each, delivery.topic) for each in filters):
                on_delivery(delivery)
            else:
                logger.warning("source %s sent what it was not asked for: %.200s", source, delivery.topic)

        return BrokerLink(url, options, on_delivery=pass_on, on_session_lost=on_session_lost, decode=decode)

    return make

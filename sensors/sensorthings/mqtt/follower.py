"""Telling subscribers, by MQTT, what was committed: new observations, and entities that were made or changed.

Source: OGC 18-088, clause 14.2. Messages go out before the bookmark moves: who is killed on the way tells some twice, none never.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from sensors.following.follow import Follower
from sensors.ingest.broker_url import parse_broker_url
from sensors.ingest.publisher import Publisher
from sensors.observations.journal import Entry
from sensors.registry.exercises import exercise_datastream_ids
from sensors.sensorthings import reading
from sensors.sensorthings.entities import ENTITY_TYPES
from sensors.sensorthings.mqtt.messages import ROOT, observation_messages
from sensors.sensorthings.mqtt.models import EntityChange
from sensors.sensorthings.paths import Resource, Step
from server.core.errors import NotFound

# The triggers on the registry's tables look for the bookmark of this name.
NAME = "sensorthings"
# After a long outage nobody waits for each reading of it any more: they are there to be asked for.
MOST_LATE = timedelta(hours=1)
ENTITIES_AT_ONCE = 500
# The other followers wait meanwhile: the process is one, and its transaction is open.
PATIENCE_S = 5.0


class Updates:
    """A follower's connection to the broker: opened when there is something to tell, and anew after a failure."""

    def __init__(self) -> None:
        self._publisher: Publisher | None = None

    def follower(self) -> Follower:
        """Behind the quality checks; what they flag later is told again."""
        return Follower(NAME, self.handle, self.tick, after="quality")

    def handle(self, entries: Sequence[Entry], now: datetime) -> None:
        """Errors: NotPublished where the broker is away or refuses."""
        recent = [entry for entry in entries if now - entry.written_at <= MOST_LATE]
        hidden = frozenset(exercise_datastream_ids()) if recent else frozenset()
        self._publish(message for entry in recent for message in observation_messages(entry, settings.LINK_URL, hidden))

    def tick(self, now: datetime) -> None:
        """The entities that are marked, as they are now; a mark that is set meanwhile stays for the next time."""
        marks = list(EntityChange.objects.order_by("id")[:ENTITIES_AT_ONCE])
        if marks:
            named = {(mark.entity_set, mark.entity_id): None for mark in marks}
            self._publish(message for each in named for message in _entity_messages(*each))
            EntityChange.objects.filter(id__in=[mark.pk for mark in marks]).delete()

    def close(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None

    def _publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Returns when the broker has answered for all of them. Errors: NotPublished; the next try connects anew."""
        try:
            for topic, payload in messages:
                if self._publisher is None:
                    url = parse_broker_url(settings.MQTT_GATEWAY_URL)
                    self._publisher = Publisher(url, patience_s=PATIENCE_S).__enter__()
                self._publisher.publish(topic, payload)
            if self._publisher is not None:
                self._publisher.finish()
        except Exception:
            self.close()
            raise


def followers() -> tuple[Follower, ...]:
    """None where PANTAU_STA_MQTT does not ask for it."""
    return (Updates().follower(),) if settings.STA_MQTT else ()


def _entity_messages(entity_set: str, id_: int) -> Iterator[tuple[str, bytes]]:
    """An entity on its own topic and on its set's, as a GET would answer it; nothing of one that is gone."""
    resource = Resource((Step(ENTITY_TYPES[entity_set], entity_set, None, (id_,)),), (), "")
    try:
        payload = reading.read_entity(resource, {}, base=f"{settings.LINK_URL}/{ROOT}")
    except NotFound:
        return
    if payload is not None:
        yield f"{ROOT}/{entity_set}({id_})", payload
        yield f"{ROOT}/{entity_set}", payload

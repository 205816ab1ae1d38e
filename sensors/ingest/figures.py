"""How ingest stands, for whoever runs the service: in a constant number of queries, none of which looks at observations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path

from django.db import connection
from django.db.models import Count

from sensors.ingest.floods.models import DeviceLimit
from sensors.ingest.models import IngestStatus, QuarantineCount
from sensors.ingest.pending.models import PendingThing
from sensors.ingest.reasons import Reason
from sensors.ingest.sources.models import MqttSource
from sensors.observations.archive_models import ObservationArchive
from sensors.states.judging import count_states
from server.core.sql import load_queries

_SQL = load_queries(Path(__file__).parent / "figures.sql")
# What lies in heaps is counted up to here: that there is too much of it is known by then.
COUNTED_MOST = 100_000


@dataclass(frozen=True, slots=True)
class OpenRejects:
    """Messages in quarantine for one reason that were not fed again, at most COUNTED_MOST."""

    reason: str
    messages: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """How far a follower is behind the end of the journal: entries (at most COUNTED_MOST), and since when the oldest waits."""

    follower: str
    entries: int
    since: datetime | None
    moved_at: datetime | None
    failure: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database holds. `dirty_marks` (at most COUNTED_MOST) wait for their rollups since `dirty_since`."""

    dirty_marks: int
    dirty_since: datetime | None
    partitions: int
    database_bytes: int


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """`at` is the database's clock, by which ages are told. `broker` is what the last worker that spoke had heard of it."""

    at: datetime
    slots: tuple[IngestStatus, ...]
    quarantined: tuple[QuarantineCount, ...]
    open_rejects: tuple[OpenRejects, ...]
    followers: tuple[Unread, ...]
    kept: Kept
    broker: Mapping[str, float]
    trouble: Mapping[str, str]  # by the active source
    flooding: tuple[str, ...]  # the devices
    datastreams: Mapping[str, int]  # by state
    archive_files: Mapping[str, int]  # by state
    pending_things: int

    def working(self) -> list[IngestStatus]:
        """The slots that are to have a worker: not what came by HTTP, nothing given up, no source that is switched off."""
        return [slot for slot in self.slots if slot.noted_at and (not slot.source or slot.source in self.trouble)]


def ingest_figures() -> IngestFigures:
    """All of it; each statement sees the database of its own moment."""
    slots = tuple(IngestStatus.objects.order_by("slot"))
    heard = [(slot.noted_at, slot.broker) for slot in slots if slot.broker and slot.noted_at]
    with connection.cursor() as cursor:
        cursor.execute(_SQL.open_rejects, {"reasons": [reason.value for reason in Reason], "most": COUNTED_MOST})
        open_rejects = tuple(OpenRejects(*row) for row in cursor.fetchall())
        cursor.execute(_SQL.followers, {"most": COUNTED_MOST})
        followers = tuple(Unread(*row) for row in cursor.fetchall())
        cursor.execute(_SQL.kept, {"most": COUNTED_MOST})
        at, *kept = cursor.fetchone()
    archive = ObservationArchive.objects.order_by().values_list("state").annotate(n=Count("pk"))
    return IngestFigures(
        at=at,
        slots=slots,
        quarantined=tuple(QuarantineCount.objects.order_by("slot", "reason")),
        open_rejects=open_rejects,
        followers=followers,
        kept=Kept(*kept),
        broker=max(heard, key=itemgetter(0))[1] if heard else {},
        trouble=dict(MqttSource.objects.filter(is_active=True).order_by("name").values_list("name", "trouble")),
        flooding=tuple(DeviceLimit.objects.flooding().order_by("thing").values_list("thing", flat=True)),
        datastreams=count_states(),
        archive_files=dict(archive),
        pending_things=PendingThing.objects.unregistered().filter(state=PendingThing.State.PENDING).count(),
    )

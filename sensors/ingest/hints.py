"""What somebody should look at, from the figures of ingest. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sensors.ingest.advice import ADVICE
from sensors.ingest.figures import COUNTED_MOST, IngestFigures
from sensors.ingest.models import IngestStatus
from sensors.ingest.reasons import Reason

# A worker writes how it stands every ten seconds, a follower and the rollups work every few.
QUIET_AT_MOST = timedelta(minutes=1)
BEHIND_AT_MOST = timedelta(minutes=2)
WAITS_AT_MOST_S = 60.0
# Of the million that the broker holds for a worker before it lets messages fall (max_queued_messages).
QUEUED_AT_MOST = 500_000
SESSION_LOST_TOLD = timedelta(days=7)


def hints(figures: IngestFigures) -> list[str]:
    """A sentence for each thing that is wrong, what loses readings first; none where all is well."""
    return [*_of_workers(figures), *_of_broker(figures), *_of_followers(figures), *_of_quarantine(figures)]


def _of_workers(figures: IngestFigures) -> Iterator[str]:
    if not figures.working():
        yield "No worker has written yet: is `ingest` running? (./pantau status)"
    for slot in figures.working():
        yield from _of_worker(f"source {slot.source}" if slot.source else f"slot {slot.slot}", slot, figures.at)
    for source, trouble in figures.trouble.items():
        if trouble:
            yield f"source {source}: {trouble}"


def _of_worker(name: str, slot: IngestStatus, at: datetime) -> Iterator[str]:
    quiet = at - slot.noted_at if slot.noted_at else timedelta()
    if quiet > QUIET_AT_MOST:
        retire = f" If it is gone for good: manage ingest_mqtt --slot {slot.slot} --retire" if not slot.source else ""
        yield f"{name}: its worker has not been heard for {_long(quiet)}: is it running?{retire}"
    elif slot.is_connected is False:
        log = "sources" if slot.source else "ingest"
        yield f"{name}: the worker lives and has no connection to its broker: its log says why (./pantau logs {log})"
    waited = slot.noted_at - slot.oldest_waiting_at if slot.noted_at and slot.oldest_waiting_at else timedelta()
    if waited.total_seconds() > WAITS_AT_MOST_S:
        yield f"{name}: messages wait for {_long(waited)}: is the database slow? PANTAU_INGEST_WORKERS shares the load"
    if slot.session_lost_at and at - slot.session_lost_at < SESSION_LOST_TOLD:
        yield (
            f"{name}: the broker lost its session {_long(at - slot.session_lost_at)} ago, and what it had queued; devices that "
            "keep their readings should send those of that time again"
        )
    if slot.dropped:
        yield f"{name}: {slot.dropped} messages of QoS 0 were let fall while the database was away: publish with QoS 1"


def _of_broker(figures: IngestFigures) -> Iterator[str]:
    said = figures.broker
    queued = said.get("messages_held", 0) - said.get("messages_retained", 0)
    if queued > QUEUED_AT_MOST:
        yield f"the broker holds {queued:.0f} messages and lets those beyond a million fall: start more workers (PANTAU_INGEST_WORKERS)"
    if dropped := said.get("messages_dropped"):
        yield f"the broker has let {dropped:.0f} messages fall since it began, its queue being full: they are lost"


def _of_followers(figures: IngestFigures) -> Iterator[str]:
    at, kept = figures.at, figures.kept
    for each in figures.followers:
        behind = at - each.since if each.since else timedelta()
        if each.failure:
            yield f"{each.follower} stands still: {each.failure}"
        elif behind > BEHIND_AT_MOST and (each.moved_at is None or at - each.moved_at > BEHIND_AT_MOST):
            moved = f"for {_long(at - each.moved_at)}" if each.moved_at else "yet"
            yield (
                f"{each.follower} has not moved {moved}: is `follow` running? If it is, a transaction that was left open keeps "
                "it: look for the oldest xact_start in pg_stat_activity"
            )
        elif behind > BEHIND_AT_MOST:
            yield f"{each.follower} is {_long(behind)} behind, and catching up"
    if kept.dirty_since and at - kept.dirty_since > BEHIND_AT_MOST:
        yield f"rollups wait for {_long(at - kept.dirty_since)}: is `rollups` running?"


def _of_quarantine(figures: IngestFigures) -> Iterator[str]:
    for each in figures.open_rejects:
        many = f"at least {COUNTED_MOST}" if each.messages >= COUNTED_MOST else str(each.messages)
        yield f"{many} {each.reason} in quarantine: {ADVICE[Reason(each.reason)]}"
    if figures.flooding:
        yield (
            f"{', '.join(figures.flooding[:10])}{' and others' if len(figures.flooding) > 10 else ''}: sends more than its limit, "
            "and what is beyond is refused: mend the device, or give it a limit of its own in the admin"
        )
    if figures.pending_things:
        yield f"{figures.pending_things} unknown devices wait for approval: the admin's pending devices, or /api/pending-things/"


def age(moment: datetime | None, at: datetime) -> str:
    return f"{_long(at - moment)} ago" if moment else "never"


def _long(span: timedelta) -> str:
    """In two digits or three: 45 s, 12 min, 5 h, 30 d."""
    seconds = max(0, int(span.total_seconds()))
    for unit, of, below in (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 172_800)):
        if seconds < below:
            return f"{seconds // of} {unit}"
    return f"{seconds // 86_400} d"

"""/metrics: how the service stands, in Prometheus's text format or OpenMetrics.

Everything is read from the database, in a constant number of queries: gunicorn runs several processes, the workers are others, and
counters that a process kept for itself would differ by who answers, and begin anew with each start. Nothing here names a person, a
device or a secret. Names follow Prometheus's "Metric and label naming"; times are timestamps, so that `time() - x` is an age.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from geo.channels.states import channel_states
from geo.operations.outbox.figures import outbox_figures
from geo.reports.intake_limits import client_address
from sensors.published import (
    BATCH_MESSAGES_BOUNDS,
    BATCH_SECONDS_BOUNDS,
    IngestFigures,
    IngestStatus,
    ingest_figures,
)
from server.core.errors import Forbidden

LOOPBACK = ("127.0.0.0/8", "::1/128")
Rows = Iterable[tuple[Sequence[str], float | datetime | None]]


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Errors: Forbidden for whoever is neither at an address that may read it nor has the token."""
    if not (_has_token(request) or _is_near(request)):
        raise Forbidden(
            _("The figures are for addresses in PANTAU_METRICS_ALLOW and for who has PANTAU_METRICS_TOKEN.")
        )
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_REGISTRY), content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    # Without one configured, an empty one must not fit.
    return bool(settings.METRICS_TOKEN) and kind == "Bearer" and constant_time_compare(token, settings.METRICS_TOKEN)


def _is_near(request: HttpRequest) -> bool:
    """Whether it comes from this machine or an allowed network.

    What a proxy passes on comes from the proxy's address, often this machine's own: with an X-Forwarded-For that no trusted proxy
    vouches for, nobody knows who asks, and nobody is near.
    """
    address, forwarded_for = request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded_for:
        if not _lies_in(address, settings.TRUSTED_PROXIES):
            return False
        address = client_address(address, forwarded_for, settings.TRUSTED_PROXIES)
    return _lies_in(address, (*LOOPBACK, *settings.METRICS_ALLOW))


def _lies_in(address: str, networks: Iterable[str]) -> bool:
    try:
        found = ipaddress.ip_network(address, strict=False)
    except ValueError:  # a unix socket has none
        return False
    wider = [ipaddress.ip_network(network, strict=False) for network in networks]
    return any(found.network_address in network and found.broadcast_address in network for network in wider)


class _Figures(Collector):
    def collect(self) -> Iterator[Metric]:
        figures = ingest_figures()
        yield from _readings(figures)
        yield from _workers(figures)
        yield from _batches(figures)
        yield from _broker(figures.broker)
        yield from _behind(figures)
        yield from _kept(figures)
        yield from _outgoing()


_REGISTRY = CollectorRegistry()
_REGISTRY.register(_Figures())


def _gauge(name: str, meaning: str, rows: Rows, labels: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(f"pantau_{name}", meaning, labels=labels)
    for values, number in rows:
        if number is not None:
            family.add_metric(list(values), _number(number))
    return family


def _counter(name: str, meaning: str, rows: Rows, labels: Sequence[str] = ()) -> Metric:
    family = CounterMetricFamily(f"pantau_{name}", meaning, labels=labels)
    for values, number in rows:
        if number is not None:
            family.add_metric(list(values), _number(number))
    return family


def _number(value: float | datetime) -> float:
    return value.timestamp() if isinstance(value, datetime) else float(value)


def _by(figures: Mapping[str, float]) -> Rows:
    return [((label,), number) for label, number in figures.items()]


def _one(number: float | datetime | None) -> Rows:
    return [((), number)]


def _since(moment: datetime | None, at: datetime) -> float:
    """Seconds; none where nothing waits."""
    return max(0.0, (at - moment).total_seconds()) if moment else 0.0


def _readings(figures: IngestFigures) -> Iterator[Metric]:
    slots = [(slot.label, slot) for slot in figures.slots]
    names = {slot.slot: slot.label for slot in figures.slots}
    yield _counter(
        "ingest_received",
        "Readings that came in: the sum over the outcomes of pantau_ingest_readings.",
        [((label,), slot.received) for label, slot in slots],
        ["slot"],
    )
    yield _counter(
        "ingest_readings",
        "Readings by what became of them. Ignored: retained by the broker, and without a time.",
        [
            ((label, outcome), getattr(slot, outcome))
            for label, slot in slots
            for outcome in ("stored", "repeated", "quarantined", "ignored")
        ],
        ["slot", "outcome"],
    )
    rows = [(names.get(each.slot, str(each.slot)), each) for each in figures.quarantined]
    yield _counter(
        "ingest_quarantined",
        "Quarantined readings by reason. Kept: the whole of it lies in quarantine; no: only their number is known.",
        [
            ((label, each.reason, kept), number)
            for label, each in rows
            for kept, number in (("yes", each.kept), ("no", each.counted_only))
        ],
        ["slot", "reason", "kept"],
    )
    open_ones = {each.reason: each.messages for each in figures.open_rejects}
    yield _gauge(
        "quarantine_open_messages",
        "Messages in quarantine that were not fed again; of each reason 100,000 are counted at most.",
        _by(open_ones),
        ["reason"],
    )


def _workers(figures: IngestFigures) -> Iterator[Metric]:
    working = figures.working()
    yield _counter(
        "ingest_messages",
        "Messages. Acknowledged: to the broker, after the commit; returned: committed, but the connection was lost before; "
        "dropped: of QoS 0, beyond what a worker holds.",
        [
            ((slot.label, fate), getattr(slot, fate))
            for slot in working
            for fate in ("acknowledged", "returned", "dropped")
        ],
        ["slot", "fate"],
    )
    gauges: Mapping[str, tuple[str, Callable[[IngestStatus], float | datetime | None]]] = {
        "connected": ("Whether the worker is subscribed at its broker.", lambda slot: slot.is_connected),
        "waiting_messages": ("Messages in the worker's memory.", lambda slot: slot.waiting),
        "oldest_waiting_seconds": (
            "For how long the oldest of them had waited, when the worker last wrote.",
            lambda slot: _since(slot.oldest_waiting_at, slot.noted_at or figures.at),
        ),
        "lag_seconds": (
            "From the arrival of the last batch's first message to its commit.",
            lambda slot: slot.lag_seconds,
        ),
        "last_commit_timestamp_seconds": ("When a batch was last committed.", lambda slot: slot.last_commit_at),
        "newest_reading_timestamp_seconds": (
            "The latest phenomenon time stored; what lies ahead counts as now.",
            lambda slot: slot.newest_at,
        ),
        "heartbeat_timestamp_seconds": ("When the worker last wrote how it stands.", lambda slot: slot.noted_at),
        "session_lost_timestamp_seconds": (
            "When the broker last lost the worker's session, and what it had queued.",
            lambda slot: slot.session_lost_at,
        ),
    }
    for name, (meaning, value) in gauges.items():
        yield _gauge(f"ingest_{name}", meaning, [((slot.label,), value(slot)) for slot in working], ["slot"])
    yield _gauge(
        "ingest_source_in_trouble",
        "Whether an active MQTT source cannot be read.",
        _by({name: bool(trouble) for name, trouble in figures.trouble.items()}),
        ["source"],
    )


def _batches(figures: IngestFigures) -> Iterator[Metric]:
    messages = HistogramMetricFamily("pantau_ingest_batch_messages", "Messages to a batch.", labels=["slot"])
    seconds = HistogramMetricFamily(
        "pantau_ingest_batch_seconds", "From the first statement of a batch to its commit.", labels=["slot"]
    )
    for slot in figures.slots:
        if slot.by_messages and slot.by_seconds:
            messages.add_metric([slot.label], _buckets(BATCH_MESSAGES_BOUNDS, slot.by_messages), slot.batch_messages)
            seconds.add_metric([slot.label], _buckets(BATCH_SECONDS_BOUNDS, slot.by_seconds), slot.batch_seconds)
    yield messages
    yield seconds


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Prometheus's buckets are cumulative, and the last has no bound."""
    names = [str(float(bound)) for bound in bounds] + ["+Inf"]
    return list(zip(names, accumulate(counts), strict=True))


def _broker(said: Mapping[str, float]) -> Iterator[Metric]:
    if "messages_held" in said and "messages_retained" in said:
        yield _gauge(
            "broker_queued_messages",
            "Messages that the broker holds for a session: not sent yet, or not acknowledged.",
            _one(max(0.0, said["messages_held"] - said["messages_retained"])),
        )
    yield _gauge("broker_held_bytes", "Payloads that the broker holds.", _one(said.get("bytes_held")))
    yield _gauge("broker_connected_clients", "Clients connected to the broker.", _one(said.get("clients_connected")))
    yield _counter(
        "broker_received_messages",
        "Messages published to the broker since it began.",
        _one(said.get("messages_received")),
    )
    yield _counter(
        "broker_dropped_messages",
        "Messages that the broker let fall since it began, its queue of a session being full: these are lost.",
        # Not told before there is one; a counter that appears with its first loss would hide it.
        _one(said.get("messages_dropped", 0.0) if said else None),
    )


def _behind(figures: IngestFigures) -> Iterator[Metric]:
    followers = figures.followers
    yield _gauge(
        "follower_unread_entries",
        "Entries of the journal (transactions) that a follower has not read; 100,000 are counted at most.",
        _by({each.follower: each.entries for each in followers}),
        ["follower"],
    )
    yield _gauge(
        "follower_lag_seconds",
        "For how long the oldest entry that a follower has not read has waited.",
        _by({each.follower: _since(each.since, figures.at) for each in followers}),
        ["follower"],
    )
    yield _gauge(
        "follower_failing",
        "Whether a follower's last step failed.",
        _by({each.follower: bool(each.failure) for each in followers}),
        ["follower"],
    )
    kept = figures.kept
    yield _gauge(
        "rollup_dirty_marks", "Marks that wait for a rollup; 100,000 are counted at most.", _one(kept.dirty_marks)
    )
    yield _gauge("rollup_lag_seconds", "For how long they have waited.", _one(_since(kept.dirty_since, figures.at)))


def _kept(figures: IngestFigures) -> Iterator[Metric]:
    yield _gauge("datastreams", "Datastreams by state.", _by(figures.datastreams), ["state"])
    yield _gauge("flooding_devices", "Devices of which readings are refused.", _one(len(figures.flooding)))
    yield _gauge("pending_things", "Unknown devices that wait for approval.", _one(figures.pending_things))
    yield _gauge("observation_partitions", "Months in the observations' table.", _one(figures.kept.partitions))
    yield _gauge("archive_files", "Files of the archive by state.", _by(figures.archive_files), ["state"])
    yield _gauge("database_size_bytes", "What the database takes on disk.", _one(figures.kept.database_bytes))


def _outgoing() -> Iterator[Metric]:
    outbox, channels = outbox_figures(), channel_states()
    yield _gauge("outbox_waiting_messages", "Messages to be sent.", _by(outbox.waiting), ["transport"])
    yield _gauge("outbox_given_up_messages", "Messages that will not be sent.", _by(outbox.given_up), ["transport"])
    yield _gauge(
        "outbox_oldest_timestamp_seconds", "When the oldest to be sent was written.", _one(outbox.waiting_since)
    )
    yield _gauge(
        "outbox_failing_destinations", "Destinations whose last try was in vain.", _one(outbox.failing_destinations)
    )
    active = [each for each in channels if each.is_active]
    yield _gauge(
        "channel_failures", "Failures in a row.", _by({each.channel: each.failures for each in active}), ["channel"]
    )
    yield _gauge(
        "channel_dead_letters",
        "What a channel sent and could not be stored.",
        _by({each.channel: each.dead_letters for each in channels}),
        ["channel"],
    )
    yield _gauge(
        "channel_last_success_timestamp_seconds",
        "When a channel was last read without error.",
        [((each.channel,), each.succeeded_at) for each in active],
        ["channel"],
    )

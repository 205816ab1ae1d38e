"""What comes due by the clock: each piece of work in a thread of its own, so that none of them waits for a slow one."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from geo.channels.locks import advisory_lock
from geo.channels.models import ChannelConnection
from geo.channels.pulling import Outcome, is_due, pull_channel, pulled_connections
from geo.layers.analyses.city_dossiers import keep_city_dossiers
from geo.operations.alerts.evaluation import evaluate_alerts
from geo.operations.alerts.watching import keep_watches
from geo.operations.clocks.services import keep_calendars
from geo.operations.duty.escalation import escalate_due
from geo.operations.mayor.sending import send_due_briefs
from geo.operations.notifications.services import forget_unconfirmed
from geo.operations.outbox.delivery import forget_finished
from geo.reports.intake_limits import forget_old_windows
from geo.reports.personal_data.retention import anonymise_due
from geo.reports.photos.sweep import sweep_photos
from sensors.published import keep_observations

logger = logging.getLogger(__name__)

PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
# What is under way when the process is told to end may take so long; what takes longer is cut, and rolled back.
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Job:
    """Work by its name, how often it comes due, and what does it; what that returns is logged unless it is nothing."""

    name: str
    every: timedelta
    run: Callable[[datetime], object]


JOBS = (
    Job("anonymise old reports", timedelta(hours=1), anonymise_due),
    Job("call the on-call list", timedelta(minutes=1), escalate_due),
    Job("alerts of what was crossed", timedelta(seconds=2), evaluate_alerts),
    Job("watch what rules hold for", timedelta(seconds=10), keep_watches),
    Job("forget old intake windows", timedelta(minutes=10), forget_old_windows),
    Job("forget finished messages", timedelta(hours=1), forget_finished),
    Job("forget unconfirmed subscriptions", timedelta(hours=1), forget_unconfirmed),
    Job("keep the cities' dossiers", timedelta(minutes=10), keep_city_dossiers),
    Job("keep observations", timedelta(days=1), keep_observations),
    Job("keep working calendars", timedelta(hours=1), keep_calendars),
    Job("send weekly briefs", timedelta(minutes=10), send_due_briefs),
    Job("sweep photos of nobody", timedelta(days=1), sweep_photos),
)


@dataclass(slots=True)
class Schedule:
    """What runs, and when each job ran last in this process: after a start everything is due, and doing it twice is no harm."""

    stop: threading.Event
    jobs: tuple[Job, ...] = JOBS
    clock: Callable[[], datetime] = timezone.now
    _ran_at: dict[str, datetime] = field(default_factory=dict)
    _threads: dict[str, threading.Thread] = field(default_factory=dict)

    def due(self) -> list[Job]:
        """The feeds that are to be read now, and the jobs whose time has come; not what is still running."""
        now = self.clock()
        self._threads = {name: thread for name, thread in self._threads.items() if thread.is_alive()}
        feeds = [_pull_job(each, self.stop) for each in pulled_connections() if is_due(each, now)]
        timed = [job for job in self.jobs if job.name not in self._ran_at or self._ran_at[job.name] + job.every <= now]
        return [job for job in (*feeds, *timed) if job.name not in self._threads]

    def run_once(self) -> None:
        """Everything that is due, one after the other, in this thread."""
        for job in self.due():
            if not self.stop.is_set():
                self._run(job)

    def run(self) -> None:
        """Until told to stop. While the database is away it keeps trying, at growing intervals."""
        failures = 0
        while not self.stop.is_set():
            try:
                for job in self.due():
                    self._start(job)
                failures, delay_s = 0, PAUSE_S
            except (DatabaseError, InterfaceError) as error:
                failures += 1
                delay_s = min(PAUSE_S * 2 ** min(failures, 10), LONGEST_PAUSE_S)
                logger.warning("the database is away (%s); again in %.0f s", _first_line(error), delay_s)
                connection.close()
            self.stop.wait(delay_s)
        ends_at = time.monotonic() + PATIENCE_S
        for thread in self._threads.values():
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _start(self, job: Job) -> None:
        # A daemon, since a remote side that drips must not keep the process alive.
        thread = threading.Thread(target=self._run_and_close, args=(job,), name=job.name, daemon=True)
        self._threads[job.name] = thread
        thread.start()

    def _run_and_close(self, job: Job) -> None:
        try:
            self._run(job)
        finally:
            connection.close()

    def _run(self, job: Job) -> None:
        self._ran_at[job.name] = now = self.clock()
        try:
            with advisory_lock("geo.schedule", job.name) as is_ours:
                if is_ours and (outcome := job.run(now)):
                    logger.info("%s: %s", job.name, outcome)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%s: the database is away (%s)", job.name, _first_line(error))
            connection.close()
        except Exception:
            # One job's mistake is not the others'.
            logger.exception("%s failed", job.name)


def _pull_job(feed: ChannelConnection, stop: threading.Event) -> Job:
    return Job(f"read {feed.channel.slug}", timedelta(seconds=feed.pull_every_s), partial(_pull, feed, stop))


def _pull(feed: ChannelConnection, stop: threading.Event, now: datetime) -> str:
    pulled = pull_channel(feed, should_stop=stop.is_set)
    if pulled.outcome is Outcome.FAILED:
        logger.warning("read %s: %s", feed.channel.slug, pulled.fault)
    if not pulled.stored and not pulled.rejected:
        return ""
    return f"{pulled.stored} stored, {pulled.repeated} known already, {pulled.rejected} refused"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]

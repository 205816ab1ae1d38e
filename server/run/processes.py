"""The table of Pantau's processes: what each runs, and how it is stopped. Supervisor's configuration comes from it, and
docker-compose.yml has to agree with it (tests/run/test_processes.py)."""

from dataclasses import dataclass

GUNICORN = (
    *("-m", "gunicorn", "server.wsgi:application", "--no-control-socket"),
    # Threads, since a streamed layer waits for the database most of its time; two processes, so that one can die.
    # Each holds a connection to the database while it works: 32 of PostgreSQL's 100.
    *("--worker-class", "gthread", "--workers", "2", "--threads", "16"),
    *("--timeout", "120", "--graceful-timeout", "10"),
    # A filter with a polygon is long; 4,094 bytes are gunicorn's own bound.
    *("--limit-request-line", "8190"),
    # Nobody, where gunicorn's own default is this machine: server.web.forwarded alone decides whose X-Forwarded-Proto is believed.
    "--forwarded-allow-ips=",
)

# The live stream: thousands may listen, and each would hold a thread of gunicorn's. Streams end with the process.
UVICORN = (
    *("-m", "uvicorn", "server.asgi:application", "--no-access-log", "--no-server-header"),
    *("--timeout-graceful-shutdown", "2", "--log-level", "warning"),
)


@dataclass(frozen=True)
class Process:
    """One supervised process. `python` is what follows the interpreter; empty for the servers, which bring their own
    command. `service` is its name in docker-compose.yml, None where the demo is not part of it."""

    name: str
    service: str | None
    python: tuple[str, ...] = ()
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    is_demo: bool = False

    @property
    def is_server(self) -> bool:
        return not self.python


# In starting order; stopped in the reverse one, so that the worker can still commit and acknowledge what it holds.
PROCESSES = (
    # SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for every client to leave by itself.
    Process("postgres", "db", stop_signal="INT", stop_seconds=60),
    Process("mosquitto", "broker"),
    Process("web", "web", GUNICORN),
    Process("live", "live", UVICORN),
    Process("ingest", "ingest", ("manage.py", "ingest_mqtt"), stop_seconds=30),
    # The brokers of others: idle where there are none.
    Process("sources", "sources", ("manage.py", "ingest_source"), stop_seconds=30),
    Process("rollups", "rollups", ("manage.py", "refresh_rollups", "--loop")),
    # What has to know of each new reading: quality checks, silence, thresholds.
    Process("follow", "follow", ("manage.py", "follow_observations")),
    Process("worker", "worker", ("manage.py", "db_worker", "--interval", "0.2"), stop_seconds=30),
    # The channels' and every other message on its way out, and what comes due by the clock.
    Process("deliver", "deliver", ("manage.py", "deliver"), stop_seconds=30),
    Process("schedule", "schedule", ("manage.py", "run_schedule"), stop_seconds=30),
    Process("simulate", None, ("manage.py", "simulate_sensors", "--live"), is_demo=True),
)

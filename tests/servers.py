"""A pytest plugin (`-p tests.servers`): a PostGIS and a Mosquitto of this test run's own, unless the environment names others.

It starts them before Django reads its settings, sets DATABASE_URL, MQTT_URL and the rest, and removes them at the end.
With `-n 2` each of pytest-xdist's workers has its own two: roles, topics and the broker's sessions are a whole server's.
"""

import os
from collections.abc import Generator

import pytest

from server.run.private import PrivateServers

_servers: PrivateServers | None = None
# Says in a worker that the run's servers were not given from outside.
EACH_ITS_OWN = "PANTAU_TEST_WORKERS"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    global _servers
    if early_config.known_args_namespace.help or early_config.known_args_namespace.version:
        return
    if os.environ.get("DATABASE_URL") and os.environ.get("MQTT_URL") and EACH_ITS_OWN not in os.environ:
        os.environ.setdefault("PANTAU_SECRET_KEY", "only-for-a-test-run")
        return
    if early_config.known_args_namespace.numprocesses and "PYTEST_XDIST_WORKER" not in os.environ:
        # Who hands out the tests runs none: its settings name what is not there.
        os.environ |= {
            EACH_ITS_OWN: "yes",
            "PANTAU_SECRET_KEY": "only-for-a-test-run",
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "MQTT_URL": "mqtt://nobody@127.0.0.1:1",
        }
        return
    _servers = PrivateServers("run").__enter__()
    # Tests roll back what they write. Autovacuum would find a table empty between a test's own ANALYZE and the plan it asks for.
    _servers.cluster.sql("postgres", "ALTER SYSTEM SET autovacuum = off")
    _servers.cluster.sql("postgres", "SELECT pg_reload_conf()")
    os.environ.update(_servers.variables())


def pytest_unconfigure() -> None:
    global _servers
    if _servers:
        _servers.close()
        _servers = None


def private_servers(name: str, *, durable: bool = True) -> PrivateServers:
    """Servers that a test may kill (a context manager, see server.run.private); durable, since that is what it tests."""
    return PrivateServers(name, durable=durable)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed goes from worker to run as UTF-8; halves of characters, which some tests log, are written out."""
    report = yield
    report.sections = [(title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections]
    return report

"""A pytest plugin (`-p tests.servers`): a PostGIS and a Mosquitto of this test run's own, unless the environment names others.

It starts them before Django reads its settings, sets DATABASE_URL, MQTT_URL and the rest, and removes them at the end.
pytest-xdist's workers inherit the environment, and so use the servers of the run that started them.
"""

import os

import pytest

from server.run.private import PrivateServers

_servers: PrivateServers | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    global _servers
    if early_config.known_args_namespace.help or early_config.known_args_namespace.version:
        return
    if os.environ.get("DATABASE_URL") and os.environ.get("MQTT_URL"):
        os.environ.setdefault("PANTAU_SECRET_KEY", "only-for-a-test-run")
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

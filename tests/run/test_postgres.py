"""The private PostgreSQL: its roles, and that a crash never keeps it from starting again."""

import os
import signal
from collections.abc import Iterator

import psycopg2
import pytest

from server.run.private import PrivateServers
from tests.servers import private_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[PrivateServers]:
    with private_servers("cluster") as servers:
        yield servers


def _one(servers: PrivateServers, query: str) -> object:
    connection = psycopg2.connect(servers.cluster.dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
            assert row is not None
            return row[0]
    finally:
        connection.close()


def test_application_role_is_no_superuser_and_may_create_databases(servers: PrivateServers) -> None:
    assert _one(servers, "SELECT rolcreatedb AND NOT rolsuper FROM pg_roles WHERE rolname = current_user") is True


def test_database_has_postgis_and_the_other_extensions(servers: PrivateServers) -> None:
    names = _one(
        servers, "SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'"
    )
    assert names == ["btree_gist", "pg_trgm", "postgis", "unaccent"]


def test_superuser_cannot_be_had_over_tcp(servers: PrivateServers) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(host="127.0.0.1", port=servers.cluster.port, user="postgres", dbname="postgres", password="x")


def test_set_up_again_changes_nothing(servers: PrivateServers) -> None:
    servers.cluster.set_up()
    assert _one(servers, "SELECT count(*) FROM pg_database WHERE datname = 'pantau'") == 1


def test_cluster_starts_again_after_a_kill_even_if_its_old_pid_is_a_strangers_now(servers: PrivateServers) -> None:
    _one(servers, "SELECT 1")
    servers.postgres.kill()
    pid_file = servers.cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    servers.cluster.prepare()
    servers.postgres.start()
    assert servers.cluster.wait_ready()
    assert _one(servers, "SELECT 1") == 1


def test_immediate_shutdown_is_survived(servers: PrivateServers) -> None:
    servers.postgres.stop(signal.SIGQUIT)
    assert not servers.cluster.is_ready()
    servers.postgres.start()
    assert servers.cluster.wait_ready()

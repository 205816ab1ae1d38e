"""The role of GIS programs in the private cluster: its password, its defaults, and that two databases may make it at once."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from server.run.postgres import GIS_ROLE_FILE
from server.run.private import PrivateServers
from server.run.said import wait_until
from tests.servers import private_servers


@pytest.fixture(scope="module")
def servers() -> Iterator[PrivateServers]:
    with private_servers("gis") as servers:
        yield servers


@pytest.fixture
def session(servers: PrivateServers) -> Iterator[Any]:
    connection = psycopg2.connect(servers.cluster.gis_dsn)
    connection.autocommit = True
    yield connection.cursor()
    connection.close()


def superuser(servers: PrivateServers, database: str) -> Any:
    cluster = servers.cluster
    return psycopg2.connect(host=str(cluster.home.sockets), port=cluster.port, user="postgres", dbname=database)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "1min"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("search_path", "layers, public"),
    ],
)
def test_it_logs_in_with_a_password_of_its_own_and_careful_defaults(session: Any, name: str, value: str) -> None:
    session.execute("SELECT current_setting(%s)", [name])
    assert session.fetchone() == (value,)


def test_it_may_make_no_temporary_table_even_where_it_turns_its_defaults_off(session: Any) -> None:
    session.execute("SET default_transaction_read_only = off")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        session.execute("CREATE TEMPORARY TABLE mine ()")


def test_the_application_may_still_make_temporary_tables(servers: PrivateServers) -> None:
    connection = psycopg2.connect(servers.cluster.dsn)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mine ()")
    connection.close()


def test_its_connections_are_limited(session: Any) -> None:
    session.execute(
        "SELECT rolconnlimit, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    assert session.fetchone() == (30, False, False, False)


def test_two_databases_may_make_it_at_once(servers: PrivateServers) -> None:
    role = GIS_ROLE_FILE.read_text()
    servers.cluster.sql("pantau", "DROP ROLE gis_reader")
    first, second = superuser(servers, "pantau"), superuser(servers, "template1")
    failures: list[Exception] = []

    def make_second() -> None:
        try:
            with second, second.cursor() as cursor:
                cursor.execute(role)
        except psycopg2.Error as error:
            failures.append(error)

    with first.cursor() as cursor:
        cursor.execute(role)
        thread = threading.Thread(target=make_second)
        thread.start()
        waits = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {second.get_backend_pid()}"
        assert wait_until(lambda: servers.cluster.sql("postgres", waits) == "1", seconds=10)
    first.commit()
    thread.join()
    first.close()
    second.close()
    assert failures == []
    settings = servers.cluster.sql(
        "postgres", "SELECT cardinality(rolconfig) FROM pg_roles WHERE rolname = 'gis_reader'"
    )
    assert settings == "4"


def test_what_an_administrator_has_changed_stays_when_it_is_run_again(servers: PrivateServers) -> None:
    servers.cluster.set_up()
    servers.cluster.sql(
        "postgres", "ALTER ROLE gis_reader CONNECTION LIMIT 5", "ALTER ROLE gis_reader SET work_mem = '8MB'"
    )
    servers.cluster.set_up()
    found = servers.cluster.sql(
        "postgres", "SELECT rolconnlimit, rolconfig::text ~ 'work_mem=8MB' FROM pg_roles WHERE rolname = 'gis_reader'"
    )
    assert found == "5|t"
